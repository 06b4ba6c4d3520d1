// Package segment answers how records are kept once they are old: dense, open to any Parquet tool, and found again
// without a look at what is not asked for.
//
// A segment is two files. One is Parquet, with a column for each member of a record. The other is its index: which rows
// have a key, and checksums over every piece of both files, so that what was changed or blanked is an error and never
// a record less. Why not Parquet's own filters: they tell which segments may hold something, and not where in them.
package segment

import (
	"context"
	"errors"

	"cordon/ledger/record"
)

// MaxRows is how many records a segment has at most, and has when it is full.
const MaxRows = 1 << 16

// ErrCorrupt is wrapped by what is wrong with a segment that does not hold what it says.
var ErrCorrupt = errors.New("the segment is corrupt")

// ErrTooLarge is wrapped by [Build] where the records make a file that a store does not keep. Fewer of them do not.
var ErrTooLarge = errors.New("the records are too large for one segment")

// Files is what segments are read from: a store.
type Files interface {
	ReadFile(ctx context.Context, name string, offset int64, length int) ([]byte, error)
}

// Paced is files for somebody who gives way to others. Pause is called before each piece of work on what was read, which takes a
// part of a millisecond whether it was in the cache or not; it returns when there is more time to take, or ends the work.
type Paced interface {
	Files
	Pause(ctx context.Context) error
}

// pace pauses, where the files are paced.
func pace(ctx context.Context, files Files) error {
	if p, ok := files.(Paced); ok {
		return p.Pause(ctx)
	}
	return nil
}

// Row is a record of a segment.
type Row struct {
	Leaf   int64         // its place in the tree
	Line   []byte        // as it was sealed; nil: it was removed since
	Record record.Record // what the line says; none where it was removed
}

// Segment is a segment that can be read. It serves many goroutines at once.
type Segment struct {
	files     Files
	info      Info
	name      string // of the Parquet file
	indexName string
	cache     *Cache
}

// Open returns the segment with this name. It reads nothing yet, so that it may be of a segment that is not there.
func Open(files Files, info Info, cache *Cache) *Segment {
	return &Segment{files: files, info: info, name: info.Name(), indexName: info.IndexName(), cache: cache}
}
