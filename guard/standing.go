package guard

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cordon/datastore"
	"cordon/ledger"
)

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
