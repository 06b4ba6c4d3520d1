package library

import (
	"context"
	"fmt"
	"slices"

	"cordon/policies"
	"cordon/policies/table"
)

// Expire looks once whether the time of what is in force is over.
func (l *Library) Expire(ctx context.Context) error { return l.expireAll(ctx) }

// End does so, and says where it cannot.
func (l *Library) End(ctx context.Context) { l.end(ctx) }

// Quicken has the library find everything in order without a look, which is what most tests need.
func (l *Library) Quicken() {
	l.inspect = func(_ context.Context, src policies.Source) (*policies.Report, error) {
		return &policies.Report{Digest: src.Digest(), Coverage: policies.Coverage{Percent: 100}, Budget: policies.Budget{Held: true}}, nil
	}
	l.Break()
	l.compare = func(_ context.Context, from, to *policies.Engine) (*table.Difference, error) {
		return &table.Difference{From: from.Digest(), To: to.Digest()}, nil
	}
}

// Differ has the library find that all versions differ in some groups.
func (l *Library) Differ(groups ...table.Group) {
	l.compare = func(_ context.Context, from, to *policies.Engine) (*table.Difference, error) {
		return &table.Difference{From: from.Digest(), To: to.Digest(), Groups: groups}, nil
	}
}

// Overflow has the library find all differences too large, for a reason.
func (l *Library) Overflow(why policies.Problem) {
	l.compare = func(context.Context, *policies.Engine, *policies.Engine) (*table.Difference, error) {
		return nil, fmt.Errorf("compare policies: %w", &policies.ProblemsError{Problems: []policies.Problem{why}})
	}
}

// Inspect has the library check policies whole again.
func (l *Library) Inspect() { l.inspect = policies.Check }

// HoldChecks has each check begin by saying so, and wait.
func (l *Library) HoldChecks() (begun <-chan struct{}, goOn chan struct{}) {
	inspect, says := l.inspect, make(chan struct{}, 8)
	goOn = make(chan struct{})
	l.inspect = func(ctx context.Context, src policies.Source) (*policies.Report, error) {
		says <- struct{}{}
		<-goOn
		return inspect(ctx, src)
	}
	return says, goOn
}

// StopChecks has the library find that a policy cannot be looked at.
func (l *Library) StopChecks() {
	l.inspect = func(_ context.Context, src policies.Source) (*policies.Report, error) {
		return &policies.Report{Digest: src.Digest(), Problems: []Problem{{Message: "it takes too much memory"}}}, nil
	}
}

// StopProof has the library find that a proof takes too much.
func (l *Library) StopProof() {
	l.prove = func(context.Context, policies.Source) (*table.Proof, error) {
		return nil, &policies.ProblemsError{Problems: []Problem{{Message: "it takes too much memory"}}}
	}
}

// ProveLess has the library show nothing but one invariant.
func (l *Library) ProveLess(name string) {
	l.prove = func(context.Context, policies.Source) (*table.Proof, error) {
		return &table.Proof{Cells: 7, Invariants: []table.Invariant{{Name: name, Holds: true}}}, nil
	}
}

// Break has the library find that some invariants do not hold.
func (l *Library) Break(names ...string) {
	l.prove = func(context.Context, policies.Source) (*table.Proof, error) {
		proof := &table.Proof{Cells: 7}
		for _, name := range table.Names() {
			i := table.Invariant{Name: name, Holds: !slices.Contains(names, name)}
			if !i.Holds {
				i.Counterexample = &table.Counterexample{}
			}
			proof.Invariants = append(proof.Invariants, i)
		}
		return proof, nil
	}
}

// CheckOffered checks what this release offers.
func (l *Library) CheckOffered(ctx context.Context) { l.checkOffered(ctx) }
