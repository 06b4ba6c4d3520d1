package segment

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"iter"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
)

// keyBits is how many bits of a key an index keeps, the highest ones. Keys are hashes, so of what is looked for in a
// segment's quarter of a million one in sixty thousand is taken for another; what is found is held against the filter,
// and costs a look. All 64 would take four bytes more for each record and key, on every level.
const keyBits = 34

// posting says that the thing at a place has a key: the key's bits, then sixteen of the place. Sorted, they are what
// an index is made of.
type posting uint64

func newPosting(key uint64, at uint16) posting { return posting(key>>(64-keyBits)<<16 | uint64(at)) }

func (p posting) key() uint64   { return uint64(p >> 16) }
func (p posting) place() uint16 { return uint16(p) }

// few is up to how many places of a key may be kept as distances, where these are smaller than a bitmap.
const few = 1 << 13

// blockBytes is about how much of an index is read for a key.
const blockBytes = 4 << 10

// block is a part of an index with all places of some keys that follow each other.
type block struct {
	first  uint64 // its first key
	offset int64  // in the file
	length int
	sum    uint32
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendBlocks appends sorted postings in blocks. A place has that many bits.
func appendBlocks(dst []byte, postings []posting, bits int) ([]byte, []block) {
	w := newBlockWriter(dst, len(postings), bits)
	for len(postings) > 0 {
		postings = w.add(postings)
	}
	return w.close()
}

// blockWriter writes an index's blocks.
//
// Of a key stands its distance from the one before it. One place stands in the same number, shifted; of more, how many
// they are, and their distances or a bitmap, whatever is smaller.
type blockWriter struct {
	dst      []byte
	bits     int // of a place
	blocks   []block
	begin    int    // where the last of them does
	previous uint64 // key
	places   []uint32
}

// newBlockWriter returns one that appends some number of postings, about.
func newBlockWriter(dst []byte, postings, bits int) *blockWriter {
	dst = slices.Grow(dst, 2*postings) // which is more than they take, nearly always
	return &blockWriter{dst: dst, bits: bits, begin: len(dst)}
}

// add appends the places of the first key of sorted postings, which is behind those before it, and returns the others.
func (w *blockWriter) add(postings []posting) []posting {
	key, end := postings[0].key(), 1
	for end < len(postings) && postings[end].key() == key {
		end++
	}
	if len(w.blocks) == 0 || len(w.dst)-w.begin >= blockBytes {
		w.closeBlock()
		w.begin, w.previous = len(w.dst), key
		w.blocks = append(w.blocks, block{first: key, offset: int64(w.begin)})
	}
	w.dst = w.appendPlaces(w.dst, key-w.previous, postings[:end])
	w.previous = key
	return postings[end:]
}

func (w *blockWriter) closeBlock() {
	if len(w.blocks) > 0 {
		last := &w.blocks[len(w.blocks)-1]
		last.length, last.sum = len(w.dst)-w.begin, crc32.Checksum(w.dst[w.begin:], castagnoli)
	}
}

func (w *blockWriter) close() ([]byte, []block) {
	w.closeBlock()
	return w.dst, w.blocks
}

func (w *blockWriter) appendPlaces(dst []byte, distance uint64, postings []posting) []byte {
	if len(postings) == 1 {
		return binary.AppendUvarint(dst, (distance<<w.bits|uint64(postings[0].place()))<<1|1)
	}
	dst = binary.AppendUvarint(dst, distance<<1)
	begin, count, runs := len(dst), len(postings), 0
	if count <= few {
		dst = binary.AppendUvarint(dst, uint64(count)<<1)
		from, before := len(dst), -1
		for _, p := range postings {
			place := int(p.place())
			if place != before+1 || runs == 0 {
				runs++
			}
			dst = binary.AppendUvarint(dst, uint64(place-max(before, 0)))
			before = place
		}
		// Of up to most places a bitmap is never smaller. Of more it has so many bytes at least, so nearly always none is made.
		const most, least = 1 << fanBits, 8
		if count <= most || len(dst)-from <= least+min(4*runs, 2*count, MaxRows/8) {
			return dst
		}
		bitmap := w.bitmap(postings)
		if uint64(len(dst)-from) <= bitmap.GetSerializedSizeInBytes() {
			return dst
		}
		return appendBitmap(dst[:begin], bitmap, count)
	}
	return appendBitmap(dst, w.bitmap(postings), count)
}

func (w *blockWriter) bitmap(postings []posting) *roaring.Bitmap {
	w.places = w.places[:0]
	for _, p := range postings {
		w.places = append(w.places, uint32(p.place()))
	}
	bitmap := roaring.BitmapOf(w.places...)
	bitmap.RunOptimize()
	return bitmap
}

func appendBitmap(dst []byte, bitmap *roaring.Bitmap, count int) []byte {
	text, _ := bitmap.ToBytes() // it writes to memory, and that does not fail
	dst = binary.AppendUvarint(dst, uint64(count)<<1|1)
	return append(binary.AppendUvarint(dst, uint64(len(text))), text...)
}

// blockReader reads the keys of a block, one after the other.
type blockReader struct {
	rest  reader
	bits  int
	key   uint64
	count int
	place uint16 // of a key that has one
	// places are those of a key that has more: a bitmap's text, or distances.
	places []byte
	packed bool // they are a bitmap
}

// keys reads a block's keys; each is in the reader until the next.
func (b *block) keys(data []byte, bits int) iter.Seq2[*blockReader, error] {
	return func(yield func(*blockReader, error) bool) {
		r := &blockReader{rest: reader{data: data}, bits: bits, key: b.first}
		for len(r.rest.data) > 0 {
			r.next()
			if r.rest.bad {
				yield(nil, fmt.Errorf("%w: a block of the index is cut off", ErrCorrupt))
				return
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (r *blockReader) next() {
	head := r.rest.uvarint()
	if head&1 == 1 {
		r.count, r.key, r.place = 1, r.key+head>>1>>r.bits, uint16(head>>1&(1<<r.bits-1))
		return
	}
	r.key += head >> 1
	count := r.rest.uvarint()
	r.packed, count = count&1 == 1, count>>1
	r.count = int(min(count, MaxRows+1))
	switch {
	case count < 2 || count > MaxRows || !r.packed && count > few:
		r.rest.bad = true
	case r.packed:
		r.places = r.rest.bytes(r.rest.uvarint())
	default:
		from := r.rest.data
		for range count {
			r.rest.uvarint()
		}
		r.places = from[:len(from)-len(r.rest.data)]
	}
}

// bitmap returns the places of the key that was read last.
func (r *blockReader) bitmap() (*roaring.Bitmap, error) {
	bitmap := roaring.New()
	switch {
	case r.count == 1:
		bitmap.Add(uint32(r.place))
	case !r.packed:
		distances, at := reader{data: r.places}, uint64(0)
		places := make([]uint32, r.count)
		for i := range places {
			at += distances.uvarint()
			places[i] = uint32(at)
		}
		bitmap.AddMany(places)
	default:
		// A copy, for the bitmap is kept for longer than the block.
		if _, err := bitmap.FromUnsafeBytes(bytes.Clone(r.places)); err != nil {
			return nil, fmt.Errorf("%w: a bitmap of the index: %w", ErrCorrupt, err)
		}
		if err := r.validate(bitmap); err != nil {
			return nil, fmt.Errorf("%w: a bitmap of the index: %w", ErrCorrupt, err)
		}
	}
	return bitmap, nil
}

// A bitmap of runs begins with this cookie. There follow how many parts of 1<<16 places it has but for one, which of them
// are runs, a part's number and how many places it has but for one, and how many runs; then of each run its first place
// and how many come behind that.
const (
	runsCookie = 12347
	runsHead   = 2 + 2 + 1 + 2 + 2 + 2
)

// validate returns what is wrong with the bitmap that was made of the places.
//
// Why not the library's own Validate for runs: it holds each of them against each other, which takes a millisecond for
// what all records have but for one in a hundred.
func (r *blockReader) validate(bitmap *roaring.Bitmap) error {
	switch runs := len(r.places) >= runsHead && binary.LittleEndian.Uint16(r.places) == runsCookie; {
	case bitmap.GetCardinality() != uint64(r.count):
		return errors.New("it has another number of places")
	case !runs:
		return bitmap.Validate()
	case !validRuns(r.places):
		return errors.New("its runs cannot be")
	}
	return nil
}

// validRuns reports whether runs are of one part, which begins at 0, and each is behind the one before it.
func validRuns(text []byte) bool {
	count, runs := binary.LittleEndian.Uint16(text[runsHead-2:]), text[runsHead:]
	if !bytes.Equal(text[2:7], []byte{0, 0, 1, 0, 0}) || len(runs) != 4*int(count) {
		return false
	}
	next := 0 // at which a run may begin: two that touch would be one
	for ; len(runs) > 0; runs = runs[4:] {
		first, more := int(binary.LittleEndian.Uint16(runs)), int(binary.LittleEndian.Uint16(runs[2:]))
		if first < next || first+more >= 1<<16 {
			return false
		}
		next = first + more + 2
	}
	return true
}

// reader reads numbers and bytes, and nothing but zeros once they end before their time.
type reader struct {
	data []byte
	bad  bool
}

func (r *reader) uvarint() uint64 {
	n, size := binary.Uvarint(r.data)
	if size <= 0 {
		r.bad, r.data = true, nil
		return 0
	}
	r.data = r.data[size:]
	return n
}

func (r *reader) bytes(n uint64) []byte {
	if n > uint64(len(r.data)) {
		r.bad, r.data = true, nil
		return nil
	}
	part := r.data[:n:n]
	r.data = r.data[n:]
	return part
}

func (r *reader) uint32() uint32 {
	if part := r.bytes(4); part != nil {
		return binary.LittleEndian.Uint32(part)
	}
	return 0
}

func (r *reader) uint64() uint64 {
	if part := r.bytes(8); part != nil {
		return binary.LittleEndian.Uint64(part)
	}
	return 0
}
