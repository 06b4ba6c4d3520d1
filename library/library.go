// Package library answers what will be right: policies as versions, from the first draft to the one in force.
//
// A version is its content, named by its digest, and never changes; what people say of it (its message, its approvals)
// stands beside it. What a version may do before it counts is shown here: its checks, the invariants, the difference to
// another, and the log decided again. Which version is in force is one document of the store (datastore.Activation);
// the guard follows it, and decides nothing by any other.
package library

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"cordon/datastore"
	"cordon/guard"
	"cordon/ledger"
	"cordon/policies"
	"cordon/policies/set"
	"cordon/policies/table"
)

// Config is what a library is made of. Store, Guard and Ledger are required.
type Config struct {
	Store  datastore.Store
	Guard  *guard.Guard
	Ledger *ledger.Ledger
	// Shipped is the policy that this release ships with. It is required.
	Shipped policies.Source
	// Release names what checks: a version that another release has checked is checked again before it is activated.
	Release string
	// Replica names this process among those that share the store.
	Replica string
	// Tokens tells that callers come with tokens of an issuer, too: then there are always several who may approve.
	Tokens bool

	// Apart checks and tries what nobody has looked at yet where it can do no harm; nil: in this process.
	Apart Apart

	Now func() time.Time // nil: time.Now
	Log *slog.Logger     // nil: discarded

	// Compare says where two policies differ; nil: table.Compare.
	Compare func(ctx context.Context, from, to *policies.Engine) (*table.Difference, error)
}

// Apart checks policies, proves what holds for all questions, and tries inputs, where none can harm this process: until
// somebody has a version compared, replayed or activated it is not even compiled here. A policy that takes too much is a
// *policies.ProblemsError.
type Apart interface {
	Check(ctx context.Context, src policies.Source) (*policies.Report, error)
	CheckSet(ctx context.Context, name string, src policies.Source) (*policies.Report, error)
	TrySet(ctx context.Context, name string, src policies.Source, input []byte) (*set.Tried, error)
	Prove(ctx context.Context, src policies.Source) (*table.Proof, error)
	Try(ctx context.Context, src policies.Source, in *policies.Input, at time.Time) (*table.Tried, error)
}

// Library keeps the versions of policies. It is safe for concurrent use.
type Library struct {
	store   datastore.Store
	guard   *guard.Guard
	ledger  *ledger.Ledger
	shipped policies.Source
	release string
	tokens  bool
	now     func() time.Time
	log     *slog.Logger

	jobs        *jobs
	working     chan struct{} // holds a token while a policy is checked or compared
	trying      chan struct{} // holds a token for each trial of what was never in force
	apart       Apart
	staying     atomic.Bool // a version is in force whose time is over
	differences differences
	inspect     func(ctx context.Context, src policies.Source) (*policies.Report, error)
	prove       func(ctx context.Context, src policies.Source) (*table.Proof, error)
	compare     func(ctx context.Context, from, to *policies.Engine) (*table.Difference, error)
}

// New makes a library.
func New(config Config) (*Library, error) {
	if config.Store == nil || config.Guard == nil || config.Ledger == nil || len(config.Shipped.Files) == 0 {
		return nil, errors.New("make library: a store, a guard, a ledger and the shipped policy are needed")
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	l := &Library{
		store: config.Store, guard: config.Guard, ledger: config.Ledger, shipped: config.Shipped, release: config.Release,
		tokens: config.Tokens, now: config.Now, log: config.Log, jobs: newJobs(config.Store, config.Replica, config.Now, config.Log),
		working: make(chan struct{}, 1), trying: make(chan struct{}, mostTried),
		apart: config.Apart, inspect: policies.Check, prove: prove, compare: table.Compare,
	}
	if config.Compare != nil {
		l.compare = config.Compare
	}
	if config.Apart != nil {
		l.inspect, l.prove = config.Apart.Check, config.Apart.Prove
	}
	return l, nil
}
