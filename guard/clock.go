package guard

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// A machine's clock that goes further ahead at once than leapTolerated was set, or the machine was asleep; what keeps a
// clock right does not do that to one that was right. A clock that stays there for leapBelieved is believed.
const (
	leapTolerated = 30 * time.Second
	leapBelieved  = 10 * time.Minute
)

// endClock tells the time by which blocks and maintenance end. It is the wall clock's, but never ahead of what that showed
// when it was last believed and the time that has passed since, by a clock that cannot be set: where the wall clock leaps
// ahead, what should end within the leap stays in force until the leap is believed. An end is for good, and a block that
// lasts too long is the safe side. A clock that is set back, or that was wrong before this process began, is not noticed.
type endClock struct {
	now     func() time.Time
	elapsed func(from, to time.Time) time.Duration // between readings of now, whatever the wall clock did meanwhile
	log     *slog.Logger
	base    atomic.Pointer[time.Time] // the last reading that was believed

	mu     sync.Mutex
	leapt  time.Time     // the reading at which the leap was seen; zero: none
	length time.Duration // of the leap
}

func newEndClock(config Config) *endClock {
	c := &endClock{now: config.Now, elapsed: config.Elapsed, log: config.Log}
	base := c.now()
	c.base.Store(&base)
	return c
}

// at returns the time by which ends are told at a reading of the wall clock. It reads no clock itself: a reading holds the
// time of both.
func (c *endClock) at(reading time.Time) time.Time {
	if ahead := c.ahead(reading); ahead > leapTolerated {
		return reading.Add(-ahead)
	}
	return reading
}

// ahead returns how far a reading is from where the clock would be had it not been set since it was last believed.
func (c *endClock) ahead(reading time.Time) time.Duration {
	base := c.base.Load()
	return time.Duration(reading.UnixNano()-base.UnixNano()) - c.elapsed(*base, reading)
}

// check believes the clock where there is nothing against it, and says when it is doubted and when no longer. A leap is
// believed when the clock has stayed there; another one meanwhile begins the wait anew.
func (c *endClock) check() {
	c.mu.Lock()
	defer c.mu.Unlock()
	reading := c.now()
	ahead := c.ahead(reading)
	switch {
	case ahead <= leapTolerated:
		if !c.leapt.IsZero() {
			c.log.Info("the clock is back: nothing was ended meanwhile", "was_ahead", c.length.Round(time.Second))
		}
	case c.leapt.IsZero() || (ahead-c.length).Abs() > leapTolerated:
		c.leapt, c.length = reading, ahead
		c.log.Warn("the clock has leapt ahead: blocks and maintenance that would end within the leap stay in force until it is believed",
			"ahead", ahead.Round(time.Second), "believed_after", leapBelieved)
		return
	case c.elapsed(c.leapt, reading) < leapBelieved:
		return
	default:
		c.log.Warn("the clock has stayed ahead and is believed: what should have ended meanwhile ends now", "ahead", ahead.Round(time.Second))
	}
	c.leapt, c.length = time.Time{}, 0
	c.base.Store(&reading)
}

// Ends returns the time by which blocks and maintenance end at a reading of the guard's clock.
func (g *Guard) Ends(reading time.Time) time.Time { return g.clock.at(reading) }

// ClockAhead returns how far the clock has leapt ahead and is not believed; 0: it is. Blocks and maintenance that would
// end within the leap stay in force meanwhile.
func (g *Guard) ClockAhead() time.Duration {
	if ahead := g.clock.ahead(g.now()); ahead > leapTolerated {
		return ahead
	}
	return 0
}
