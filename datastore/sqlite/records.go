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

// Records gives the records that the filter selects. It reads in pages, so that whoever is slow
// holds no snapshot; as the log is only appended to, the newest row at the start bounds what is read.
func (r reader) Records(ctx context.Context, filter datastore.RecordFilter) iter.Seq2[datastore.Record, error] {
	return func(yield func(datastore.Record, error) bool) {
		for record, err := range datastore.SelectRecords(r.batches(ctx, filter), filter) {
			if !yield(record, explain("read records", err)) || err != nil {
				return
			}
		}
	}
}

// batches merges the batches of both files in the order that SelectRecords asks for.
func (r reader) batches(ctx context.Context, filter datastore.RecordFilter) iter.Seq2[datastore.Batch, error] {
	return func(yield func(datastore.Batch, error) bool) {
		var heads []head
		for _, read := range r.from.logs() {
			next, stop := iter.Pull2(pages(ctx, read, filter))
			defer stop()
			h := head{next: next}
			if h.advance() {
				heads = append(heads, h)
			}
		}
		for len(heads) > 0 {
			first := 0
			for i := range heads {
				if heads[i].before(heads[first], filter.OldestFirst) {
					first = i
				}
			}
			if !yield(heads[first].batch, heads[first].err) || heads[first].err != nil {
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

// Both are walks of a covering index from one bound of ids to the other. A batch spans little time,
// which bounds the end that the order is by as well.
const (
	newestFirst = `SELECT number, replica, first_sequence, last_sequence, count, first_id, last_id, bloom, body
		FROM batches WHERE last_id >= ?1 AND last_id <= ?2 AND first_id <= ?3 AND number <= ?4
		AND (last_id, number) < (?5, ?6) ORDER BY last_id DESC, number DESC LIMIT 256`
	oldestFirst = `SELECT number, replica, first_sequence, last_sequence, count, first_id, last_id, bloom, body
		FROM batches WHERE first_id >= ?1 AND first_id <= ?2 AND last_id >= ?3 AND number <= ?4
		AND (first_id, number) > (?5, ?6) ORDER BY first_id, number LIMIT 256`
)

// beyond sorts behind every id.
const beyond = "\U0010FFFF"

// pages gives the batches of one file.
func pages(ctx context.Context, read func(context.Context, func(*conn) error) error, filter datastore.RecordFilter) iter.Seq2[datastore.Batch, error] {
	return func(yield func(datastore.Batch, error) bool) {
		low, high := filter.IDRange()
		first, last := datastore.SpanIDs(low, high)
		query, args := newestFirst, []any{low, last, high, nil, beyond, int64(math.MaxInt64)}
		if filter.OldestFirst {
			query, args = oldestFirst, []any{first, high, low, nil, "", int64(-1)}
		}
		for {
			var page []datastore.Batch
			full := false
			err := read(ctx, func(c *conn) (err error) {
				page, full, err = readPage(c, query, args, filter.OldestFirst)
				return err
			})
			if err != nil {
				yield(datastore.Batch{}, err)
				return
			}
			for _, batch := range page {
				if !yield(batch, nil) {
					return
				}
			}
			if !full {
				return
			}
		}
	}
}

// readPage reads up to about pageBytes of batches and sets args to go on after them.
func readPage(c *conn, query string, args []any, oldestFirst bool) (page []datastore.Batch, full bool, err error) {
	if args[3] == nil { // the first page tells how far the log goes
		var newest int64
		if err := c.one(`SELECT coalesce(max(number), 0) FROM batches`, nil, &newest); err != nil {
			return nil, false, err
		}
		args[3] = newest
	}
	size, rowCount := 0, 0
	err = c.each(query, args, func(rows *sql.Rows) error {
		rowCount++
		if full = size > pageBytes; full {
			return nil
		}
		var b datastore.Batch
		var number int64
		if err := rows.Scan(&number, &b.Replica, &b.FirstSequence, &b.LastSequence, &b.Count,
			&b.FirstID, &b.LastID, &b.Bloom, &b.Body); err != nil {
			return err
		}
		size += len(b.Bloom) + len(b.Body)
		page = append(page, b)
		args[4], args[5] = b.LastID, number
		if oldestFirst {
			args[4] = b.FirstID
		}
		return nil
	})
	return page, full || rowCount == 256, err
}
