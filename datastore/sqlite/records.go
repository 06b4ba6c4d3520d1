package sqlite

import (
	"context"
	"database/sql"
	"iter"
	"math"

	"cordon/datastore"
)

// pageBytes is about how much of the log is read at a time.
const pageBytes = 4 << 20

// Batches returns the batches in a range, those of both files in one order. It reads in pages, so that whoever is slow
// holds no snapshot; as the log is only appended to, the newest row at the start bounds what is read.
func (s *Store) Batches(ctx context.Context, in datastore.BatchRange) iter.Seq2[datastore.Batch, error] {
	return func(yield func(datastore.Batch, error) bool) {
		var heads []head
		for _, read := range []func(context.Context, func(*conn) error) error{s.state.read, s.log.read} {
			next, stop := iter.Pull2(pages(ctx, read, in))
			defer stop()
			h := head{next: next}
			if h.advance() {
				heads = append(heads, h)
			}
		}
		for len(heads) > 0 {
			first := 0
			for i := range heads {
				if heads[i].before(heads[first], in.OldestFirst) {
					first = i
				}
			}
			if !yield(heads[first].batch, explain("read the log", heads[first].err)) || heads[first].err != nil {
				return
			}
			if !heads[first].advance() {
				heads = append(heads[:first], heads[first+1:]...)
			}
		}
	}
}

// head is a sequence of batches and the first of it.
type head struct {
	next  func() (datastore.Batch, error, bool)
	batch datastore.Batch
	err   error
}

func (h *head) advance() (ok bool) {
	h.batch, h.err, ok = h.next()
	return ok
}

// before tells whether this head's batch comes first. An error comes before everything.
func (h head) before(other head, oldestFirst bool) bool {
	if h.err != nil || other.err != nil {
		return other.err == nil
	}
	if oldestFirst {
		return h.batch.FirstID < other.batch.FirstID
	}
	return h.batch.LastID > other.batch.LastID
}

// Both walk an index from one bound of ids to the other; a page goes on where the one before ended. A
// batch spans little time, which bounds the end that the order is by as well. The batches of other
// replicas come without what is large, rather than not at all: to look for the next one of a replica
// might take the whole log, and a statement is interrupted only before its first row.
const (
	ofReplica   = `?6 = '' OR replica = ?6`
	batchMember = `SELECT number, replica, first_sequence, last_sequence, count, first_id, last_id,
		CASE WHEN ` + ofReplica + ` THEN bloom END, CASE WHEN ` + ofReplica + ` THEN body END FROM batches`
	newestFirst = batchMember + ` WHERE last_id >= ?1 AND last_id <= ?2 AND first_id <= ?3 AND number <= ?4
		AND (last_id, number) < (?2, ?5) ORDER BY last_id DESC, number DESC LIMIT ?7`
	oldestFirst = batchMember + ` WHERE first_id >= ?1 AND first_id <= ?2 AND last_id >= ?3 AND number <= ?4
		AND (first_id, number) > (?1, ?5) ORDER BY first_id, number LIMIT ?7`
)

// walk is where a reader of one file's batches is.
type walk struct {
	in            datastore.BatchRange
	low, high     string // bounds of the ids that the order is by
	other         string // bound of the other end of a batch
	newest        int64  // number of the last batch when reading began
	number        int64  // of the batch that was given last
	begun         bool
	batchesAtOnce int // few at first, since most readers want a page of records
}

func newWalk(in datastore.BatchRange) *walk {
	in = in.Closed()
	w := &walk{in: in, low: in.Low, high: in.Last, other: in.High, number: math.MaxInt64, batchesAtOnce: 8}
	if in.OldestFirst {
		w.low, w.high, w.other, w.number = in.First, in.High, in.Low, -1
	}
	return w
}

// pages gives the batches of one file.
func pages(ctx context.Context, read func(context.Context, func(*conn) error) error, in datastore.BatchRange) iter.Seq2[datastore.Batch, error] {
	return func(yield func(datastore.Batch, error) bool) {
		w := newWalk(in)
		for more := true; more; {
			var page []datastore.Batch
			err := read(ctx, func(c *conn) (err error) { page, more, err = w.page(ctx, c); return err })
			if err != nil {
				yield(datastore.Batch{}, err)
				return
			}
			for _, batch := range page {
				if !yield(batch, nil) {
					return
				}
			}
		}
	}
}

// page reads the next batches, up to about pageBytes, and tells whether there may be more.
func (w *walk) page(ctx context.Context, c *conn) (page []datastore.Batch, more bool, err error) {
	if !w.begun {
		w.begun = true
		if err := c.one(ctx, `SELECT coalesce(max(number), 0) FROM batches`, nil, &w.newest); err != nil {
			return nil, false, err
		}
	}
	query := newestFirst
	if w.in.OldestFirst {
		query = oldestFirst
	}
	size, read := 0, 0
	err = c.each(ctx, query, []any{w.low, w.high, w.other, w.newest, w.number, w.in.Replica, w.batchesAtOnce}, func(rows *sql.Rows) error {
		var b datastore.Batch
		if err := rows.Scan(&w.number, &b.Replica, &b.FirstSequence, &b.LastSequence, &b.Count,
			&b.FirstID, &b.LastID, &b.Bloom, &b.Body); err != nil {
			return err
		}
		read++
		if w.in.OldestFirst {
			w.low = b.FirstID
		} else {
			w.high = b.LastID
		}
		if w.in.Replica != "" && b.Replica != w.in.Replica {
			return nil
		}
		page = append(page, b)
		if size += len(b.Bloom) + len(b.Body); size > pageBytes {
			more = true
			return errEnough
		}
		return nil
	})
	more = more || read == w.batchesAtOnce
	w.batchesAtOnce = min(2*w.batchesAtOnce, 256)
	return page, more, err
}
