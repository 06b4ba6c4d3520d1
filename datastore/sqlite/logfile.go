package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"iter"
	"slices"
	"strings"

	"cordon/datastore"
)

// WriteFile keeps data as the file of a name, in one transaction of the log's file.
func (s *Store) WriteFile(ctx context.Context, name string, data []byte) error {
	if err := datastore.CheckFile(name, data); err != nil {
		return explain("write a file", err)
	}
	err := s.log.writer.transact(ctx, func(c *conn) (func(), error) {
		var id int64
		if err := c.one(ctx, `INSERT INTO files (name, size) VALUES (?, ?)
			ON CONFLICT (name) DO UPDATE SET size = excluded.size RETURNING id`, []any{name, len(data)}, &id); err != nil {
			return nil, err
		}
		replaced, err := c.exec(ctx, `DELETE FROM chunks WHERE file = ?`, id)
		if err != nil {
			return nil, err
		}
		number := 0
		for chunk := range slices.Chunk(data, datastore.FileChunk) {
			if _, err := c.exec(ctx, `INSERT INTO chunks (file, number, data) VALUES (?, ?, ?)`, id, number, chunk); err != nil {
				return nil, err
			}
			number++
		}
		return s.log.freed(replaced), nil
	})
	return explain("write a file", err)
}

// fileRange is one statement, so that what it reads is of one point in time. The file's row comes also
// where the range holds nothing of it.
const fileRange = `SELECT files.size, chunks.number, chunks.data FROM files
	LEFT JOIN chunks ON chunks.file = files.id AND chunks.number BETWEEN ?2 AND ?3
	WHERE files.name = ?1 ORDER BY chunks.number`

// ReadFile returns a part of a file.
func (s *Store) ReadFile(ctx context.Context, name string, offset int64, length int) ([]byte, error) {
	from, to, err := datastore.FileRange(name, offset, length)
	if err != nil {
		return nil, explain("read a file", err)
	}
	const chunk = datastore.FileChunk
	next, size := from/chunk, int64(-1)
	var data []byte
	err = s.log.read(ctx, func(c *conn) error {
		err := c.each(ctx, fileRange, []any{name, next, (to - 1) / chunk}, func(rows *sql.Rows) error {
			var number sql.NullInt64
			var piece sql.RawBytes
			err := rows.Scan(&size, &number, &piece)
			if err != nil || from >= min(to, size) {
				return err
			}
			if !number.Valid || number.Int64 != next || int64(len(piece)) != min(size-next*chunk, chunk) {
				return datastore.ErrDamaged
			}
			if data == nil {
				data = make([]byte, 0, min(to, size)-from)
			}
			data = append(data, piece[max(from-next*chunk, 0):min(to-next*chunk, int64(len(piece)))]...)
			next++
			return nil
		})
		switch {
		case err != nil:
			return err
		case size < 0:
			return datastore.ErrNotFound
		case int64(len(data)) != max(min(to, size)-from, 0):
			return datastore.ErrDamaged
		}
		return nil
	})
	if err != nil {
		return nil, explain(fmt.Sprintf("read file %q", name), err)
	}
	return data, nil
}

// filesAtOnce is how many files are listed at a time, so that whoever is slow holds no snapshot.
const filesAtOnce = 256

// Files lists files. What is written or removed meanwhile is in the list or not.
func (s *Store) Files(ctx context.Context, prefix, after string) iter.Seq2[datastore.File, error] {
	return func(yield func(datastore.File, error) bool) {
		for more := true; more; {
			var page []datastore.File
			err := s.log.read(ctx, func(c *conn) error {
				return c.each(ctx, `SELECT name, size FROM files WHERE name >= ? AND name > ? ORDER BY name LIMIT ?`,
					[]any{prefix, after, filesAtOnce}, func(rows *sql.Rows) error {
						var f datastore.File
						if err := rows.Scan(&f.Name, &f.Size); err != nil {
							return err
						}
						if !strings.HasPrefix(f.Name, prefix) {
							return errEnough
						}
						page, after = append(page, f), f.Name
						return nil
					})
			})
			if err != nil {
				yield(datastore.File{}, explain("list files", err))
				return
			}
			for _, f := range page {
				if !yield(f, nil) {
					return
				}
			}
			more = len(page) == filesAtOnce
		}
	}
}

// RemoveFiles removes files one by one, so that nobody waits for all of them.
func (s *Store) RemoveFiles(ctx context.Context, names ...string) error {
	for _, name := range names {
		err := s.log.writer.transact(ctx, func(c *conn) (func(), error) {
			removed, err := c.exec(ctx, `DELETE FROM chunks WHERE file IN (SELECT id FROM files WHERE name = ?)`, name)
			if err == nil {
				_, err = c.exec(ctx, `DELETE FROM files WHERE name = ?`, name)
			}
			return s.log.freed(removed), err
		})
		if err != nil {
			return explain("remove a file", err)
		}
	}
	if len(names) == 0 {
		return explain("remove files", s.log.usable(ctx))
	}
	return nil
}
