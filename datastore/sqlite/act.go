package sqlite

import (
	"context"
	"fmt"
	"time"

	"cordon/datastore"
)

// Append writes an act of a stream.
func (t *tx) Append(ctx context.Context, stream string, encode func(sequence int64) (datastore.Act, error)) error {
	if err := t.usable(ctx); err != nil {
		return err
	}
	last, err := lastSequence(ctx, t.conn, stream)
	if err != nil {
		return explain("append a record", err)
	}
	act, err := encode(last + 1)
	if err == nil {
		err = insertAct(ctx, t.conn, act)
	}
	if err == nil {
		err = count(ctx, t.conn, stream, last+1)
	}
	return explain("append a record", err)
}

func insertAct(ctx context.Context, c *conn, a datastore.Act) error {
	_, err := c.exec(ctx, `INSERT INTO acts
		(stream, sequence, id, time, organization, kind, action, subject, actor, agent, resource, decision, line)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		a.Stream, a.Sequence, a.ID, a.Time.UTC().Format(time.RFC3339Nano), a.Organization, a.Kind, a.Action, a.Subject, a.Actor, a.Agent,
		a.Resource, a.Decision, string(a.Line))
	if err != nil {
		return fmt.Errorf("act %d of %s: %w", a.Sequence, a.Stream, err)
	}
	return nil
}
