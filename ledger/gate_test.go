package ledger_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"cordon/ledger"
)

// While questions are answered, all who work on the log have a slice a turn together; before and after, all they want.
func TestWorkOnTheLogTakesItsShare(t *testing.T) {
	for _, workers := range []int{1, 4} {
		synctest.Test(t, func(t *testing.T) {
			all := int64(workers) * int64(time.Second/ledger.Slice)
			var answered, slices atomic.Int64
			g := ledger.NewGate(answered.Load, 10*time.Millisecond)
			ctx, stop := context.WithCancel(t.Context())
			var working sync.WaitGroup
			for range workers {
				working.Go(func() {
					pause := g.Worker()
					for pause(ctx) == nil {
						time.Sleep(ledger.Slice) // its slice of work
						slices.Add(1)
					}
				})
			}
			done := func(during time.Duration) int64 {
				before := slices.Load()
				time.Sleep(during)
				return slices.Load() - before
			}
			if got := done(time.Second); got < all*99/100 {
				t.Errorf("%d workers had %d slices in a quiet second", workers, got)
			}
			asking, quiet := context.WithCancel(ctx)
			working.Go(func() {
				for asking.Err() == nil {
					answered.Add(10)
					time.Sleep(5 * time.Millisecond)
				}
			})
			time.Sleep(300 * time.Millisecond)
			if got := done(time.Second); got < 95 || got > 101 {
				t.Errorf("%d workers had %d slices in a second of questions, want about 100 together", workers, got)
			}
			quiet()
			time.Sleep(200 * time.Millisecond)
			if got := done(time.Second); got < all*99/100 {
				t.Errorf("%d workers had %d slices in a second after the questions", workers, got)
			}
			stop()
			working.Wait()
		})
	}
}

// The fewer questions there are, the more of the machine is left to those who work on the log.
func TestFewQuestionsLeaveMoreToTheLog(t *testing.T) {
	for each, want := range map[time.Duration]int64{100 * time.Microsecond: 40, time.Millisecond: 40, 2 * time.Millisecond: 80, 20 * time.Millisecond: 800} {
		synctest.Test(t, func(t *testing.T) {
			begun := time.Now()
			g := ledger.NewGate(func() int64 { return int64(time.Since(begun) / each) }, 25*time.Millisecond)
			pause, slices := g.Worker(), int64(0)
			for until := begun.Add(300 * time.Millisecond); time.Now().Before(until); {
				ok(t, pause(t.Context()))
				time.Sleep(ledger.Slice) // its slice of work
			}
			for until := time.Now().Add(time.Second); time.Now().Before(until); slices++ {
				ok(t, pause(t.Context()))
				time.Sleep(ledger.Slice) // its slice of work
			}
			if got := slices; got < want*9/10 || got > want*11/10 {
				t.Errorf("with a question each %v there were %d slices in a second, want about %d", each, got, want)
			}
		})
	}
}

// A sealer that does not keep up has more of the machine: what is hot would grow without end.
func TestASealerThatIsBehindHasMore(t *testing.T) {
	for waiting, want := range map[int64]int64{0: 500, 15: 500, 16: 1000, 31: 1000, 32: 2000, 48: 4000, 1000: 4000} {
		synctest.Test(t, func(t *testing.T) {
			var answered, slices atomic.Int64
			g := ledger.NewGate(func() int64 { return answered.Add(1000) }, time.Hour)
			g.Hurry(waiting)
			pause := g.Worker()
			ctx, stop := context.WithTimeout(t.Context(), time.Second)
			defer stop()
			for pause(ctx) == nil {
				time.Sleep(ledger.Slice) // its slice of work
				slices.Add(1)
			}
			if got := slices.Load(); got < want-2 || got > want+2 {
				t.Errorf("while %d segments wait it had %d slices in a second of questions, want about %d", waiting, got, want)
			}
		})
	}
}

// Whoever takes longer than a slice waits longer for the next; what others do meanwhile, as who reads what was found, does
// not count.
func TestALongSliceIsPaidFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var answered atomic.Int64
		g := ledger.NewGate(func() int64 { return answered.Add(1e6) }, 10*time.Millisecond)
		pause, without := g.Reader()
		took := func(work func()) time.Duration {
			ok(t, pause(t.Context()))
			begun := time.Now()
			work()
			ok(t, pause(t.Context()))
			return time.Since(begun)
		}
		for name, c := range map[string]struct {
			work func()
			want time.Duration
		}{
			"a slice":      {func() { time.Sleep(ledger.Slice) }, 10 * time.Millisecond},
			"four slices":  {func() { time.Sleep(4 * ledger.Slice) }, 40 * time.Millisecond},
			"a second":     {func() { time.Sleep(time.Second) }, 1030 * time.Millisecond},
			"another's":    {func() { without(func() { time.Sleep(time.Second) }); time.Sleep(ledger.Slice) }, time.Second + ledger.Slice},
			"next to none": {func() {}, 0},
		} {
			if got := took(c.work); got != c.want {
				t.Errorf("%s took %v until the next one, want %v", name, got, c.want)
			}
			time.Sleep(time.Minute)
		}
	})
}

// A worker who waits for its turn ends with its caller.
func TestAWorkerThatWaitsEndsWithItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var answered atomic.Int64
		answered.Store(1)
		g := ledger.NewGate(answered.Load, time.Hour)
		if err := g.Worker()(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, stop)
		if err := g.Worker()(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("it ended with %v", err)
		}
	})
}
