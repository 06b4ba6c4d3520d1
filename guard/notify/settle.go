package notify

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"cordon/datastore"
	"cordon/guard"
)

const (
	settleTime = 10 * time.Second // at least this much of a lease is left when a delivery ends
	logged     = 50               // attempts that a message's log keeps
)

// outcome is what came of a delivery.
type outcome struct {
	name    string // for the observer; empty: nothing came of it yet
	result  string // for the message's log; never an address or a body
	settled bool   // with what it led to, in one transaction
}

func delivered() outcome              { return outcome{name: OutcomeDelivered, result: "delivered"} }
func skipped(why string) outcome      { return outcome{name: OutcomeSkipped, result: why} }
func refused(why string) outcome      { return outcome{name: OutcomeDead, result: why} }
func unfinished(why string) outcome   { return outcome{name: OutcomeRetried, result: why} }
func givenBack() outcome              { return outcome{} }
func (o outcome) is(name string) bool { return o.name == name }

// handle delivers a claimed message and settles it.
func (r *Relay) handle(ctx context.Context, m *datastore.Message) {
	if m.NextAt.Sub(r.now()) < r.longest(m.Kind) {
		return // the claim took so long that the lease may end first: it is claimed again then
	}
	o := r.deliver(ctx, m)
	if ctx.Err() != nil && o.is(OutcomeRetried) {
		o = givenBack() // it was cut off, which says nothing of the receiver
	}
	if o.is(OutcomeRetried) && m.Attempts >= r.config.MaxAttempts {
		o.name = OutcomeDead
	}
	if o.settled {
		r.told(ctx, m, o)
		return
	}
	r.settle(ctx, m, o)
}

// deliver tries a message.
func (r *Relay) deliver(ctx context.Context, m *datastore.Message) outcome {
	if m.Attempts > r.config.MaxAttempts {
		return refused("it was claimed too often and never settled")
	}
	event, err := decodeEvent(m.Payload)
	if err != nil {
		return refused("its event cannot be read")
	}
	switch m.Kind {
	case guard.MessageEvent:
		return r.fanOut(ctx, m, event)
	case KindMail:
		return r.sendMail(ctx, m, event)
	case KindWebhook:
		return r.call(ctx, m, event)
	}
	return unfinished("its kind is not known here")
}

// longest returns how long a delivery of a kind may take.
func (r *Relay) longest(kind string) time.Duration {
	switch {
	case kind == KindWebhook:
		return r.caller.timeout
	case kind == KindMail && r.mailer != nil:
		return r.mailer.timeout
	}
	return 0
}

// settle writes what came of a delivery. It outlives the relay's stop, and tries again as long as
// the lease lasts: a mail that was sent and not settled would be sent twice.
func (r *Relay) settle(ctx context.Context, m *datastore.Message, o outcome) {
	for wait := 100 * time.Millisecond; ; wait *= 2 {
		once, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime/2)
		ours, err := r.change(once, m, func(m *datastore.Message) { r.apply(m, o) })
		cancel()
		if err == nil {
			if ours {
				r.told(ctx, m, o)
			}
			return
		}
		if errors.Is(err, datastore.ErrClosed) || ctx.Err() != nil || r.now().Add(wait).After(m.NextAt) {
			r.log.ErrorContext(ctx, "delivery cannot be settled", "event", eventOf(m.ID), "kind", m.Kind, "error", err)
			return
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
}

// apply changes a message to what came of its delivery.
func (r *Relay) apply(m *datastore.Message, o outcome) {
	now := r.now()
	m.Lease, m.NextAt = "", now
	switch o.name {
	case OutcomeDelivered, OutcomeSkipped:
		m.State = datastore.MessageDone
	case OutcomeDead:
		m.State = datastore.MessageDead
	case OutcomeRetried:
		m.State, m.NextAt = datastore.MessagePending, now.Add(r.backOff(m.Attempts))
	default:
		m.State, m.Attempts = datastore.MessagePending, m.Attempts-1
		return
	}
	m.Log = append(m.Log, datastore.Attempt{At: now, Result: o.result})
	m.Log = slices.Clone(m.Log[max(0, len(m.Log)-logged):])
}

// backOff returns how long to wait after so many attempts: three times as long each time, up to a
// bound, and a fifth more or less, so that what failed together does not come back together.
func (r *Relay) backOff(attempts int) time.Duration {
	wait := r.config.FirstRetry
	for i := 1; i < attempts && wait < r.config.LastRetry; i++ {
		wait *= 3
	}
	wait = min(wait, r.config.LastRetry)
	return wait*4/5 + rand.N(wait*2/5+1) //nolint:gosec // when to try again is no secret
}

// told lets the log and the observer know of an outcome. Users' ids may be addresses, so the log
// names the event.
func (r *Relay) told(ctx context.Context, m *datastore.Message, o outcome) {
	if o.name == "" {
		return
	}
	attributes := []any{"event", eventOf(m.ID), "type", m.Event, "kind", m.Kind, "organization", m.Organization,
		"attempts", m.Attempts, "result", o.result}
	switch o.name {
	case OutcomeDead:
		r.log.WarnContext(ctx, "message is given up", attributes...)
	case OutcomeSkipped:
		r.log.InfoContext(ctx, "message has no receiver any more", attributes...)
	default:
		r.log.DebugContext(ctx, "message was tried", attributes...)
	}
	r.config.Observe(m.Kind, o.name)
}

// change changes a message in a transaction, where it is still ours.
func (r *Relay) change(ctx context.Context, m *datastore.Message, change func(m *datastore.Message)) (ours bool, err error) {
	err = r.store.Update(ctx, func(ctx context.Context, tx datastore.Tx) error {
		var current datastore.Message
		if current, ours, err = own(ctx, tx, m); err != nil || !ours {
			return err
		}
		change(&current)
		return tx.Put(ctx, current)
	})
	if err != nil {
		return false, fmt.Errorf("settle message: %w", err)
	}
	return ours, nil
}

// own reads a message and reports whether its lease is still the one it was claimed with.
func own(ctx context.Context, reader datastore.Reader, m *datastore.Message) (current datastore.Message, ours bool, err error) {
	current, err = datastore.Get(ctx, reader, datastore.Message{ID: m.ID})
	if errors.Is(err, datastore.ErrNotFound) {
		return current, false, nil
	}
	if err != nil {
		return current, false, fmt.Errorf("read message: %w", err)
	}
	return current, current.State == datastore.MessageLeased && current.Lease == m.Lease, nil
}

// eventOf returns the id of the event that a message comes from.
func eventOf(id string) string {
	event, _, _ := strings.Cut(id, "/")
	return event
}
