package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"cordon/datastore"
)

// outbox counts what is not done by the index on state. When a message was made is text, in which instants
// of one second do not always sort as they follow each other.
const outbox = `SELECT kind, state, COUNT(*), MIN(json_extract(document, '$.created_at')), COALESCE(MIN(due_at), 0)
	FROM messages WHERE state IN (?, ?, ?) GROUP BY kind, state`

// Outbox returns what waits, and what was given up.
func (s *Store) Outbox(ctx context.Context) (waiting []datastore.Waiting, err error) {
	states := []any{datastore.MessagePending, datastore.MessageLeased, datastore.MessageDead}
	err = s.state.read(ctx, func(c *conn) error {
		waiting = nil
		return c.each(ctx, outbox, states, func(rows *sql.Rows) error {
			var w datastore.Waiting
			var made string
			var due int64
			err := rows.Scan(&w.Kind, &w.State, &w.Messages, &made, &due)
			if err != nil {
				return err
			}
			if w.Oldest, err = time.Parse(time.RFC3339Nano, made); err != nil {
				return err
			}
			if due != 0 {
				w.Due = time.Unix(0, due).UTC()
			}
			waiting = append(waiting, w)
			return nil
		})
	})
	return waiting, explain("count messages", err)
}

// Sizes returns how large the two files are, each with those that SQLite keeps beside it.
func (s *Store) Sizes(ctx context.Context) (map[string]int64, error) {
	select {
	case <-s.closed:
		return nil, datastore.ErrClosed
	default:
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	sizes := map[string]int64{}
	for _, schema := range []schema{stateSchema(), logSchema()} {
		part := strings.TrimSuffix(schema.name, filepath.Ext(schema.name))
		for _, beside := range []string{"", "-wal", "-shm"} {
			info, err := os.Stat(filepath.Join(s.path, schema.name+beside))
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return nil, explain("measure files", err)
			}
			sizes[part] += info.Size()
		}
	}
	return sizes, nil
}
