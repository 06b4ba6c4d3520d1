package server

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// RateLimit is how many requests a caller may make. The zero value limits nobody.
type RateLimit struct {
	PerSecond float64
	Burst     int // 0: one second's worth
}

// limits holds a limiter for each caller. Callers that were not seen for a while are forgotten.
type limits struct {
	config RateLimit

	mu      sync.Mutex
	callers map[string]*rate.Limiter
	old     map[string]*rate.Limiter
	turned  time.Time
}

// forgetAfter is longer than any limiter needs to be full again for practical configurations.
const (
	forgetAfter = 10 * time.Minute
	mostLimited = 100_000
)

func newLimits(config RateLimit) *limits {
	if config.PerSecond <= 0 {
		return nil
	}
	if config.Burst <= 0 {
		config.Burst = max(1, int(config.PerSecond))
	}
	return &limits{config: config, callers: map[string]*rate.Limiter{}}
}

// allow gives errRate when a caller asks too often.
func (l *limits) allow(caller string, now time.Time) error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	limiter := l.limiter(caller, now)
	l.mu.Unlock()
	if !limiter.AllowN(now, 1) {
		return errRate
	}
	return nil
}

func (l *limits) limiter(caller string, now time.Time) *rate.Limiter {
	if now.Sub(l.turned) > forgetAfter || len(l.callers) >= mostLimited {
		l.old, l.callers, l.turned = l.callers, map[string]*rate.Limiter{}, now
	}
	found := l.callers[caller]
	if found == nil {
		if found = l.old[caller]; found == nil {
			found = rate.NewLimiter(rate.Limit(l.config.PerSecond), l.config.Burst)
		}
		l.callers[caller] = found
	}
	return found
}
