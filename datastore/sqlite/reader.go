package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"cordon/datastore"
)

// reader is what is read alike from the store and within a transaction.
type reader struct{ from source }

// source gives connections to read from.
type source interface {
	// read lends a connection for a short read.
	read(ctx context.Context, use func(c *conn) error) error
	// rows runs a query, makes a step of each row and takes the steps until one says that it is
	// enough. The rows are of one point in time.
	rows(ctx context.Context, query string, args []any, row func(*sql.Rows) (step func() bool, err error)) error
}

// read lends a connection of the state file.
func (s *Store) read(ctx context.Context, use func(c *conn) error) error {
	return s.state.read(ctx, use)
}

// rows reads while its consumer works, so that a long list needs no memory. It is a snapshot for all
// that time, and holds up neither writers nor other readers.
func (s *Store) rows(ctx context.Context, query string, args []any, row func(*sql.Rows) (func() bool, error)) (err error) {
	if err := s.state.usable(ctx); err != nil {
		return err
	}
	defer func() {
		if err != nil && errors.Is(s.state.usable(context.Background()), datastore.ErrClosed) {
			err = datastore.ErrClosed
		}
	}()
	rows, err := s.state.lists.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		step, err := row(rows)
		if err != nil {
			return err
		}
		if !step() {
			return nil
		}
		if err := s.state.usable(ctx); err != nil {
			return err
		}
	}
	return rows.Err()
}

// read gives reads the transaction's own point in time.
func (v *view) read(ctx context.Context, use func(c *conn) error) error {
	if err := v.usable(ctx); err != nil {
		return err
	}
	return use(v.conn)
}

// rows reads all before the first step, because the consumer may use the same connection.
func (v *view) rows(ctx context.Context, query string, args []any, row func(*sql.Rows) (func() bool, error)) error {
	if err := v.usable(ctx); err != nil {
		return err
	}
	var steps []func() bool
	err := v.conn.each(ctx, query, args, func(rows *sql.Rows) error {
		step, err := row(rows)
		steps = append(steps, step)
		return err
	})
	if err != nil {
		return err
	}
	for _, step := range steps {
		if !step() {
			break
		}
	}
	return nil
}

// scanDocument is the scan of a noun that is its document alone.
func scanDocument[T any](rows *sql.Rows) (T, error) {
	var document sql.RawBytes
	if err := rows.Scan(&document); err != nil {
		var none T
		return none, err
	}
	return decode[T](document)
}

// limit is a page's LIMIT; SQLite takes -1 for none.
func limit(n int) int {
	if n <= 0 {
		return -1
	}
	return n
}
