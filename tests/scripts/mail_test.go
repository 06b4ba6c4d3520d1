package scripts_test

import (
	"fmt"
	"strings"

	"cordon/tests/program"

	"github.com/rogpeppe/go-internal/testscript"
)

func mailbox(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 0, "mailbox")
	s := of(ts)
	var err error
	s.mails, err = program.ListenMail("127.0.0.1:0", nil)
	ts.Check(err)
	set(ts, "MAIL", strings.Join(s.mails.Flags(), "\n"))
}

// letter shows the plain body of a mail that no letter before has shown.
func letter(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 2, "mail ADDRESS TEXT")
	s := of(ts)
	found := -1
	_, err := s.mails.Await(s.ctx, func(letters []program.Letter) bool {
		for i, l := range letters {
			if !s.shown[i] && l.To == args[0] && strings.Contains(l.Subject, args[1]) {
				found = i
				return true
			}
		}
		return false
	})
	if err != nil {
		ts.Fatalf("no mail to %s about %q: %v; there were %s", args[0], args[1], err, s.subjects())
	}
	s.shown[found] = true
	l := s.mails.Letters()[found]
	fmt.Fprintf(ts.Stdout(), "Subject: %s\nContent-Language: %s\n\n%s", l.Subject, l.Header.Get("Content-Language"),
		strings.ReplaceAll(l.Text, "\r\n", "\n"))
}

func nomail(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 0, "nomail")
	s := of(ts)
	if letters := s.mails.Letters(); len(letters) != len(s.shown) {
		ts.Fatalf("%d of these mails were not expected: %s", len(letters)-len(s.shown), s.subjects())
	}
}

func (s *teller) subjects() string {
	var list []string
	for i, l := range s.mails.Letters() {
		mark := ""
		if s.shown[i] {
			mark = " (shown)"
		}
		list = append(list, fmt.Sprintf("\n%s: %s%s", l.To, l.Subject, mark))
	}
	return strings.Join(list, "")
}
