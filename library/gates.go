package library

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"cordon/datastore"
	"cordon/guard"
	"cordon/policies/table"
)

// Gates says what is asked of a version of a set before it is activated. That it is formatted, passes its tests, keeps
// within the budget and comes with a message is always asked.
type Gates struct {
	// SecondPerson asks for the approval of somebody else than the author. nil: once two callers may approve.
	SecondPerson *bool `json:"second_person,omitempty"`
	// Coverage is how much of the rules the tests must reach, in per cent.
	Coverage float64 `json:"coverage"`
	// InvariantsFree names the invariants that need not hold.
	InvariantsFree []string `json:"invariants_free"`
	// AcknowledgeFlips asks whoever activates to name each group of changed cells, and each flip of its replays.
	AcknowledgeFlips bool `json:"acknowledge_flips"`
	// DiffRead asks whoever activates to have read the difference to what is in force.
	DiffRead bool `json:"diff_read"`
}

// FreshGates are those of a set in a fresh store. Of an operator's set nothing is known but its tests, and how much of its rules
// those are to reach is the operator's to say.
func FreshGates(set string) Gates {
	if set != Set {
		return Gates{InvariantsFree: []string{}}
	}
	return Gates{Coverage: 100, InvariantsFree: []string{}, AcknowledgeFlips: true}
}

func (g *Gates) check() error {
	var f faults
	if !(g.Coverage >= 0 && g.Coverage <= 100) { // nor is it no number
		f.add("/coverage", "must be from 0 to 100")
	}
	for i, name := range g.InvariantsFree {
		if i >= len(table.Names()) {
			f.add("/invariants_free", "has more names than there are invariants")
			break
		}
		if !slices.Contains(table.Names(), name) {
			f.add(fmt.Sprintf("/invariants_free/%d", i), "is none of the invariants: %s", strings.Join(table.Names(), ", "))
		}
	}
	return f.err()
}

// SetGates says what is asked of versions from now on.
func (l *Library) SetGates(ctx context.Context, o *guard.Origin, set string, gates Gates) (*guard.Result, error) {
	if _, err := l.actor(ctx, o, set); err != nil {
		return nil, err
	}
	if err := gates.check(); err != nil {
		return nil, err
	}
	gates.InvariantsFree = slices.Compact(slices.Sorted(slices.Values(gates.InvariantsFree)))
	if gates.InvariantsFree == nil {
		gates.InvariantsFree = []string{}
	}
	return l.guard.Administer(ctx, o, &guard.Administration{
		Action: "set_gates", Resource: entity(set),
		Effect: func(ctx context.Context, tx datastore.Tx, _ time.Time) (*guard.Administered, error) {
			s, err := metState(ctx, tx, o, set)
			if err != nil {
				return nil, err
			}
			was := s.gates(set)
			changed := change("gates", set, &was, &gates)
			if len(changed) == 0 {
				return nil, nil
			}
			s.Gates = &gates
			return &guard.Administered{Changes: changed}, write(ctx, tx, noteOf(set), s)
		},
	})
}
