package set

import (
	"context"
	"fmt"
	"time"

	"cordon/policies"
)

// Tried is what came of an input on a policy of a set, as whoever writes rules tries it. Nothing rests on it.
type Tried struct {
	// Decision is nil where the rules gave no usable answer, and Undecided says why.
	Decision  *Decision     `json:"decision,omitempty"`
	Undecided string        `json:"undecided,omitempty"`
	Trace     []string      `json:"trace,omitempty"`
	Printed   []string      `json:"printed,omitempty"`
	Took      time.Duration `json:"took"`
}

// Try decides an input, with the print statements of the rules in force, and tells how. Rules that give nothing usable, or do
// not end, are told; an error is of ctx.
func (e *Engine) Try(ctx context.Context, in *Input) (*Tried, error) {
	told, err := e.program.Tell(ctx, e.ref(string(e.verdict)), in.value)
	if told == nil {
		return nil, fmt.Errorf("try: %w", err)
	}
	t := &Tried{Trace: told.Trace, Printed: told.Printed, Took: told.Took}
	if err == nil {
		t.Decision, err = e.verdict.read(told.Value)
	}
	if t.Undecided, err = policies.Undecided(ctx, err); err != nil {
		return nil, fmt.Errorf("try: %w", err)
	}
	return t, nil
}
