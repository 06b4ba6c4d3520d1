// Package sqlite answers where it is kept by one process: in files of one directory, or in a temporary
// one, without a server.
//
// Why two files: the decision log grows by bulk and would hold up the state's only writer, so
// decisions that are shipped go to a file of their own. A change's record must be committed with the
// change, and a transaction over two files in WAL mode is not atomic after a loss of power, so those
// records stay in the state file. [Store.Records] merges the two.
//
// Why one writer: SQLite has one. Transactions therefore never conflict, and those that wait are
// committed together (see group), each in its savepoint.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"cordon/datastore"
)

// Config says where a store is. Its zero value is a store that lasts until it is closed.
type Config struct {
	// Path is the directory of the files; it is made where it is missing. Empty: a temporary
	// directory without waiting for the disk, removed by Close.
	Path string
	// History is how many changes are kept for Watch to go on from; 0: 65,536.
	History int
	// Log tells what is opened; nil: nothing is told.
	Log *slog.Logger
}

// Store is a [datastore.Store] in SQLite files. It serves one process: a lock file refuses another.
type Store struct {
	reader
	path      string
	temporary bool
	history   int64
	identity  string // of this database, so that a position of another is not taken for one of ours

	lock  *lock
	state *file
	log   *file
	feed  feed

	closing sync.Once
	closed  chan struct{}
	result  error
}

var _ datastore.Store = (*Store)(nil)

// Open opens the store, making it where there is none. It is refused where another process has it
// open, or where a newer Cordon has written it.
func Open(ctx context.Context, config Config) (*Store, error) {
	s := &Store{
		path:      config.Path,
		temporary: config.Path == "",
		history:   int64(config.History),
		closed:    make(chan struct{}),
		feed:      feed{next: make(chan struct{})},
	}
	s.reader = reader{s}
	if s.history <= 0 {
		s.history = 65_536
	}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(explain("open store", err), s.Close())
	}
	if config.Log != nil {
		config.Log.InfoContext(ctx, "store is open", "engine", "sqlite", "temporary", s.temporary)
	}
	return s, nil
}

func (s *Store) open(ctx context.Context) (err error) {
	if s.temporary {
		s.path, err = os.MkdirTemp("", "cordon-")
	} else if s.path, err = filepath.Abs(s.path); err == nil {
		err = os.MkdirAll(s.path, 0o700)
	}
	if err != nil {
		return err
	}
	if s.lock, err = takeLock(s.path); err != nil {
		return err
	}
	if s.state, err = openFile(ctx, s.path, stateSchema(), !s.temporary, s.closed); err != nil {
		return err
	}
	if s.log, err = openFile(ctx, s.path, logSchema(), !s.temporary, s.closed); err != nil {
		return err
	}
	if err = s.loadHeads(ctx); err != nil {
		return err
	}
	if err = s.sweepAll(ctx); err != nil {
		return fmt.Errorf("remove what is loose: %w", err)
	}
	if err = s.endLeases(ctx); err != nil {
		return fmt.Errorf("end leases: %w", err)
	}
	return s.state.read(ctx, func(c *conn) error {
		return c.one(ctx, `SELECT value FROM about WHERE name = 'identity'`, nil, &s.identity)
	})
}

// Ready tells whether the store can serve now: both of its files answer.
func (s *Store) Ready(ctx context.Context) error {
	for _, f := range []*file{s.state, s.log} {
		err := f.read(ctx, func(c *conn) error {
			var one int
			return c.one(ctx, `SELECT 1 FROM sqlite_schema LIMIT 1`, nil, &one)
		})
		if err != nil {
			return explain("ask the store", err)
		}
	}
	return nil
}

// Close waits for the transactions that have begun, ends the watches and closes the files.
func (s *Store) Close() error {
	s.closing.Do(func() {
		close(s.closed)
		s.result = errors.Join(s.state.close(), s.log.close(), s.lock.release())
		if s.temporary && s.path != "" {
			s.result = errors.Join(s.result, os.RemoveAll(s.path))
		}
	})
	return s.result
}
