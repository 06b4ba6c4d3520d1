package replay

import (
	"context"
	"time"

	"cordon/ledger"
	"cordon/policies"
)

// RunWithin is Run with other bounds: of the bytes that are remembered of inputs, and of the time that an answer may take.
func RunWithin(ctx context.Context, log *ledger.Ledger, engine *policies.Engine, bytes int, budget time.Duration) (*Result, error) {
	answers := newAnswers(engine)
	answers.most, answers.budget = bytes, budget
	return run(ctx, log, &replay{engine: engine, answers: answers, tally: newTally()}, Window{}, new(Progress))
}

// ProblemOf returns what is told of the first problem.
func ProblemOf(why string) string {
	var c Counts
	c.problem(why)
	return c.Problem
}
