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

// retry runs try until it succeeds, fails for good, or has been tried often enough. Only calls that
// are safe to repeat get here: reading, deciding, PUT, PATCH and DELETE, and POST with an idempotency key.
func (c *Client) retry(ctx context.Context, try func(context.Context) error) error {
	for n := 1; ; n++ {
		err := try(ctx)
		if err == nil || ctx.Err() != nil || n >= c.config.Tries || !errors.Is(err, ErrUnavailable) {
			return err
		}
		wait := c.backOff(n)
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
