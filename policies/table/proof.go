package table

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"cordon/policies"
)

// Proof says which invariants of the domain a policy keeps, shown on every cell of its table.
type Proof struct {
	Policy     string        `json:"policy"` // its digest
	Cells      int           `json:"cells"`
	Took       time.Duration `json:"-"`
	Invariants []Invariant   `json:"invariants"`
}

// Invariant is one of them.
type Invariant struct {
	Name  string `json:"name"` // of the row of docs/domain.md
	Says  string `json:"says"`
	Holds bool   `json:"holds"`
	Cells int    `json:"cells"` // that it speaks about
	// Broken is how many of them break it, and Counterexample the one with the fewest facts that are not plain.
	Broken         int             `json:"broken,omitempty"`
	Counterexample *Counterexample `json:"counterexample,omitempty"`
}

// Counterexample is a cell, and what the policy answers.
type Counterexample struct {
	Example
	Answer  string   `json:"answer"` // one of the Answer constants
	Reasons []string `json:"reasons,omitempty"`
	Error   string   `json:"error,omitempty"` // of what is undecided
}

// The answers to a cell.
const (
	AnswerAllow     = "allow"
	AnswerDeny      = "deny"
	AnswerUndecided = "undecided" // the rules give nothing usable, which counts as a denial where it is asked
)

// MarshalJSON tells the time in milliseconds.
func (p *Proof) MarshalJSON() ([]byte, error) {
	type plain Proof
	return json.Marshal(struct {
		*plain
		TookMS int64 `json:"took_ms"`
	}{(*plain)(p), p.Took.Milliseconds()})
}

// Names returns the names of all invariants, in their order.
func Names() []string {
	names := make([]string, len(laws))
	for i, law := range laws {
		names[i] = law.name
	}
	return names
}

// Prove decides every cell that a policy's words make, and looks at each invariant on each. It ends early with the
// context's error.
func Prove(ctx context.Context, e *policies.Engine) (*Proof, error) {
	start := time.Now()
	t, err := New(ctx, e)
	if err != nil {
		return nil, fmt.Errorf("prove invariants: %w", err)
	}
	answers, err := t.Decide(ctx, e)
	if err != nil {
		return nil, fmt.Errorf("prove invariants: %w", err)
	}
	p, err := answers.prove(ctx)
	if err != nil {
		return nil, fmt.Errorf("prove invariants: %w", err)
	}
	p.Took = time.Since(start)
	return p, nil
}

// prove looks at each invariant on each cell.
func (a *Answers) prove(ctx context.Context) (*Proof, error) {
	p := &Proof{Policy: a.engine.Digest(), Cells: a.table.Cells()}
	for _, law := range laws {
		p.Invariants = append(p.Invariants, Invariant{Name: law.name, Says: law.says, Holds: true})
	}
	type worst struct{ cell, cost int }
	found := make([]worst, len(laws))
	c := cell{known: knownTo(a.engine)}
	var values []int
	for number, outcome := range a.of {
		s, combination := a.table.at(number)
		values = s.values(combination, values)
		s.input(&c.Input, values)
		c.outcome = outcome
		for i, law := range laws {
			speaks, holds := law.of(&c)
			inv := &p.Invariants[i]
			if speaks {
				inv.Cells++
			}
			if !speaks || holds {
				continue
			}
			if cost := s.cost(values); inv.Broken == 0 || cost < found[i].cost {
				found[i] = worst{number, cost}
			}
			inv.Holds = false
			inv.Broken++
		}
	}
	for i := range p.Invariants {
		if inv := &p.Invariants[i]; !inv.Holds {
			var err error
			if inv.Counterexample, err = a.counterexample(ctx, found[i].cell); err != nil {
				return nil, err
			}
		}
	}
	return p, nil
}

// counterexample tells a cell and its answer. Where there is none it is asked again, for why.
func (a *Answers) counterexample(ctx context.Context, number int) (*Counterexample, error) {
	s, combination := a.table.at(number)
	values := s.values(combination, nil)
	c := &Counterexample{Example: s.example(values, a.engine.Digest()), Answer: verdict(a.of[number]), Reasons: codes(a.of[number])}
	if a.of[number] != nil {
		return c, nil
	}
	var in policies.Input
	s.input(&in, values)
	_, err := a.engine.DecideUncached(ctx, &in)
	switch {
	case errors.Is(err, policies.ErrTimeout):
		return nil, err
	case err != nil:
		c.Error = err.Error()
	}
	return c, nil
}

func verdict(o *policies.Outcome) string {
	switch {
	case o == nil:
		return AnswerUndecided
	case o.Allowed:
		return AnswerAllow
	}
	return AnswerDeny
}

func codes(o *policies.Outcome) []string {
	if o == nil {
		return nil
	}
	out := make([]string, len(o.Reasons))
	for i, reason := range o.Reasons {
		out[i] = reason.Code
	}
	return out
}
