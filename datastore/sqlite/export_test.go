package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"cordon/datastore"
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

// Exec runs a statement in a transaction.
func Exec(ctx context.Context, in datastore.Tx, statement string) error {
	_, err := in.(*tx).conn.exec(ctx, statement)
	return err
}

// Query runs a statement as a read by key does.
func (s *Store) Query(ctx context.Context, query string) error {
	return s.state.read(ctx, func(c *conn) error { return c.each(ctx, query, nil, func(*sql.Rows) error { return nil }) })
}

// Waiting reports how many transactions wait for their turn.
func (s *Store) Waiting() int { return s.state.writer.waiting() }

// LogWaiting reports the same of the file of the log.
func (s *Store) LogWaiting() int { return s.log.writer.waiting() }

// HoldLog gets in line with those who write into the log. When it is its turn, wait commits what came before and holds
// the turn until it is released.
func (s *Store) HoldLog() (wait func() (release func())) {
	w := s.log.writer
	turn := make(chan struct{})
	w.mu.Lock()
	if w.queue = append(w.queue, turn); !w.taken {
		w.taken, w.queue = true, nil
		close(turn)
	}
	w.mu.Unlock()
	return func() func() {
		<-turn
		w.commit()
		return w.give
	}
}

func (w *writer) waiting() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.queue)
}

// WriteVersion makes the state file of a directory as an earlier version of the program wrote it.
func WriteVersion(ctx context.Context, dir string, version int, statements string) error {
	return writeVersion(ctx, dir, stateSchema(), version, statements)
}

// WriteLogVersion does the same with the file of the log.
func WriteLogVersion(ctx context.Context, dir string, version int, statements string) error {
	return writeVersion(ctx, dir, logSchema(), version, statements)
}

func writeVersion(ctx context.Context, dir string, s schema, version int, statements string) error {
	s.steps = s.steps[:version]
	f, err := openFile(ctx, dir, s, true, nil)
	if err != nil {
		return err
	}
	return errors.Join(f.writer.conn.script(ctx, statements), f.close())
}

// Dir is where the store's files are.
func (s *Store) Dir() string { return s.path }

// WithoutHeads has the store keep no heads of batches in memory any more.
func (s *Store) WithoutHeads() {
	for _, f := range []*file{s.state, s.log} {
		f.heads.kept.Store(nil)
		f.heads.again = -1
	}
}

// KeepsHeads tells whether those of the log's file are in memory.
func (s *Store) KeepsHeads() bool { return s.log.heads.kept.Load() != nil }

// LoadHeads reads them anew, as Open does.
func (s *Store) LoadHeads(ctx context.Context) error { return s.loadHeads(ctx) }
