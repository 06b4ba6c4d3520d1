package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"cordon/datastore"

	_ "modernc.org/sqlite" // the driver
)

// readers is how many connections read by key at a time. Reads are short and burn a core each, so
// more of them would only wait for one another. Views take longer, and have viewers of their own: whoever reads by key
// does not wait for them.
const readers, viewers = 4, 2

// file is one database file: its writer, its readers by key, and a pool for lists.
type file struct {
	writer *writer
	pool   chan *conn
	views  chan *conn
	opened int // connections of both
	// lists lets as many lists be open as are asked for: a list keeps its connection while its
	// consumer works, and a consumer that lists within a list must not wait for itself.
	lists  *sql.DB
	write  *sql.DB
	closed <-chan struct{}
	room   *room // nil where the file keeps what it has got
	heads  heads // of the batches
}

// openFile opens a file of the directory and brings its schema up to date. durable: a commit is on
// disk when it is acknowledged.
func openFile(ctx context.Context, dir string, schema schema, durable bool, closed <-chan struct{}) (*file, error) {
	f := &file{pool: make(chan *conn, readers), views: make(chan *conn, viewers), closed: closed}
	if err := f.open(ctx, filepath.Join(dir, schema.name), schema, durable); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", schema.name, err), f.close())
	}
	return f, nil
}

func (f *file) open(ctx context.Context, path string, schema schema, durable bool) (err error) {
	if err = private(path); err != nil {
		return err
	}
	if f.write, err = sql.Open("sqlite", address(path, durable, false)); err != nil {
		return err
	}
	f.write.SetMaxOpenConns(1)
	c, err := connect(ctx, f.write)
	if err != nil {
		return err
	}
	f.writer = newWriter(c, f.closed)
	if err = c.script(ctx, fmt.Sprintf("PRAGMA cache_size = -%d", schema.cache)); err != nil {
		return err
	}
	if err = schema.apply(ctx, c); err != nil {
		return err
	}
	if f.lists, err = sql.Open("sqlite", address(path, durable, true)); err != nil {
		return err
	}
	f.lists.SetMaxIdleConns(readers + viewers + 2)
	for i := range readers + viewers {
		if c, err = connect(ctx, f.lists); err != nil {
			return err
		}
		if f.opened++; i < readers {
			f.pool <- c
		} else {
			f.views <- c
		}
	}
	return f.keepRoom(ctx)
}

// private makes the file readable by its owner alone before SQLite makes it for everybody; the
// files beside it (-wal, -shm) take its mode.
func private(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return file.Close()
}

func address(path string, durable, readOnly bool) string {
	query := url.Values{
		"_busy_timeout": {"5000"},
		"_journal_mode": {"WAL"},
		"_synchronous":  {"FULL"},
		"_dqs":          {"0"},
		"_pragma":       {"temp_store(MEMORY)", "journal_size_limit(67108864)"},
	}
	if !durable {
		query.Set("_synchronous", "OFF")
	}
	if readOnly {
		query.Set("_query_only", "1")
	} else {
		query.Set("_auto_vacuum", "INCREMENTAL") // of a new file: what is deleted can be given back one day
	}
	return (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: query.Encode()}).String()
}

// read lends f a connection that no other uses meanwhile. What is read in one statement is read at
// one point in time.
func (f *file) read(ctx context.Context, use func(c *conn) error) error {
	return f.lend(ctx, f.pool, use)
}

func (f *file) lend(ctx context.Context, pool chan *conn, use func(c *conn) error) error {
	if err := f.usable(ctx); err != nil {
		return err
	}
	select {
	case c := <-pool:
		defer func() { pool <- c }()
		return use(c)
	case <-f.closed:
		return datastore.ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// usable gives why nothing may be asked now: a select alone would choose at random.
func (f *file) usable(ctx context.Context) error {
	select {
	case <-f.closed:
		return datastore.ErrClosed
	default:
		return ctx.Err()
	}
}

// close waits for the writer and the readers by key; open lists end by themselves.
func (f *file) close() error {
	if f == nil {
		return nil
	}
	var errs []error
	f.room.close()
	if f.writer != nil {
		errs = append(errs, f.writer.close())
	}
	for range f.opened {
		var c *conn
		select {
		case c = <-f.pool:
		case c = <-f.views:
		}
		errs = append(errs, c.close())
	}
	if f.lists != nil {
		errs = append(errs, f.lists.Close())
	}
	if f.write != nil {
		errs = append(errs, f.write.Close())
	}
	return errors.Join(errs...)
}
