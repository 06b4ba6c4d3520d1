// Package table answers what can be asked: every input of the rules, as cells of a table that can be decided whole.
//
// An input is a small vector of finite facts, so what holds for all questions can be shown by asking all of them:
// that an invariant of the domain holds (docs/domain.md), and where two policies differ. What has no end is stood for:
// a kind of product that no policy names, a role, a channel, an action and a type of resource that nobody knows; of the
// channels that a block names, none, the one that is asked about, all others, and all; of the times, one between each two
// that rules name. docs/policies.md says what rules can tell apart beyond that.
package table

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"cordon/policies"
)

// Table is every input that can be made of the words of some policies. It never changes.
type Table struct {
	sections []section
	first    []int // the number of each section's first cell, and of none beyond the last
}

// section is the part of a table about one action on one type of resource.
type section struct {
	on, action string // in the words of the table
	name       string // of the action, in an input
	facts      []fact
	size       int      // of all combinations of the facts
	cells      []uint32 // those that can be, as numbers in the mixed radix of the facts
}

// What a table may come to. One that is larger is not decided in the time that a check has.
const (
	mostCells        = 4_000_000
	mostCombinations = 1 << 27 // of the facts of a section, most of which cannot be
	mostValues       = 254     // of a fact, so that one is told by a byte
)

// New makes the table of the words of one or more policies. One that is too large is a *policies.ProblemsError; it ends early
// with the context's error.
func New(ctx context.Context, engines ...*policies.Engine) (*Table, error) {
	return within(ctx, mostCells, engines)
}

// within makes a table of so many cells at most.
func within(ctx context.Context, most int, engines []*policies.Engine) (*Table, error) {
	if len(engines) == 0 {
		return nil, errors.New("make table: it takes a policy")
	}
	w, err := wordsOf(engines)
	if err != nil {
		return nil, err
	}
	t := &Table{first: []int{0}}
	for _, on := range slices.Sorted(slices.Values(w.types)) {
		for _, action := range append(slices.Clone(w.actions[on]), unknownAction) {
			s := section{on: on, action: action, name: action, facts: w.facts(on, action)}
			if action == unknownAction {
				s.name = w.otherAction
			}
			if err := s.measure(); err != nil {
				return nil, err
			}
			t.sections = append(t.sections, s)
		}
	}
	for i := range t.sections {
		s := &t.sections[i]
		if err := s.walk(ctx, most-t.first[i], s.start(), 0, 0); err != nil {
			return nil, err
		}
		t.first = append(t.first, t.first[i]+len(s.cells))
	}
	return t, nil
}

// Cells returns how many inputs the table has.
func (t *Table) Cells() int { return t.first[len(t.sections)] }

// at finds the section and the combination of a cell.
func (t *Table) at(cell int) (*section, uint32) {
	i, found := slices.BinarySearch(t.first, cell)
	if !found {
		i--
	}
	return &t.sections[i], t.sections[i].cells[cell-t.first[i]]
}

// measure counts the combinations of the facts.
func (s *section) measure() error {
	s.size = 1
	for _, f := range s.facts {
		if len(f.values) > mostValues {
			return s.tooLarge("%d values of the fact %q, and it may have %d", len(f.values), f.name, mostValues)
		}
		if s.size *= len(f.values); s.size > mostCombinations {
			return s.tooLarge("more than %d combinations of facts", mostCombinations)
		}
	}
	return nil
}

// walk lists the combinations that can be, in order: it sets the facts from one on in every way that goes with those before
// it, where there is room.
func (s *section) walk(ctx context.Context, room int, in policies.Input, next int, number uint32) error {
	if next == len(s.facts) {
		if len(s.cells) == room {
			return s.tooLarge("more than %d inputs, which with those about other actions is too much", len(s.cells))
		}
		s.cells = append(s.cells, number)
		if len(s.cells)%batch == 0 {
			return ctx.Err()
		}
		return nil
	}
	f := &s.facts[next]
	for v := range f.values {
		in := copied(in) // what one value set, the next does not see
		if !f.set(&in, v) {
			continue
		}
		if err := s.walk(ctx, room, in, next+1, number*uint32(len(f.values))+uint32(v)); err != nil {
			return err
		}
	}
	return nil
}

// tooLarge refuses a policy whose words make too much of a section.
func (s *section) tooLarge(format string, args ...any) error {
	return &policies.ProblemsError{Problems: []policies.Problem{{
		Code: "limit_error",
		Message: fmt.Sprintf("not everything can be asked: about %s on %s there are %s; declare fewer words, or look at less of the time",
			printable(s.action), printable(s.on), fmt.Sprintf(format, args...)),
	}}}
}

// copied returns a copy of an input whose facts can be set otherwise.
func copied(in policies.Input) policies.Input {
	if in.Act != nil {
		in.Act = new(*in.Act)
	}
	if in.Time != nil {
		in.Time = new(*in.Time)
	}
	return in
}

// start returns an input of the action before anything is known.
func (s *section) start() policies.Input {
	return policies.Input{Action: policies.NewAction(s.name, "", "")}
}

// values takes a combination apart, into a value of each fact.
func (s *section) values(number uint32, into []int) []int {
	into = slices.Grow(into[:0], len(s.facts))[:len(s.facts)]
	for i := len(s.facts) - 1; i >= 0; i-- {
		n := uint32(len(s.facts[i].values))
		into[i] = int(number % n)
		number /= n
	}
	return into
}

// input writes the input of a combination.
func (s *section) input(in *policies.Input, values []int) {
	*in = s.start()
	for i, v := range values {
		s.facts[i].set(in, v)
	}
}

// cost is how far a combination is from the plainest one.
func (s *section) cost(values []int) int {
	sum := 0
	for i, v := range values {
		sum += s.facts[i].values[v].cost
	}
	return sum
}
