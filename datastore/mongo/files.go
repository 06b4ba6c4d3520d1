package mongo

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"cordon/datastore"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// fileDocument is a file of the log. Its id is the name. A small file holds its data itself, since
// most of them are small; that of a larger one is in chunks.
//
// A reader finds the document first and its chunks after it, at a later point in time. They are of that
// version or not there, since whoever replaces the one removes the others in the same transaction.
type fileDocument struct {
	ID      string        `bson:"_id"`
	Size    int64         `bson:"size"`
	Version bson.ObjectID `bson:"version"` // another one each time that it is written
	Data    []byte        `bson:"data,omitempty"`
}

// chunkDocument is a piece of a file, of [datastore.FileChunk] bytes but the last. Its id is the file's
// version and its number.
type chunkDocument struct {
	ID   string `bson:"_id"`
	Data []byte `bson:"data"`
}

func chunkKey(version bson.ObjectID, number int64) string {
	return key(version.Hex(), fmt.Sprintf("%06d", number))
}

// chunksOnce is how many chunks are sent with one command: 4 MiB.
const chunksOnce = 64

// WriteFile keeps data as the file of a name. What is small is one document, whose replacement is atomic.
func (s *Store) WriteFile(ctx context.Context, name string, data []byte) error {
	if err := datastore.CheckFile(name, data); err != nil {
		return fmt.Errorf("write a file: %w", err)
	}
	return s.transact(ctx, "write a file", func(ctx context.Context, t *tx) error {
		file := fileDocument{ID: name, Size: int64(len(data)), Version: bson.NewObjectID()}
		if len(data) <= datastore.FileChunk {
			file.Data = data
		}
		call, err := t.enter(ctx)
		if err != nil {
			return err
		}
		var before fileDocument
		err = s.collection(files).FindOneAndReplace(call, bson.M{"_id": name}, file, options.FindOneAndReplace().
			SetUpsert(true).SetProjection(bson.M{"data": 0})).Decode(&before)
		if err != nil && !errors.Is(err, driver.ErrNoDocuments) {
			return t.fail("write a file", err)
		}
		if err := t.removeChunks(call, before); err != nil || file.Data != nil || len(data) == 0 {
			return err
		}
		var pieces []any
		for chunk := range slices.Chunk(data, datastore.FileChunk) {
			pieces = append(pieces, chunkDocument{chunkKey(file.Version, int64(len(pieces))), chunk})
		}
		for some := range slices.Chunk(pieces, chunksOnce) {
			if _, err := s.collection(chunks).InsertMany(call, some); err != nil {
				return t.fail("write a file", err)
			}
		}
		return nil
	})
}

// removeChunks removes those of a file that was replaced or removed.
func (t *tx) removeChunks(call context.Context, file fileDocument) error {
	if file.Size <= datastore.FileChunk {
		return nil
	}
	_, err := t.store.collection(chunks).DeleteMany(call, bson.M{"_id": within("", file.Version.Hex())})
	return t.fail("remove the chunks of a file", err)
}

// ReadFile returns a part of a file.
func (s *Store) ReadFile(ctx context.Context, name string, offset int64, length int) ([]byte, error) {
	doing := fmt.Sprintf("read file %q", name)
	from, to, err := datastore.FileRange(name, offset, length)
	if err != nil {
		return nil, fmt.Errorf("read a file: %w", err)
	}
	// Of nothing that is read of a file it cannot be seen whether that is there.
	if file, ok := s.versions.get(name); ok && from < min(to, file.Size) {
		if data, err := s.readRange(ctx, doing, file, from, min(to, file.Size)); err != nil || data != nil {
			return data, err
		}
	}
	for missed := (fileDocument{}); ; {
		file, err := one[fileDocument](ctx, s.reader, doing, files, name)
		if err != nil {
			return nil, err
		}
		data, err := s.readRange(ctx, doing, file, from, min(to, file.Size))
		if err != nil || data != nil {
			if err == nil && file.Size > datastore.FileChunk {
				s.versions.put(file)
			}
			return data, err
		}
		if file.Version == missed.Version {
			return nil, fmt.Errorf("%s: %w", doing, datastore.ErrDamaged)
		}
		missed = file // it may have been replaced meanwhile
	}
}

// readRange returns a part of what a document names, nil where it is not there whole.
func (s *Store) readRange(ctx context.Context, doing string, file fileDocument, from, to int64) ([]byte, error) {
	const chunk = datastore.FileChunk
	if from >= to {
		return []byte{}, nil
	}
	if file.Size <= chunk {
		if int64(len(file.Data)) != file.Size {
			return nil, nil
		}
		return file.Data[from:to], nil
	}
	next := from / chunk
	filter := bson.M{"_id": bson.M{"$gte": chunkKey(file.Version, next), "$lte": chunkKey(file.Version, (to-1)/chunk)}}
	data := make([]byte, 0, to-from)
	for piece, err := range find[chunkDocument](ctx, s.reader, doing, chunks, filter, inOrder(0)) {
		if err != nil {
			return nil, err
		}
		if piece.ID != chunkKey(file.Version, next) || int64(len(piece.Data)) != min(file.Size-next*chunk, chunk) {
			return nil, nil
		}
		data = append(data, piece.Data[max(from-next*chunk, 0):min(to-next*chunk, chunk)]...)
		next++
	}
	if int64(len(data)) != to-from {
		return nil, nil
	}
	return data, nil
}

// filesAtOnce is how many files are listed at a time, so that whoever is slow holds no point in time.
const filesAtOnce = 256

// Files lists files. What is written or removed meanwhile is in the list or not.
func (s *Store) Files(ctx context.Context, prefix, after string) iter.Seq2[datastore.File, error] {
	return func(yield func(datastore.File, error) bool) {
		for more := true; more; {
			filter := bson.M{"_id": bson.M{"$gte": prefix, "$gt": after}}
			page, err := collect(find[fileDocument](ctx, s.reader, "list files", files, filter,
				inOrder(filesAtOnce).SetProjection(bson.M{"data": 0})))
			if err != nil {
				yield(datastore.File{}, err)
				return
			}
			for _, file := range page {
				if !strings.HasPrefix(file.ID, prefix) || !yield(datastore.File{Name: file.ID, Size: file.Size}, nil) {
					return
				}
				after = file.ID
			}
			more = len(page) == filesAtOnce
		}
	}
}

// RemoveFiles removes files one by one. The server uses the room that they took for what is written next.
func (s *Store) RemoveFiles(ctx context.Context, names ...string) error {
	for _, name := range names {
		err := s.transact(ctx, "remove a file", func(ctx context.Context, t *tx) error {
			call, err := t.enter(ctx)
			if err != nil {
				return err
			}
			var before fileDocument
			err = s.collection(files).FindOneAndDelete(call, bson.M{"_id": name},
				options.FindOneAndDelete().SetProjection(bson.M{"data": 0})).Decode(&before)
			if errors.Is(err, driver.ErrNoDocuments) {
				return nil
			}
			if err != nil {
				return t.fail("remove a file", err)
			}
			return t.removeChunks(call, before)
		})
		if err != nil {
			return err
		}
	}
	if _, err := s.enter(ctx); err != nil {
		return err
	}
	return ctx.Err()
}
