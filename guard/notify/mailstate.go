package notify

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// States of the way to the mail server.
const (
	MailOff     = "off"     // none is configured
	MailOK      = "ok"      // it answers, or nothing else is known
	MailFailing = "failing" // it does not answer, or does not let us in
)

// knockEvery is how often a mail server that does not answer is asked whether it is back. The mails that wait
// are tried at times of their own, in the end hours apart: they would tell it late.
const knockEvery = 10 * time.Second

// mailState is whether the mail server answers: greets, and lets us in. What it says of a single mail is no
// matter of it. It says once when the server stops answering, and once when it is back.
type mailState struct {
	log *slog.Logger

	mu    sync.Mutex
	since time.Time // when it was first seen not to answer; zero while it does
	good  time.Time // when it was last seen to answer
}

// note takes what a try came to that began at an instant. One that fails and began before the server was last
// seen to answer is old news: many mails are tried at once, and a slow failure ends late.
func (s *mailState) note(begun time.Time, trouble string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case trouble == "":
		s.good = time.Now()
		if !s.since.IsZero() {
			s.log.Info("mail server answers again", "after", s.good.Sub(s.since).Round(time.Millisecond))
			s.since = time.Time{}
		}
	case s.since.IsZero() && begun.After(s.good):
		s.since = time.Now()
		s.log.Warn("mail server does not answer", "result", trouble)
	}
}

func (s *mailState) failing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.since.IsZero()
}

// knock asks a server that does not answer whether it is back, until ctx is done.
func (m *mailer) knock(ctx context.Context) {
	tick := time.NewTicker(knockEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if !m.state.failing() {
			continue
		}
		try, cancel := context.WithTimeout(ctx, m.timeout)
		begun := time.Now()
		s, trouble := m.open(try)
		if trouble == "" {
			_ = s.client.CloseWithSMTPClient(s.smtp)
			s.close()
		}
		cancel()
		if ctx.Err() == nil {
			m.state.note(begun, trouble)
		}
	}
}

// MailState returns MailOff, MailOK or MailFailing.
func (r *Relay) MailState() string {
	switch {
	case r.mailer == nil:
		return MailOff
	case r.mailer.state.failing():
		return MailFailing
	}
	return MailOK
}
