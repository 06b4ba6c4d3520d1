package tree

import (
	"encoding/binary"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// edge is what of a tree is not in files of full tiles: the last entries, and of each level the last hashes, from the first of a tile on.
type edge struct {
	head    Head
	base    int64      // the leaves before it are in files; a multiple of 256
	entries [][32]byte // of the leaves from base on
	levels  [][]Hash   // by level of tiles: the hashes from first(level) on
}

// first returns the number of the first hash of a level that the edge has. Those before are in files.
func (e *edge) first(level int) int64 { return firstOf(e.base, level) }

func firstOf(base int64, level int) int64 {
	return base >> (height * level) >> height << height
}

// depth is how many levels of tiles a tree can have.
const depth = (63 + height) / height

func newEdge() *edge {
	return &edge{head: Empty(), levels: make([][]Hash, depth)}
}

// with returns the edge of the tree that has further entries, from the first tile on that is not full yet.
func (e *edge) with(entries [][32]byte) *edge {
	next := &edge{base: e.head.N >> height << height, levels: make([][]Hash, depth)}
	next.entries = slices.Concat(e.entries[next.base-e.base:], entries)
	for level := range depth {
		next.levels[level] = slices.Clone(e.levels[level][next.first(level)-e.first(level):])
	}
	next.grow(entries)
	return next
}

// grow takes the hashes of entries, which are the last of the edge already, and works out what stands above.
func (e *edge) grow(entries [][32]byte) {
	e.levels[0] = slices.Grow(e.levels[0], len(entries))
	for _, entry := range entries {
		e.levels[0] = append(e.levels[0], Leaf(entry))
	}
	for level := range depth - 1 {
		above := e.first(level+1) + int64(len(e.levels[level+1])) // the number of the next tile of this level
		for {
			from := above<<height - e.first(level)
			if from+tileWidth > int64(len(e.levels[level])) {
				break
			}
			e.levels[level+1] = append(e.levels[level+1], perfect(e.levels[level][from:from+tileWidth]))
			above++
		}
	}
	e.head.N = e.base + int64(len(e.entries))
	e.head.Hash = e.root()
}

// root works the root out: the subtrees of the last tile of each level, widest first, folded from the right.
func (e *edge) root() Hash {
	var subtrees []Hash
	for level := depth - 1; level >= 0; level-- {
		number := e.head.N >> (height * level)
		from := number>>height<<height - e.first(level)
		rest := e.levels[level][from : number-e.first(level)]
		for bit := tileWidth / 2; bit > 0; bit /= 2 {
			if len(rest) >= bit {
				subtrees = append(subtrees, perfect(rest[:bit]))
				rest = rest[bit:]
			}
		}
	}
	return fold(subtrees)
}

// fold returns the root above subtrees of which each is narrower than the one before.
func fold(subtrees []Hash) Hash {
	if len(subtrees) == 0 {
		return Empty().Hash
	}
	root := subtrees[len(subtrees)-1]
	for _, left := range slices.Backward(subtrees[:len(subtrees)-1]) {
		root = tlog.NodeHash(left, root)
	}
	return root
}

// perfect returns the root above a number of hashes that is a power of two, those of a tile at most.
func perfect(hashes []Hash) Hash {
	var room [tileWidth]Hash
	row := room[:copy(room[:], hashes)]
	for len(row) > 1 {
		for i := range len(row) / 2 {
			row[i] = tlog.NodeHash(row[2*i], row[2*i+1])
		}
		row = row[:len(row)/2]
	}
	return row[0]
}

// An edge is kept as its base, 8 bytes, the hashes of the levels from 1 on that are below the base, and the entries.

func edgeName(at Head) string {
	return fmt.Sprintf("%s%016d-%x", edges, at.N, at.Hash[:])
}

const edges = "tile/edge/"

func (e *edge) bytes() []byte {
	data := binary.BigEndian.AppendUint64(make([]byte, 0, 8+tlog.HashSize*(len(e.entries)+depth*tileWidth)), uint64(e.base))
	for level := 1; level < depth; level++ {
		for _, hash := range e.levels[level][:e.base>>(height*level)-e.first(level)] {
			data = append(data, hash[:]...)
		}
	}
	for _, entry := range e.entries {
		data = append(data, entry[:]...)
	}
	return data
}

// parseEdge reads the edge of a head and checks that it has its root.
func parseEdge(at Head, data []byte) (*edge, error) {
	wrong := func() (*edge, error) {
		return nil, fmt.Errorf("%w: it is not the edge of %d leaves with the root %v", ErrCorrupt, at.N, at.Hash)
	}
	if len(data) < 8 || len(data)%tlog.HashSize != 8 {
		return wrong()
	}
	e := newEdge()
	e.base = int64(binary.BigEndian.Uint64(data))
	hashes := make([][32]byte, 0, len(data)/tlog.HashSize)
	for rest := data[8:]; len(rest) > 0; rest = rest[tlog.HashSize:] {
		hashes = append(hashes, [32]byte(rest))
	}
	if e.base < 0 || e.base%tileWidth != 0 || e.base > at.N {
		return wrong()
	}
	for level := 1; level < depth; level++ {
		width := e.base>>(height*level) - e.first(level)
		if width > int64(len(hashes)) {
			return wrong()
		}
		for _, hash := range hashes[:width] {
			e.levels[level] = append(e.levels[level], hash)
		}
		hashes = hashes[width:]
	}
	if e.base+int64(len(hashes)) != at.N {
		return wrong()
	}
	e.entries = hashes
	if e.grow(hashes); e.head != at {
		return wrong()
	}
	return e, nil
}
