package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

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
	Of       map[Owner]Share // of the records
	Segments int             // that had them
}

// Owner is of what kind and organization records are.
type Owner struct{ Kind, Organization string }

// Share is how many records went of an owner, and when the first and the last of them were made.
type Share struct {
	Records        int64
	Oldest, Newest time.Time
}

// count adds records of an owner.
func (p *Pruned) count(of Owner, more Share) {
	if p.Of == nil {
		p.Of = map[Owner]Share{}
	}
	share, known := p.Of[of]
	if share.Records += more.Records; !known || more.Oldest.Before(share.Oldest) {
		share.Oldest = more.Oldest
	}
	if more.Newest.After(share.Newest) {
		share.Newest = more.Newest
	}
	p.Of[of] = share
	p.Records += more.Records
}

func (p *Pruned) add(more *Pruned) {
	p.Segments += more.Segments
	for of, share := range more.Of {
		p.count(of, share)
	}
}

// droppedAtOnce is how many segments go with one commit at most. One that is written anew has a commit of its own:
// sealing waits while it is written.
const droppedAtOnce = 16

// Prune has records go whose time is over, and returns what went, also with an error. It writes segments anew without
// them, a row that says nothing in the place of each, or drops those of which nothing is left; puts the head; and
// removes the rows of acts. The tree keeps the hashes, so that what stays is proved as before. It may end anywhere:
// calling it again goes on. Where another replica has the lease it does nothing more, and tells so by [ErrOtherSeals].
//
// It looks for what is over without a lock. Then the log may have been sealed further; a segment that was merged with
// others meanwhile is left to the next call.
func (l *Ledger) Prune(ctx context.Context, p Pruning) (gone Pruned, err error) {
	h, err := l.take(ctx)
	if err != nil {
		return gone, err
	}
	c, err := l.catalogue(ctx, &h)
	if err != nil {
		return gone, err
	}
	w := l.readers.worker()
	var found []over
	left, due := false, int64(0)
	for i := range c.segments {
		o, err := l.over(ctx, w, &p, c.segments[i])
		if errors.Is(err, datastore.ErrNotFound) {
			if now, headErr := l.head(ctx); headErr == nil && !now.same(&h) {
				o, err, left = over{}, nil, true
			}
		}
		if err != nil {
			return gone, fmt.Errorf("prune the log: %w", err)
		}
		if o.Records > 0 {
			found = append(found, o)
			due += o.Records
		}
		last := i == len(c.segments)-1
		if len(found) == 0 || !last && len(found) < droppedAtOnce && found[len(found)-1].leaves == nil {
			continue
		}
		some, err := l.remove(ctx, &p, found)
		gone.add(&some)
		switch {
		case errors.Is(err, errFenced):
			return gone, ErrOtherSeals
		case err != nil:
			return gone, fmt.Errorf("prune the log: %w", err)
		}
		found = nil
	}
	if left || due > gone.Records { // a row may be of a record that is there still
		return gone, nil
	}
	if err := l.forgetActs(ctx, w, &h, &p); err != nil {
		return gone, fmt.Errorf("prune the log: %w", err)
	}
	return gone, nil
}

// remove has the log go on without what was found in some segments.
func (l *Ledger) remove(ctx context.Context, p *Pruning, found []over) (gone Pruned, err error) {
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
	r.begun = max(r.begun, r.head.Generation) + 1
	r.generation = r.begun
	cleaned := r.cleaned
	r.cleaned = false // if it ends before what it leaves is removed, the next round does that
	var dropped []span
	for i := range found {
		o := &found[i]
		if !slices.Contains(r.catalogue.segments, o.info) {
			continue
		}
		gone.add(&o.Pruned)
		lines := new(segment.Pile)
		if o.leaves != nil {
			lines, err = r.without(ctx, o.info, o.leaves)
		}
		switch {
		case err != nil:
		case lines.Len() == lines.Empty():
			dropped = append(dropped, span{o.info.First, o.info.End() - 1})
		default:
			err = r.writeSegment(ctx, o.info.First, lines)
		}
		if err != nil {
			return Pruned{}, err
		}
	}
	if gone.Records == 0 {
		r.cleaned = cleaned
		return gone, nil
	}
	if err := r.step(ctx, stepWritten); err != nil {
		return Pruned{}, err
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
		return Pruned{}, err
	}
	r.head, r.sealed = after, true
	if err := r.step(ctx, stepSealed); err != nil {
		return gone, err
	}
	if err = r.removeIdle(ctx); err == nil {
		r.cleaned = cleaned
	}
	return gone, err
}

// over is what is over in a segment.
type over struct {
	Pruned
	info   segment.Info
	leaves map[int64]bool // nil: all of it
}

func (l *Ledger) over(ctx context.Context, w *worker, p *Pruning, info segment.Info) (over, error) {
	o := over{info: info, leaves: map[int64]bool{}}
	from := segment.Open(l.paced(w), info, l.cache)
	for _, f := range p.Find {
		f.Limit, f.OldestFirst = 0, true
		for row, err := range from.Search(ctx, f.Query()) {
			if err == nil {
				err = w.pause(ctx)
			}
			if err != nil {
				return o, err
			}
			if r := &row.Record; !o.leaves[row.Leaf] && p.Over(r) {
				o.leaves[row.Leaf] = true
				o.count(Owner{r.Kind, r.Organization}, Share{1, r.Time, r.Time})
			}
		}
	}
	if o.Segments = 1; o.Records == info.Count {
		o.leaves = nil
	}
	return o, nil
}

// without returns the lines of a segment but for some, which are empty.
func (r *round) without(ctx context.Context, info segment.Info, leaves map[int64]bool) (*segment.Pile, error) {
	lines, err := r.lines(ctx, info)
	if err != nil {
		return nil, err
	}
	rest, leaf := new(segment.Pile), info.First
	for line := range lines.From(0) {
		if err := r.worker.pause(ctx); err != nil {
			return nil, err
		}
		if leaves[leaf] {
			line = nil
		}
		rest.Add(line)
		leaf++
	}
	return rest, nil
}

// forgetActs removes the rows of acts that went of what a head calls sealed. It looks for them by themselves, so that those
// are found which an earlier pruning did not come to.
func (l *Ledger) forgetActs(ctx context.Context, w *worker, h *head, p *Pruning) error {
	var ids []string
	for _, f := range p.Find {
		f.Limit, f.OldestFirst = 0, true
		q, in := f.Query(), batch.Range(f)
		in.Sealed = true
		for b, err := range l.store.Hot(ctx, in) {
			if err == nil {
				err = w.pause(ctx)
			}
			if err != nil {
				return err
			}
			var act record.Record
			if _, may := q.MayMatch(b.Body); !may || !h.sealed(b.Replica, b.LastSequence) {
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
	return l.store.Forget(ctx, datastore.Forgotten{Acts: ids})
}
