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
