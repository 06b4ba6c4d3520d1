package sqlite

import (
	"context"
	"database/sql"
	"time"

	"cordon/datastore"

	"github.com/google/uuid"
)

// dueMessages finds what may be claimed, longest due first.
const dueMessages = `SELECT payload, document FROM messages WHERE due_at <= ? ORDER BY due_at, id LIMIT ?`

// Claim leases messages that are due.
func (s *Store) Claim(ctx context.Context, now time.Time, lease time.Duration, atMost int) ([]datastore.Message, error) {
	var claimed []datastore.Message
	err := s.state.writer.transact(ctx, func(c *conn) (func(), error) {
		t := &tx{store: s, conn: c}
		if err := c.each(dueMessages, []any{instant(now), limit(atMost)}, func(rows *sql.Rows) error {
			n, err := scanMessage(rows)
			claimed = append(claimed, n)
			return err
		}); err != nil {
			return nil, err
		}
		for i := range claimed {
			n := &claimed[i]
			n.State, n.NextAt, n.Lease = datastore.MessageLeased, now.Add(lease).UTC(), uuid.NewString()
			n.Attempts++
			if err := t.putMessage(*n); err != nil {
				return nil, err
			}
		}
		return nil, nil
	})
	if err != nil {
		return nil, explain("claim messages", err)
	}
	return claimed, nil
}
