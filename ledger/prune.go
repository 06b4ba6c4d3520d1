package ledger

import (
	"context"
	"encoding/json"
	"fmt"

	"cordon/datastore"
	"cordon/ledger/batch"
	"cordon/ledger/record"
	"cordon/ledger/segment"
)

// Pruning says which sealed records are to go since their time is over.
type Pruning struct {
	// Find selects the records that may go: a segment that has none of them is not read.
	Find []record.Filter
	// Over tells of a record that was found whether it goes.
	Over func(r *record.Record) bool
	// Commit is called in the transaction that has records go, some at a time. It may look again whether they still
	// may, put the deletion on record, and end all of it with an error; then nothing went. It may run again.
	Commit func(ctx context.Context, tx datastore.Tx, gone Pruned) error
}

// Pruned is what went.
type Pruned struct {
	Records  int64
	Kinds    map[string]int64 // of the records
	Segments int              // that had them
}

func (p *Pruned) add(more Pruned) {
	p.Records, p.Segments = p.Records+more.Records, p.Segments+more.Segments
	if p.Kinds == nil {
		p.Kinds = map[string]int64{}
	}
	for kind, n := range more.Kinds {
		p.Kinds[kind] += n
	}
}

// prunedAtOnce is how many segments are written anew between two commits.
const prunedAtOnce = 16

// Prune has records go whose time is over, and returns what went, also with an error. It writes segments anew without
// them, a row that says nothing in the place of each, or drops those of which nothing is left; puts the head; and
// removes the rows of acts. The tree keeps the hashes, so that what stays is proved as before. It may end anywhere:
// calling it again goes on. Where another replica has the lease it does nothing, and tells so by [ErrOtherSeals].
func (l *Ledger) Prune(ctx context.Context, p Pruning) (gone Pruned, err error) {
	select {
	case l.sealing <- struct{}{}:
		defer func() { <-l.sealing }()
	case <-ctx.Done():
		return gone, ctx.Err()
	}
	r := &round{Ledger: l, worker: l.readers.worker(), renewed: l.config.Now()}
	if r.head, err = l.take(ctx); err != nil {
		return gone, err
	}
	if r.catalogue, err = l.list(ctx, &r.head); err != nil {
		return gone, err
	}
	for todo := r.catalogue.segments; len(todo) > 0; {
		var some Pruned
		some, todo, err = r.prune(ctx, &p, todo)
		gone.add(some)
		if err != nil {
			return gone, fmt.Errorf("prune the log: %w", err)
		}
	}
	if err := r.forgetActs(ctx, &p); err != nil {
		return gone, fmt.Errorf("prune the log: %w", err)
	}
	return gone, nil
}

// prune prunes some of the segments that are left to look at, and returns the others.
func (r *round) prune(ctx context.Context, p *Pruning, todo []segment.Info) (gone Pruned, left []segment.Info, err error) {
	r.begun = max(r.begun, r.head.Generation) + 1
	r.generation, r.sealed = r.begun, false
	var dropped []span
	for ; len(todo) > 0 && gone.Segments < prunedAtOnce; todo = todo[1:] {
		info := todo[0]
		over, err := r.over(ctx, p, info)
		if err != nil {
			return Pruned{}, todo, err
		}
		if over.Records == 0 {
			continue
		}
		gone.add(over.Pruned)
		lines, rest, err := r.without(ctx, info, over.leaves)
		switch {
		case err != nil:
		case rest == 0:
			dropped = append(dropped, span{info.First, info.End() - 1})
		default:
			err = r.writeSegment(ctx, info.First, lines)
		}
		if err != nil {
			return Pruned{}, todo, err
		}
	}
	if gone.Records == 0 {
		return gone, todo, nil
	}
	if err := r.step(ctx, stepWritten); err != nil {
		return Pruned{}, todo, err
	}
	after, err := r.commitWith(ctx, r.head.Epoch, func(ctx context.Context, tx datastore.Tx, h *head) error {
		h.advance(r.generation)
		for _, s := range dropped {
			h.Dropped = joined(h.Dropped, s)
		}
		if p.Commit == nil {
			return nil
		}
		return p.Commit(ctx, tx, gone)
	})
	if err != nil {
		return Pruned{}, todo, err
	}
	r.head, r.sealed = after, true
	if err := r.step(ctx, stepSealed); err != nil {
		return gone, todo, err
	}
	return gone, todo, r.removeIdle(ctx)
}

// over is the leaves of a segment whose time is over.
type over struct {
	Pruned
	leaves map[int64]bool
}

func (r *round) over(ctx context.Context, p *Pruning, info segment.Info) (o over, err error) {
	o.leaves = map[int64]bool{}
	o.Kinds = map[string]int64{}
	from := segment.Open(r.paced(r.worker), info, r.cache)
	for _, f := range p.Find {
		f.Limit, f.OldestFirst = 0, true
		for row, err := range from.Search(ctx, f.Query()) {
			if err == nil {
				err = r.worker.pause(ctx)
			}
			if err != nil {
				return o, err
			}
			if !o.leaves[row.Leaf] && p.Over(&row.Record) {
				o.leaves[row.Leaf] = true
				o.Kinds[row.Record.Kind]++
				o.Records++
			}
		}
	}
	o.Segments = 1
	return o, nil
}

// without returns the lines of a segment but for some, and how many are left.
func (r *round) without(ctx context.Context, info segment.Info, leaves map[int64]bool) (lines [][]byte, left int, err error) {
	if lines, err = r.lines(ctx, info); err != nil {
		return nil, 0, err
	}
	for i := range lines {
		if leaves[info.First+int64(i)] {
			lines[i] = nil
		}
		if lines[i] != nil {
			left++
		}
	}
	return lines, left, nil
}

// forgetActs removes the rows of acts that went. It looks for them by themselves, so that those are found which an
// earlier pruning did not come to.
func (r *round) forgetActs(ctx context.Context, p *Pruning) error {
	var ids []string
	for _, f := range p.Find {
		f.Limit, f.OldestFirst = 0, true
		q, in := f.Query(), batch.Range(f)
		in.Sealed = true
		for b, err := range r.store.Hot(ctx, in) {
			if err == nil {
				err = r.worker.pause(ctx)
			}
			if err != nil {
				return err
			}
			var act record.Record
			if _, may := q.MayMatch(b.Body); !may || !r.head.sealed(b.Replica, b.LastSequence) {
				continue
			}
			if err := json.Unmarshal(b.Body, &act); err != nil {
				return fmt.Errorf("read the act %s: %w", b.FirstID, err)
			}
			if q.Match(&act) && p.Over(&act) {
				ids = append(ids, act.ID)
			}
		}
	}
	if len(ids) == 0 {
		return nil
	}
	return r.store.Forget(ctx, datastore.Forgotten{Acts: ids})
}
