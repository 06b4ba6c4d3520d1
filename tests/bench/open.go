package main

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// openConnections is on how many connections the questions of a fixed rate go out. A question whose
// turn it is waits for one that is free, and that wait is part of its time.
const openConnections = 64

// measureOpen asks at a fixed rate. The time of an answer counts from when its question was due, so that
// a server that stalls pays for all who came meanwhile.
func measureOpen(ctx context.Context, s *server, p plan) (measurement, error) {
	count := int64(p.length.Seconds() * float64(p.rate))
	pause := time.Second / time.Duration(p.rate)
	return s.watch(func() ([]time.Duration, error) {
		var (
			all   sync.WaitGroup
			mu    sync.Mutex
			turns = make(chan time.Time, count) // when each question is due
			took  []time.Duration
			fails []error
		)
		go func() { // on a thread of its own, since the runtime's timers may be a millisecond late where nothing else goes on
			runtime.LockOSThread()
			defer close(turns)
			began := time.Now()
			for n := range count {
				due := began.Add(time.Duration(n) * pause)
				for wait := time.Until(due); wait > 0 && ctx.Err() == nil; wait = time.Until(due) {
					at := syscall.NsecToTimespec(int64(wait))
					_ = syscall.Nanosleep(&at, nil)
				}
				turns <- due
			}
		}()
		for i := range openConnections {
			all.Go(func() {
				c, err := dial(ctx, s.address)
				var mine []time.Duration
				for n := i; err == nil && ctx.Err() == nil; n += openConnections {
					due, more := <-turns
					if !more {
						break
					}
					_, err = c.ask(s.requests[n%len(s.requests)])
					mine = append(mine, time.Since(due))
				}
				if c != nil {
					_ = c.conn.Close()
				}
				mu.Lock()
				defer mu.Unlock()
				took = append(took, mine...)
				fails = append(fails, err)
			})
		}
		all.Wait()
		return took, errors.Join(fails...)
	})
}

// measureBatch asks batches. Its figures are a question's, not a batch's, but for the times of answers.
func measureBatch(ctx context.Context, s *server, p plan) (measurement, error) {
	whole := *s
	whole.requests = s.batches
	m, err := measure(ctx, &whole, p)
	m.perSecond *= batchSize
	m.cpu /= batchSize
	return m, err
}
