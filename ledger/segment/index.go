package segment

import (
	"context"
	"fmt"
	"hash/crc32"

	"github.com/RoaringBitmap/roaring/v2"
)

// index is an index that can be asked: of a segment, or of a group of them.
type index struct {
	files Files
	cache *Cache
	file  string // its own name
	of    string // the name of what it is an index of
	bits  int    // of a place
}

// headGuess is how much of an index is read for its head, which seldom is longer.
const headGuess = 16 << 10

// What the cache has of a file beside its bytes. The places of a key in an index are at placesOffset less the key, a row
// of a segment is at rowOffset less its number, and a column's dictionary at dictionaryOffset less the column's.
const (
	headOffset, leadOffset, tableOffset, placesOffset = -1, -2, -3, -4
	rowOffset                                         = -4
	dictionaryOffset                                  = rowOffset - MaxRows
)

func (x *index) read(ctx context.Context, offset int64, length int) ([]byte, error) {
	data, err := x.files.ReadFile(ctx, x.file, offset, length)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", x.file, err)
	}
	x.cache.counts(len(data))
	return data, nil
}

func (x *index) corrupt(err error) error { return fmt.Errorf("index %s: %w", x.file, err) }

// head returns the index's head.
func (x *index) head(ctx context.Context) (*head, error) {
	return cachedOr(x.cache, cacheKey{x.file, headOffset}, func() (*head, int64, error) {
		data, err := x.read(ctx, 0, headGuess)
		if err != nil {
			return nil, 0, err
		}
		length, err := headLength(data)
		if err != nil {
			return nil, 0, x.corrupt(err)
		}
		if length > len(data) {
			if data, err = x.read(ctx, 0, length); err != nil {
				return nil, 0, err
			}
		}
		h, err := parseHead(data, x.of)
		if err != nil {
			return nil, 0, x.corrupt(err)
		}
		return h, h.bytes(), nil
	})
}

// block returns the bytes of a block, and they are what was written.
func (x *index) block(ctx context.Context, b block) ([]byte, error) {
	if b.length < 0 || b.length > maxHead {
		return nil, x.corrupt(fmt.Errorf("%w: a block of %d bytes", ErrCorrupt, b.length))
	}
	return cachedOr(x.cache, cacheKey{x.file, b.offset}, func() ([]byte, int64, error) {
		data, err := x.read(ctx, b.offset, b.length)
		if err != nil {
			return nil, 0, err
		}
		if len(data) != b.length || crc32.Checksum(data, castagnoli) != b.sum {
			return nil, 0, x.corrupt(fmt.Errorf("%w: its block at %d is another", ErrCorrupt, b.offset))
		}
		return data, int64(len(data)), nil
	})
}

// places returns the places that have a key, nil where none has it. They are others' too, and not to be changed.
func (x *index) places(ctx context.Context, h *head, key uint64) (*roaring.Bitmap, error) {
	key = newPosting(key, 0).key()
	b, ok := h.find(key)
	if !ok {
		return nil, nil
	}
	return cachedOr(x.cache, cacheKey{x.file, placesOffset - int64(key)}, func() (*roaring.Bitmap, int64, error) {
		data, err := x.block(ctx, b)
		if err != nil {
			return nil, 0, err
		}
		for r, err := range b.keys(data, x.bits) {
			switch {
			case err != nil:
				return nil, 0, x.corrupt(err)
			case r.key > key:
				return nil, 0, nil
			case r.key == key:
				places, err := r.bitmap()
				if err != nil {
					return nil, 0, x.corrupt(err)
				}
				return places, int64(places.GetSizeInBytes()), nil
			}
		}
		return nil, 0, nil
	})
}

// all returns the places that have all of the keys; nil: every place may.
func (x *index) all(ctx context.Context, h *head, keys []uint64) (*roaring.Bitmap, error) {
	var found *roaring.Bitmap
	for _, key := range keys {
		if err := pace(ctx, x.files); err != nil {
			return nil, err
		}
		places, err := x.places(ctx, h, key)
		switch {
		case err != nil:
			return nil, err
		case places == nil:
			return roaring.New(), nil
		case found == nil:
			found = places
		default:
			found = roaring.And(found, places)
		}
		if found.IsEmpty() {
			return found, nil
		}
	}
	return found, nil
}

// each gives the keys from one to another, both included, in their order, and how many places have each.
func (x *index) each(ctx context.Context, from, to uint64, pause func(context.Context) error, give func(h *head, key uint64, count int)) error {
	h, err := x.head(ctx)
	if err != nil {
		return err
	}
	for i, b := range h.blocks {
		if b.first > to || i+1 < len(h.blocks) && h.blocks[i+1].first <= from {
			continue
		}
		if err := pause(ctx); err != nil {
			return err
		}
		data, err := x.block(ctx, b)
		if err != nil {
			return err
		}
		for r, err := range b.keys(data, x.bits) {
			if err != nil {
				return x.corrupt(err)
			}
			if from <= r.key && r.key <= to {
				give(h, r.key, r.count)
			}
		}
	}
	return nil
}
