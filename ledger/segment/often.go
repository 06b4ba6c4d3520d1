package segment

import (
	"math/bits"
	"slices"
)

// often is keys that many rows of a segment have, with a bit for each row that does: which kind, caller and policy, what was
// asked for and what came of it. Of what rows have they are two thirds, and need not be sorted.
type often struct {
	keys  []uint64   // as an index keeps them
	rows  [][]uint64 // by key
	slots [256]uint8 // where a key is among them, from 1 on, by its lowest bits or behind that; 0: nowhere
}

const (
	// sampledRows is by how many rows it is seen which keys many have, and mostOften how many keys there are at most, few
	// beside the slots.
	sampledRows = 256
	mostOften   = 64
	// oftenFrom is of how many of these rows a key has to be.
	oftenFrom = sampledRows / 8
)

// choose takes the keys that many rows have by the postings of some, and returns the postings of the others. There will be
// so many rows.
func (o *often) choose(postings []posting, count int) []posting {
	slices.Sort(postings)
	rest := postings[:0]
	for len(postings) > 0 {
		key, end := postings[0].key(), 1
		for end < len(postings) && postings[end].key() == key {
			end++
		}
		if some := postings[:end]; end < oftenFrom || len(o.keys) == mostOften {
			rest = append(rest, some...)
		} else {
			rows := make([]uint64, (count+63)/64)
			for _, p := range some {
				rows[p.place()/64] |= 1 << (p.place() % 64)
			}
			slot := uint8(key)
			for o.slots[slot] != 0 {
				slot++
			}
			o.keys, o.rows = append(o.keys, key), append(o.rows, rows)
			o.slots[slot] = uint8(len(o.keys))
		}
		postings = postings[end:]
	}
	return rest
}

// add takes a posting, if it is of one of the keys.
func (o *often) add(p posting) bool {
	for slot := uint8(p.key()); o.slots[slot] != 0; slot++ {
		if i := o.slots[slot] - 1; o.keys[i] == p.key() {
			o.rows[i][p.place()/64] |= 1 << (p.place() % 64)
			return true
		}
	}
	return false
}

// count returns how many postings of the keys there are.
func (o *often) count() (n int) {
	for _, rows := range o.rows {
		for _, word := range rows {
			n += bits.OnesCount64(word)
		}
	}
	return n
}

// rank gives the rows other numbers.
func (o *often) rank(ranks []uint16) {
	for i, rows := range o.rows {
		o.rows[i] = make([]uint64, len(rows))
		for row := range set(rows) {
			o.rows[i][ranks[row]/64] |= 1 << (ranks[row] % 64)
		}
	}
}

// postings appends the postings of a key, in their order.
func (o *often) postings(dst []posting, i int) []posting {
	for row := range set(o.rows[i]) {
		dst = append(dst, posting(o.keys[i]<<16|uint64(row)))
	}
	return dst
}

// set gives the numbers of the bits that are set.
func set(words []uint64) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		for at, word := range words {
			for ; word != 0; word &= word - 1 {
				if !yield(64*at + bits.TrailingZeros64(word)) {
					return
				}
			}
		}
	}
}
