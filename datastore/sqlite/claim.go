package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"cordon/datastore"

	"github.com/google/uuid"
)

// nextTurn finds the next lane that has something to deliver, and when the first of it is due: one step
// in the index, however much each of them has.
const nextTurn = `SELECT lane, due_at FROM messages
	WHERE kind = ? AND lane > ? AND due_at IS NOT NULL ORDER BY lane, due_at LIMIT 1`

// dueMessages finds what may be claimed of a lane, longest due first.
const dueMessages = `SELECT payload, document FROM messages
	WHERE kind = ? AND lane = ? AND due_at <= ? ORDER BY due_at, id LIMIT ?`

// Claim looks for something due before it asks for the writer: mostly there is nothing.
func (s *Store) Claim(ctx context.Context, claim datastore.Claim) (claimed []datastore.Message, err error) {
	var turns []string
	if err := s.state.read(ctx, func(c *conn) (err error) {
		turns, _, err = dueTurns(ctx, c, &claim)
		return err
	}); err != nil || len(turns) == 0 {
		return nil, explain("claim messages", err)
	}
	err = s.state.writer.transact(ctx, func(c *conn) (func(), error) {
		t := s.tx(c)
		claimed = nil
		turns, places, err := dueTurns(ctx, c, &claim)
		if err != nil {
			return nil, err
		}
		for i, lane := range turns {
			if err := c.each(ctx, dueMessages, []any{claim.Kind, lane, instant(claim.Now), places[i]},
				func(rows *sql.Rows) error {
					n, err := scanMessage(rows)
					claimed = append(claimed, n)
					return err
				}); err != nil {
				return nil, err
			}
		}
		for i := range claimed {
			n := &claimed[i]
			n.State, n.NextAt, n.Lease = datastore.MessageLeased, claim.Now.Add(claim.Lease).UTC(), uuid.NewString()
			n.Attempts++
			if err := t.putMessage(ctx, *n); err != nil {
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

// dueTurns returns the lanes that a claim takes from, and how much of each.
func dueTurns(ctx context.Context, c *conn, claim *datastore.Claim) (turns []string, places []int, err error) {
	now := instant(claim.Now)
	return claim.Turns(func(after string) (string, error) {
		for {
			if err := ctx.Err(); err != nil {
				return "", err
			}
			var due int64
			err := c.one(ctx, nextTurn, []any{claim.Kind, after}, &after, &due)
			switch {
			case errors.Is(err, sql.ErrNoRows):
				return "", nil
			case err != nil || due <= now:
				return after, err
			}
		}
	})
}

// endLeases makes what the process before had leased due at once, by whatever clock: since it was made.
// The lock on the directory says that nobody has a lease any more.
func (s *Store) endLeases(ctx context.Context) error {
	return s.state.writer.transact(ctx, func(c *conn) (func(), error) {
		t := s.tx(c)
		var leased []datastore.Message
		err := c.each(ctx, leasedMessages, []any{datastore.MessageLeased}, func(rows *sql.Rows) error {
			n, err := scanMessage(rows)
			leased = append(leased, n)
			return err
		})
		for _, n := range leased {
			if err == nil {
				n.State, n.Lease, n.NextAt = datastore.MessagePending, "", n.CreatedAt
				err = t.putMessage(ctx, n)
			}
		}
		return nil, err
	})
}

const leasedMessages = `SELECT payload, document FROM messages WHERE state = ?`
