package main

import (
	"math"
	"time"

	"cordon/datastore"
	"cordon/guard"
	"cordon/guard/notify"
	"cordon/server"
)

// storeFigures are what the metrics say of the store. The guard reads them beside its work, so that a store
// which hangs holds up nobody who asks for the metrics.
func (in *instance) storeFigures(c config) []server.Figure {
	engine := "sqlite"
	if c.text("mongodb-uri") != "" {
		engine = "mongodb"
	}
	return []server.Figure{
		{Name: "cordon_store_info", Help: "The kind of store.", Labels: map[string]string{"engine": engine},
			Read: func() float64 { return 1 }},
		{Name: "cordon_store_up", Help: "1 while the store answers, 0 while it does not.",
			Read: func() float64 { return oneIf(in.guard.Standing().Up, "") }},
		{Name: "cordon_store_bytes", Help: "Bytes that the store takes on disk, by part.", Names: []string{"part"},
			Each: func(give func(float64, ...string)) {
				for part, bytes := range in.guard.Standing().Sizes {
					give(float64(bytes), part)
				}
			}},
		{Name: "cordon_feed_lag_seconds", Help: "How far the store's feed of changes is behind; infinite before it has begun.",
			Read: func() float64 {
				if lag, begun := in.guard.FeedLag(); begun {
					return lag.Seconds()
				}
				return math.Inf(1)
			}},
		{Name: "cordon_clock_ahead_seconds", Help: "How far the clock has leapt ahead and is not believed; 0: it is.",
			Read: func() float64 { return in.guard.ClockAhead().Seconds() }},
	}
}

// outboxFigures are what the metrics say of what waits to be delivered. While that is not known they give nothing.
func (in *instance) outboxFigures() []server.Figure {
	names := []string{"kind", "state"}
	// each gives a figure of every kind and state: one of which nothing waits is 0, and not missing.
	each := func(of func(datastore.Waiting) float64) func(func(float64, ...string)) {
		return func(give func(float64, ...string)) {
			outbox := in.guard.Standing().Outbox
			if outbox == nil {
				return
			}
			found := map[[2]string]datastore.Waiting{}
			for _, w := range outbox {
				found[[2]string{w.Kind, w.State}] = w
			}
			for _, kind := range []string{guard.MessageEvent, notify.KindMail, notify.KindWebhook} {
				for _, state := range []string{datastore.MessagePending, datastore.MessageLeased, datastore.MessageDead} {
					give(of(found[[2]string{kind, state}]), kind, state)
				}
			}
		}
	}
	return []server.Figure{
		{Name: "cordon_outbox_messages", Help: "Messages that are not done, by kind and state.", Names: names,
			Each: each(func(w datastore.Waiting) float64 { return float64(w.Messages) })},
		{Name: "cordon_outbox_oldest_seconds", Help: "How long ago the oldest message was made that is not done, by kind and state; 0 where there is none.", Names: names,
			Each: each(func(w datastore.Waiting) float64 { return secondsSince(w.Oldest) })},
		{Name: "cordon_outbox_overdue_seconds", Help: "For how long the first message has been due, by kind and state; 0 where none is.", Names: names,
			Each: each(func(w datastore.Waiting) float64 { return secondsSince(w.Due) })},
		{Name: "cordon_mail_up", Help: "1 while the mail server answers, as far as is known, 0 while it does not; missing where mail is off.",
			Each: func(give func(float64, ...string)) {
				if state := in.relay.MailState(); state != notify.MailOff {
					give(oneIf(state == notify.MailOK, ""))
				}
			}},
	}
}

// secondsSince is the age of an instant; 0 where there is none, or where it is yet to come.
func secondsSince(at time.Time) float64 {
	if at.IsZero() {
		return 0
	}
	return max(time.Since(at).Seconds(), 0)
}
