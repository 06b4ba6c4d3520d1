package guard

import (
	"context"
	"encoding/json"
	"fmt"

	"cordon/policies"
	"cordon/policies/set"
)

// Tracing is how callers of Open Policy Agent are told of an evaluation.
type Tracing = policies.Tracing

// Trace returns how the rules come to an answer that was given just now, as OPA tells it. nil: they are in force no more.
func (g *Guard) Trace(ctx context.Context, a *Answer, t *Tracing) (json.RawMessage, error) {
	p := g.policy.Load()
	if p.Digest() != a.Policy {
		return nil, nil
	}
	in, err := policies.ReadInput(a.InputJSON)
	if err != nil {
		return nil, fmt.Errorf("trace: %w", err)
	}
	return p.Trace(ctx, in, t)
}

// TraceIn returns how the rules of a policy set come to an answer that was given just now. nil: they are in force no more.
func (g *Guard) TraceIn(ctx context.Context, name string, q *Question, a *SetAnswer, t *Tracing) (json.RawMessage, error) {
	p, err := g.setFor(ctx, name)
	if err != nil || p.Digest() != a.Policy {
		return nil, err
	}
	in, err := set.ReadInput(q.Input)
	if err != nil {
		return nil, fmt.Errorf("trace: %w", err)
	}
	leave, ctx, err := p.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	return p.Trace(ctx, in, t)
}

// VerdictIn names the rule by which a policy set decides, allow or decision. *NotFound: there is no such set.
// ErrOrganizationLimit: the caller is limited to an organization, of which no such set knows.
func (g *Guard) VerdictIn(ctx context.Context, o *Origin, name string) (string, error) {
	p, err := g.setOf(ctx, o, name)
	if err != nil {
		return "", err
	}
	return p.Verdict(), nil
}
