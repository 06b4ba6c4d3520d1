package table

import (
	"context"

	"cordon/policies"
)

// ProveAbout proves the invariants on the cells about one action on a type of resource: what a test wants to see of a
// thousand others it need not wait for.
func ProveAbout(ctx context.Context, e *policies.Engine, on, action string) (*Proof, error) {
	t, err := New(ctx, e)
	if err != nil {
		return nil, err
	}
	answers, err := t.only(on, action).Decide(ctx, e)
	if err != nil {
		return nil, err
	}
	return answers.prove(ctx)
}

// Within makes the table of a policy where it has so many cells at most.
func Within(ctx context.Context, most int, e *policies.Engine) (*Table, error) {
	return within(ctx, most, []*policies.Engine{e})
}

func (t *Table) only(on, action string) *Table {
	part := &Table{first: []int{0}}
	for _, s := range t.sections {
		if s.on == on && s.action == action {
			part.sections, part.first = append(part.sections, s), append(part.first, len(s.cells))
		}
	}
	return part
}

// CompareAbout compares two policies on the cells about one action on a type of resource.
func CompareAbout(ctx context.Context, from, to *policies.Engine, on, action string) (*Difference, error) {
	t, err := New(ctx, from, to)
	if err != nil {
		return nil, err
	}
	t = t.only(on, action)
	before, err := t.Decide(ctx, from)
	if err != nil {
		return nil, err
	}
	after, err := t.Decide(ctx, to)
	if err != nil {
		return nil, err
	}
	return before.compare(ctx, after)
}

// Told is a cell as a group's conditions tell it: the words of each fact.
type Told struct {
	Input policies.Input
	Facts map[string]string
}

// CellsAbout returns the cells about one action on a type of resource.
func CellsAbout(on, action string, engines ...*policies.Engine) ([]Told, error) {
	t, err := New(context.Background(), engines...)
	if err != nil {
		return nil, err
	}
	t = t.only(on, action)
	var told []Told
	for cell := range t.Cells() {
		s, number := t.at(cell)
		c := Told{Facts: map[string]string{}}
		values := s.values(number, nil)
		s.input(&c.Input, values)
		for i, v := range values {
			c.Facts[s.facts[i].name] = s.facts[i].word(v)
		}
		told = append(told, c)
	}
	return told, nil
}

// Cover covers marks: '.' what cannot be, '-' what may not be covered, 'x' what must.
func Cover(sizes []int, marks string) [][][]int {
	list := make([]byte, len(marks))
	for i, mark := range marks {
		switch mark {
		case '-':
			list[i] = out
		case 'x':
			list[i] = in
		}
	}
	var boxes [][][]int
	for _, b := range cover(sizes, list) {
		boxes = append(boxes, b)
	}
	return boxes
}

// Alike is alike.
func Alike(a, b policies.Source) bool { return alike(a, b) }
