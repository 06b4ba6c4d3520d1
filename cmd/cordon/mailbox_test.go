package main_test

import (
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/emersion/go-smtp"
	"github.com/rogpeppe/go-internal/testscript"
)

// letters is a mail server that tells to whom it was given mails.
type letters struct{ to chan string }

func (l *letters) NewSession(*smtp.Conn) (smtp.Session, error) { return &letter{letters: l}, nil }

// letter is one mail on its way in.
type letter struct {
	*letters
	recipients []string
}

func (l *letter) Reset()                               { l.recipients = nil }
func (l *letter) Logout() error                        { return nil }
func (l *letter) Mail(string, *smtp.MailOptions) error { return nil }
func (l *letter) Rcpt(to string, _ *smtp.RcptOptions) error {
	l.recipients = append(l.recipients, to)
	return nil
}

func (l *letter) Data(r io.Reader) error {
	if _, err := io.Copy(io.Discard, r); err != nil {
		return err
	}
	l.to <- strings.Join(l.recipients, " ")
	return nil
}

type mailboxKey struct{}

func mailbox(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: mailbox")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	l := &letters{to: make(chan string, 100)}
	server := smtp.NewServer(l)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	ts.Defer(func() {
		server.Close()
		<-ended
	})
	ts.Setenv("SMTP", listener.Addr().String())
	ts.Value(mailboxKey{}).(map[string]*letters)[""] = l
}

func mailed(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: mailed N")
	}
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	to := make([]string, n)
	for i := range to {
		to[i] = <-ts.Value(mailboxKey{}).(map[string]*letters)[""].to
	}
	slices.Sort(to)
	ts.Check(os.WriteFile(ts.MkAbs("mails"), []byte(strings.Join(to, "\n")+"\n"), 0o600))
}
