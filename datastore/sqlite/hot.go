package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"iter"
	"math"
	"time"

	"cordon/datastore"
)

// What is read of the log at a time: about so many bytes, and no more batches than that. A reader gives way to those who
// ask between two pages, so one is to take no longer than a slice of theirs.
const (
	pageBytes   = 128 << 10
	pageBatches = 32
)

// Hot returns what is in a range, of both files and of the acts in one order. It reads in pages, so that whoever is
// slow holds no snapshot; the newest row at the start bounds what is read.
func (s *Store) Hot(ctx context.Context, in datastore.HotRange) iter.Seq2[datastore.Batch, error] {
	parts := []iter.Seq2[datastore.Batch, error]{pages(ctx, s.state.read, &actTable, in)}
	if in.Sealed {
		parts[0] = pages(ctx, s.state.read, &allActTable, in)
	} else {
		// Those in the state's file are of before there were acts.
		parts = append(parts, s.state.batches(ctx, in), s.log.batches(ctx, in))
	}
	return func(yield func(datastore.Batch, error) bool) {
		for b, err := range datastore.MergeHot(in.OldestFirst, parts...) {
			if !yield(b, explain("read the log", err)) {
				return
			}
		}
	}
}

// hotTable is a table that the log is read from, and the queries that read it.
type hotTable struct {
	plain                            bool
	columns                          bool // it gives those of acts, behind the others
	newest, newestFirst, oldestFirst string
}

// The queries walk an index from one bound of ids to the other; a page goes on where the one before ended. A
// batch spans little time, which bounds the end that the order is by as well. The batches of other
// streams come without what is large, rather than not at all: to look for the next one of a stream
// might take the whole log, and a statement is interrupted only before its first row.
const (
	ofReplica   = `?6 = '' OR replica = ?6`
	batchHead   = `SELECT number, replica, first_sequence, last_sequence, count, first_id, last_id, sum, CASE WHEN ` + ofReplica + ` THEN bloom END, `
	batchBody   = `CASE WHEN ` + ofReplica + ` THEN body END`
	newestBatch = `SELECT coalesce(max(number), 0) FROM batches`
	// A number may be given again when its batch is forgotten. The filter is read anew with the body, though it may be in
	// memory: so one that somebody has changed in the file is found by whoever reads the batch.
	bodyOf = `SELECT bloom, body FROM batches WHERE number = ? AND replica = ? AND last_sequence = ?`

	batchesNewestFirst = ` FROM batches WHERE last_id >= ?1 AND last_id <= ?2 AND first_id <= ?3 AND number <= ?4
		AND (last_id, number) < (?2, ?5) ORDER BY last_id DESC, number DESC LIMIT ?7`
	batchesOldestFirst = ` FROM batches WHERE first_id >= ?1 AND first_id <= ?2 AND last_id >= ?3 AND number <= ?4
		AND (first_id, number) > (?1, ?5) ORDER BY first_id, number LIMIT ?7`

	actMember  = `SELECT rowid, stream, sequence, sequence, 1, id, id, 0, NULL, CASE WHEN ?6 = '' OR stream = ?6 THEN line END`
	actColumns = `, time, organization, kind, action, subject, actor, agent, resource, decision`

	actsNewestFirst = ` id >= ?1 AND id <= ?2 AND id <= ?3 AND rowid <= ?4 AND (id, rowid) < (?2, ?5) ORDER BY id DESC, rowid DESC LIMIT ?7`
	actsOldestFirst = ` id >= ?1 AND id <= ?2 AND id >= ?3 AND rowid <= ?4 AND (id, rowid) > (?1, ?5) ORDER BY id, rowid LIMIT ?7`
	newestAct       = `SELECT coalesce(max(rowid), 0) FROM acts`
)

var (
	batchTable = hotTable{
		newest:      newestBatch,
		newestFirst: batchHead + batchBody + batchesNewestFirst,
		oldestFirst: batchHead + batchBody + batchesOldestFirst,
	}
	headTable = hotTable{
		newest:      newestBatch,
		newestFirst: batchHead + `NULL` + batchesNewestFirst,
		oldestFirst: batchHead + `NULL` + batchesOldestFirst,
	}
	actTable = hotTable{
		plain: true, newest: newestAct,
		newestFirst: actMember + ` FROM acts WHERE sealed = 0 AND` + actsNewestFirst,
		oldestFirst: actMember + ` FROM acts WHERE sealed = 0 AND` + actsOldestFirst,
	}
	allActTable = hotTable{
		plain: true, columns: true, newest: newestAct,
		newestFirst: actMember + actColumns + ` FROM acts WHERE` + actsNewestFirst,
		oldestFirst: actMember + actColumns + ` FROM acts WHERE` + actsOldestFirst,
	}
)

// walk is where a reader of one table is.
type walk struct {
	table         *hotTable
	in            datastore.HotRange
	low, high     string // bounds of the ids that the order is by
	other         string // bound of the other end of a batch
	newest        int64  // number of the last batch when reading began
	number        int64  // of the batch that was given last
	begun         bool
	batchesAtOnce int // few at first, since most readers want a page of records
}

