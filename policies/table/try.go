package table

import (
	"context"
	"errors"
	"time"

	"cordon/policies"
)

// Tried is what comes of an input on a policy, as whoever writes rules tries it.
type Tried struct {
	*policies.Evaluation
	Input *policies.Input // that the rules were asked about
	// WhyNot are the smallest changes of facts that would turn the answer.
	WhyNot []Turn
}

// whyNotTime is how long what would turn an answer is looked for.
const whyNotTime = 2 * time.Second

// Try evaluates an input on a policy, in its words and at a time unless the input names one, and looks for what would turn
// the answer; of rules that take their time, give nothing usable, or have too many words, that is left out.
func Try(ctx context.Context, e *policies.Engine, in *policies.Input, at time.Time) (*Tried, error) {
	e.Current(in)
	if in.Time == nil {
		in.Time = e.Time(at)
	}
	tried := &Tried{Input: in}
	var err error
	if tried.Evaluation, err = e.Evaluate(ctx, in); err != nil || tried.Undecided != "" {
		return tried, err
	}
	limited, cancel := context.WithTimeout(ctx, whyNotTime)
	defer cancel()
	tried.WhyNot, err = WhyNot(limited, e, in)
	_, tooLarge := errors.AsType[*policies.ProblemsError](err)
	if tooLarge || errors.Is(err, policies.ErrTimeout) && ctx.Err() == nil {
		tried.WhyNot, err = nil, nil
	}
	return tried, err
}
