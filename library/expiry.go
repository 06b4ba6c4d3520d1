package library

import (
	"context"
	"errors"
	"sync"
	"time"

	"cordon/datastore"
	"cordon/guard"
)

// lookEvery is how often is looked whether the time of a broken glass is over.
const lookEvery = time.Second

// errNotOver ends a transaction that finds nothing to do.
var errNotOver = errors.New("the time of no version is over")

// Run goes back to the version before when the time of a broken glass is over, checks what this release offers, and keeps
// jobs alive, until ctx is done and they have ended; then it returns nil.
func (l *Library) Run(ctx context.Context) error {
	var beside sync.WaitGroup
	beside.Go(func() { l.jobs.keepAlive(ctx) })
	beside.Go(func() { l.checkOffered(ctx) })
	defer beside.Wait()
	ticks := time.NewTicker(lookEvery)
	defer ticks.Stop()
	for {
		// The store says it: what is in force here is another where the version in force cannot be loaded, or the feed is
		// silent. That the store does not answer is told by the guard.
		l.end(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-ticks.C:
		}
	}
}

// end goes back to the version before, and says once that it cannot while it cannot.
func (l *Library) end(ctx context.Context) {
	err := l.expireAll(ctx)
	if err != nil && ctx.Err() == nil && !l.staying.Load() {
		l.log.Error("a version that was to be in force for a time stays longer: the one before cannot be brought back", "error", err)
	}
	l.staying.Store(err != nil)
}

// expireAll goes back to the version before in every set where the time of the one in force is over. Which sets there are, and
// what is in force of one, the store may not tell; then it tells the guard as little, which says so.
func (l *Library) expireAll(ctx context.Context) (err error) {
	names, _ := l.Sets(ctx)
	for _, name := range names {
		if in, unread := activation(ctx, l.store, name); unread == nil && l.over(&in) {
			err = errors.Join(err, l.expire(ctx, name))
		}
	}
	return err
}

// expire goes back to the version before where the time of the one in force is over. Of several replicas one does it:
// whoever comes later finds another number. An activation that was committed first has taken its place for good, and one
// that comes later finds that another was activated meanwhile.
func (l *Library) expire(ctx context.Context, set string) error {
	a, err := activation(ctx, l.store, set)
	if err != nil || !l.over(&a) {
		return err
	}
	next, err := l.bring(ctx, l.self(), set, &guard.Administration{Action: "end_break_glass", Resource: entity(set)}, func(
		ctx context.Context, tx datastore.Tx, s *Standing, _ time.Time,
	) (*Version, string, *step, error) {
		if !l.over(&s.Activation) {
			return nil, "", nil, errNotOver
		}
		return s.back(ctx, tx, &step{how: Expired, by: cordon(), message: "the time of the version before was over"})
	})
	if errors.Is(err, errNotOver) {
		return nil
	}
	if err == nil {
		l.log.Warn("the time of a broken glass is over: the version before is in force again", "set", set, "policy", next.Digest, "number", next.Number)
	}
	return err
}

// over tells whether the time of what is in force has ended, by the clock by which blocks end: where the wall clock leaps
// ahead nothing does, until the leap is believed.
func (l *Library) over(a *datastore.Activation) bool {
	return !datastore.InForce(a.Until, l.guard.Ends(l.now()))
}

// cordon is who does what nobody asked for.
func cordon() Person { return Person{Name: "cordon", Caller: "server"} }

func (l *Library) self() *guard.Origin {
	return &guard.Origin{Caller: &guard.Caller{ID: "server", Name: "cordon", Scopes: guard.Scopes()}}
}
