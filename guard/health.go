package guard

import (
	"context"
	"errors"
	"strings"
	"time"
)

// What a guard stands on. Without one of them it is not ready.
const (
	PartStore   = "store"
	PartFeed    = "feed"
	PartJournal = "journal"
	PartPolicy  = "policy" // only where there is none to decide by
)

// Part is one of the things that a guard stands on, and what is wrong with it; nil: nothing.
type Part struct {
	Name string
	Err  error
}

// Unready: these parts keep the guard from answering.
type Unready struct{ Parts []Part }

func (e *Unready) Error() string {
	var said []string
	for _, p := range e.Parts {
		said = append(said, p.Name+": "+p.Err.Error())
	}
	return strings.Join(said, "; ")
}

// Unwrap returns what is wrong with each part.
func (e *Unready) Unwrap() []error {
	var errs []error
	for _, p := range e.Parts {
		errs = append(errs, p.Err)
	}
	return errs
}

// Health looks at each of the parts.
func (g *Guard) Health(ctx context.Context) []Part {
	parts := []Part{{PartStore, g.store.Ready(ctx)}, {Name: PartFeed}, {PartJournal, g.journal.Stats().Err}}
	if _, begun := g.cache.lag(); !begun && !g.config.NoCache {
		parts[1].Err = errNoFeed
	}
	if err := g.policy.Load().unusable; err != nil {
		parts = append(parts, Part{PartPolicy, err})
	}
	return parts
}

// Ready tells whether the guard can answer: the store serves, the change feed has begun, and the journal
// takes records. Otherwise the error is [*Unready].
func (g *Guard) Ready(ctx context.Context) error {
	var failing []Part
	for _, p := range g.Health(ctx) {
		if p.Err != nil {
			failing = append(failing, p)
		}
	}
	if len(failing) > 0 {
		return &Unready{failing}
	}
	return nil
}

// errNoFeed keeps traffic away from a guard that would read the store for every question.
var errNoFeed = errors.New("it has not begun yet")

// FeedLag returns how far the change feed is behind, false before it has begun. From MaxStaleness on
// answers are given from the store alone.
func (g *Guard) FeedLag() (time.Duration, bool) { return g.cache.lag() }

// MaxStaleness returns how far the feed may be behind before answers are given from the store alone.
func (g *Guard) MaxStaleness() time.Duration { return g.config.MaxStaleness }

// Backlog is what the journal has that is still to be shipped.
type Backlog struct{ Records, Bytes int64 }

// Backlog returns how much that is.
func (g *Guard) Backlog() Backlog {
	s := g.journal.Stats()
	return Backlog{s.Unshipped, s.UnshippedBytes}
}

// Readings returns how many searches and exports of the log are in hand.
func (g *Guard) Readings() int64 { return g.reading.Load() }
