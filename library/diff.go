package library

import (
	"context"
	"fmt"

	"cordon/guard"
	"cordon/policies/table"
)

// Diff is all that differs between two versions.
type Diff = table.Comparison

// Diff says what differs between a version and another, "" for the one in force, or that will be again: what is written, and
// every question that is answered otherwise, which of an operator's set nobody can tell. That somebody read it is on record,
// and noted for the gate that may ask for it.
func (l *Library) Diff(ctx context.Context, o *guard.Origin, set, digest, against string) (*Diff, error) {
	to, err := l.source(ctx, o, set, digest)
	if err != nil {
		return nil, err
	}
	if against == "" {
		a, err := activation(ctx, l.store, set)
		if err != nil {
			return nil, err
		}
		against = base(&a)
	}
	from, err := l.source(ctx, o, set, against)
	if err != nil {
		return nil, err
	}
	answers := &table.Difference{From: against, To: digest} // of no cell: what can be asked of an operator's set is not known
	if set == Set {
		if answers, err = l.difference(ctx, against, digest); err != nil {
			return nil, fmt.Errorf("compare versions: %w", err)
		}
	}
	if err := l.guard.RecordRead(o, "diff_policy", entity(digest), map[string]any{"against": against}); err != nil {
		return nil, err
	}
	if err := l.noteReading(ctx, o, set, digest, against); err != nil {
		return nil, fmt.Errorf("note who read the difference: %w", err)
	}
	return &Diff{Files: table.Files(from, to), Table: answers, At: l.now()}, nil
}
