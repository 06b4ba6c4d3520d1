// Package notify answers who is told, and how it reaches them: by mails to people and webhooks to systems
// (docs/domain.md B4; docs/design.md 11, Mail).
//
// An act queues one message, its event, in the transaction that carries it out. The [Relay] claims
// messages with a lease, fans an event out to one message for each receiver, and delivers those.
// Whatever happens to a process between any two of these steps, the message is still in the store and
// is claimed again when its lease has run out: delivery is at least once, and once as long as nothing
// crashes. A receiver recognises a repeat by its Message-ID or webhook-id, which come from the
// message's id.
//
// Why an address is never in a message: it is looked up when the mail is sent, so that a member who
// left is not written to, a corrected address is used, and no queue or log holds personal data.
//
// Why a fan-out goes page by page: an organization has any number of members, and a transaction that
// writes to all of them would hold up every other one, or fail. Each page is committed together with
// how far it reached, so that the next one begins there, whoever claims it, and nobody gets two
// messages of one event.
//
// Why budgets and lanes: a receiver may be as slow as it likes. Each kind of message has hands of its
// own, of which no organization has all, and each webhook no more than two; organizations and webhooks
// take turns at them (see [datastore.Claim]).
package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"cordon/datastore"
	"cordon/guard"
)

// Kinds of the messages that an event is fanned out to; the event's own is guard.MessageEvent.
const (
	KindMail    = "mail"
	KindWebhook = "webhook"
)

// Outcomes that an observer is told. A message has any number of OutcomeRetried and one of the others.
const (
	OutcomeDelivered = "delivered" // of an event: fanned out
	OutcomeSkipped   = "skipped"   // there is nobody to deliver it to any more
	OutcomeRetried   = "retried"   // it did not work and is tried again later
	OutcomeDead      = "dead"      // given up until somebody has it sent again
)

// Config is what a relay is made of. Store is required; the zero value of all else works.
type Config struct {
	Store    datastore.Store
	Mail     *MailConfig // nil: mail is off, and events go to webhooks alone
	Webhooks WebhookConfig

	Poll        time.Duration // how often the store is asked without being woken; 0: 1 s
	Lease       time.Duration // how long a claimed message is ours; 0: 1 min
	Members     int           // how many members one page of a fan-out considers; 0: 250
	MaxAttempts int           // how often a message is tried before it is given up; 0: 20, about a day
	FirstRetry  time.Duration // about when it is tried again, and three times later each time; 0: 5 s
	LastRetry   time.Duration // the longest of these waits; 0: 2 h
	Grace       time.Duration // how long what is being sent may still take when Run ends; 0: 5 s

	Now func() time.Time // nil: time.Now
	// Ends tells the time by which blocks end at a reading of Now, which decides who is blocked and gets no mail.
	// nil: the reading.
	Ends    func(time.Time) time.Time
	Log     *slog.Logger               // nil: discarded
	Observe func(kind, outcome string) // nil: nobody looks
}

// Relay delivers messages. It is safe for concurrent use; Run is called once.
type Relay struct {
	config Config
	store  datastore.Store
	mailer *mailer // nil: mail is off
	caller *caller
	now    func() time.Time
	log    *slog.Logger
	pools  []*pool
}

// New makes a relay. A configuration that cannot work is refused.
func New(config Config) (*Relay, error) {
	if config.Store == nil {
		return nil, errors.New("make relay: a store is needed")
	}
	setDefault(&config.Poll, time.Second)
	setDefault(&config.Lease, time.Minute)
	setDefault(&config.Members, 250)
	setDefault(&config.MaxAttempts, 20)
	setDefault(&config.FirstRetry, 5*time.Second)
	setDefault(&config.LastRetry, 2*time.Hour)
	setDefault(&config.Grace, 5*time.Second)
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Ends == nil {
		config.Ends = func(reading time.Time) time.Time { return reading }
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	if config.Observe == nil {
		config.Observe = func(string, string) {}
	}
	r := &Relay{
		config: config, store: config.Store, caller: newCaller(config.Webhooks),
		now: config.Now, log: config.Log,
	}
	kinds := []string{guard.MessageEvent, KindWebhook}
	longest := r.caller.timeout
	if config.Mail != nil {
		var err error
		if r.mailer, err = newMailer(*config.Mail); err != nil {
			return nil, fmt.Errorf("make relay: mail: %w", err)
		}
		r.mailer.state.log = r.log
		longest = max(longest, r.mailer.timeout)
		kinds = append(kinds, KindMail)
	}
	for _, kind := range kinds {
		r.pools = append(r.pools, newPool(r, kind))
	}
	if config.Lease < longest+settleTime {
		return nil, fmt.Errorf("make relay: a lease of %s is shorter than the %s a delivery may take", config.Lease, longest+settleTime)
	}
	return r, nil
}

func setDefault[T comparable](value *T, otherwise T) {
	var zero T
	if *value == zero {
		*value = otherwise
	}
}

// Wake has the relay look for messages now. Whoever commits one in this process calls it.
func (r *Relay) Wake() {
	for _, p := range r.pools {
		select {
		case p.wake <- struct{}{}:
		default: // it will look anyway
		}
	}
}

// Run delivers messages until ctx is done, then returns nil: what is being sent is finished within the
// grace, or given back. It returns an error where the store is closed.
func (r *Relay) Run(ctx context.Context) error {
	if r.mailer == nil {
		r.log.InfoContext(ctx, "mail is off: no server is configured")
	}
	defer r.caller.close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var beside sync.WaitGroup
	defer beside.Wait()
	defer cancel()
	if r.mailer != nil {
		beside.Go(func() { r.mailer.knock(ctx) })
	}
	ended := make(chan error, len(r.pools))
	for _, p := range r.pools {
		go func() { ended <- p.run(ctx) }()
	}
	var failed error
	for range r.pools {
		if err := <-ended; err != nil {
			failed = err // the store is closed, for all of them
			cancel()
		}
	}
	return failed
}
