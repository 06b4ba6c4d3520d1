package segment

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
)

// pairs says of the keys that most records of a group have which of them a record has together, and in which parts.
// By it a search for what is frequent by itself and never together, such as all that was allowed for a reason to
// refuse it, looks at a group and not at all segments that it is over.
type pairs struct {
	keys []uint64 // as an index keeps them, in their order
	met  []uint16 // of each key with each before it: a bit for each part
}

const (
	// mostPaired is how many keys of a group have pairs: beside what has few values anyway, such as actions, reasons and
	// callers, the largest organizations and the words that most justifications have.
	mostPaired = 128
	// paired is of how many records one has a key that may have pairs.
	paired = 1 << 10
)

// pairOf returns where it stands how keys meet, by their places among all; the second is the lower one.
func pairOf(a, b int) int { return a*(a-1)/2 + b }

// frequent counts in how many records keys are.
type frequent map[uint64]int

// add counts a key of an index that so many of its records have.
func (f frequent) add(h *head, key uint64, count int) {
	if count*paired >= h.live {
		f[key] += count
	}
}

// keys returns those that most records have, in their order.
func (f frequent) keys() []uint64 {
	keys := slices.SortedFunc(maps.Keys(f), func(a, b uint64) int {
		return cmp.Or(cmp.Compare(f[b], f[a]), cmp.Compare(a, b))
	})
	keys = keys[:min(len(keys), mostPaired)]
	slices.Sort(keys)
	return keys
}

// newPairs finds which of the keys meet in the segments that a group is over.
func newPairs(ctx context.Context, keys []uint64, all []below, pause func(context.Context) error) (*pairs, error) {
	p := &pairs{keys: keys, met: make([]uint16, pairOf(len(keys), 0))}
	places := make([]*roaring.Bitmap, len(keys))
	for _, below := range all {
		h, err := below.index.head(ctx)
		if err != nil {
			return nil, err
		}
		for i, key := range keys {
			if err = pause(ctx); err == nil {
				places[i], err = below.index.places(ctx, h, key<<(64-keyBits))
			}
			if err != nil {
				return nil, err
			}
			for j := range i {
				if places[i] != nil && places[j] != nil && places[i].Intersects(places[j]) {
					p.met[pairOf(i, j)] |= 1 << below.part
				}
			}
		}
	}
	return p, nil
}

// together returns in which parts records may have both keys, a bit for each: in all, where it does not know.
func (p *pairs) together(a, b uint64) uint64 {
	i, known := slices.BinarySearch(p.keys, max(a, b))
	j, too := slices.BinarySearch(p.keys, min(a, b))
	if !known || !too || i == j {
		return allParts
	}
	return uint64(p.met[pairOf(i, j)])
}

// encode appends how many keys there are, their distances and where each pair of them meets.
func (p *pairs) encode(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(p.keys)))
	before := uint64(0)
	for _, key := range p.keys {
		dst = binary.AppendUvarint(dst, key-before)
		before = key
	}
	for _, parts := range p.met {
		dst = binary.LittleEndian.AppendUint16(dst, parts)
	}
	return dst
}

func parsePairs(text []byte) (*pairs, error) {
	r := reader{data: text}
	p, before := &pairs{}, uint64(0)
	for i := range r.count(1) {
		distance := r.uvarint()
		r.bad = r.bad || distance == 0 && i > 0 || distance >= 1<<keyBits
		before += distance
		p.keys = append(p.keys, before)
	}
	if r.bad || len(p.keys) > mostPaired || len(r.data) != 2*pairOf(len(p.keys), 0) {
		return nil, fmt.Errorf("%w: its pairs are not those of %d keys", ErrCorrupt, len(p.keys))
	}
	for range pairOf(len(p.keys), 0) {
		p.met = append(p.met, binary.LittleEndian.Uint16(r.bytes(2)))
	}
	return p, nil
}

// pairs returns those of a group; one that has none, as those had that were made before there were any, knows nothing.
func (x *index) pairs(ctx context.Context, h *head) (*pairs, error) {
	if h.lead.length == 0 {
		return &pairs{}, nil
	}
	return cachedOr(x.cache, cacheKey{x.file, leadOffset}, func() (*pairs, int64, error) {
		data, err := x.block(ctx, h.lead)
		if err != nil {
			return nil, 0, err
		}
		p, err := parsePairs(data)
		if err != nil {
			return nil, 0, x.corrupt(err)
		}
		return p, int64(8*len(p.keys) + 2*len(p.met)), nil
	})
}