func newWalk(table *hotTable, in datastore.HotRange) *walk {
	in = in.Closed()
	w := &walk{table: table, in: in, low: in.Low, high: in.Last, other: in.High, number: math.MaxInt64, batchesAtOnce: 8}
	if in.OldestFirst {
		w.low, w.high, w.other, w.number = in.First, in.High, in.Low, -1
	}
	return w
}

// hotRow is a row of a table, under the number that it has there.
type hotRow struct {
	datastore.Batch

	number int64
}

// batches returns those of a file, whole or with the bodies that the range wants.
func (f *file) batches(ctx context.Context, in datastore.HotRange) iter.Seq2[datastore.Batch, error] {
	if in.Bodies == nil {
		return pages(ctx, f.read, &batchTable, in)
	}
	return func(yield func(datastore.Batch, error) bool) {
		for row, err := range f.headRows(ctx, in) {
			b := row.Batch
			if err == nil && in.Bodies(&b) {
				err = f.read(ctx, func(c *conn) error {
					return c.one(ctx, bodyOf, []any{row.number, b.Replica, b.LastSequence}, &b.Bloom, &b.Body)
				})
				if errors.Is(err, sql.ErrNoRows) {
					continue // it was forgotten meanwhile
				}
			}
			if !yield(b, err) || err != nil {
				return
			}
		}
	}
}

// headRows returns the heads of a file's batches.
func (f *file) headRows(ctx context.Context, in datastore.HotRange) iter.Seq2[hotRow, error] {
	k := f.heads.kept.Load()
	if k == nil {
		return rows(ctx, f.read, &headTable, in)
	}
	return func(yield func(hotRow, error) bool) {
		for r := range k.within(in) {
			if in.Stream != "" && r.Replica != in.Stream {
				continue
			}
			if err := f.usable(ctx); err != nil {
				yield(hotRow{}, err)
				return
			}
			if !yield(*r, nil) {
				return
			}
		}
		if err := f.usable(ctx); err != nil {
			yield(hotRow{}, err)
		}
	}
}

// pages returns the batches of one table of a file.
func pages(ctx context.Context, read func(context.Context, func(*conn) error) error, table *hotTable, in datastore.HotRange) iter.Seq2[datastore.Batch, error] {
	return func(yield func(datastore.Batch, error) bool) {
		for row, err := range rows(ctx, read, table, in) {
			if !yield(row.Batch, err) {
				return
			}
		}
	}
}

// rows returns them under the numbers that they have there. It reads page by page.
func rows(ctx context.Context, read func(context.Context, func(*conn) error) error, table *hotTable, in datastore.HotRange) iter.Seq2[hotRow, error] {
	return func(yield func(hotRow, error) bool) {
		w := newWalk(table, in)
		for more := true; more; {
			var page []hotRow
			err := read(ctx, func(c *conn) (err error) { page, more, err = w.page(ctx, c); return err })
			if err != nil {
				yield(hotRow{}, err)
				return
			}
			for i := range page {
				if !yield(page[i], nil) {
					return
				}
			}
		}
	}
}

// page reads the next batches, up to about pageBytes, and tells whether there may be more.
func (w *walk) page(ctx context.Context, c *conn) (page []hotRow, more bool, err error) {
	if !w.begun {
		w.begun = true
		if err := c.one(ctx, w.table.newest, nil, &w.newest); err != nil {
			return nil, false, err
		}
	}
	query := w.table.newestFirst
	if w.in.OldestFirst {
		query = w.table.oldestFirst
	}
	size, read := 0, 0
	err = c.each(ctx, query, []any{w.low, w.high, w.other, w.newest, w.number, w.in.Stream, w.batchesAtOnce}, func(rows *sql.Rows) error {
		b := datastore.Batch{Plain: w.table.plain}
		into := []any{&w.number, &b.Replica, &b.FirstSequence, &b.LastSequence, &b.Count, &b.FirstID, &b.LastID, &b.Sum, &b.Bloom, &b.Body}
		var at string
		if w.table.columns {
			b.Act = new(datastore.Act)
			into = append(into, &at, &b.Act.Organization, &b.Act.Kind, &b.Act.Action, &b.Act.Subject, &b.Act.Actor, &b.Act.Agent, &b.Act.Resource, &b.Act.Decision)
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		if a := b.Act; a != nil {
			a.Stream, a.Sequence, a.ID, a.Line = b.Replica, b.FirstSequence, b.FirstID, b.Body
			a.Time, _ = time.Parse(time.RFC3339Nano, at) // one that is none is another than the record's
		}
		read++
		if w.in.OldestFirst {
			w.low = b.FirstID
		} else {
			w.high = b.LastID
		}
		if w.in.Stream != "" && b.Replica != w.in.Stream {
			return nil
		}
		page = append(page, hotRow{b, w.number})
		if size += len(b.Bloom) + len(b.Body); size > pageBytes {
			more = true
			return errEnough
		}
		return nil
	})
	more = more || read == w.batchesAtOnce
	w.batchesAtOnce = min(2*w.batchesAtOnce, pageBatches)
	return page, more, err
}
