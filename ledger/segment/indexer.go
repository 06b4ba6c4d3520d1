package segment

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"

	"cordon/ledger/record"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/s2"
)

// indexer gathers what an index is made of, row by row.
type indexer struct {
	count    int // of the rows
	ids      []place
	postings []posting
	sampled  int // how many of them were left of the first rows
	often    often
	keys     []uint64
	keyer    record.Keyer
}

// place is where a record stands among the rows of its segment.
type place struct {
	id  string
	row uint16
}

func newIndexer(count int64) *indexer {
	return &indexer{count: int(count), ids: make([]place, 0, count)}
}

// add takes a record. An index does without a key of its id: rows are found by the order of ids.
func (x *indexer) add(r *record.Record, at uint16) {
	x.ids = append(x.ids, place{r.ID, at})
	id := r.ID
	r.ID = ""
	x.keys = appendKeys(x.keyer.AppendKeys(x.keys[:0], r), r.Replica, &r.Sequence, &r.Revision)
	r.ID = id
	if len(x.postings)+len(x.keys) > cap(x.postings) {
		x.grow()
	}
	for _, key := range x.keys {
		if p := newPosting(key, at); !x.often.add(p) {
			x.postings = append(x.postings, p)
		}
	}
	if len(x.ids) == sampledRows {
		x.postings = x.often.choose(x.postings, x.count)
		x.sampled = len(x.postings)
	}
}

// grow makes room for more postings: as there were since the first rows, so it will be with the others.
func (x *indexer) grow() {
	more, rows := sampledRows*len(x.keys), len(x.ids)-sampledRows
	if rows > 0 {
		more = (len(x.postings) - x.sampled) * (x.count - len(x.ids)) / rows
		more = max(more+more/16, len(x.keys))
	}
	x.postings = slices.Grow(x.postings, more)
}

// sequencesTogether is how many sequences have one key: they lie beside each other anyway.
const sequencesTogether = 64

// appendKeys appends the keys of what records are also looked for by, and of which a batch says more than a key would.
func appendKeys(dst []uint64, replica string, sequence, revision *int64) []uint64 {
	var room [192]byte
	if replica != "" {
		dst = append(dst, xxhash.Sum64(append(append(room[:0], "replica="...), replica...)))
	}
	if sequence != nil {
		dst = append(dst, xxhash.Sum64(strconv.AppendInt(append(room[:0], "sequence/64="...), *sequence/sequencesTogether, 10)))
	}
	if revision != nil {
		dst = append(dst, xxhash.Sum64(strconv.AppendInt(append(room[:0], "revision="...), *revision, 10)))
	}
	return dst
}

// idKeys returns the keys of an id itself, which an index does without: rows are found by the order of ids.
func idKeys(id string) []uint64 {
	if id == "" {
		return nil
	}
	f := record.Filter{ID: id}
	return f.Keys()
}

// keysOf returns the keys that every record has which a filter selects.
func keysOf(f *record.Filter) []uint64 {
	byID := idKeys(f.ID)
	keys := slices.DeleteFunc(f.Keys(), func(key uint64) bool { return slices.Contains(byID, key) })
	return appendKeys(keys, f.Replica, f.Sequence, f.Revision)
}

// index returns the index of the rows in a Parquet file, and the segment's name with their ids.
//
// Its places are not rows but ranks, the places in the order of ids: so what is found comes in the order asked for.
func (x *indexer) index(info Info, data []byte, pause []Pause) (Info, []byte, error) {
	h := head{size: int64(len(data)), live: len(x.ids)}
	for piece := range slices.Chunk(data, pieceBytes) {
		h.sums = append(h.sums, crc32.Checksum(piece, castagnoli))
	}
	order := x.sort(int(info.Count))
	for i, p := range x.ids {
		if i%stride == 0 {
			h.samples = append(h.samples, idHead(p.id))
		}
	}
	if len(x.ids) > 0 {
		info.FirstID, info.LastID = x.ids[0].id, x.ids[len(x.ids)-1].id
	}
	h.name = info.Name()
	h.lead = block{length: len(order), sum: crc32.Checksum(order, castagnoli)}
	if err := sortPostings(x.postings, func() error { return paused(pause) }); err != nil {
		return Info{}, nil, err
	}
	x.postings = slices.Compact(x.postings)
	body, blocks, err := x.appendBlocks(order, pause)
	if err != nil {
		return Info{}, nil, err
	}
	h.blocks = blocks
	return info, append(h.encode(), body...), nil
}

// appendBlocks appends the blocks of the index.
func (x *indexer) appendBlocks(dst []byte, pause []Pause) ([]byte, []block, error) {
	w := newBlockWriter(dst, len(x.postings)+x.often.count(), 16)
	rest, room := x.postings, make([]posting, 0, min(len(x.often.keys), 1)*x.count)
	for i, key := range x.often.keys {
		for len(rest) > 0 && rest[0].key() < key {
			rest = w.add(rest)
		}
		room = x.often.postings(room[:0], i)
		w.add(room)
		if err := paused(pause); err != nil {
			return nil, nil, err
		}
	}
	for len(rest) > 0 {
		rest = w.add(rest)
	}
	dst, blocks := w.close()
	return dst, blocks, nil
}

// sort brings the records into the order of their ids. Where that is not the order of the rows, with none removed,
// it gives the postings ranks for rows and returns the rows by rank.
func (x *indexer) sort(count int) []byte {
	slices.SortStableFunc(x.ids, func(a, b place) int {
		switch {
		case a.id < b.id:
			return -1
		case a.id > b.id:
			return 1
		}
		return 0
	})
	plain := len(x.ids) == count
	ranks := make([]uint16, count)
	order := make([]byte, 0, 2*len(x.ids))
	next := uint16(0)
	for rank, p := range x.ids {
		plain = plain && rank == int(p.row)
		ranks[p.row] = uint16(rank)
		order = binary.LittleEndian.AppendUint16(order, p.row-next) // nearly always 0
		next = p.row + 1
	}
	if plain {
		return nil
	}
	for i, p := range x.postings {
		x.postings[i] = p&^0xffff | posting(ranks[p.place()])
	}
	x.often.rank(ranks)
	return s2.Encode(nil, order)
}

// parseOrder reads the rows by rank.
func parseOrder(text []byte, live, count int) ([]uint16, error) {
	if size, err := s2.DecodedLen(text); err != nil || size != 2*live {
		return nil, fmt.Errorf("%w: its order is of %d bytes for %d records", ErrCorrupt, size, live)
	}
	text, err := s2.Decode(nil, text)
	if err != nil {
		return nil, fmt.Errorf("%w: its order: %w", ErrCorrupt, err)
	}
	rows := make([]uint16, live)
	next := uint16(0)
	for rank := range rows {
		row := next + binary.LittleEndian.Uint16(text[2*rank:])
		if int(row) >= count {
			return nil, fmt.Errorf("%w: its order has a row %d", ErrCorrupt, row)
		}
		rows[rank], next = row, row+1
	}
	return rows, nil
}

// idHead returns the first eight bytes of an id as a number.
func idHead(id string) uint64 {
	u, _ := parseUUID(id)
	return binary.BigEndian.Uint64(u[:8])
}
