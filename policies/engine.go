package policies

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/metrics"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// Engine answers by one compiled policy. It never changes, and any number of goroutines may ask it; a new policy is a
// new engine.
type Engine struct {
	digest string
	query  rego.PreparedEvalQuery // with the rules flattened, where that could be done
	plain  rego.PreparedEvalQuery // with the rules as they are written: the memo's self-check asks it
	flat   bool                   // whether the two differ
	rules  map[string]*rule
	memo   *memo
}

// Digest names the policy: "sha256:" and the hash of its modules and data, in hex.
func (e *Engine) Digest() string { return e.digest }

// Texts gives the sentences of a reason code of this policy.
func (e *Engine) Texts(code string) (Texts, bool) {
	r, ok := e.rules[code]
	if !ok {
		return Texts{}, false
	}
	return Texts{Person: maps.Clone(r.Person), Administrator: maps.Clone(r.Administrator)}, true
}

// DecideUncached evaluates the rules on an input. An error is never a yes: ErrTimeout when ctx ended first, ErrResult
// when the rules gave nothing usable.
func (e *Engine) DecideUncached(ctx context.Context, in *Input) (*Decision, error) {
	return e.decide(ctx, e.query, in)
}

func (e *Engine) decide(ctx context.Context, query rego.PreparedEvalQuery, in *Input) (*Decision, error) {
	allowed, codes, err := e.evaluate(ctx, query, in)
	if err != nil {
		return nil, err
	}
	d := &Decision{Allowed: allowed, Reasons: e.reasons(codes)}
	if d.InputJSON, err = render("input", in); err != nil {
		return nil, err
	}
	if d.ReasonsJSON, err = render("reasons", d.Reasons); err != nil {
		return nil, err
	}
	return d, e.explain(d)
}

// evaluate asks the rules, and gives the codes of the reasons in the order of their ranks.
func (e *Engine) evaluate(ctx context.Context, query rego.PreparedEvalQuery, in *Input) (bool, []string, error) {
	results, err := query.Eval(ctx,
		rego.EvalParsedInput(inputValue(in)),
		rego.EvalMetrics(metrics.NoOp()),
		rego.EvalExternalCancel(cancel{ctx.Done()}),
	)
	switch {
	case topdown.IsCancel(err):
		return false, nil, fmt.Errorf("%w: %w", ErrTimeout, context.Cause(ctx))
	case err != nil:
		return false, nil, fmt.Errorf("%w: %w", ErrResult, err)
	case len(results) != 1 || len(results[0].Expressions) != 1:
		return false, nil, fmt.Errorf("%w: it is undefined", ErrResult)
	}
	return e.read(results[0].Expressions[0].Value)
}

// cancel lets an evaluation look at a context as it goes, without a goroutine that watches it.
type cancel struct{ done <-chan struct{} }

// Cancel does nothing: only the context ends an evaluation.
func (cancel) Cancel() {}

// Cancelled says whether the context has ended.
func (c cancel) Cancelled() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

var (
	allowedKey = ast.InternedTerm("allowed")
	reasonsKey = ast.InternedTerm("reasons")
)

// read takes the answer of the rules apart: {"allowed": boolean, "reasons": set of codes}, at least one reason, each
// the code of a rule, and of an allow each the code of a rule that grants.
func (e *Engine) read(value any) (bool, []string, error) {
	object, ok := value.(ast.Object)
	if !ok {
		return false, nil, fmt.Errorf("%w: it is a %T", ErrResult, value)
	}
	verdict, list := object.Get(allowedKey), object.Get(reasonsKey)
	if verdict == nil || list == nil {
		return false, nil, fmt.Errorf("%w: allowed or reasons is missing", ErrResult)
	}
	allowed, ok := verdict.Value.(ast.Boolean)
	if !ok {
		return false, nil, fmt.Errorf("%w: allowed is %v", ErrResult, verdict)
	}
	set, ok := list.Value.(ast.Set)
	if !ok || set.Len() == 0 {
		return false, nil, fmt.Errorf("%w: reasons is %v", ErrResult, list)
	}
	codes := make([]string, 0, set.Len())
	for _, term := range set.Slice() {
		code, ok := term.Value.(ast.String)
		if !ok {
			return false, nil, fmt.Errorf("%w: a reason is %v", ErrResult, term)
		}
		r := e.rules[string(code)]
		if r == nil || (bool(allowed) && !r.grants) || (!bool(allowed) && !r.denies) {
			return false, nil, fmt.Errorf("%w: reason %q is of no such rule", ErrResult, string(code))
		}
		codes = append(codes, string(code))
	}
	slices.SortFunc(codes, func(a, b string) int { return e.rules[a].Rank - e.rules[b].Rank })
	if allowed {
		return true, codes[:1], nil // an allow has one reason
	}
	for i, code := range codes {
		if e.rules[code].StandsAlone {
			return false, codes[i : i+1], nil
		}
	}
	return false, codes, nil
}

func (e *Engine) reasons(codes []string) []Reason {
	out := make([]Reason, len(codes))
	for i, code := range codes {
		out[i] = Reason{Code: code, Message: e.rules[code].Person["en"]}
	}
	return out
}
