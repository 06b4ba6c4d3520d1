package library

import (
	"context"
	"errors"

	"cordon/policies"
	"cordon/policies/table"
)

// Expire looks once whether the time of what is in force is over.
func (l *Library) Expire(ctx context.Context) error { return l.expire(ctx) }

// Quicken has the library look only whether a policy compiles, and find the rest in order.
func (l *Library) Quicken() {
	l.inspect = func(ctx context.Context, src policies.Source) (*policies.Report, error) {
		r := &policies.Report{Digest: src.Digest(), Coverage: policies.Coverage{Percent: 100}, Budget: policies.Budget{Held: true}}
		_, err := policies.Compile(ctx, src)
		if refused, is := errors.AsType[*policies.ProblemsError](err); is {
			r.Problems = refused.Problems
			return r, nil
		}
		return r, err
	}
	l.prove = func(context.Context, *policies.Engine) (*table.Proof, error) { return &table.Proof{}, nil }
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

// Inspect has the library check policies whole again, and Prove their invariants.
func (l *Library) Inspect() { l.inspect = policies.Check }
func (l *Library) Prove()   { l.prove = table.Prove }
