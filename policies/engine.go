package policies

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
)

// Engine answers by one compiled policy. Its answers never change, and any number of goroutines may ask it; a new
// policy is a new engine. It can be put beside another: nothing of one is shared with the next.
type Engine struct {
	digest     string
	source     Source
	plain      *rego.PreparedEvalQuery // the rules as they are written
	flat       flattened               // the same rules, worked out ahead
	rules      map[string]*rule
	languages  []string // that every rule speaks, English first
	vocabulary *vocabulary
	terms      terms
	clock      clock
	settings   Settings
	words      Words
	kinds      []string // that it may tell apart: see namedKinds
	kindsKnown bool     // they are all
	outcomes   outcomes
	memo       *memo
}

// flattened is the flat query of an engine, while it is trusted.
type flattened struct {
	query atomic.Pointer[rego.PreparedEvalQuery] // nil: the plain one answers
	why   atomic.Pointer[string]                 // why it is nil
	asked atomic.Uint64
}

// flatCheckEvery says how many questions go to the flat query for each that is asked of the plain one, too.
const flatCheckEvery = 64

// Digest names the policy; see [Source.Digest].
func (e *Engine) Digest() string { return e.digest }

// FlatOn reports whether the rules are asked in their flat form, and if not, why. An engine whose flat form once
// answered otherwise than the rules as they are written never asks it again.
func (e *Engine) FlatOn() (bool, string) {
	if why := e.flat.why.Load(); why != nil {
		return false, *why
	}
	return true, ""
}

// distrustFlat takes the flat query out of service for good.
func (e *Engine) distrustFlat(in *Input) {
	e.memo.disagreements.Add(1)
	action := "an action that is not in the table"
	if _, ok := e.terms[in.Action.Name]; ok { // names that callers make up are not repeated
		action = in.Action.Name
	}
	why := "asked about " + action + ", their flat form did not answer as they are written"
	e.flat.why.CompareAndSwap(nil, &why)
	e.flat.query.Store(nil)
}

// DecideUncached evaluates the rules on an input. An error is never a yes: ErrTimeout when ctx ended first, ErrResult
// when the rules gave nothing usable.
//
// The flat form of the rules is asked where it is in service; the first question of every 64, and each that it gives
// no answer to, goes to the rules as they are written, too. Where the two do not agree, theirs is the answer, and the
// flat form is out of service from then on.
func (e *Engine) DecideUncached(ctx context.Context, in *Input) (*Decision, error) {
	decision, _, err := e.decide(ctx, in)
	return decision, err
}

func (e *Engine) decide(ctx context.Context, in *Input) (_ *Decision, flat bool, err error) {
	query := e.flat.query.Load()
	if query == nil {
		decision, err := e.evaluate(ctx, e.plain, in)
		return decision, false, err
	}
	decision, err := e.evaluate(ctx, query, in)
	if errors.Is(err, ErrTimeout) || err == nil && e.flat.asked.Add(1)%flatCheckEvery != 1 {
		return decision, true, err
	}
	written, wrong := e.evaluate(ctx, e.plain, in)
	if errors.Is(wrong, ErrTimeout) {
		return nil, true, wrong
	}
	e.memo.checked.Add(1)
	if err == nil && wrong == nil && written.same(decision) {
		return decision, true, nil
	}
	e.distrustFlat(in)
	return written, false, wrong
}

// same reports whether two decisions on one input say the same.
func (d *Decision) same(other *Decision) bool {
	return d.Allowed == other.Allowed && slices.Equal(d.Reasons, other.Reasons)
}

// evaluate asks a query of the engine.
func (e *Engine) evaluate(ctx context.Context, query *rego.PreparedEvalQuery, in *Input, more ...rego.EvalOption) (*Decision, error) {
	value, err := Ask(ctx, query, e.terms.input(in), more...)
	switch {
	case err != nil:
		return nil, err
	case value == nil:
		return nil, fmt.Errorf("%w: it is undefined", ErrResult)
	}
	allowed, codes, err := e.read(value)
	if err != nil {
		return nil, err
	}
	d := &Decision{}
	if d.Outcome, err = e.outcome(allowed, codes); err != nil {
		return nil, err
	}
	d.InputJSON, err = render("input", in)
	return d, err
}

// read takes the answer of the rules apart: {"allowed": boolean, "reasons": set of codes}, at least one reason, each
// the code of a rule that denies or, of an allow, of one that grants. The codes come in the order of their ranks.
func (e *Engine) read(value ast.Value) (bool, []string, error) {
	object, ok := value.(ast.Object)
	if !ok {
		return false, nil, fmt.Errorf("%w: it is a %T", ErrResult, value)
	}
	verdict, list := object.Get(ast.InternedTerm("allowed")), object.Get(ast.InternedTerm("reasons"))
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
		if r := e.rules[string(code)]; r == nil || r.grants != bool(allowed) {
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
