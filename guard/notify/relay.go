package notify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cordon/datastore"
	"cordon/guard"
)

// gather is how long a relay that has its hands full lets deliveries end before it claims again:
// claiming for each single place that gets free would claim much that it must then put back.
const gather = 25 * time.Millisecond

// run is the state of a running relay. Its loop alone touches it; deliveries report to ended.
type run struct {
	*Relay
	lanes map[string]*lane
	held  int
	ended chan ending
}

// ending is a delivery that is over.
type ending struct {
	lane string
	took time.Duration
}

func newRun(r *Relay) *run {
	return &run{Relay: r, lanes: map[string]*lane{}, ended: make(chan ending, inHand)}
}

// loop claims and starts deliveries until ctx is done.
func (r *run) loop(ctx context.Context) error {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx)) // what is being sent may outlive ctx by the grace
	defer cancel()
	var failed error
	for wait := time.Duration(0); ctx.Err() == nil; {
		r.rest(ctx, work, wait)
		if ctx.Err() != nil {
			break
		}
		var err error
		wait, err = r.round(ctx, work)
		switch {
		case err == nil:
			if failed != nil {
				r.log.InfoContext(ctx, "messages can be claimed again")
			}
		case ctx.Err() != nil:
		case errors.Is(err, datastore.ErrClosed):
			r.stop(work, cancel)
			return fmt.Errorf("relay: %w", err)
		case failed == nil:
			r.log.WarnContext(ctx, "messages cannot be claimed", "error", err)
		}
		failed = err
	}
	r.stop(work, cancel)
	return nil
}

// rest waits until it is time for the next round, and keeps the lanes moving meanwhile.
func (r *run) rest(ctx, work context.Context, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		due, wake := timer.C, (<-chan struct{})(r.wake)
		if r.held >= inHand {
			due, wake = nil, nil // nothing can be taken in hand before a delivery ends
		}
		select {
		case e := <-r.ended:
			r.over(work, e)
		case <-due:
			return
		case <-wake:
			return
		case <-ctx.Done():
			return
		}
	}
}

// round claims what is due and starts on it. It gives how long to wait before the next one.
func (r *run) round(ctx, work context.Context) (time.Duration, error) {
	limit := inHand - r.held
	var claimed []datastore.Message
	for _, kind := range []string{guard.MessageEvent, KindMail, KindWebhook} {
		list, err := r.store.Claim(ctx, datastore.Claim{Kind: kind, Now: r.now(), Lease: r.config.Lease, Limit: limit - len(claimed)})
		if err != nil {
			return r.config.Poll, err
		}
		if claimed = append(claimed, list...); len(claimed) == limit {
			break
		}
	}
	var back []postponed
	for _, m := range claimed {
		name := laneOf(&m)
		l := r.lanes[name]
		if l == nil {
			l = newLane(m.Kind)
			r.lanes[name] = l
		}
		if l.full() {
			back = append(back, postponed{m, l.drained()})
			continue
		}
		l.waiting = append(l.waiting, m)
		r.held++
		r.start(work, name)
	}
	r.putBack(work, back)
	switch {
	case len(claimed) < limit:
		return r.config.Poll, nil // nothing else is due
	case len(back) == len(claimed):
		return 0, nil // what a full lane has in the way may hide others behind it
	}
	return gather, nil
}

// start delivers the next message of a lane, if it may.
func (r *run) start(work context.Context, name string) {
	m, ok := r.lanes[name].next()
	if !ok {
		return
	}
	go func() {
		begun := time.Now()
		r.handle(work, m)
		r.ended <- ending{name, time.Since(begun)}
	}()
}

// over takes note of a delivery's end and starts the next one of its lane.
func (r *run) over(work context.Context, e ending) {
	l := r.lanes[e.lane]
	l.ended(e.took)
	r.held--
	r.start(work, e.lane)
	if l.running == 0 {
		delete(r.lanes, e.lane) // a lane for every webhook there ever was would be a leak
	}
}

// stop gives back what waits, and lets what is being sent end: by itself within the grace, else cut
// off, which gives it back too.
func (r *run) stop(work context.Context, cancel context.CancelFunc) {
	var back []postponed
	for _, l := range r.lanes {
		for _, m := range l.waiting {
			back = append(back, postponed{m, 0})
		}
		r.held -= len(l.waiting)
		l.waiting = nil
	}
	r.putBack(work, back)
	defer time.AfterFunc(r.config.Grace, cancel).Stop()
	for r.held > 0 {
		<-r.ended
		r.held--
	}
	r.caller.close()
}
