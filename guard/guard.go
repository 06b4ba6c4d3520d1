// Package guard answers what happens: rules meet facts here and nowhere else, in the use cases of Cordon.
//
// A question is answered by reading the facts it is about, projecting them on the small input that
// the rules look at, asking the policy engine, and writing the record; only then is the answer given
// (docs/design.md 3.3). A mutation does all of that inside the transaction that carries it out
// (docs/design.md 3.2), so that what was decided on is what is true when it takes effect.
//
// Why the cache is keyed by (organization, revision): every committed change of an organization
// bumps its revision, so whatever was read at a revision stays true of that revision for ever. An
// entry can be too old, never wrong; the change feed tells when it is too old, and a feed that has
// been silent for longer than the allowed staleness makes the guard read the store instead.
package guard

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"cordon/datastore"
	"cordon/ledger"
	"cordon/ledger/journal"
	"cordon/ledger/opa"
	"cordon/policies"
)

// Config is what a guard is made of. Store, Engine and Journal are required.
type Config struct {
	Store   datastore.Store
	Engine  *policies.Engine // the policy that decides as long as none was activated in the store
	Journal *journal.Journal
	// Ledger is the log as its readers find it. nil: one over Store that only reads.
	Ledger *ledger.Ledger

	// MaxStaleness is how long answers are given from cached facts without a sign of life of the
	// change feed. 0: 2 s (docs/design.md 8).
	MaxStaleness time.Duration
	// CacheBytes bounds what cached facts take in memory. 0: 256 MiB.
	CacheBytes int64
	// NoMemo asks the rules about every question, and NoCache reads the facts of every question from
	// the store, for measuring.
	NoMemo, NoCache bool

	// Announced is called when an act has queued something to tell, so that whoever delivers need not
	// wait for the next look. It must not block. nil: nobody is called.
	Announced func()
	// CheckWebhook tells what is wrong with a webhook's URL. nil: nothing is.
	CheckWebhook func(url string) error

	Now func() time.Time // nil: time.Now
	// Elapsed tells the time between two readings of Now by a clock that cannot be set. nil: that of the readings
	// themselves, which those of time.Now hold.
	Elapsed func(from, to time.Time) time.Duration
	Log     *slog.Logger // nil: discarded
	Observe Observer     // zero value: nobody looks
}

// Observer is told what happens, for metrics. Any of its functions may be nil. The words that it is
// given are bounded: actions that the policy or an act of ours knows, "other" for the rest, and reasons
// of the policy.
type Observer struct {
	Decision func(action string, allowed bool, reason string, took time.Duration)
	Change   func(action string, outcome string)
	Deleted  func(class string, count int) // because its time was over
}

// Guard answers questions and carries out mutations. It is safe for concurrent use.
type Guard struct {
	store   datastore.Store
	journal *journal.Journal
	ledger  *ledger.Ledger
	intake  *opa.Intake
	policy  enforcement
	former  formerPolicies
	shadows *shadowing
	sets    sets
	cache   *cache
	callers *callers
	once    inFlight
	pruned  atomic.Pointer[string] // by what the log was pruned here last, and of which day
	now     func() time.Time
	clock   *endClock
	log     *slog.Logger
	observe Observer
	config  Config

	inputs sync.Pool              // of *policies.Input, each empty
	secret atomic.Pointer[[]byte] // of the tokens of searches; nil before it is read

	standing  atomic.Pointer[Standing] // nil before the first look
	reading   atomic.Int64             // how many read the log now
	followers followers
}

// New makes a guard. Run must be running for the cache to be used: without it every question is
// answered from the store.
func New(config Config) (*Guard, error) {
	if config.Store == nil || config.Engine == nil || config.Journal == nil {
		return nil, errors.New("make guard: a store, an engine and a journal are needed")
	}
	if config.MaxStaleness == 0 {
		config.MaxStaleness = 2 * time.Second
	}
	if config.CacheBytes == 0 {
		config.CacheBytes = 256 << 20
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Elapsed == nil {
		config.Elapsed = func(from, to time.Time) time.Duration { return to.Sub(from) }
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	if config.Ledger == nil {
		var err error
		if config.Ledger, err = ledger.New(ledger.Config{Store: config.Store}); err != nil {
			return nil, fmt.Errorf("make guard: %w", err)
		}
	}
	policy, err := newPolicy(config.Engine, Activation{}, config.NoMemo)
	if err != nil {
		return nil, fmt.Errorf("make guard: %w", err)
	}
	g := &Guard{
		store: config.Store, journal: config.Journal, ledger: config.Ledger, cache: newCache(config), callers: newCallers(config),
		now: config.Now, clock: newEndClock(config), log: config.Log, observe: config.Observe, config: config,
	}
	g.shadows = newShadowing(&g.policy)
	g.policy.now.Store(policy)
	g.policy.turn = make(chan struct{}, 1)
	g.intake = opa.NewIntake(opa.Config{Store: g.store, Journal: g.journal, Search: g.ledger.Search, Now: g.now})
	return g, nil
}

// Run keeps the cache and the policy in force true, puts what ends by the clock on record, deletes what has been kept for its time, notes
// when keys were last used, and looks whether the store answers, until ctx is done; then it returns nil.
func (g *Guard) Run(ctx context.Context) error {
	var beside sync.WaitGroup
	beside.Go(func() { g.sweepEvery(ctx, time.Second) })
	beside.Go(func() { g.watchStore(ctx) })
	beside.Go(func() { g.writeUsesEvery(ctx, useWritten) })
	beside.Go(func() { g.cleanEvery(ctx, cleanFirst, cleanPause) })
	beside.Go(func() { g.mendPolicy(ctx) })
	beside.Go(func() { g.keepShadow(ctx) })
	beside.Go(func() { g.shadows.run(ctx) })
	g.cache.follow(ctx, g.store, g.log, g.reload, g.sets.tell)
	beside.Wait()
	return nil
}

// newID makes an unguessable id of 80 bits with a prefix.
func newID(prefix string) string { return prefix + rand.Text()[:16] }
