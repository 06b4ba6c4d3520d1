package sqlite

import (
	"context"
	"database/sql"
	"maps"
	"slices"
	"strings"

	"cordon/datastore"
)

// forgetAtOnce is how many rows one transaction of Forget touches: more would hold up the writer.
const forgetAtOnce = 200

// Forget removes what is sealed, and acts whose time is over. What is sealed is written down first, in the file that
// has the stream: the rows are guarded by it, and a number up to there is never given again.
func (s *Store) Forget(ctx context.Context, what datastore.Forgotten) error {
	streams := slices.Sorted(maps.Keys(what.Sealed))
	for _, f := range []*file{s.state, s.log} {
		if err := f.usable(ctx); err != nil {
			return explain("forget", err)
		}
		for _, stream := range streams {
			if err := f.forget(ctx, stream, what.Sealed[stream]); err != nil {
				return explain("forget what is sealed", err)
			}
		}
	}
	if err := s.sealActs(ctx, what.Sealed); err != nil {
		return explain("seal acts", err)
	}
	for some := range slices.Chunk(what.Acts, forgetAtOnce) {
		err := s.state.change(ctx, func(c *conn) (removed int64, err error) {
			for _, id := range some {
				n, err := c.exec(ctx, `DELETE FROM acts WHERE id = ? AND sealed = 1`, id)
				if removed += n; err != nil {
					return removed, err
				}
			}
			return removed, nil
		})
		if err != nil {
			return explain("forget acts", err)
		}
	}
	return nil
}

// change runs a transaction that may remove rows.
func (f *file) change(ctx context.Context, fn func(c *conn) (removed int64, err error)) error {
	return f.writer.transact(ctx, func(c *conn) (func(), error) {
		removed, err := fn(c)
		return f.freed(removed), err
	})
}

// after does several things that are to be done when a transaction is committed; nil is nothing.
func after(all ...func()) func() {
	return func() {
		for _, do := range all {
			if do != nil {
				do()
			}
		}
	}
}

// forget writes down up to where a stream of this file is sealed, and removes its batches up to there.
func (f *file) forget(ctx context.Context, stream string, sealed int64) error {
	known := int64(0)
	err := f.change(ctx, func(c *conn) (_ int64, err error) {
		known, err = c.exec(ctx, `UPDATE streams SET sealed = max(sealed, ?2), last = max(last, ?2) WHERE name = ?1`, stream, sealed)
		return 0, err
	})
	for more := known > 0; more && err == nil; {
		err = f.writer.transact(ctx, func(c *conn) (func(), error) {
			removed := map[int64]bool{}
			err := c.each(ctx, `DELETE FROM batches WHERE number IN (SELECT number FROM batches
				WHERE replica = ? AND last_sequence <= ? ORDER BY last_sequence LIMIT ?) RETURNING number`,
				[]any{stream, sealed, forgetAtOnce}, func(rows *sql.Rows) error {
					var number int64
					err := rows.Scan(&number)
					removed[number] = true
					return err
				})
			if more = len(removed) == forgetAtOnce; err != nil || len(removed) == 0 {
				return nil, err
			}
			heads, err := f.heads.remove(ctx, c, removed)
			return after(heads, f.freed(int64(len(removed)))), err
		})
	}
	return err
}

// sealActs marks the acts that are sealed. Few are not, so all of those are looked at.
func (s *Store) sealActs(ctx context.Context, sealed map[string]int64) error {
	var rows []int64
	err := s.state.read(ctx, func(c *conn) error {
		return c.each(ctx, `SELECT rowid, stream, sequence FROM acts WHERE sealed = 0 AND id >= '' ORDER BY id`, nil, func(r *sql.Rows) error {
			var row, sequence int64
			var stream string
			err := r.Scan(&row, &stream, &sequence)
			if last, is := sealed[stream]; is && sequence <= last {
				rows = append(rows, row)
			}
			return err
		})
	})
	if err != nil {
		return err
	}
	for some := range slices.Chunk(rows, forgetAtOnce) {
		err := s.state.change(ctx, func(c *conn) (int64, error) {
			for _, row := range some {
				if _, err := c.exec(ctx, `UPDATE acts SET sealed = 1 WHERE rowid = ?`, row); err != nil {
					return 0, err
				}
			}
			return 0, nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// The first and the newest sequence that is kept of each stream of a file; NULL where nothing is.
const (
	shippedStreams = `SELECT name, last, sealed,
		(SELECT first_sequence FROM batches WHERE replica = name ORDER BY last_sequence LIMIT 1),
		(SELECT max(last_sequence) FROM batches WHERE replica = name),
		NULL, NULL FROM streams WHERE name >= '' ORDER BY name`
	appendedStreams = `SELECT name, last, sealed,
		(SELECT first_sequence FROM batches WHERE replica = name ORDER BY last_sequence LIMIT 1),
		(SELECT max(last_sequence) FROM batches WHERE replica = name),
		(SELECT min(sequence) FROM acts WHERE stream = name),
		(SELECT max(sequence) FROM acts WHERE stream = name)
		FROM streams WHERE name >= '' ORDER BY name`
)

// Streams returns the streams of both files.
func (s *Store) Streams(ctx context.Context) ([]datastore.Stream, error) {
	var streams []datastore.Stream
	for _, part := range []struct {
		file  *file
		query string
	}{{s.state, appendedStreams}, {s.log, shippedStreams}} {
		err := part.file.read(ctx, func(c *conn) error {
			return c.each(ctx, part.query, nil, func(rows *sql.Rows) error {
				var of datastore.Stream
				var batches, acts struct{ first, newest sql.NullInt64 }
				err := rows.Scan(&of.Name, &of.Last, &of.Sealed, &batches.first, &batches.newest, &acts.first, &acts.newest)
				if of.First = batches.first.Int64; !batches.first.Valid {
					of.First = acts.first.Int64 // they are behind the batches
				}
				of.Newest = max(batches.newest.Int64, acts.newest.Int64)
				streams = append(streams, of)
				return err
			})
		})
		if err != nil {
			return nil, explain("list streams", err)
		}
	}
	slices.SortFunc(streams, func(a, b datastore.Stream) int { return strings.Compare(a.Name, b.Name) })
	return streams, nil
}
