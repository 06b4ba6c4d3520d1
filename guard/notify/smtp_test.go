package notify_test

import (
	"crypto/x509"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/guard"
	"cordon/guard/notify"

	"github.com/emersion/go-smtp"
)

// secure queues a mail to carl and runs a relay; id is the mail's message.
func secure(t *testing.T, config notify.Config) (r *running, id string) {
	t.Helper()
	if config.Store == nil {
		config.Store = openStore(t)
	}
	acme(t, config.Store)
	now := time.Now()
	if config.Now != nil {
		now = config.Now()
	}
	queue(t, config.Store, now, guard.Event{ID: eventID(1), Type: guard.EventUserSecure, User: "carl"})
	return start(t, config), eventID(1) + "/mail/carl"
}

func TestAMailIsWellFormed(t *testing.T) {
	store, box := openStore(t), openMailbox(t, mailboxOptions{}, nil)
	acme(t, store)
	zoe := member("zoe", datastore.Client)
	zoe.Name, zoe.Language = "Zoë \"Z\"\r\nBcc: eve@example.org, <x>", "fr-CH"
	put(t, store, zoe)
	queue(t, store, time.Now(), guard.Event{
		ID: eventID(1), Product: "shop", ProductName: "Café\r\nBcc: eve@example.org " + strings.Repeat("long ", 30), Origin: datastore.OriginHost,
	})
	r := start(t, notify.Config{Store: store, Mail: box.config()})
	r.await("mail delivered", 4)
	mails := box.all()
	i := slices.IndexFunc(mails, func(m received) bool { return m.to == "zoe@example.org" })
	if i < 0 {
		t.Fatalf("no mail to zoe, but to %v", box.to())
	}
	if mails[i].from != "cordon@cordon.example" {
		t.Errorf("it is from %q", mails[i].from)
	}
	for line := range strings.Lines(string(mails[i].raw)) {
		if len(line) > 998 || !strings.HasSuffix(line, "\r\n") {
			t.Errorf("a line of %d bytes, %q", len(line), line[max(0, len(line)-10):])
		}
	}
	mail := mails[i].open(t)
	for name, want := range map[string]string{
		"From": `"Cordon" <cordon@cordon.example>`, "Auto-Submitted": "auto-generated", "List-Id": "<cordon.cordon.example>",
		"Content-Language": "fr", "Mime-Version": "1.0", "Bcc": "", "X-Mailer": "",
	} {
		if got := mail.header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	to, err := mail.header.AddressList("To")
	if err != nil || len(to) != 1 || to[0].Address != "zoe@example.org" || to[0].Name != `Zoë "Z" Bcc: eve@example.org, <x>` {
		t.Errorf("it is to %v, %v", to, err)
	}
	if id := mail.header.Get("Message-Id"); !strings.HasPrefix(id, "<") || !strings.HasSuffix(id, "@cordon.example>") {
		t.Errorf("its id is %q", id)
	}
	if _, err := mail.header.Date(); err != nil {
		t.Errorf("its date: %v", err)
	}
	subject := mail.subject(t)
	if !strings.HasPrefix(subject, "Acme (acme)\u00a0: la gestion de Café Bcc: eve@example.org long") {
		t.Errorf("its subject is %q", subject)
	}
	if !strings.HasPrefix(mail.text, subject+"\n") || !strings.Contains(mail.html, "<h1") {
		t.Errorf("its parts are\n%s\n%s", mail.text, mail.html)
	}
}

func TestMailGoesOverTLSWithALogIn(t *testing.T) {
	for policy, options := range map[string]mailboxOptions{
		notify.TLSStartTLS: {startTLS: true, user: "cordon", password: "s3cret ü"},
		notify.TLSImplicit: {implicitTLS: true, user: "cordon", password: "s3cret ü"},
		notify.TLSNone:     {user: "cordon", password: "s3cret ü"}, // on the loopback alone
	} {
		t.Run(policy, func(t *testing.T) {
			box := openMailbox(t, options, nil)
			config := box.config()
			config.TLS, config.User, config.PasswordFile = policy, options.user, passwordFile(t, options.password)
			r, _ := secure(t, notify.Config{Mail: config})
			r.await("mail delivered", 1)
			if m := box.all()[0]; m.user != "cordon" || m.tls != (policy != notify.TLSNone) {
				t.Errorf("it came from user %q, over TLS: %v", m.user, m.tls)
			}
		})
	}
}

// What is wrong with the server or our configuration is mended without touching the mails that wait.
func TestTroubleWithTheServerIsNotTheMails(t *testing.T) {
	silent := listen(t)
	closed := listen(t)
	_ = closed.Close()
	for name, c := range map[string]struct {
		options mailboxOptions
		box     func(*mailbox)
		config  func(*notify.MailConfig)
		want    string
	}{
		"no STARTTLS offered": {mailboxOptions{}, nil, func(c *notify.MailConfig) { c.TLS = notify.TLSStartTLS }, "greet: the connection failed"},
		"a stranger's certificate": {mailboxOptions{startTLS: true}, nil, func(c *notify.MailConfig) {
			c.TLS, c.RootCAs = notify.TLSStartTLS, x509.NewCertPool()
		}, "greet: the server's certificate is not valid"},
		"a stranger's certificate at once": {mailboxOptions{implicitTLS: true}, nil, func(c *notify.MailConfig) {
			c.TLS, c.RootCAs = notify.TLSImplicit, x509.NewCertPool()
		}, "connect: the server's certificate is not valid"},
		"a wrong password": {mailboxOptions{user: "cordon", password: "right"}, nil, func(c *notify.MailConfig) {
			c.User, c.PasswordFile = "cordon", passwordFile(t, "wrong")
		}, "greet: the server answered with 535"},
		"no log-in": {mailboxOptions{user: "cordon", password: "right"}, nil, func(*notify.MailConfig) {},
			"the server answered MAIL FROM with 502 5.7.0"},
		"a sender it does not like": {mailboxOptions{}, func(b *mailbox) {
			b.onMail = func(from string) error { return &smtp.SMTPError{Code: 550, Message: "not you, " + from} }
		}, func(*notify.MailConfig) {}, "the server answered MAIL FROM with 550"},
		"nobody listens": {mailboxOptions{}, nil, func(c *notify.MailConfig) { c.Address = closed.Addr().String() }, "connect: the connection failed"},
		"nobody answers": {mailboxOptions{}, nil, func(c *notify.MailConfig) {
			c.Address, c.Timeout = silent.Addr().String(), 20*time.Millisecond
		}, "greet: it took too long"},
	} {
		t.Run(name, func(t *testing.T) {
			store := openStore(t)
			box := openMailbox(t, c.options, c.box)
			config := box.config()
			c.config(config)
			log := &lines{}
			r, id := secure(t, notify.Config{Store: store, Mail: config, Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
			r.await("mail retried", 1)
			m := message(t, store, id)
			if got := results(m); m.State != datastore.MessagePending || len(got) != 1 || !strings.HasPrefix(got[0], c.want) {
				t.Errorf("it is %s: %q, want it pending: %q", m.State, got, c.want)
			}
			if len(box.all()) > 0 || log.count("example.org") > 0 || log.count("wrong") > 0 {
				t.Errorf("%d mails; the log is\n%s", len(box.all()), log.text.String())
			}
		})
	}
}

// listen gives a listener that takes connections and never answers.
func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener
}

func TestAServersLastWordIsLast(t *testing.T) {
	refusal := func(code int, enhanced smtp.EnhancedCode) error {
		return &smtp.SMTPError{Code: code, EnhancedCode: enhanced, Message: "no <carl@example.org> here"}
	}
	for name, c := range map[string]struct {
		box  func(*mailbox)
		want string
	}{
		"the receiver": {func(b *mailbox) {
			b.onRcpt = func(string) error { return refusal(550, smtp.EnhancedCode{5, 1, 1}) }
		}, "the server answered RCPT TO with 550 5.1.1"},
		"the content": {func(b *mailbox) {
			b.onData = func(string, *smtp.Conn) error { return refusal(554, smtp.EnhancedCode{5, 6, 0}) }
		}, "the server answered DATA with 554 5.6.0"},
	} {
		t.Run(name, func(t *testing.T) {
			store, log := openStore(t), &lines{}
			box := openMailbox(t, mailboxOptions{}, c.box)
			r, id := secure(t, notify.Config{Store: store, Mail: box.config(), Log: slog.New(slog.NewTextHandler(log, nil))})
			r.await("mail dead", 1)
			m := message(t, store, id)
			if got := results(m); m.State != datastore.MessageDead || m.Attempts != 1 || !slices.Equal(got, []string{c.want}) {
				t.Errorf("it is %s after %d attempts: %q, want it dead after one: %q", m.State, m.Attempts, got, c.want)
			}
			if log.count("message is given up") != 1 || log.count("example.org") > 0 {
				t.Errorf("the log is\n%s", log.text.String())
			}
		})
	}
}

// The server may have the mail or not when it is gone before it answers: it is sent again, and a
// receiver who has it knows it by its id.
func TestAConnectionDroppedInDataIsTriedAgainWithTheSameID(t *testing.T) {
	for _, when := range []string{"before the content", "before the answer"} {
		t.Run(when, func(t *testing.T) {
			var dropped atomic.Bool
			drop := func(conn *smtp.Conn) {
				if dropped.CompareAndSwap(false, true) {
					_ = conn.Conn().Close()
				}
			}
			box := openMailbox(t, mailboxOptions{}, func(b *mailbox) {
				if when == "before the content" {
					b.onData = func(_ string, conn *smtp.Conn) error { drop(conn); return nil }
				} else {
					b.onTook = drop
				}
			})
			store, now := openStore(t), newClock()
			r, id := secure(t, notify.Config{Store: store, Mail: box.config(), Now: now.now})
			r.await("mail retried", 1)
			now.pass(10 * time.Second)
			r.Wake()
			r.await("mail delivered", 1)
			if got := results(message(t, store, id)); !slices.Equal(got, []string{"DATA: the connection failed", "delivered"}) {
				t.Errorf("the log is %q", got)
			}
			mails := box.all()
			if when == "before the content" && len(mails) != 1 || when == "before the answer" && len(mails) != 2 {
				t.Fatalf("%d mails", len(mails))
			}
			if first, last := mails[0].open(t), mails[len(mails)-1].open(t); first.header.Get("Message-Id") != last.header.Get("Message-Id") {
				t.Error("the repeat has another id")
			}
		})
	}
}

// A server that is gone once it has said yes has the mail.
func TestAConnectionDroppedAfterTheAnswerIsADelivery(t *testing.T) {
	listener := listen(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := listener.Accept()
		if err != nil {
			t.Errorf("accept: %v", err)
			return
		}
		defer conn.Close()
		talk(t, conn, "220 hello\r\n", "EHLO", "250 hello\r\n", "MAIL", "250 ok\r\n", "RCPT", "250 ok\r\n", "DATA", "354 go on\r\n", ".\r\n", "250 mine\r\n")
	}()
	store := openStore(t)
	r, id := secure(t, notify.Config{Store: store, Mail: &notify.MailConfig{
		Address: listener.Addr().String(), From: "cordon@cordon.example", TLS: notify.TLSNone,
	}})
	r.await("mail delivered", 1)
	<-done
	if m := message(t, store, id); m.State != datastore.MessageDone || m.Attempts != 1 {
		t.Errorf("it is %s after %d attempts, want it done after one", m.State, m.Attempts)
	}
}

// talk says the odd lines and waits for lines that begin with the even ones.
func talk(t *testing.T, conn net.Conn, script ...string) {
	var got strings.Builder
	buffer := make([]byte, 4096)
	for i, line := range script {
		if i%2 == 0 {
			if _, err := conn.Write([]byte(line)); err != nil {
				t.Errorf("say %q: %v", line, err)
			}
			got.Reset()
			continue
		}
		for !strings.HasPrefix(got.String(), line) && !strings.Contains(got.String(), "\r\n"+line) {
			n, err := conn.Read(buffer)
			if err != nil {
				t.Errorf("wait for %q: %v", line, err)
				return
			}
			got.Write(buffer[:n])
		}
	}
}
