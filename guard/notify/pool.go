package notify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cordon/datastore"
)

// pool delivers the messages of one kind. Its loop alone touches it; deliveries report to ended.
//
// It claims no more than it starts at once, so that no lease runs while a message waits for its turn,
// and a lane that is full is not even looked at before one of its deliveries has ended.
type pool struct {
	*Relay
	budget
	kind    string
	wake    chan struct{}
	ended   chan string    // the lane of a delivery that is over
	held    map[string]int // how many of each lane are being delivered
	running int            // and how many in all
	after   string         // the lane that had the last turn
}

func newPool(r *Relay, kind string) *pool {
	b := budgetOf(kind)
	return &pool{
		Relay: r, budget: b, kind: kind,
		wake: make(chan struct{}, 1), ended: make(chan string, b.atOnce), held: map[string]int{},
	}
}

// run claims and starts deliveries until ctx is done, and returns when the last of them is over.
func (p *pool) run(ctx context.Context) error {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx)) // what is being sent may outlive ctx by the grace
	defer cancel()
	defer p.drain(cancel)
	var failed error
	for wait := time.Duration(0); p.rest(ctx, wait); {
		took, err := p.round(ctx, work)
		wait = p.config.Poll
		if took {
			wait = 0 // there may be more
		}
		switch {
		case err == nil:
			if failed != nil {
				p.log.InfoContext(ctx, "messages can be claimed again", "kind", p.kind)
			}
		case ctx.Err() != nil:
		case errors.Is(err, datastore.ErrClosed):
			return fmt.Errorf("relay: %w", err)
		case failed == nil:
			p.log.WarnContext(ctx, "messages cannot be claimed", "kind", p.kind, "error", err)
		}
		failed = err
	}
	return nil
}

// rest waits until it is time for the next round: after a while, when somebody says that there is
// something to do, or when a delivery has ended and left room. It returns false when ctx is done.
func (p *pool) rest(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	due, wake := timer.C, (<-chan struct{})(p.wake)
	if p.running >= p.atOnce {
		due, wake = nil, nil // nothing can be taken in hand before a delivery ends
	}
	select {
	case lane := <-p.ended:
		p.over(lane)
	case <-due:
	case <-wake:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}

// round claims what may be taken in hand and starts on it. It reports whether there was anything.
func (p *pool) round(ctx, work context.Context) (took bool, err error) {
	for range len(p.ended) {
		p.over(<-p.ended)
	}
	claimed, err := p.store.Claim(ctx, p.claim())
	for i := range claimed {
		m := &claimed[i]
		lane := m.Way()
		p.held[lane]++
		p.running++
		p.after = lane
		go func() {
			defer func() { p.ended <- lane }()
			p.handle(work, m)
		}()
	}
	return len(claimed) > 0, err
}

// over takes note of a delivery's end.
func (p *pool) over(lane string) {
	p.running--
	if p.held[lane]--; p.held[lane] == 0 {
		delete(p.held, lane) // an entry for every lane there ever was would be a leak
	}
}

// drain lets what is being sent end: by itself within the grace, else cut off, which gives it back.
func (p *pool) drain(cancel context.CancelFunc) {
	defer time.AfterFunc(p.config.Grace, cancel).Stop()
	for p.running > 0 {
		p.over(<-p.ended)
	}
}
