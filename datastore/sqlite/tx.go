package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"cordon/datastore"
)

// tx is a transaction on the state's writer.
type tx struct {
	reader
	view
	store      *Store
	hasChanged bool
}

// tx is a transaction that has a connection for now.
func (s *Store) tx(c *conn) *tx {
	t := &tx{view: view{conn: c}, store: s}
	t.reader = reader{&t.view}
	return t
}

// Update runs fn in a transaction. As there is one writer, it never conflicts; fn runs again only where
// the end of another caller's context took the group with it. An Update within fn would wait for itself.
func (s *Store) Update(ctx context.Context, fn func(ctx context.Context, tx datastore.Tx) error) error {
	var failed error // of fn, to be given back as it is
	err := s.state.writer.transact(ctx, func(c *conn) (func(), error) {
		t := s.tx(c)
		defer func() { t.over = true }()
		if failed = fn(ctx, t); failed != nil {
			return nil, failed
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if t.hasChanged {
			return s.feed.wake, nil
		}
		return nil, nil
	})
	if failed != nil {
		return failed
	}
	return explain("update", err)
}

// Bump adds one to the organization's revision and gives the new one.
func (t *tx) Bump(ctx context.Context, organization string) (int64, error) {
	if err := t.usable(ctx); err != nil {
		return 0, err
	}
	change := datastore.Change{Organization: organization}
	err := t.conn.one(ctx, `UPDATE organizations SET revision = revision + 1 WHERE id = ? RETURNING revision`,
		[]any{organization}, &change.Revision)
	if errors.Is(err, sql.ErrNoRows) {
		err = datastore.ErrNotFound
	}
	if err == nil {
		err = t.changed(ctx, change)
	}
	if err != nil {
		return 0, explain("bump the organization", err)
	}
	return change.Revision, nil
}

// changed writes what Watch gives of this transaction, and forgets the oldest.
func (t *tx) changed(ctx context.Context, change datastore.Change) error {
	t.hasChanged = true
	if _, err := t.conn.exec(ctx, `INSERT INTO changes (organization, policy_set, revision) VALUES (?, ?, ?)`,
		change.Organization, change.Set, change.Revision); err != nil {
		return err
	}
	_, err := t.conn.exec(ctx, `DELETE FROM changes WHERE position <= (SELECT max(position) FROM changes) - ?`,
		t.store.history)
	return err
}
