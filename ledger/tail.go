package ledger

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"

	"cordon/datastore"
	"cordon/ledger/batch"
	"cordon/ledger/record"
	"cordon/ledger/segment"
)

// Now returns the position behind all records that are in the store.
func (l *Ledger) Now(ctx context.Context) (Position, error) {
	h, err := l.head(ctx)
	if err != nil {
		return Position{}, err
	}
	streams, err := l.store.Streams(ctx)
	if err != nil {
		return Position{}, fmt.Errorf("list the streams: %w", err)
	}
	at := Position{Leaf: h.Size}
	for _, s := range streams {
		if s.Last > h.Sealed[s.Name] {
			at.Pass(s.Name, s.Last)
		}
	}
	return at, nil
}

// Tail returns the records that the filter selects and that lie beyond a position, and moves the position: behind each
// record before that is given, and at the end behind all that were in the store when the call was made. So whoever
// keeps the position with the last record that they have, and comes again with it, misses none and is given none twice:
// however late a replica ships, and whatever is sealed meanwhile. Those of one stream come in the order of their
// sequence, what is sealed in that of the leaves. The filter's After, OldestFirst and Limit say nothing here.
//
// It reads the head, the leaves up to it, and then of each stream what is hot behind what the head calls sealed. Where
// numbers are missing there, the head is another one and what they stood for is a leaf by now, or they are lost. A loss
// that the replica noticed has a record; with any other the stream waits until the sealer has put one in its place. While a record is given nothing of the store is held open, and a few megabytes of memory at most: a
// slow reader is nobody's burden.
func (l *Ledger) Tail(ctx context.Context, f record.Filter, at *Position) iter.Seq2[record.Record, error] {
	f.After, f.Limit, f.OldestFirst = "", 0, true
	return func(yield func(record.Record, error) bool) {
		if f.Nothing() {
			return
		}
		t := tail{Ledger: l, worker: l.readers.worker(), query: f.Query(), at: at, yield: yield}
		for again := true; again && !t.done; {
			var err error
			if again, err = t.run(ctx); err != nil {
				if !t.done {
					yield(record.Record{}, err)
				}
				return
			}
		}
	}
}

// Steps of a reader between which the log may be sealed.
const (
	stepRead  = "the leaves are read"
	stepFound = "the batches are found"
)

// tail is one under way.
type tail struct {
	*Ledger
	worker *worker
	query  record.Query
	at     *Position
	yield  func(record.Record, error) bool
	head   head
	done   bool // the reader has gone
}

// run reads what lies beyond the position by one head. It reports whether there is another one, so that something may
// have been sealed before it was read.
func (t *tail) run(ctx context.Context) (again bool, err error) {
	if t.head, err = t.Ledger.head(ctx); err != nil {
		return false, err
	}
	if t.at.Leaf > t.head.Size {
		return false, fmt.Errorf("%w: it is beyond the end", ErrPosition)
	}
	if err := t.sealed(ctx); err != nil || t.done {
		return t.another(ctx, err)
	}
	if err := t.config.step(stepRead); err != nil {
		return false, err
	}
	streams, err := t.store.Streams(ctx)
	if err != nil {
		return false, fmt.Errorf("list the streams: %w", err)
	}
	whole := true
	for i := range streams {
		s := &streams[i]
		if t.beyond(s.Name) <= s.Newest {
			all, err := t.stream(ctx, s.Name, s.Newest)
			if err != nil || t.done {
				return t.another(ctx, err)
			}
			whole = whole && all
		}
	}
	if !whole {
		return t.another(ctx, nil)
	}
	for name, sequence := range t.at.Streams {
		if t.head.sealed(name, sequence) {
			delete(t.at.Streams, name) // all of it is before the leaf
		}
	}
	return false, nil
}

// another looks whether the head is another one; then it is no wonder that something was not found.
func (t *tail) another(ctx context.Context, err error) (again bool, _ error) {
	if t.done {
		return false, nil
	}
	now, headErr := t.Ledger.head(ctx)
	switch {
	case headErr != nil:
		return false, cmp.Or(err, headErr)
	case !now.same(&t.head):
		return true, nil
	}
	return false, err
}

