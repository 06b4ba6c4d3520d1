package sqlite

import (
	"context"
	"errors"

	"cordon/datastore"
)

// view is what a transaction sees: one that only reads has nothing else.
type view struct {
	conn *conn
	over bool // fn has ended: the connection is another's then
}

var errOver = errors.New("the transaction is over")

// View runs fn with a reader of one point in time. In WAL mode that is the one of the first statement, and neither
// the writer nor other readers wait for it.
func (s *Store) View(ctx context.Context, fn func(ctx context.Context, r datastore.Reader) error) error {
	var failed error // of fn, to be given back as it is
	err := s.state.lend(ctx, s.state.views, func(c *conn) (err error) {
		v := &view{conn: c}
		// The end of ctx must not leave the connection in a transaction.
		if _, err := c.exec(context.Background(), `BEGIN`); err != nil {
			return err
		}
		defer func() { // also when fn panics, or ends its goroutine
			v.over = true
			_, end := c.exec(context.Background(), `ROLLBACK`)
			err = errors.Join(err, end)
		}()
		failed = fn(ctx, reader{v})
		return nil
	})
	if failed != nil {
		return failed
	}
	return explain("view", err)
}

// usable gives why the transaction may not be used now.
func (v *view) usable(ctx context.Context) error {
	if v.over {
		return errOver
	}
	return ctx.Err()
}
