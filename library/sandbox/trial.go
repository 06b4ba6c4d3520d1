package sandbox

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"cordon/policies"
	"cordon/policies/set"
	"cordon/policies/table"
)

// trial is an input to be tried, and tried what came of it.
type (
	trial struct {
		Input json.RawMessage `json:"input"`
		At    time.Time       `json:"at"`
	}
	tried struct {
		Evaluation *policies.Evaluation `json:"evaluation"`
		Input      *policies.Input      `json:"input"`
		WhyNot     []table.Turn         `json:"why_not"`
	}
)

// Try is table.Try of a policy that is compiled there, too. One that is none, or that takes more memory or time than it
// may, is a *policies.ProblemsError.
func (b *Box) Try(ctx context.Context, src policies.Source, in *policies.Input, at time.Time) (*table.Tried, error) {
	text, err := json.Marshal(in)
	if err != nil {
		return nil, fmt.Errorf("try policy: %w", err)
	}
	got, err := b.try(ctx, request{Source: src, Try: &trial{text, at}})
	if err != nil {
		return nil, err
	}
	if got.Tried == nil || got.Tried.Evaluation == nil || got.Tried.Input == nil {
		return nil, errors.New("try policy: its process gave no answer")
	}
	return &table.Tried{Evaluation: got.Tried.Evaluation, Input: got.Tried.Input, WhyNot: got.Tried.WhyNot}, nil
}

func (b *Box) try(ctx context.Context, ask request) (*answer, error) {
	ask.Memory = cmp.Or(b.Memory, TrialMemory)
	got, err := b.ask(ctx, ask, cmp.Or(b.Time, TrialTime))
	if err != nil {
		return nil, fmt.Errorf("try policy: %w", err)
	}
	return got, nil
}

// on tries an input on a policy in this process.
func (t *trial) on(ctx context.Context, src policies.Source) (*tried, error) {
	in, err := policies.ReadInput(t.Input)
	if err != nil {
		return nil, err
	}
	engine, err := policies.Compile(ctx, src)
	if err != nil {
		return nil, err
	}
	came, err := table.Try(ctx, engine, in, t.At)
	if err != nil {
		return nil, err
	}
	return &tried{Evaluation: came.Evaluation, Input: came.Input, WhyNot: came.WhyNot}, nil
}

// TrySet is Try, of a policy of a set beside the built-in one.
func (b *Box) TrySet(ctx context.Context, name string, src policies.Source, input []byte) (*set.Tried, error) {
	got, err := b.try(ctx, request{Source: src, Set: name, Try: &trial{Input: input}})
	if err != nil {
		return nil, err
	}
	if got.TriedSet == nil {
		return nil, errors.New("try policy: its process gave no answer")
	}
	return got.TriedSet, nil
}

// onSet tries an input on a policy of a set in this process.
func (t *trial) onSet(ctx context.Context, name string, src policies.Source) (*set.Tried, error) {
	in, err := set.ReadInput(t.Input)
	if err != nil {
		return nil, err
	}
	engine, err := set.Compile(ctx, name, src)
	if err != nil {
		return nil, err
	}
	return engine.Try(ctx, in)
}
