package notify_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/http/httptest"
	netmail "net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"cordon/guard/notify"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// mailbox is a mail server on the loopback. Its functions, where set, may refuse or wait.
type mailbox struct {
	t       *testing.T
	address string
	roots   *x509.CertPool // that its certificate is of

	onMail func(from string) error
	onRcpt func(to string) error
	onData func(to string, conn *smtp.Conn) error // before the content is read
	onTook func(conn *smtp.Conn)                  // once the content is kept, before it is answered

	mu    sync.Mutex
	mails []received
}

// received is a mail that the server took.
type received struct {
	from, to, user string
	tls            bool
	raw            []byte
}

type mailboxOptions struct {
	startTLS, implicitTLS bool
	user, password        string
}

// openMailbox starts a mail server. Its functions are set by change, before it serves.
func openMailbox(t *testing.T, options mailboxOptions, change func(*mailbox)) *mailbox {
	t.Helper()
	box := &mailbox{t: t}
	if change != nil {
		change(box)
	}
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		s := &session{box: box, conn: c, options: options}
		if options.user != "" {
			return loginSession{s}, nil
		}
		return s, nil
	}))
	server.Domain = "localhost"
	server.ErrorLog = quiet{}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	box.address = listener.Addr().String()
	if options.startTLS || options.implicitTLS {
		certificate := certify(t)
		box.roots = x509.NewCertPool()
		box.roots.AddCert(certificate.Leaf)
		config := &tls.Config{Certificates: []tls.Certificate{certificate}}
		if options.startTLS {
			server.TLSConfig = config
		} else {
			listener = tls.NewListener(listener, config)
		}
	} else {
		server.AllowInsecureAuth = true
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		if err := <-done; err != nil && !errors.Is(err, smtp.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			t.Errorf("serve mail: %v", err)
		}
	})
	return box
}

// config is how a relay reaches the server.
func (b *mailbox) config() *notify.MailConfig {
	return &notify.MailConfig{Address: b.address, From: "Cordon <cordon@cordon.example>", TLS: notify.TLSNone, RootCAs: b.roots}
}

func (b *mailbox) all() []received {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]received(nil), b.mails...)
}

// to gives the addresses that mails were taken for, in their order.
func (b *mailbox) to() []string {
	var list []string
	for _, m := range b.all() {
		list = append(list, m.to)
	}
	return list
}

// certify gives a certificate for the loopback.
func certify(t *testing.T) tls.Certificate {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS()
	defer server.Close()
	certificate := server.TLS.Certificates[0]
	certificate.Leaf = server.Certificate()
	return certificate
}

// passwordFile writes a password where the relay reads it.
func passwordFile(t *testing.T, password string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(name, []byte(password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// quiet drops what the server has to say of connections that are cut.
type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

// session is a connection to the server.
type session struct {
	box      *mailbox
	conn     *smtp.Conn
	options  mailboxOptions
	user     string
	from, to string
}

func (s *session) Reset()        { s.from, s.to = "", "" }
func (s *session) Logout() error { return nil }

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if s.options.user != "" && s.user == "" {
		return smtp.ErrAuthRequired
	}
	s.from = from
	if s.box.onMail != nil {
		return s.box.onMail(from)
	}
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if s.to != "" {
		s.box.t.Errorf("a mail has more than one receiver")
	}
	s.to = to
	if s.box.onRcpt != nil {
		return s.box.onRcpt(to)
	}
	return nil
}

func (s *session) Data(r io.Reader) error {
	if s.box.onData != nil {
		if err := s.box.onData(s.to, s.conn); err != nil {
			return err
		}
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	_, secure := s.conn.TLSConnectionState()
	s.box.mu.Lock()
	s.box.mails = append(s.box.mails, received{s.from, s.to, s.user, secure, raw})
	s.box.mu.Unlock()
	if s.box.onTook != nil {
		s.box.onTook(s.conn)
	}
	return nil
}

// loginSession is a session that wants a log-in.
type loginSession struct{ *session }

func (s loginSession) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s loginSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != s.options.user || password != s.options.password {
			return smtp.ErrAuthFailed
		}
		s.user = user
		return nil
	}), nil
}

// opened is a mail as its reader sees it.
type opened struct {
	header     netmail.Header
	text, html string
}

// open reads a mail and its two parts.
func (m *received) open(t *testing.T) *opened {
	t.Helper()
	mail, err := netmail.ReadMessage(bytes.NewReader(m.raw))
	if err != nil {
		t.Fatal(err)
	}
	kind, parameters, err := mime.ParseMediaType(mail.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("content type %q, %v; want multipart/alternative", kind, err)
	}
	o := &opened{header: mail.Header}
	parts := multipart.NewReader(mail.Body, parameters["boundary"])
	for _, to := range []*string{&o.text, &o.html} {
		part, err := parts.NextPart() // it undoes quoted-printable
		if err != nil {
			t.Fatal(err)
		}
		want := "text/plain"
		if to == &o.html {
			want = "text/html"
		}
		if got := part.Header.Get("Content-Type"); !strings.HasPrefix(got, want) {
			t.Errorf("a part is %s, want %s", got, want)
		}
		content, err := io.ReadAll(part)
		if err != nil {
			t.Fatal(err)
		}
		*to = strings.ReplaceAll(string(content), "\r\n", "\n")
	}
	if _, err := parts.NextPart(); !errors.Is(err, io.EOF) {
		t.Errorf("after two parts: %v, want the end", err)
	}
	return o
}

// subject decodes the subject.
func (o *opened) subject(t *testing.T) string {
	t.Helper()
	subject, err := new(mime.WordDecoder).DecodeHeader(o.header.Get("Subject"))
	if err != nil {
		t.Fatal(err)
	}
	return subject
}
