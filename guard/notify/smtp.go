package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"os"
	"time"

	"github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

// send hands a mail to the server. The context's end, or the time-out, closes the connection: of
// the library's calls only dialling looks at a context.
func (m *mailer) send(ctx context.Context, msg *mail.Msg) outcome {
	ctx, cancel := context.WithTimeout(ctx, m.timeout)
	defer cancel()
	begun := time.Now()
	s, trouble := m.open(ctx)
	if ctx.Err() == nil || errors.Is(ctx.Err(), context.DeadlineExceeded) { // being told to stop says nothing of the server
		m.state.note(begun, trouble)
	}
	if trouble != "" {
		return unfinished(trouble)
	}
	defer s.close()
	err := s.client.SendWithSMTPClient(s.smtp, msg)
	if msg.IsDelivered() {
		_ = s.client.CloseWithSMTPClient(s.smtp) // it says goodbye; the server has the mail either way
		return delivered()
	}
	var failed *mail.SendError
	if errors.As(err, &failed) {
		return refusal(ctx, failed)
	}
	return unfinished(troubleOf(ctx, "send", err))
}

// session is a connection to the server, which has greeted and logged in.
type session struct {
	client *mail.Client
	smtp   *smtp.Client
	close  func()
}

// open has the server greet, and logs in. Where that fails it returns what the trouble is.
func (m *mailer) open(ctx context.Context) (s *session, trouble string) {
	password, err := m.password()
	if err != nil {
		return nil, "the password could not be read"
	}
	conn, err := m.dial(ctx)
	if err != nil {
		return nil, troubleOf(ctx, "connect", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	s = &session{close: func() {
		stop()
		_ = conn.Close() // the library leaves it open where something failed
	}}
	if s.client, err = m.client(conn, password); err != nil {
		s.close()
		return nil, "the mail client could not be made"
	}
	if s.smtp, err = s.client.DialToSMTPClientWithContext(ctx); err != nil {
		trouble = troubleOf(ctx, "greet", err)
		s.close()
		return nil, trouble
	}
	return s, ""
}

// refusal reports whether the server will never take this mail. A 5xx to RCPT or DATA is about the
// mail; one to anything before is about us, and is mended without touching the mail.
func refusal(ctx context.Context, failed *mail.SendError) outcome {
	var step string
	final := failed.ErrorCode()/100 == 5
	switch failed.Reason {
	case mail.ErrSMTPRcptTo:
		step = "RCPT TO"
	case mail.ErrSMTPData, mail.ErrSMTPDataClose, mail.ErrWriteContent:
		step = "DATA"
	case mail.ErrSMTPMailFrom:
		step, final = "MAIL FROM", false
	default:
		step, final = "send", false
	}
	if failed.ErrorCode() == 0 {
		return unfinished(troubleOf(ctx, step, failed))
	}
	result := fmt.Sprintf("the server answered %s with %d", step, failed.ErrorCode())
	if code := failed.EnhancedStatusCode(); code != "" {
		result += " " + code
	}
	if final {
		return refused(result)
	}
	return unfinished(result)
}

// troubleOf says what went wrong without the error's text: servers repeat addresses in theirs.
func troubleOf(ctx context.Context, step string, err error) string {
	var answer *textproto.Error
	var certificate *tls.CertificateVerificationError
	var lookup *net.DNSError
	switch {
	case errors.As(err, &answer):
		return fmt.Sprintf("%s: the server answered with %d", step, answer.Code)
	case errors.As(err, &certificate):
		return step + ": the server's certificate is not valid"
	case errors.As(err, &lookup):
		return step + ": the server's name could not be resolved"
	case errors.Is(ctx.Err(), context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return step + ": it took too long"
	}
	return step + ": the connection failed"
}

// dial connects, with TLS from the first byte where the configuration says so.
func (m *mailer) dial(ctx context.Context) (net.Conn, error) {
	if m.config.TLS == TLSImplicit {
		return (&tls.Dialer{Config: m.tls()}).DialContext(ctx, "tcp", m.config.Address)
	}
	return (&net.Dialer{}).DialContext(ctx, "tcp", m.config.Address)
}

func (m *mailer) tls() *tls.Config {
	return &tls.Config{ServerName: m.host, RootCAs: m.config.RootCAs, MinVersion: tls.VersionTLS12}
}

// client makes a client of one connection.
func (m *mailer) client(conn net.Conn, password string) (*mail.Client, error) {
	options := []mail.Option{
		// The context ends first, except where the machine has no time for either.
		mail.WithPort(m.port), mail.WithTimeout(2 * m.timeout), mail.WithTLSConfig(m.tls()), mail.WithTLSPolicy(mail.NoTLS),
		mail.WithoutNoop(), mail.WithoutRset(),
		mail.WithDialContextFunc(func(context.Context, string, string) (net.Conn, error) { return conn, nil }),
	}
	if m.config.TLS == TLSStartTLS {
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if m.config.User != "" {
		options = append(options, mail.WithUsername(m.config.User), mail.WithPassword(password),
			mail.WithOpportunisticSMTPAuth(mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthPlain, mail.SMTPAuthLogin))
	}
	return mail.NewClient(m.host, options...)
}
