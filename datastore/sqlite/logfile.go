package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"cordon/datastore"
)

// piecesOnce is how many pieces of a file are written, or removed, in one turn of the writer: a quarter of a MiB.
const piecesOnce = 4

// WriteFile keeps data as the file of a name. What is large is written in several transactions, so that those who
// ship have their turn between them: its pieces are loose until the last one gives them the name.
func (s *Store) WriteFile(ctx context.Context, name string, data []byte) error {
	if err := datastore.CheckFile(name, data); err != nil {
		return explain("write a file", err)
	}
	var file, replaced int64
	for written, whole := 0, false; !whole; {
		var to int64
		end := min(written+piecesOnce*datastore.FileChunk, len(data))
		err := s.log.writer.transact(ctx, func(c *conn) (after func(), err error) {
			to, replaced = file, 0
			if to == 0 {
				if err := c.one(ctx, `INSERT INTO loose DEFAULT VALUES RETURNING file`, nil, &to); err != nil {
					return nil, err
				}
			}
			number := written / datastore.FileChunk
			for chunk := range slices.Chunk(data[written:end], datastore.FileChunk) {
				if _, err := c.exec(ctx, `INSERT INTO chunks (file, number, data) VALUES (?, ?, ?)`, to, number, chunk); err != nil {
					return nil, err
				}
				number++
			}
			if end < len(data) {
				return nil, nil
			}
			var removed int64
			if replaced, removed, err = unname(ctx, c, name); err != nil {
				return nil, err
			}
			if _, err := c.exec(ctx, `INSERT INTO files (id, name, size) VALUES (?, ?, ?)`, to, name, len(data)); err != nil {
				return nil, err
			}
			_, err = c.exec(ctx, `DELETE FROM loose WHERE file = ?`, to)
			return s.log.freed(removed), err
		})
		if err != nil {
			s.sweep(ctx, file)
			return explain("write a file", err)
		}
		file, written, whole = to, end, end == len(data)
	}
	s.sweep(ctx, replaced)
	return nil
}

// unname takes a file's name away, if there is a file of that name. Its pieces are removed where they are few, else
// they are loose from now on.
func unname(ctx context.Context, c *conn, name string) (loose, removed int64, err error) {
	var file, size int64
	err = c.one(ctx, `DELETE FROM files WHERE name = ? RETURNING id, size`, []any{name}, &file, &size)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, err
	}
	if size <= piecesOnce*datastore.FileChunk {
		removed, err = c.exec(ctx, `DELETE FROM chunks WHERE file = ?`, file)
		return 0, removed, err
	}
	_, err = c.exec(ctx, `INSERT INTO loose (file) VALUES (?)`, file)
	return file, 0, err
}

// sweep removes the pieces of what has no name any more, or never got one; 0 is nothing. It goes on when ctx is done,
// and where it cannot, the next Open does it.
func (s *Store) sweep(ctx context.Context, file int64) {
	ctx = context.WithoutCancel(ctx)
	for some := file > 0; some; {
		err := s.log.writer.transact(ctx, func(c *conn) (func(), error) {
			removed, err := c.exec(ctx, `DELETE FROM chunks WHERE file = ?1
				AND number < (SELECT min(number) FROM chunks WHERE file = ?1) + ?2`, file, piecesOnce)
			if some = removed > 0; err == nil && !some {
				_, err = c.exec(ctx, `DELETE FROM loose WHERE file = ?`, file)
			}
			return s.log.freed(removed), err
		})
		if err != nil {
			return
		}
	}
}

// sweepAll removes what an earlier process has left loose.
func (s *Store) sweepAll(ctx context.Context) error {
	var files []int64
	err := s.log.read(ctx, func(c *conn) error {
		return c.each(ctx, `SELECT file FROM loose WHERE file > 0`, nil, func(rows *sql.Rows) error {
			var file int64
			err := rows.Scan(&file)
			files = append(files, file)
			return err
		})
	})
	for _, file := range files {
		s.sweep(ctx, file)
	}
	return err
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
		var loose int64
		err := s.log.writer.transact(ctx, func(c *conn) (_ func(), err error) {
			var removed int64
			loose, removed, err = unname(ctx, c, name)
			return s.log.freed(removed), err
		})
		if err != nil {
			return explain("remove a file", err)
		}
		s.sweep(ctx, loose)
	}
	if len(names) == 0 {
		return explain("remove files", s.log.usable(ctx))
	}
	return nil
}
