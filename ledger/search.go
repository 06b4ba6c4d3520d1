package ledger

import (
	"context"
	"errors"
	"iter"

	"cordon/datastore"
	"cordon/ledger/batch"
	"cordon/ledger/record"
	"cordon/ledger/segment"
)

// Search returns the records that the filter selects, in the order that it asks for, up to its limit. A record that
// is in the store when the call is made is given once; what is shipped meanwhile may be. The id of a record is a
// cursor: a search after it goes on behind it, whatever arrived or was sealed.
//
// It reads what is hot, as much as most ask for, and then the head: nothing was forgotten of what that does not call sealed,
// so what was hot and what the head calls sealed is all. Of what was hot it passes over what the head calls sealed. When it
// has read more of what is hot it looks at the head again, and where that is another one, or a segment was merged with
// others, the search goes on behind the last record that it gave.
func (l *Ledger) Search(ctx context.Context, f record.Filter) iter.Seq2[record.Record, error] {
	return func(yield func(record.Record, error) bool) {
		for e, err := range l.Entries(ctx, f) {
			if !yield(e.Record, err) {
				return
			}
		}
	}
}

// Entry is a record and where it is kept.
type Entry struct {
	Record record.Record
	// Line is the record as it was sealed, to the byte, and Leaf which leaf of the tree it is. Of a record that is
	// not sealed, which [Ledger.SealNow] changes, there is no line, and Leaf is [Unsealed].
	Line []byte
	Leaf int64
}

// Unsealed is the leaf of a record that is not sealed yet.
const Unsealed = -1

// Entries returns what [Ledger.Search] does, and where each record is kept.
func (l *Ledger) Entries(ctx context.Context, f record.Filter) iter.Seq2[Entry, error] {
	return l.entries(ctx, nil, f)
}

// entries returns those among some leaves; nil: of all, and what is hot.
func (l *Ledger) entries(ctx context.Context, among *Leaves, f record.Filter) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		if f.Nothing() {
			return
		}
		s := search{Ledger: l, worker: l.readers.worker(), filter: f, left: f.Limit, among: among, yield: yield}
		s.filter.Limit = 0
		for s.again = true; s.again; {
			s.again = false
			if err := s.run(ctx); err != nil {
				yield(Entry{}, err)
				return
			}
		}
	}
}

// search is one under way.
type search struct {
	*Ledger
	worker *worker
	filter record.Filter // After is the last record that was given
	left   int           // how many more; 0 from the start: all
	among  *Leaves
	yield  func(Entry, error) bool
	again  bool // the head is another one: from here on anew
	head   head
	done   bool // enough was given
}

// Chunks of what is hot that are read between two looks at the head.
const (
	firstChunk = 64
	mostChunk  = 1024
)

// run gives records until there are no more, or until the head is another one.
func (s *search) run(ctx context.Context) (err error) {
	if s.head, err = s.Ledger.head(ctx); err != nil {
		return err
	}
	hot, stop := iter.Pull2(batch.Select(s.hot(ctx), s.filter))
	defer stop()
	chunk, ended, err := s.chunk(hot, nil, firstChunk)
	if err != nil {
		return s.changed(ctx, err)
	}
	// From here on it is about the head that is there now. What that calls sealed is in its segments, and what it does not
	// call sealed cannot have been forgotten while it was read.
	if s.head, err = s.Ledger.head(ctx); err != nil {
		return err
	}
	c, err := s.Ledger.catalogue(ctx, &s.head)
	if err != nil {
		return s.changed(ctx, err)
	}
	m := newMerge(ctx, s, c)
	defer m.close()
	for size := firstChunk; ; {
		for i := range chunk {
			if s.head.sealed(chunk[i].Replica, chunk[i].Sequence) {
				continue
			}
			if err := m.until(chunk[i].ID); err != nil {
				return s.changed(ctx, err)
			}
			if s.done || s.again || !s.give(Entry{Record: chunk[i], Leaf: Unsealed}) {
				return nil
			}
		}
		if ended {
			if err := m.until(""); err != nil {
				return s.changed(ctx, err)
			}
			return nil
		}
		size = min(2*size, mostChunk)
		if chunk, ended, err = s.chunk(hot, chunk[:0], size); err != nil {
			return s.changed(ctx, err)
		}
		if err := s.changed(ctx, nil); err != nil || s.again {
			return err
		}
	}
}

// chunk reads the next records of what is hot, and tells whether that are all.
func (s *search) chunk(hot func() (record.Record, error, bool), into []record.Record, size int) (chunk []record.Record, ended bool, err error) {
	for chunk = into; len(chunk) < size; {
		r, err, more := hot()
		if err != nil || !more {
			return chunk, !more, err
		}
		chunk = append(chunk, r)
	}
	return chunk, false, nil
}

// changed looks whether the head is another one; then it is no wonder that something was not found, and the search is
// to go on from where it is.
func (s *search) changed(ctx context.Context, err error) error {
	now, headErr := s.Ledger.head(ctx)
	if headErr != nil {
		return errors.Join(err, headErr)
	}
	if !now.same(&s.head) {
		s.again = true
		return nil
	}
	return err
}

// give gives a record, and tells whether to go on.
func (s *search) give(e Entry) bool {
	s.filter.After = e.Record.ID
	more := false
	s.worker.without(func() { more = s.yield(e, nil) })
	if !more {
		s.done = true
	} else if s.left--; s.left == 0 {
		s.done = true
	}
	return !s.done
}

// hot returns the batches that have something that is not sealed.
func (s *search) hot(ctx context.Context) iter.Seq2[datastore.Batch, error] {
	if s.among != nil {
		return func(func(datastore.Batch, error) bool) {} // none of them is sealed
	}
	in := batch.Range(s.filter)
	wanted := batch.Wanted(s.filter)
	in.Bodies = func(b *datastore.Batch) bool { return !s.head.sealed(b.Replica, b.LastSequence) && wanted(b) }
	batches := s.store.Hot(ctx, in)
	return func(yield func(datastore.Batch, error) bool) {
		for b, err := range batches {
			if err == nil {
				err = s.worker.pause(ctx)
			}
			if err == nil && s.head.sealed(b.Replica, b.LastSequence) {
				continue
			}
			if !yield(b, err) || err != nil {
				return
			}
		}
	}
}

// matches returns the matches of a segment.
func (s *search) matches(ctx context.Context, q record.Query, of segment.Info) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for row, err := range segment.Open(s.paced(s.worker), of, s.cache).Search(ctx, q) {
			if err == nil {
				err = s.worker.pause(ctx)
			}
			if err == nil && s.among != nil && (row.Leaf < s.among.From || row.Leaf >= s.among.To) {
				continue
			}
			if !yield(Entry{row.Record, row.Line, row.Leaf}, err) || err != nil {
				return
			}
		}
	}
}
