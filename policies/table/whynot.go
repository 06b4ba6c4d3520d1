package table

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"cordon/policies"
)

// Turn is a smallest change of facts that turns an answer: without one of its changes it is what it was.
type Turn struct {
	Text    string          `json:"text"`
	Changes []Changed       `json:"changes"`
	Answer  string          `json:"answer"` // one of the Answer constants
	Reasons []string        `json:"reasons,omitempty"`
	Input   json.RawMessage `json:"input"`
	cost    int
}

// Changed is one fact that would have to be otherwise.
type Changed struct {
	Fact string `json:"fact"`
	From string `json:"from"` // in the nearest words that the table has
	To   string `json:"to"`
}

// What a search for turns may cost, and how many it returns.
const (
	mostChanges = 3
	mostTurns   = 20
	mostAsked   = 5000
)

// WhyNot looks for the smallest changes of facts that turn the answer to an input: of one fact, else of two, else of
// three. What is asked stays, and whoever is no user stays that. Where nothing within the bounds turns it, it returns
// none.
func WhyNot(ctx context.Context, e *policies.Engine, in *policies.Input) ([]Turn, error) {
	w, err := wordsOf([]*policies.Engine{e})
	if err != nil {
		return nil, fmt.Errorf("look for why not: %w", err)
	}
	s := section{on: in.Resource.Type, action: in.Action.Name, name: in.Action.Name, facts: w.facts(in.Resource.Type, in.Action.Name)}
	if err := s.measure(); err != nil {
		return nil, fmt.Errorf("look for why not: %w", err)
	}
	t := turning{engine: e, section: &s, members: len(w.roles), is: flatten(in)}
	if t.from, _, err = t.answer(ctx, in); err != nil {
		return nil, fmt.Errorf("look for why not: %w", err)
	}
	t.base = s.nearest(t.is)
	t.plain = t.flat(t.base)
	for size := 1; size <= mostChanges && len(t.found) == 0; size++ {
		if err := t.try(ctx, slices.Clone(t.base), 0, size); err != nil {
			return nil, fmt.Errorf("look for why not: %w", err)
		}
	}
	slices.SortStableFunc(t.found, func(a, b Turn) int { return cmp.Compare(a.cost, b.cost) })
	return t.found[:min(len(t.found), mostTurns)], nil
}

// turning is a search for turns.
type turning struct {
	engine    *policies.Engine
	section   *section
	members   int // how many of the first fact's values are roles of members
	from      string
	is, plain members // the input, and the cell that is nearest to it
	base      []int   // that cell
	asked     int
	found     []Turn
}

// try changes so many facts, from one on.
func (t *turning) try(ctx context.Context, values []int, next, more int) error {
	if more == 0 {
		return t.ask(ctx, values)
	}
	if ctx.Err() != nil { // also while nothing that goes together is found
		return fmt.Errorf("%w: %w", policies.ErrTimeout, context.Cause(ctx))
	}
	for f := next; f+more <= len(t.section.facts); f++ {
		for v := range t.section.facts[f].values {
			if v == t.base[f] || !t.may(f, v) {
				continue
			}
			values[f] = v
			if err := t.try(ctx, values, f+1, more-1); err != nil {
				return err
			}
		}
		values[f] = t.base[f]
	}
	return nil
}

// may reports whether a fact may be changed to a value: a user may be a member in another role, and nobody another kind of
// subject; what is asked stays.
func (t *turning) may(f, v int) bool {
	if f == 0 {
		return v < t.members && t.base[f] <= t.members // the first after the roles is the user who is no member
	}
	return !t.section.facts[f].asked
}

// ask asks with some facts changed, and keeps what turns the answer.
func (t *turning) ask(ctx context.Context, values []int) error {
	if t.asked == mostAsked || !t.section.possible(values) {
		return nil
	}
	t.asked++
	// What the cell says otherwise than the nearest one is otherwise in the input, too; the rest is left as it is.
	changed, after := maps.Clone(t.is), t.flat(values)
	for path, value := range after {
		if t.plain[path] != value {
			changed[path] = value
		}
	}
	for path := range t.plain {
		if _, ok := after[path]; !ok {
			delete(changed, path)
		}
	}
	in, err := changed.input()
	if err != nil {
		return err
	}
	answer, outcome, err := t.answer(ctx, in)
	if err != nil || answer == t.from {
		return err
	}
	turn := Turn{Answer: answer, Reasons: codes(outcome), cost: t.section.cost(values)}
	if turn.Input, err = json.Marshal(in); err != nil {
		return fmt.Errorf("render input: %w", err)
	}
	var words []string
	for f := range t.section.facts {
		if values[f] == t.base[f] {
			continue
		}
		c := Changed{Fact: t.section.facts[f].name, From: t.section.facts[f].word(t.base[f]), To: t.section.facts[f].word(values[f])}
		turn.Changes = append(turn.Changes, c)
		if f == 0 {
			c.To = "as " + c.To
		}
		words = append(words, c.To)
	}
	turn.Text = answer + ": " + strings.Join(words, ", ")
	t.found = append(t.found, turn)
	return nil
}

// answer asks the rules.
func (t *turning) answer(ctx context.Context, in *policies.Input) (string, *policies.Outcome, error) {
	decision, err := t.engine.DecideUncached(ctx, in)
	if errors.Is(err, policies.ErrTimeout) {
		return "", nil, err
	}
	if decision == nil { // the rules gave none, which is an answer here
		return AnswerUndecided, nil, nil
	}
	return verdict(decision.Outcome), decision.Outcome, nil
}

// flat returns the members of a combination.
func (t *turning) flat(values []int) members {
	var in policies.Input
	t.section.input(&in, values)
	return flatten(&in)
}
