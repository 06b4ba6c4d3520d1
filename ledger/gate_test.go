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
			var answered, slices atomic.Int64
			g := ledger.NewGate(answered.Load, 10*time.Millisecond)
			ctx, stop := context.WithCancel(t.Context())
			var working sync.WaitGroup
			for range workers {
				working.Go(func() {
					pause := g.Worker()
					for pause(ctx) == nil {
						time.Sleep(time.Millisecond) // its slice of work
						slices.Add(1)
					}
				})
			}
			done := func(during time.Duration) int64 {
				before := slices.Load()
				time.Sleep(during)
				return slices.Load() - before
			}
			if got := done(time.Second); got < 990*int64(workers) {
				t.Errorf("%d workers had %d slices in a quiet second", workers, got)
			}
			asking, quiet := context.WithCancel(ctx)
			working.Go(func() {
				for asking.Err() == nil {
					answered.Add(1)
					time.Sleep(5 * time.Millisecond)
				}
			})
			time.Sleep(20 * time.Millisecond)
			if got := done(time.Second); got < 95 || got > 101 {
				t.Errorf("%d workers had %d slices in a second of questions, want about 100 together", workers, got)
			}
			quiet()
			time.Sleep(200 * time.Millisecond)
			if got := done(time.Second); got < 990*int64(workers) {
				t.Errorf("%d workers had %d slices in a second after the questions", workers, got)
			}
			stop()
			working.Wait()
		})
	}
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
