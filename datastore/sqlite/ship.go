package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"cordon/datastore"
)

// Ship appends a batch of a stream's records, once.
func (s *Store) Ship(ctx context.Context, batch datastore.Batch) (int64, error) {
	var last int64
	err := s.log.writer.transact(ctx, func(c *conn) (_ func(), err error) {
		if last, err = lastSequence(ctx, c, batch.Replica); err != nil || !batch.Follows(last) {
			return nil, err
		}
		last = batch.LastSequence
		number, err := insertBatch(ctx, c, batch)
		if err != nil {
			return nil, err
		}
		return s.log.heads.add(number, &batch), count(ctx, c, batch.Replica, last)
	})
	if err != nil {
		return 0, explain("ship", err)
	}
	return last, nil
}

// lastSequence returns the last sequence of a stream in this file. Each file counts for itself:
// a stream either appends or ships.
func lastSequence(ctx context.Context, c *conn, stream string) (last int64, err error) {
	err = c.one(ctx, `SELECT last FROM streams WHERE name = ?`, []any{stream}, &last)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return last, err
}

// count keeps the last sequence of a stream.
func count(ctx context.Context, c *conn, stream string, last int64) error {
	_, err := c.exec(ctx, `INSERT INTO streams (name, last) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET last = excluded.last`, stream, last)
	return err
}

func insertBatch(ctx context.Context, c *conn, b datastore.Batch) (number int64, err error) {
	err = c.one(ctx, `INSERT INTO batches
		(replica, first_sequence, last_sequence, count, first_id, last_id, bloom, body, sum) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
		RETURNING number`,
		[]any{b.Replica, b.FirstSequence, b.LastSequence, b.Count, b.FirstID, b.LastID, blob(b.Bloom), blob(b.Body), int64(b.Sum)}, &number)
	return number, err
}
