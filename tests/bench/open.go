package main

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
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
			turn  atomic.Int64
			took  []time.Duration
			fails []error
		)
		began := time.Now()
		for range openConnections {
			all.Go(func() {
				c, err := dial(ctx, s.address)
				var mine []time.Duration
				for err == nil && ctx.Err() == nil {
					n := turn.Add(1) - 1
					if n >= count {
						break
					}
					due := began.Add(time.Duration(n) * pause)
					<-time.After(time.Until(due))
					_, err = c.ask(s.requests[int(n)%len(s.requests)])
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
