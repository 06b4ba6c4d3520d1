package ledger

import (
	"context"
	"sync"
	"time"
)

const (
	// slice is for how long one who works on the log has a processor at a time. A question that comes meanwhile may have to
	// wait for its end, so that with slices of a millisecond p99 was longer by a third.
	slice = 250 * time.Microsecond
	// readTurn is how often there is a slice for all readers together while questions are answered.
	readTurn = 25 * time.Millisecond
	// sealTurn is how often there is one for sealing. Where that does not keep up with the questions, and so much waits
	// that it fills behind segments, there is one twice as often, with twice as much again, and then all the time.
	sealTurn = 2 * time.Millisecond
	// behind is a million records: a search that has to look through them while they are hot takes some tenths of a second.
	behind = 16
	// mostOver is for how many slices one has to wait at most who took more than one. It is few, for one who pauses as often as
	// they do here seldom takes twice as much: it was the disk, or others on the machine, who took the time.
	mostOver = 3
	// quiet is how long no question has come before they may have all of the machine, and how often it is looked how
	// many come.
	quiet = 100 * time.Millisecond
	// many is how many questions a second make turns as long as they get; with half of them they are half as long.
	many = 1000
)

// gate has all work of a kind on the log, however many do it, take a small part of the machine while many questions are
// answered: one slice a turn. The fewer there are, the more they have of it, and all of it while there are none.
//
// Why so and not by fewer goroutines: one search that never ends takes a whole processor from the questions as
// well, and four that wait for each other would be slow for nothing at night.
type gate struct {
	answered func() int64  // how many questions were, so far; nil: none ever is
	turn     time.Duration // while there are many

	mu      sync.Mutex
	count   int64
	asked   time.Time // when the count was last seen to grow
	next    time.Time // when the next slice may begin
	sampled time.Time // when it was looked how many come
	sample  int64     // the count then
	rate    float64   // questions a second before that
}

// busy tells whether questions are answered now.
func (g *gate) busy(now time.Time) bool {
	if g.answered == nil {
		return false
	}
	if count := g.answered(); count != g.count {
		g.count, g.asked = count, now
	}
	return now.Sub(g.asked) < quiet
}

// pace returns how often there is a slice while questions are answered. As long as it is not known how many come, they are
// taken to be many.
func (g *gate) pace(now time.Time) time.Duration {
	switch since := now.Sub(g.sampled); {
	case g.sampled.IsZero():
		g.sampled, g.sample, g.rate = now, g.count, many
	case since >= quiet:
		g.rate = float64(g.count-g.sample) / since.Seconds()
		g.sampled, g.sample = now, g.count
	}
	return max(slice, time.Duration(min(g.rate/many, 1)*float64(g.turn)))
}

// begin returns when the next slice may begin of one who took so much longer for the last than that.
func (g *gate) begin(now time.Time, over time.Duration) time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.busy(now) {
		g.next = now
		return now
	}
	if g.next.Before(now) {
		g.next = now
	}
	turn := g.pace(now)
	at := g.next.Add(time.Duration(min(over/slice, mostOver)) * turn)
	g.next = at.Add(turn)
	return at
}

// hurry sets how often there is a slice, by how many full segments wait.
func (g *gate) hurry(segments int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.turn = sealTurn >> min(segments/behind, 3)
}

// worker is one who works on the log, in one goroutine.
type worker struct {
	gate  *gate
	until time.Time // the end of its slice
}

func (g *gate) worker() *worker { return &worker{gate: g} }

// pause is called at least once a slice. It returns when there is another one, or with the error of ctx.
func (w *worker) pause(ctx context.Context) error {
	now := time.Now()
	if now.Before(w.until) {
		return nil
	}
	over := time.Duration(0)
	if !w.until.IsZero() {
		over = now.Sub(w.until)
	}
	at := w.gate.begin(now, over)
	if wait := at.Sub(now); wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	w.until = time.Now().Add(slice)
	return ctx.Err()
}

// without does what is not the worker's own work: its slice goes on when that is done.
func (w *worker) without(do func()) {
	begun := time.Now()
	do()
	if !w.until.IsZero() {
		w.until = w.until.Add(time.Since(begun))
	}
}
