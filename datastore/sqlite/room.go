package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
)

const (
	// roomPages is how many pages are given back in one turn of the writer: a quarter of a MiB.
	roomPages = 64
	// roomShare is the part of a file that is kept though it is free: what is written next needs no new room.
	roomShare = 16
	// smallFile is how large a file of before may be, in bytes, for all of it to be written anew when it is opened.
	smallFile = 64 << 20
)

// room gives back to the system what is free in a file, while the file is used.
type room struct {
	loose  chan struct{} // holds a token when there may be something to give back
	ctx    context.Context
	cancel context.CancelFunc
	group  sync.WaitGroup
}

// keepRoom begins to give back what is free. A file that was made without that possibility gets it now where
// it is small; a large one keeps what it has got until somebody has it written anew (docs/operations.md).
func (f *file) keepRoom(ctx context.Context) error {
	c := f.writer.conn
	var mode, pages, size int64
	for pragma, value := range map[string]*int64{"auto_vacuum": &mode, "page_count": &pages, "page_size": &size} {
		if err := c.one(ctx, "PRAGMA "+pragma, nil, value); err != nil {
			return err
		}
	}
	if mode == 0 && pages*size > smallFile {
		return nil
	}
	if mode == 0 {
		if err := c.script(ctx, `PRAGMA auto_vacuum = INCREMENTAL; VACUUM`); err != nil {
			return err
		}
	}
	r := &room{loose: make(chan struct{}, 1)}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	f.room = r
	f.freed(1)() // what an earlier process has left
	r.group.Go(func() {
		for {
			select {
			case <-r.loose:
				f.giveBack(r.ctx)
			case <-r.ctx.Done():
				return
			}
		}
	})
	return nil
}

func (r *room) close() {
	if r != nil {
		r.cancel()
		r.group.Wait()
	}
}

// freed returns what is to be done when a transaction is committed that removed rows.
func (f *file) freed(rows int64) func() {
	if rows == 0 || f.room == nil {
		return nil
	}
	return func() {
		select {
		case f.room.loose <- struct{}{}:
		default:
		}
	}
}

// giveBack gives back what is free, beyond a share of the file, step by step: between two steps whoever
// waits for the writer has his turn. Whatever fails is tried again when more is free.
func (f *file) giveBack(ctx context.Context) {
	for given := false; ; given = true {
		var free, pages int64
		err := f.read(ctx, func(c *conn) error {
			if err := c.one(ctx, `PRAGMA freelist_count`, nil, &free); err != nil {
				return err
			}
			if err := c.one(ctx, `PRAGMA page_count`, nil, &pages); err != nil {
				return err
			}
			if free <= pages/roomShare && given {
				// The file itself becomes shorter when its pages are brought back from beside it.
				return c.each(ctx, `PRAGMA wal_checkpoint(PASSIVE)`, nil, func(*sql.Rows) error { return nil })
			}
			return nil
		})
		if err != nil || free <= pages/roomShare {
			return
		}
		back := 0
		err = f.writer.transact(ctx, func(c *conn) (func(), error) {
			back = 0
			// A row for each page: it is over when all are read. At the end of ctx it is not broken off,
			// since that would end the transactions of others as well.
			return nil, c.each(context.WithoutCancel(ctx), fmt.Sprintf(`PRAGMA incremental_vacuum(%d)`, roomPages), nil,
				func(*sql.Rows) error { back++; return nil })
		})
		if err != nil || back == 0 {
			return
		}
	}
}
