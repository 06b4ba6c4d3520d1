package sqlite

import (
	"context"
	"database/sql"
)

// Inspect lends f every connection of the store that is idle now, with the name of its file and the
// statements that were prepared on it.
func (s *Store) Inspect(f func(file string, writes bool, c *sql.Conn, statements []string)) {
	for name, file := range map[string]*file{"state.db": s.state, "decisions.db": s.log} {
		inspect := func(c *conn, writes bool) {
			var statements []string
			for query := range c.statements {
				statements = append(statements, query)
			}
			f(name, writes, c.c, statements)
		}
		inspect(file.writer.conn, true)
		for range readers {
			_ = file.read(context.Background(), func(c *conn) error { inspect(c, false); return nil })
		}
	}
}

// Dir is where the store's files are.
func (s *Store) Dir() string { return s.path }