// sealed gives what is sealed.
func (t *tail) sealed(ctx context.Context) error {
	if t.at.Leaf == t.head.Size {
		return nil
	}
	c, err := t.catalogue(ctx, &t.head)
	if err != nil {
		return err
	}
	for _, info := range c.segments {
		if info.End() <= t.at.Leaf || !info.Covers(t.query.Low, t.query.High) {
			continue
		}
		for row, err := range segment.Open(t.paced(t.worker), info, t.cache).Lines(ctx, t.at.Leaf, t.head.Size) {
			if err == nil {
				err = t.worker.pause(ctx)
			}
			if err != nil {
				return err
			}
			t.at.Leaf = row.Leaf + 1
			if r := &row.Record; row.Line != nil && !t.at.Has(r.Replica, r.Sequence) && t.query.Match(r) && !t.give(row.Record) {
				return nil
			}
		}
	}
	t.at.Leaf = t.head.Size
	return nil
}

// give gives a record, and tells whether to go on.
func (t *tail) give(r record.Record) bool {
	t.worker.without(func() { t.done = !t.yield(r, nil) })
	return !t.done
}

// beyond returns the first sequence of a stream that is neither read nor sealed.
func (t *tail) beyond(stream string) int64 {
	return max(t.at.Streams[stream], t.head.Sealed[stream]) + 1
}

// heldBytes is how much of the batches found is held until their turn comes; the others are read again.
const heldBytes = 4 << 20

// stream gives what is hot of a stream, up to a sequence. It reports whether all of it was there.
//
// Batches are found by the time of their records, and a clock may have been set back. So it goes back from the newest
// until every number is accounted for, and then gives them in their order.
func (t *tail) stream(ctx context.Context, name string, last int64) (whole bool, err error) {
	var found []datastore.Batch
	missing, held := last-t.beyond(name)+1, 0
	if t.query.Replica != "" && t.query.Replica != name {
		t.at.Pass(name, last)
		return true, nil
	}
	for b, err := range t.store.Hot(ctx, datastore.HotRange{Stream: name}) {
		if err == nil {
			err = t.worker.pause(ctx)
		}
		if err != nil {
			return false, err
		}
		from, to := max(b.FirstSequence, t.beyond(name)), min(b.LastSequence, last)
		if from > to {
			continue
		}
		if held += len(b.Body); held > heldBytes {
			b.Body, b.Bloom = nil, nil
		}
		found = append(found, b)
		if missing -= to - from + 1; missing <= 0 {
			break
		}
	}
	if err := t.config.step(stepFound); err != nil {
		return false, err
	}
	slices.SortFunc(found, func(a, b datastore.Batch) int { return cmp.Compare(a.FirstSequence, b.FirstSequence) })
	for i := range found {
		b := &found[i]
		if b.Body == nil {
			if there, err := t.fetch(ctx, b); err != nil || !there {
				return false, err
			}
		}
		if whole, err := t.lines(ctx, *b, last); err != nil || !whole || t.done {
			return false, err
		}
		b.Body = nil
	}
	return t.beyond(name) > last, nil
}

// fetch reads a batch again; false: it is gone.
func (t *tail) fetch(ctx context.Context, b *datastore.Batch) (there bool, err error) {
	low, high := record.SpanIDs(b.FirstID, b.LastID)
	for again, err := range t.store.Hot(ctx, datastore.HotRange{Stream: b.Replica, Low: b.FirstID, High: b.LastID, First: low, Last: high}) {
		if err != nil {
			return false, err
		}
		if again.FirstSequence == b.FirstSequence {
			*b = again
			return true, nil
		}
	}
	return false, nil
}

// lines gives the records of a batch up to a sequence. It reports whether they follow those before.
func (t *tail) lines(ctx context.Context, b datastore.Batch, last int64) (follow bool, err error) {
	lines, err := batch.Lines(b)
	if err != nil {
		return false, err
	}
	if next := t.beyond(b.Replica); b.FirstSequence > next {
		if from, to, is := gapOf(lines[0].Text); !is || from > next || to != b.FirstSequence {
			return false, nil
		}
	}
	for _, line := range lines {
		if err := t.worker.pause(ctx); err != nil {
			return false, err
		}
		if line.Sequence > last || line.Sequence < t.beyond(b.Replica) {
			continue
		}
		var r record.Record
		_, may := t.query.MayMatch(line.Text)
		if may {
			if err := json.Unmarshal(line.Text, &r); err != nil {
				return false, fmt.Errorf("%w: record %s: %w", batch.ErrCorrupt, line.ID, err)
			}
		}
		t.at.Pass(b.Replica, line.Sequence)
		if may && t.query.Match(&r) && !t.give(r) {
			return true, nil
		}
	}
	return true, nil
}
