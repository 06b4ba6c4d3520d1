package table

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"cordon/policies"
)

// Answers are those of one policy to every cell of a table.
type Answers struct {
	table  *Table
	engine *policies.Engine
	of     []*policies.Outcome // by cell; nil where the rules gave no usable answer
}

// batch is how many cells a processor takes at once.
const batch = 256

// Decide asks a policy every cell, on all processors, none from the memo. It ends early with the context's error; a
// cell to which the rules give no usable answer is undecided, and the rest goes on.
func (t *Table) Decide(ctx context.Context, e *policies.Engine) (*Answers, error) {
	a := &Answers{table: t, engine: e, of: make([]*policies.Outcome, t.Cells())}
	var next atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() error {
			for {
				from := int(next.Add(batch)) - batch
				if from >= len(a.of) {
					return nil
				}
				if err := a.decide(ctx, from, min(from+batch, len(a.of))); err != nil {
					return err
				}
			}
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return a, nil
}

// decide asks about some cells.
func (a *Answers) decide(ctx context.Context, from, to int) error {
	var in policies.Input
	var values []int
	for cell := from; cell < to; cell++ {
		s, number := a.table.at(cell)
		values = s.values(number, values)
		s.input(&in, values)
		decision, err := a.engine.DecideUncached(ctx, &in)
		if errors.Is(err, policies.ErrTimeout) {
			return err
		}
		if err == nil {
			a.of[cell] = decision.Outcome
		}
	}
	return nil
}
