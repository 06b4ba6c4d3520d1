package mongo

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// errOutOfTime ends the attempts of something that others are in the way of.
var errOutOfTime = errors.New("there is no time for another attempt")

// backoff rests between the attempts of one thing: at random, since those who are in each other's way
// would meet again, and up to twice as long each time.
type backoff struct {
	pause, longest time.Duration
	end            time.Time // no attempt begins after it; zero: the context alone decides
}

// rest waits before another attempt. It returns errOutOfTime where there is to be none, and the error of
// ctx when that is done.
func (b *backoff) rest(ctx context.Context) error {
	pause := rand.N(b.pause) //nolint:gosec // when to try again is no secret
	b.pause = min(2*b.pause, b.longest)
	if !b.end.IsZero() && time.Now().Add(pause).After(b.end) {
		return errOutOfTime
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// contended is the backoff of a call that others are in the way of: it begins no attempt later than the
// store's timeout, or the deadline of ctx, after the first.
func (s *Store) contended(ctx context.Context) backoff {
	end, ok := ctx.Deadline()
	if !ok {
		end = time.Now().Add(s.timeout)
	}
	return backoff{pause: 2 * time.Millisecond, longest: 200 * time.Millisecond, end: end}
}
