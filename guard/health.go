package guard

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"cordon/datastore"
	"cordon/ledger"
)

// What a guard stands on. Without one of them it is not ready.
const (
	PartStore   = "store"
	PartFeed    = "feed"
	PartJournal = "journal"
	PartPolicy  = "policy" // only where there is none to decide by
)

// Part is one of the things that a guard stands on, and what is wrong with it; nil: nothing.
type Part struct {
	Name string
	Err  error
}

// Unready: these parts keep the guard from answering.
type Unready struct{ Parts []Part }

func (e *Unready) Error() string {
	var said []string
	for _, p := range e.Parts {
		said = append(said, p.Name+": "+p.Err.Error())
	}
	return strings.Join(said, "; ")
}

// Unwrap returns what is wrong with each part.
func (e *Unready) Unwrap() []error {
	var errs []error
	for _, p := range e.Parts {
		errs = append(errs, p.Err)
	}
	return errs
}

// Health looks at each of the parts.
func (g *Guard) Health(ctx context.Context) []Part {
	parts := []Part{{PartStore, g.store.Ready(ctx)}, {Name: PartFeed}, {PartJournal, g.journal.Stats().Err}}
	if _, begun := g.cache.lag(); !begun && !g.config.NoCache {
		parts[1].Err = errNoFeed
	}
	if err := g.policy.Load().unusable; err != nil {
		parts = append(parts, Part{PartPolicy, err})
	}
	return parts
}

// Ready tells whether the guard can answer: the store serves, the change feed has begun, and the journal
// takes records. Otherwise the error is [*Unready].
func (g *Guard) Ready(ctx context.Context) error {
	var failing []Part
	for _, p := range g.Health(ctx) {
		if p.Err != nil {
			failing = append(failing, p)
		}
	}
	if len(failing) > 0 {
		return &Unready{failing}
	}
	return nil
}

// errNoFeed keeps traffic away from a guard that would read the store for every question.
var errNoFeed = errors.New("it has not begun yet")

// FeedLag returns how far the change feed is behind, false before it has begun. From MaxStaleness on
// answers are given from the store alone.
func (g *Guard) FeedLag() (time.Duration, bool) { return g.cache.lag() }

// MaxStaleness returns how far the feed may be behind before answers are given from the store alone.
func (g *Guard) MaxStaleness() time.Duration { return g.config.MaxStaleness }

// Backlog is what the journal has that is still to be shipped.
type Backlog struct{ Records, Bytes int64 }

// Backlog returns how much that is.
func (g *Guard) Backlog() Backlog {
	s := g.journal.Stats()
	return Backlog{s.Unshipped, s.UnshippedBytes}
}

// Readings returns how many searches and exports of the log are in hand.
func (g *Guard) Readings() int64 { return g.reading.Load() }

// Standing is how the store stood when the guard last looked. What could not be read then is nil.
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
)

// figure is what is read from the store now and then.
type figure struct {
	every time.Duration
	next  time.Time
}

// due runs read when it is time for it, and reports whether it did.
func (f *figure) due(ctx context.Context, read func(context.Context) error) (done bool, err error) {
	begun := time.Now()
	if begun.Before(f.next) {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	err = read(ctx)
	f.next = time.Now().Add(max(f.every, share*time.Since(begun)))
	return true, err
}

// watchStore looks at the store until ctx is done, and says when it stops answering and when it answers again.
func (g *Guard) watchStore(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	count, sealed, measure := figure{every: countEvery}, figure{every: countEvery}, figure{every: measureEvery}
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
			away, count.next, sealed.next, measure.next = time.Time{}, time.Time{}, time.Time{}, time.Time{}
		}
		if s.Up = err == nil; !s.Up {
			s.Outbox, s.Log = nil, nil // how they grow is not known
		} else {
			g.countStore(ctx, &s, &count, &sealed, &measure)
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

// countStore reads what is due to be read. What fails is left out, and read again when it is due again.
func (g *Guard) countStore(ctx context.Context, s *Standing, count, sealed, measure *figure) {
	var outbox []datastore.Waiting
	done, err := count.due(ctx, func(ctx context.Context) (err error) {
		if outbox, err = g.store.Outbox(ctx); err == nil && outbox == nil {
			outbox = []datastore.Waiting{}
		}
		return err
	})
	if done {
		s.Outbox = outbox
	}
	var log ledger.Status
	done, unread := sealed.due(ctx, func(ctx context.Context) (err error) {
		log, err = g.ledger.Status(ctx)
		return err
	})
	if done {
		if s.Log = nil; unread == nil {
			s.Log = &log
		}
	}
	var sizes map[string]int64
	done, failed := measure.due(ctx, func(ctx context.Context) (err error) {
		sizes, err = g.store.Sizes(ctx)
		return err
	})
	if done {
		s.Sizes = sizes
	}
	if err = errors.Join(err, unread, failed); err != nil && ctx.Err() == nil {
		g.log.Debug("what the store holds is not known", "error", fmt.Errorf("look at the store: %w", err))
	}
}
