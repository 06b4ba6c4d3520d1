package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// conn is a connection of its own with the statements that were prepared on it. A statement runs under
// the context that it is given: it is interrupted when that is done, as long as it looks for its first
// row, and the rows after it are each found in a few steps.
type conn struct {
	c          *sql.Conn
	statements map[string]*sql.Stmt
	// within is set while a transaction is open. SQLite may answer a failed or interrupted write with
	// the roll-back of all of it; whatever came after that would be committed on its own. So the first
	// such error is kept as lost, and no more statements are run.
	within bool
	lost   error
}

func connect(ctx context.Context, db *sql.DB) (*conn, error) {
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &conn{c: c, statements: map[string]*sql.Stmt{}}, nil
}

// prepare keeps every statement: their texts are constants of this package, or a few combinations.
func (c *conn) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	if c.lost != nil {
		return nil, c.lost
	}
	if s, ok := c.statements[query]; ok {
		return s, nil
	}
	s, err := c.c.PrepareContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	c.statements[query] = s
	return s, nil
}

// exec runs a statement and tells how many rows it changed.
func (c *conn) exec(ctx context.Context, query string, args ...any) (int64, error) {
	s, err := c.prepare(ctx, query)
	if err != nil {
		return 0, err
	}
	result, err := s.ExecContext(ctx, args...)
	if err != nil {
		return 0, c.failed(err)
	}
	return result.RowsAffected()
}

// script runs several statements that take no values.
func (c *conn) script(ctx context.Context, statements string) error {
	_, err := c.c.ExecContext(ctx, statements)
	return err
}

// errEnough ends a walk of rows that has found what it looked for.
var errEnough = errors.New("enough rows")

// each gives the rows one after the other. row must not run the same query again.
func (c *conn) each(ctx context.Context, query string, args []any, row func(*sql.Rows) error) (err error) {
	s, err := c.prepare(ctx, query)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(ctx, args...)
	if err != nil {
		return c.failed(err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := row(rows); errors.Is(err, errEnough) {
			return nil
		} else if err != nil {
			return err
		}
	}
	return c.failed(rows.Err())
}

// failed keeps an error of a statement after which the transaction may be rolled back.
func (c *conn) failed(err error) error {
	if c.within && err != nil && c.lost == nil && endsTransaction(err) {
		c.lost = err
	}
	return err
}

// one reads the only row, sql.ErrNoRows without it.
func (c *conn) one(ctx context.Context, query string, args []any, into ...any) error {
	found := false
	err := c.each(ctx, query, args, func(rows *sql.Rows) error {
		found = true
		return rows.Scan(into...)
	})
	if err == nil && !found {
		return sql.ErrNoRows
	}
	return err
}

func (c *conn) close() error {
	var errs []error
	for _, s := range c.statements {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, c.c.Close())...)
}
