package notify

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"os"
	"strconv"
	"strings"
	"time"

	"cordon/datastore"
	"cordon/guard"

	"github.com/wneessen/go-mail"
)

// How the way to the mail server is protected.
const (
	TLSNone     = "none"     // not at all: for a server on this machine or in this rack
	TLSStartTLS = "starttls" // a server that does not offer it gets no mail
	TLSImplicit = "tls"      // from the first byte (RFC 8314)
)

// MailConfig says through which server mails go.
type MailConfig struct {
	Address      string // host:port
	From         string // address, or name and address: Cordon <cordon@example.org>
	TLS          string // TLSNone, TLSStartTLS or TLSImplicit; empty: TLSStartTLS
	User         string // empty: no log-in
	PasswordFile string // read for each mail, so that a changed password needs no restart
	RootCAs      *x509.CertPool
	Host         Host
	// Administrators of policies are told of acts on these.
	Administrators []Administrator
	Timeout        time.Duration // of one mail, from dialling on; 0: 30 s
}

// mailer sends mails.
type mailer struct {
	config  MailConfig
	host    string
	port    int
	from    *netmail.Address
	domain  string // of from, for the ids of mails
	timeout time.Duration
	texts   *texts
	state   mailState
}

func newMailer(config MailConfig) (*mailer, error) {
	setDefault(&config.TLS, TLSStartTLS)
	setDefault(&config.Timeout, 30*time.Second)
	host, port, err := net.SplitHostPort(config.Address)
	if err != nil || host == "" {
		return nil, fmt.Errorf("the server's address %q is not host:port", config.Address)
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || number == 0 {
		return nil, fmt.Errorf("the server's port %q is no number of a port", port)
	}
	from, err := netmail.ParseAddress(config.From)
	if err != nil {
		return nil, fmt.Errorf("the sender %q is no address", config.From)
	}
	_, domain, _ := strings.Cut(from.Address, "@")
	m := &mailer{config: config, host: host, port: int(number), from: from, domain: domain, timeout: config.Timeout}
	switch config.TLS {
	case TLSNone:
		if config.User != "" && !isLoopback(host) {
			return nil, errors.New("a password is not sent without TLS: use starttls or tls")
		}
	case TLSStartTLS, TLSImplicit:
	default:
		return nil, fmt.Errorf("TLS is none, starttls or tls, not %q", config.TLS)
	}
	if _, err := m.password(); err != nil {
		return nil, err
	}
	if m.texts, err = loadTexts(embedded); err != nil {
		return nil, err
	}
	return m, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (m *mailer) password() (string, error) {
	switch {
	case m.config.User == "":
		return "", nil
	case m.config.PasswordFile == "":
		return "", errors.New("a user without a password file")
	}
	content, err := os.ReadFile(m.config.PasswordFile)
	if err != nil {
		return "", fmt.Errorf("read password: %w", err)
	}
	return strings.TrimRight(string(content), "\r\n"), nil
}

// sendMail writes to one member, if there still is somebody to write to.
func (r *Relay) sendMail(ctx context.Context, m *datastore.Message, e *guard.Event) outcome {
	if e.Policy != nil {
		return r.sendNotice(ctx, m, e)
	}
	facts, err := r.store.Facts(ctx, datastore.Key{Organization: m.Organization, Target: m.Recipient})
	switch {
	case errors.Is(err, datastore.ErrNotFound):
		return skipped("the organization is gone")
	case err != nil:
		return unfinished("the receiver could not be looked up")
	case facts.Target == nil:
		return skipped("the member is gone")
	case facts.Target.Email == "":
		return skipped("the member has no address")
	}
	to, err := netmail.ParseAddress(facts.Target.Email)
	if err != nil || to.Address != facts.Target.Email {
		return skipped("the member's address is none")
	}
	if !e.Concerns(facts.Target, r.config.Ends(r.now())) {
		return skipped("the event does not concern the member any more")
	}
	to.Name = flat(facts.Target.Name)
	return r.sendLetter(ctx, m, to, newLetter(&r.mailer.config.Host, e, &facts, r.config.Ends(r.now())))
}

func (r *Relay) sendLetter(ctx context.Context, m *datastore.Message, to *netmail.Address, l *letter) outcome {
	written, err := r.mailer.texts.write(l)
	if err != nil {
		r.log.ErrorContext(ctx, "mail cannot be written", "type", l.Type, "error", err)
		return refused("its text could not be written")
	}
	return r.mailer.send(ctx, r.mailer.compose(m.ID, to, written, r.now()))
}

// compose makes the mail. Its id comes from the message's, so that a repeat has the same one.
func (m *mailer) compose(id string, to *netmail.Address, w *written, now time.Time) *mail.Msg {
	sum := sha256.Sum256([]byte(id))
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	msg.FromMailAddress(m.from)
	msg.AddToMailAddress(to)
	msg.SetGenHeaderPreformatted(mail.HeaderSubject, foldedSubject(w.subject))
	msg.SetMessageIDWithValue(hex.EncodeToString(sum[:16]) + "@" + m.domain)
	msg.SetDateWithValue(now.UTC())
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834
	msg.SetGenHeader("X-Auto-Response-Suppress", "All")
	msg.SetGenHeader("List-Id", "<cordon."+m.domain+">")
	msg.SetGenHeader("Content-Language", w.language)
	msg.SetBodyString(mail.TypeTextPlain, w.text)
	msg.AddAlternativeString(mail.TypeTextHTML, w.html)
	return msg
}
