package server

import (
	"math"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"cordon.example/client"
)

// RateLimit is how many requests a caller may make. The zero value limits nobody. A batch counts as
// its items.
type RateLimit struct {
	PerSecond float64
	Burst     int // 0: one second's worth
}

// limits holds a limiter for each caller. Callers that were not seen for a while are forgotten.
type limits struct {
	limited atomic.Bool // the zero RateLimit limits nobody, and costs nobody a lock

	mu      sync.Mutex // guards the rest
	config  RateLimit  // with its Burst
	policy  string     // RateLimit-Policy: as much at once, and how many seconds as much takes to come back
	callers map[string]*rate.Limiter
	old     map[string]*rate.Limiter
	turned  time.Time
}

// forgetAfter is longer than any limiter needs to be full again for practical configurations.
const (
	forgetAfter = 10 * time.Minute
	mostLimited = 100_000
)

// change limits callers otherwise from now on. What they asked under the same limit stays counted.
func (l *limits) change(config RateLimit) {
	if config.PerSecond > 0 && config.Burst <= 0 {
		config.Burst = max(1, int(config.PerSecond))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if config == l.config {
		return
	}
	l.config, l.callers, l.old = config, map[string]*rate.Limiter{}, nil
	if l.limited.Store(config.PerSecond > 0); config.PerSecond > 0 {
		l.policy = `"caller";q=` + strconv.Itoa(config.Burst) + ";w=" + strconv.Itoa(l.seconds(float64(config.Burst)))
	}
}

// seconds is how long so many requests take to come back, at least one second.
func (l *limits) seconds(requests float64) int {
	return max(1, int(math.Ceil(requests/l.config.PerSecond)))
}

// allowance is what a caller may still ask.
type allowance struct {
	ok     bool // what was asked is allowed
	left   int
	full   int // seconds until as much is allowed as ever
	retry  int // seconds until what was refused would be allowed
	policy string
}

// take takes n requests of a caller's, of whom a call has taken some already. More than may ever be
// asked at once is allowed to whoever has not asked for a while, and owed: a batch that is larger
// than the burst must not be refused for ever.
func (l *limits) take(caller string, now time.Time, n, taken int) allowance {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.config.PerSecond <= 0 {
		return allowance{ok: true} // changed a moment ago
	}
	limiter := l.limiter(caller, now)
	needed := float64(min(n, l.config.Burst-taken))
	if have := limiter.TokensAt(now); have < needed {
		return allowance{left: max(0, int(have)), full: l.seconds(float64(l.config.Burst) - have), retry: l.seconds(needed - have), policy: l.policy}
	}
	for rest := n; rest > 0; rest -= l.config.Burst {
		limiter.ReserveN(now, min(rest, l.config.Burst))
	}
	have := limiter.TokensAt(now)
	return allowance{ok: true, left: max(0, int(have)), full: l.seconds(float64(l.config.Burst) - have), policy: l.policy}
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

// charge counts n requests of a caller's, and says in the headers what they may still ask
// (draft-ietf-httpapi-ratelimit-headers). errRate: they have asked too often.
func (c *call) charge(caller string, n, taken int) error {
	l := &c.server.limits
	if !l.limited.Load() || n <= 0 {
		return nil
	}
	a := l.take(caller, c.start, n, taken)
	h := c.header()
	h[client.HeaderRatePolicy] = []string{a.policy}
	h[client.HeaderRateLimit] = []string{`"caller";r=` + strconv.Itoa(a.left) + ";t=" + strconv.Itoa(a.full)}
	if a.ok {
		return nil
	}
	c.retry = a.retry
	return errRate
}

// chargeBatch counts the items of a batch beyond the one request that it was counted as.
func (c *call) chargeBatch(items int) error {
	return c.charge(c.payer(), items-1, 1)
}
