package guard

import (
	"context"
	"fmt"
	"time"

	"cordon/datastore"
	"cordon/policies"
)

// policySet is the set of policies that the guard decides by.
const policySet = "cordon"

// policy is the policy in force as one question, batch, act or import sees it. Each has one, so that what belongs
// together is decided by one version, whatever is activated meanwhile.
type policy struct {
	*policies.Engine
	activation datastore.Activation // the zero value before one was ever activated
	host       *policies.Decision   // of an act of the host's that no rule is asked about
	noMemo     bool
	shadow     *shadow // nil: none is asked beside it
	// unusable is why nothing is decided by it: the version in force could not be loaded, nor was another before.
	unusable error
	// upTo is the number of the activation that it goes on to decide under, since that one cannot be loaded; else 0.
	upTo int64
}

func newPolicy(engine *policies.Engine, activation datastore.Activation, noMemo bool) (*policy, error) {
	host, err := engine.Unasked(policies.ReasonHost)
	if err != nil {
		return nil, fmt.Errorf("read policy: %w", err)
	}
	return &policy{Engine: engine, activation: activation, host: host, noMemo: noMemo}, nil
}

// decides tells whether an activation is of the policy.
func (p *policy) decides(a *datastore.Activation) bool {
	return p.unusable == nil && p.activation.Number == a.Number && p.activation.Digest == a.Digest
}

// usable returns the policy, or why nothing is decided by it.
func (p *policy) usable() (*policy, error) {
	if p.unusable != nil {
		return nil, p.unusable
	}
	return p, nil
}

// retired tells whether an activation is of a later policy, or of another by the same number: then the store was set back.
func (p *policy) retired(by *Activation) bool {
	other := by.Number > p.activation.Number || by.Number == p.activation.Number && by.Digest != p.activation.Digest
	return other && by.Number > p.upTo
}

// lasting is the policy as the last one that could be loaded.
func (p *policy) lasting(until *Activation) *policy {
	lasts := *p
	lasts.upTo = until.Number
	return &lasts
}

// ask asks the rules at an instant. Where they look at the time, it becomes a fact of the input, so that the record holds
// it and a decision stays a function of its input (docs/design.md 3.1). Words that the policy has retired are asked about by
// those that stand for them.
func (p *policy) ask(ctx context.Context, input *policies.Input, at time.Time) (*policies.Decision, error) {
	p.Prepare(input, at)
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
