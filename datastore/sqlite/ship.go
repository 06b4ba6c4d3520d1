package sqlite

import (
	"context"

	"cordon/datastore"
)

// Ship appends a batch of a replica's records, once.
func (s *Store) Ship(ctx context.Context, batch datastore.Batch) (int64, error) {
	var last int64
	err := s.log.writer.transact(ctx, func(c *conn) (_ func(), err error) {
		if last, err = lastSequence(ctx, c, batch.Replica); err != nil || !batch.Follows(last) {
			return nil, err
		}
		last = batch.LastSequence
		return nil, insertBatch(ctx, c, batch)
	})
	if err != nil {
		return 0, explain("ship", err)
	}
	return last, nil
}

// lastSequence gives the last sequence of a replica in this file. Each file counts for itself:
// a replica either appends or ships.
func lastSequence(ctx context.Context, c *conn, replica string) (last int64, err error) {
	err = c.one(ctx, `SELECT coalesce(max(last_sequence), 0) FROM batches WHERE replica = ?`, []any{replica}, &last)
	return last, err
}

func insertBatch(ctx context.Context, c *conn, b datastore.Batch) error {
	_, err := c.exec(ctx, `INSERT INTO batches
		(replica, first_sequence, last_sequence, count, first_id, last_id, bloom, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		b.Replica, b.FirstSequence, b.LastSequence, b.Count, b.FirstID, b.LastID, blob(b.Bloom), blob(b.Body))
	return err
}
