package client

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// firstWait is the mean wait before the first repeat; it doubles with each.
const firstWait = 100 * time.Millisecond

// limits bound a call: all of it (0: its context alone), one try (0: nothing else does), and how often it is tried.
type limits struct {
	budget, timeout time.Duration
	tries           int
}

// mostTries of a decision: one that did not come, and one more.
const mostTries = 2

// limits gives those of a decision or of another call.
func (c *Client) limits(decision bool) limits {
	if decision {
		return limits{budget: max(0, c.config.Budget), tries: min(c.config.Tries, mostTries)}
	}
	return limits{timeout: max(0, c.config.Timeout), tries: c.config.Tries}
}

// begin bounds all of a call.
func (l limits) begin(ctx context.Context) (context.Context, context.CancelFunc) {
	if l.budget > 0 {
		return context.WithTimeout(ctx, l.budget)
	}
	return ctx, func() {}
}

// try bounds the n-th try. One within a budget gets an even share of what is left, so that a server that hangs leaves
// time to ask another; all of it, where that is too short to share.
func (l limits) try(ctx context.Context, n int) (context.Context, context.CancelFunc) {
	timeout := l.timeout
	if deadline, ok := ctx.Deadline(); ok && l.budget > 0 {
		left := time.Until(deadline)
		if timeout = left / time.Duration(max(1, l.tries-n+1)); timeout < 2*firstWait {
			timeout = left
		}
	}
	if timeout > 0 {
		return context.WithTimeout(ctx, timeout)
	}
	return ctx, func() {}
}

// retry runs try until it succeeds, fails for good, or has been tried often enough. Only calls that
// are safe to repeat get here: reading, deciding, PUT, PATCH and DELETE, and POST with an idempotency key.
func (c *Client) retry(ctx context.Context, bound limits, try func(context.Context) error) error {
	renewed := false
	for n := 1; ; n++ {
		limited, cancel := bound.try(ctx, n)
		err := try(limited)
		cancel()
		if err == nil || ctx.Err() != nil || n >= bound.tries {
			return err
		}
		var wait time.Duration
		switch {
		case errors.Is(err, ErrUnavailable):
			wait = c.backOff(n)
		case errors.Is(err, ErrUnauthorized) && c.config.Token != nil && !renewed:
			renewed = true // the token was kept too long; the next try gets another
		default:
			return err
		}
		if e, ok := errors.AsType[*Error](err); ok {
			if e.RetryAfter > c.config.MaxWait {
				return err
			}
			wait = max(wait, e.RetryAfter)
		}
		// The error that the server gave says more than the deadline that would pass meanwhile.
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= wait {
			return err
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return err
		case <-timer.C:
		}
	}
}

// backOff is the wait before repeat n: doubling, and random by half, so that callers that failed
// together do not come back together.
func (c *Client) backOff(n int) time.Duration {
	wait := min(firstWait<<min(n-1, 10), c.config.MaxWait)
	return wait/2 + rand.N(wait/2+1)
}

// retryAfter reads how long the server asks to wait, as seconds or as a date.
func retryAfter(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	if s, err := strconv.Atoi(v); err == nil && s > 0 {
		return time.Duration(min(s, 24*60*60)) * time.Second
	}
	if t, err := http.ParseTime(v); err == nil {
		return max(0, time.Until(t))
	}
	return 0
}
