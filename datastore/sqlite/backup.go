package sqlite

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"

	"cordon/datastore"

	modernc "modernc.org/sqlite"
)

// backupPages is how many pages are copied before the end of a context is looked at: a MiB.
const backupPages = 256

// Backup writes a copy of both files into a directory, as they were at one moment of the call, while the
// store serves. Everything that was acknowledged before the call is in it, and nothing is that was not
// committed: the copy is opened as a store is after a crash.
//
// The state says where the files of the log stand, and the log gives up what the state says is sealed, so
// a copy of the one and a later one of the other would not fit together. Both are pinned while the two
// writers are held, which takes no longer than two short reads; the copying then disturbs nobody.
func (s *Store) Backup(ctx context.Context, dir string) (err error) {
	pins := []pin{{file: s.state, name: stateSchema().name}, {file: s.log, name: logSchema().name}}
	defer func() {
		for i := range pins {
			err = errors.Join(err, pins[i].close())
		}
	}()
	err = s.state.writer.transact(ctx, func(*conn) (func(), error) {
		return nil, s.log.writer.transact(ctx, func(*conn) (func(), error) {
			for i := range pins {
				if err := pins[i].open(ctx); err != nil {
					return nil, err
				}
			}
			return nil, nil
		})
	})
	if err != nil {
		return explain("back up", err)
	}
	for i := range pins {
		if err := pins[i].copy(ctx, filepath.Join(dir, pins[i].name)); err != nil {
			return explain("back up "+pins[i].name, err)
		}
	}
	return nil
}

// pin is a connection that reads a file as it was at one moment.
type pin struct {
	file *file
	name string
	conn *conn
}

func (p *pin) open(ctx context.Context) (err error) {
	if p.conn != nil { // the transaction that pins runs again
		if err := p.close(); err != nil {
			return err
		}
	}
	if p.conn, err = connect(ctx, p.file.lists); err != nil {
		return err
	}
	// The moment is that of the first read, not of BEGIN.
	return p.conn.script(ctx, `BEGIN; SELECT count(*) FROM sqlite_schema`)
}

func (p *pin) close() error {
	if p.conn == nil {
		return nil
	}
	_, err := p.conn.c.ExecContext(context.Background(), `ROLLBACK`)
	err = errors.Join(err, p.conn.close())
	p.conn = nil
	return err
}

// copy writes the file as it was when it was pinned: SQLite copies within the reading transaction of a
// connection that has one.
func (p *pin) copy(ctx context.Context, to string) error {
	if err := private(to); err != nil {
		return err
	}
	return p.conn.c.Raw(func(driverConn any) (err error) {
		source, ok := driverConn.(interface {
			NewBackup(destination string) (*modernc.Backup, error)
		})
		if !ok {
			return fmt.Errorf("a connection of type %T cannot be copied", driverConn)
		}
		backup, err := source.NewBackup((&url.URL{Scheme: "file", OmitHost: true, Path: to}).String())
		if err != nil {
			return err
		}
		for more := true; more && err == nil; {
			if err = ctx.Err(); err == nil {
				more, err = backup.Step(backupPages)
			}
		}
		return errors.Join(err, backup.Finish())
	})
}

// Verify looks a directory's files over, as they are after a restore, and reports what is wrong with them. Nobody
// may have them open.
func Verify(ctx context.Context, dir string) error {
	for _, schema := range []schema{stateSchema(), logSchema()} {
		f, err := openFile(ctx, dir, schema, true, nil)
		if err != nil {
			return err
		}
		result := ""
		err = f.read(ctx, func(c *conn) error { return c.one(ctx, `PRAGMA quick_check(1)`, nil, &result) })
		if err == nil && result != "ok" {
			err = fmt.Errorf("%w: %s", datastore.ErrDamaged, result)
		}
		if err = errors.Join(err, f.close()); err != nil {
			return explain("look over "+schema.name, err)
		}
	}
	return nil
}
