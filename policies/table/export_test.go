package table

import (
	"context"

	"cordon/policies"
)

// ProveAbout proves the invariants on the cells about one action on a type of resource: what a test wants to see of a
// thousand others it need not wait for.
func ProveAbout(ctx context.Context, e *policies.Engine, on, action string) (*Proof, error) {
	t, err := New(e)
	if err != nil {
		return nil, err
	}
	answers, err := t.only(on, action).Decide(ctx, e)
	if err != nil {
		return nil, err
	}
	return answers.prove(), nil
}

func (t *Table) only(on, action string) *Table {
	part := &Table{engines: t.engines, first: []int{0}}
	for _, s := range t.sections {
		if s.on == on && s.action == action {
			part.sections, part.first = append(part.sections, s), append(part.first, len(s.cells))
		}
	}
	return part
}
