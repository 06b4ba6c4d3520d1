package program

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

// Letter is a mail as it arrived.
type Letter struct {
	From, To   string // of the envelope
	Raw        string
	Header     mail.Header
	Subject    string
	Text, HTML string // its two bodies
}

// Try is a mail that is being handed over: its envelope is known and its content not yet taken.
type Try struct {
	From, To string
	Number   int // of the tries for this recipient, from 1
	conn     *smtp.Conn
}

// Drop breaks the connection off, as a server does that dies.
func (t *Try) Drop() error {
	_ = t.conn.Conn().Close()
	return errors.New("dropped")
}

// Mailbox is a mail server on the loopback that keeps what it is given.
type Mailbox struct {
	Address string

	treat    func(*Try) error
	listener net.Listener
	server   *smtp.Server
	served   chan struct{} // closed when it serves no more

	mu      sync.Mutex
	tries   map[string]int // by recipient
	letters []Letter
	arrived chan struct{} // closed, and made anew, when a letter arrives
}

// ListenMail opens a mailbox. What treat refuses is not taken; it may wait, too, and nil refuses nothing.
func ListenMail(address string, treat func(*Try) error) (*Mailbox, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("open mailbox: %w", err)
	}
	m := &Mailbox{
		Address: listener.Addr().String(), listener: listener, treat: treat, served: make(chan struct{}),
		tries: map[string]int{}, arrived: make(chan struct{}),
	}
	m.server = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &session{box: m, conn: c}, nil
	}))
	m.server.Domain = "localhost"
	m.server.ErrorLog = silent{}
	go func() {
		defer close(m.served)
		_ = m.server.Serve(listener) // until it is closed
	}()
	return m, nil
}

// OpenMailbox opens a mailbox for as long as the test runs.
func OpenMailbox(t testing.TB, treat func(*Try) error) *Mailbox {
	t.Helper()
	m, err := ListenMail("127.0.0.1:0", treat)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Close)
	return m
}

// Close closes the mailbox and its connections. What has arrived can still be read.
func (m *Mailbox) Close() {
	_ = m.listener.Close() // the server knows it only once it serves
	_ = m.server.Close()
	<-m.served
}

// Flags make a server send its mails here.
func (m *Mailbox) Flags() []string {
	return []string{"--smtp-address", m.Address, "--smtp-from", "Cordon <cordon@host.example>", "--smtp-tls", "none"}
}

// Letters gives what has arrived until now.
func (m *Mailbox) Letters() []Letter {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.letters)
}

// Tries tells how often a mail to this address was tried to be handed over.
func (m *Mailbox) Tries(to string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.tries[to]
}

// Await waits until what has arrived is as it should be, and gives it.
func (m *Mailbox) Await(ctx context.Context, enough func([]Letter) bool) ([]Letter, error) {
	for {
		m.mu.Lock()
		letters, arrived := slices.Clone(m.letters), m.arrived
		m.mu.Unlock()
		if enough(letters) {
			return letters, nil
		}
		select {
		case <-arrived:
		case <-ctx.Done():
			return letters, fmt.Errorf("wait for mail: %w", ctx.Err())
		}
	}
}

// AwaitCount waits until so many letters have arrived, and gives all.
func (m *Mailbox) AwaitCount(t testing.TB, n int) []Letter {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	letters, err := m.Await(ctx, func(l []Letter) bool { return len(l) >= n })
	if err != nil {
		t.Fatalf("%d of %d mails: %v", len(letters), n, err)
	}
	return letters
}

// session is one connection to a mailbox.
type session struct {
	box      *Mailbox
	conn     *smtp.Conn
	from, to string
}

func (s *session) Reset()        { s.from, s.to = "", "" }
func (s *session) Logout() error { return nil }

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if s.to != "" {
		return &smtp.SMTPError{Code: 554, Message: "one recipient for each mail"}
	}
	s.to = to
	return nil
}

func (s *session) Data(r io.Reader) error {
	s.box.mu.Lock()
	s.box.tries[s.to]++
	try := &Try{From: s.from, To: s.to, Number: s.box.tries[s.to], conn: s.conn}
	s.box.mu.Unlock()
	if s.box.treat != nil {
		if err := s.box.treat(try); err != nil {
			return err
		}
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	letter, err := open(raw)
	if err != nil {
		return &smtp.SMTPError{Code: 554, Message: err.Error()}
	}
	letter.From, letter.To = s.from, s.to
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	s.box.letters = append(s.box.letters, letter)
	close(s.box.arrived)
	s.box.arrived = make(chan struct{})
	return nil
}

// open reads a mail with a plain and an HTML body.
func open(raw []byte) (Letter, error) {
	l := Letter{Raw: string(raw)}
	message, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return l, fmt.Errorf("read mail: %w", err)
	}
	l.Header = message.Header
	if l.Subject, err = new(mime.WordDecoder).DecodeHeader(l.Header.Get("Subject")); err != nil {
		return l, fmt.Errorf("read subject: %w", err)
	}
	media, parameters, err := mime.ParseMediaType(l.Header.Get("Content-Type"))
	if err != nil || media != "multipart/alternative" {
		return l, fmt.Errorf("the mail is %q and has no two bodies: %w", media, err)
	}
	for parts := multipart.NewReader(message.Body, parameters["boundary"]); ; {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return l, nil
		}
		if err != nil {
			return l, fmt.Errorf("read bodies: %w", err)
		}
		var body io.Reader = part
		if part.Header.Get("Content-Transfer-Encoding") == "quoted-printable" {
			body = quotedprintable.NewReader(part)
		}
		content, err := io.ReadAll(body)
		if err != nil {
			return l, fmt.Errorf("read body: %w", err)
		}
		switch media, _, _ := mime.ParseMediaType(part.Header.Get("Content-Type")); media {
		case "text/plain":
			l.Text = string(content)
		case "text/html":
			l.HTML = string(content)
		default:
			return l, fmt.Errorf("a body is %q", media)
		}
	}
}

// silent drops what a mail server says of connections that are cut.
type silent struct{}

func (silent) Printf(string, ...any) {}
func (silent) Println(...any)        {}
