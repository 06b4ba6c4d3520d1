package guard

import (
	"cmp"
	"context"
	"encoding/json"
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
// written anew for each of them; what may stay is looked at once a day, unless something else is set meanwhile.
func (g *Guard) prune(ctx context.Context, now time.Time) error {
	const day = 24 * time.Hour
	for {
		state, err := retention.Read(ctx, g.store)
		if err != nil {
			return err
		}
		p := pruning{guard: g, state: state, now: now.UTC().Truncate(day)}
		find, by := state.Filters(p.now), p.by()
		if last := g.pruned.Load(); len(find) == 0 || last != nil && *last == by {
			return nil
		}
		gone, err := g.ledger.Prune(ctx, ledger.Pruning{Find: find, Over: p.over, Commit: p.commit})
		if g.observe.Deleted != nil {
			for of, share := range gone.Of {
				class, _ := retention.ClassOf(of.Kind)
				g.observe.Deleted(class, int(share.Records))
			}
		}
		switch {
		case errors.Is(err, errKept): // again, by what is set now
		case errors.Is(err, ledger.ErrOtherSeals):
			return nil
		case err != nil:
			return err
		default:
			g.pruned.Store(&by)
			return nil
		}
	}
}

// pruning is one under way.
type pruning struct {
	guard *Guard
	state retention.State // as it was when the pruning began
	now   time.Time
}

// by tells one day, and what is set on it, from another.
func (p *pruning) by() string {
	set, _ := json.Marshal(struct { // of texts and times: it cannot fail
		retention.Rules
		Holds []Hold
	}{p.state.Rules, p.state.Holds})
	return p.now.String() + string(set)
}

// over tells whether a record goes.
func (p *pruning) over(r *record.Record) bool { return p.state.Over(r, p.now) }

// commit puts the deletion on record, in its transaction. It ends the transaction where a hold or a longer time has come
// since the records were found; one that comes later finds them gone.
func (p *pruning) commit(ctx context.Context, tx datastore.Tx, gone ledger.Pruned) error {
	state, err := retention.Read(ctx, tx)
	if err != nil {
		return err
	}
	var deleted []retention.Deleted
	for of, share := range gone.Of {
		class, _ := retention.ClassOf(of.Kind)
		before := state.Before(class, of.Organization, p.now)
		if !share.Newest.Before(before) {
			return errKept
		}
		deleted = append(deleted, retention.Deleted{
			Class: class, Organization: of.Organization, Count: share.Records, From: share.Oldest.UTC(), Before: before.UTC(),
		})
	}
	slices.SortFunc(deleted, func(a, b retention.Deleted) int {
		return cmp.Or(strings.Compare(a.Class, b.Class), strings.Compare(a.Organization, b.Organization))
	})
	if err := state.Put(ctx, tx); err != nil {
		return err
	}
	return p.guard.appendDeleted(ctx, tx, deleted)
}
