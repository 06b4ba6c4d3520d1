package guard

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"cordon/datastore"
	"cordon/ledger"
	"cordon/ledger/record"
	"cordon/ledger/retention"
)

// errKept ends a pruning whose records are to be kept after all: somebody has set a hold or a longer time.
var errKept = errors.New("what was to be deleted is to be kept")

// prune deletes the records that are over. They go with the day on which they come to their end, so that a segment is not
// written anew for each of them.
func (g *Guard) prune(ctx context.Context, now time.Time) error {
	const day = 24 * time.Hour
	for {
		state, err := retention.Read(ctx, g.store)
		if err != nil {
			return err
		}
		p := pruning{guard: g, state: state, now: now.UTC().Truncate(day)}
		find := state.Filters(p.now)
		if len(find) == 0 {
			return nil
		}
		gone, err := g.ledger.Prune(ctx, ledger.Pruning{Find: find, Over: p.over, Commit: p.commit})
		if g.observe.Deleted != nil {
			for kind, n := range gone.Kinds {
				class, _ := retention.ClassOf(kind)
				g.observe.Deleted(class, int(n))
			}
		}
		switch {
		case errors.Is(err, errKept): // again, by what is set now
		case errors.Is(err, ledger.ErrOtherSeals):
			return nil
		default:
			return err
		}
	}
}

// pruning is one under way. It counts what goes between two transactions.
type pruning struct {
	guard *Guard
	state retention.State // as it was when the pruning began
	now   time.Time

	going     map[[2]string]*going // by class and organization: what was found since the last transaction
	committed bool                 // which has it, or is about to
}

// going is what goes of a class and an organization.
type going struct {
	retention.Deleted
	newest time.Time
}

// over tells whether a record goes, and counts it.
func (p *pruning) over(r *record.Record) bool {
	if !p.state.Over(r, p.now) {
		return false
	}
	if p.committed || p.going == nil {
		p.going, p.committed = map[[2]string]*going{}, false
	}
	class, _ := retention.ClassOf(r.Kind)
	of := p.going[[2]string{class, r.Organization}]
	if of == nil {
		of = &going{Deleted: retention.Deleted{
			Class: class, Organization: r.Organization, From: r.Time.UTC(), Before: p.state.Before(class, r.Organization, p.now).UTC(),
		}}
		p.going[[2]string{class, r.Organization}] = of
	}
	of.Count++
	if r.Time.Before(of.From) {
		of.From = r.Time.UTC()
	}
	if r.Time.After(of.newest) {
		of.newest = r.Time
	}
	return true
}

// commit puts the deletion on record, in its transaction. It ends the transaction where a hold or a longer time has come
// since the records were found; one that comes later finds them gone.
func (p *pruning) commit(ctx context.Context, tx datastore.Tx, _ ledger.Pruned) error {
	state, err := retention.Read(ctx, tx)
	if err != nil {
		return err
	}
	var deleted []retention.Deleted
	for _, of := range p.going {
		if !of.newest.Before(state.Before(of.Class, of.Organization, p.now)) {
			return errKept
		}
		deleted = append(deleted, of.Deleted)
	}
	slices.SortFunc(deleted, func(a, b retention.Deleted) int {
		return cmp.Or(strings.Compare(a.Class, b.Class), strings.Compare(a.Organization, b.Organization))
	})
	p.committed = true
	if err := state.Put(ctx, tx); err != nil {
		return err
	}
	return p.guard.appendDeleted(ctx, tx, deleted)
}
