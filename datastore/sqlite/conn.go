package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// conn is a connection of its own with the statements that were prepared on it. Its statements are
// never interrupted: SQLite answers an interrupted write with the roll-back of the whole transaction,
// and watching a context costs a goroutine a statement. Whoever uses it asks the context in between.
type conn struct {
	c          *sql.Conn
	statements map[string]*sql.Stmt
}

func connect(ctx context.Context, db *sql.DB) (*conn, error) {
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &conn{c: c, statements: map[string]*sql.Stmt{}}, nil
}

// prepare keeps every statement: their texts are constants of this package, or a few combinations.
func (c *conn) prepare(query string) (*sql.Stmt, error) {
	if s, ok := c.statements[query]; ok {
		return s, nil
	}
	s, err := c.c.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	c.statements[query] = s
	return s, nil
}

// exec runs a statement and tells how many rows it changed.
func (c *conn) exec(query string, args ...any) (int64, error) {
	s, err := c.prepare(query)
	if err != nil {
		return 0, err
	}
	result, err := s.ExecContext(context.Background(), args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// script runs several statements that take no values.
func (c *conn) script(statements string) error {
	_, err := c.c.ExecContext(context.Background(), statements)
	return err
}

// errEnough ends a walk of rows that has found what it looked for.
var errEnough = errors.New("enough rows")

// each gives the rows one after the other. row must not run the same query again.
func (c *conn) each(query string, args []any, row func(*sql.Rows) error) (err error) {
	s, err := c.prepare(query)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(context.Background(), args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := row(rows); errors.Is(err, errEnough) {
			return nil
		} else if err != nil {
			return err
		}
	}
	return rows.Err()
}

// one reads the only row, sql.ErrNoRows without it.
func (c *conn) one(query string, args []any, into ...any) error {
	found := false
	err := c.each(query, args, func(rows *sql.Rows) error {
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
