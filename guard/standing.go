package guard

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cordon/datastore"
	"cordon/ledger"
)

// Standing is how the store stood when the guard last looked. What is not known then is nil.
type Standing struct {
	Up     bool // it answered
	Outbox []datastore.Waiting
	Log    *ledger.Status
	Sizes  map[string]int64
}

// Count returns how many messages are still to be delivered, and how many were given up.
func (s Standing) Count() (waiting, dead int64) {
	for _, w := range s.Outbox {
		if w.State == datastore.MessageDead {
			dead += w.Messages
		} else {
			waiting += w.Messages
		}
	}
	return waiting, dead
}

// Standing returns what the guard saw when it last looked, at once and whatever the store does now; the zero
// value before the first look.
func (g *Guard) Standing() Standing {
	if s := g.standing.Load(); s != nil {
		return *s
	}
	return Standing{}
}

// How often the store is looked at. What is counted there is counted seldom, and never for more than a
// twentieth of the time.
const (
	lookEvery    = time.Second
	countEvery   = 5 * time.Second
	measureEvery = time.Minute
	lookTimeout  = 2 * time.Second
	share        = 20
	// toldFor is for how long what was counted is told when it is time to count it again, and the store is too busy for that:
	// twice the time until it is tried again, so that an alarm that needs a figure is not without one for one slow answer.
	toldFor = 2 * share * lookTimeout
)

// figure is what is counted in the store now and then.
type figure[T any] struct {
	every time.Duration
	count func(context.Context) (T, error)
	next  time.Time
	last  T
	at    time.Time // when that was counted
}

// look counts when it is time for it, and returns what was counted last: the zero value where that is too long ago.
func (f *figure[T]) look(ctx context.Context) (T, error) {
	var err error
	if begun := time.Now(); !begun.Before(f.next) {
		var counted T
		counting, cancel := context.WithTimeout(ctx, lookTimeout)
		if counted, err = f.count(counting); err == nil {
			f.last, f.at = counted, time.Now()
		}
		cancel()
		f.next = time.Now().Add(max(f.every, share*time.Since(begun)))
	}
	if time.Since(f.at) > f.every+toldFor {
		f.last = *new(T)
	}
	return f.last, err
}

// watchStore looks at the store until ctx is done, and says when it stops answering and when it answers again.
func (g *Guard) watchStore(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	outbox := figure[[]datastore.Waiting]{every: countEvery, count: g.countOutbox}
	log := figure[*ledger.Status]{every: countEvery, count: g.logStatus}
	sizes := figure[map[string]int64]{every: measureEvery, count: g.store.Sizes}
	var away time.Time
	for s := (Standing{}); ; {
		err := g.asksStore(ctx)
		if ctx.Err() != nil || errors.Is(err, datastore.ErrClosed) {
			return
		}
		switch {
		case err != nil && away.IsZero():
			away = time.Now()
			g.log.Warn("store does not answer", "error", err)
		case err == nil && !away.IsZero():
			g.log.Info("store answers again", "after", time.Since(away).Round(time.Millisecond))
			away, outbox.next, log.next, sizes.next = time.Time{}, time.Time{}, time.Time{}, time.Time{}
		}
		if s.Up = err == nil; !s.Up {
			s.Outbox, s.Log = nil, nil // how they grow is not known
		} else {
			var errs [3]error
			s.Outbox, errs[0] = outbox.look(ctx)
			s.Log, errs[1] = log.look(ctx)
			s.Sizes, errs[2] = sizes.look(ctx)
			if err := errors.Join(errs[:]...); err != nil && ctx.Err() == nil {
				g.log.Debug("what the store holds could not be counted", "error", fmt.Errorf("look at the store: %w", err))
			}
		}
		now := s
		g.standing.Store(&now)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (g *Guard) asksStore(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	return g.store.Ready(ctx)
}

// countOutbox returns what waits; that nothing does is known, too, and no nil.
func (g *Guard) countOutbox(ctx context.Context) ([]datastore.Waiting, error) {
	waiting, err := g.store.Outbox(ctx)
	if waiting == nil {
		waiting = []datastore.Waiting{}
	}
	return waiting, err
}

func (g *Guard) logStatus(ctx context.Context) (*ledger.Status, error) {
	log, err := g.ledger.Status(ctx)
	return &log, err
}
