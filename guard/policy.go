package guard

import (
	"context"
	"fmt"
	"time"

	"cordon/policies"
)

// policy is the policy in force as one question, batch, act or import sees it. Each loads it once, so
// that what belongs together is decided by one version, whatever is activated meanwhile.
type policy struct {
	*policies.Engine
	host   *policies.Decision // of an act of the host's that no rule is asked about
	noMemo bool
}

func newPolicy(engine *policies.Engine, noMemo bool) (*policy, error) {
	host, err := engine.Unasked(policies.ReasonHost)
	if err != nil {
		return nil, fmt.Errorf("read policy: %w", err)
	}
	return &policy{Engine: engine, host: host, noMemo: noMemo}, nil
}

// ask asks the rules at an instant. Where they look at the time, it becomes a fact of the input, so that the record holds
// it and a decision stays a function of its input (docs/design.md 3.1).
func (p *policy) ask(ctx context.Context, input *policies.Input, at time.Time) (*policies.Decision, error) {
	input.Time = p.Time(at)
	if p.noMemo {
		return p.DecideUncached(ctx, input)
	}
	return p.Decide(ctx, input)
}

// otherAction stands for the names of actions that callers make up.
const otherAction = "other"

// label returns what an action is counted as: its name, where the policy knows it.
func (p *policy) label(action string) string {
	if word, ok := p.Action(action); ok {
		return word
	}
	return otherAction
}

// Policy returns the policy in force: its words, its catalogue of reasons and its digest.
func (g *Guard) Policy() *policies.Engine { return g.policy.Load().Engine }
