package tree

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"

	"golang.org/x/mod/sumdb/tlog"

	"cordon/datastore"
)

// Tile returns what stands at a path of C2SP's tlog-tiles in the tree of a head: a tile of hashes, or with tile/entries
// a bundle of entries. Partial ones are there in every width. What it returns of hashes is checked against the head.
// ErrRange: there is no such tile.
func (t *Tree) Tile(ctx context.Context, at Head, path string) ([]byte, error) {
	p, ok := parsePath(path)
	if !ok {
		return nil, fmt.Errorf("%w: %q is no path of a tile", ErrRange, path)
	}
	level := max(p.level, 0)
	if last := at.N >> (height * level); p.number > last>>height || p.number<<height+int64(p.width) > last {
		return nil, fmt.Errorf("%w: %s is beyond the %d leaves of the tree", ErrRange, path, at.N)
	}
	if p.level == entriesLevel {
		return t.bundle(ctx, at, p)
	}
	tile := tlog.Tile{H: height, L: p.level, N: p.number, W: p.width}
	return tlog.ReadTileData(tile, t.hashes(ctx, at))
}

// bundle returns entries, each behind its length.
func (t *Tree) bundle(ctx context.Context, at Head, p place) ([]byte, error) {
	var data []byte
	for entry, err := range t.Entries(ctx, at, p.number<<height, p.number<<height+int64(p.width)) {
		if err != nil {
			return nil, err
		}
		data = append(binary.BigEndian.AppendUint16(data, uint16(len(entry))), entry[:]...)
	}
	return data, nil
}

// Entries returns the entries of the leaves from one number up to another, excluded, each checked against the head.
func (t *Tree) Entries(ctx context.Context, at Head, from, to int64) iter.Seq2[[32]byte, error] {
	return func(yield func([32]byte, error) bool) {
		if from < 0 || to > at.N {
			yield([32]byte{}, fmt.Errorf("%w: leaves %d to %d of %d", ErrRange, from, to, at.N))
			return
		}
		e, err := t.edgeAt(ctx, at)
		if err != nil {
			yield([32]byte{}, err)
			return
		}
		for from < to {
			next := min((from>>height+1)<<height, to)
			entries, err := t.checkedEntries(ctx, e, from, next)
			if err != nil {
				yield([32]byte{}, err)
				return
			}
			for _, entry := range entries {
				if !yield(entry, nil) {
					return
				}
			}
			from = next
		}
	}
}

// checkedEntries returns entries of one tile.
func (t *Tree) checkedEntries(ctx context.Context, e *edge, from, to int64) ([][32]byte, error) {
	if from >= e.base {
		return e.entries[from-e.base : to-e.base], nil
	}
	data, err := t.readEntries(ctx, from>>height)
	if err != nil {
		return nil, err
	}
	indexes := make([]int64, 0, to-from)
	for leaf := from; leaf < to; leaf++ {
		indexes = append(indexes, tlog.StoredHashIndex(0, leaf))
	}
	hashes, err := t.hashes(ctx, e.head).ReadHashes(indexes)
	if err != nil {
		return nil, err
	}
	entries := make([][32]byte, 0, to-from)
	for i, hash := range hashes {
		entry := [32]byte(data[(from%tileWidth+int64(i))*32:])
		if Leaf(entry) != hash {
			return nil, fmt.Errorf("leaf %d: %w", from+int64(i), ErrCorrupt)
		}
		entries = append(entries, entry)
	}
	return entries, nil
}

// hashes reads hashes of the tree of a head by way of tiles, and checks each tile against the one above.
func (t *Tree) hashes(ctx context.Context, at Head) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]Hash, error) {
		if at.N == 0 && len(indexes) > 0 {
			return nil, fmt.Errorf("%w: the tree is empty", ErrRange)
		}
		e, err := t.edgeAt(ctx, at)
		if err != nil {
			return nil, err
		}
		reader := &tiles{ctx: ctx, tree: t, edge: e}
		hashes, err := tlog.TileHashReader(at, reader).ReadHashes(indexes)
		if err != nil && reader.err == nil {
			err = fmt.Errorf("%w: %w", ErrCorrupt, err) // all was read: what was read does not hold
		}
		return hashes, err
	})
}

// tiles reads tiles for one reading.
type tiles struct {
	ctx  context.Context // of the one call that it lives for
	tree *Tree
	edge *edge
	err  error
}

func (r *tiles) Height() int                     { return height }
func (r *tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func (r *tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	all := make([][]byte, len(wanted))
	for i, tile := range wanted {
		if all[i], r.err = r.tree.read(r.ctx, r.edge, placeOf(tile)); r.err != nil {
			return nil, r.err
		}
	}
	return all, nil
}

// read returns the hashes of a tile, out of the edge or of a file.
func (t *Tree) read(ctx context.Context, e *edge, p place) ([]byte, error) {
	if from := p.number<<height - e.first(p.level); from >= 0 {
		if from+int64(p.width) > int64(len(e.levels[p.level])) {
			return nil, fmt.Errorf("%w: %s of %d leaves", ErrRange, p, e.head.N)
		}
		return join(e.levels[p.level][from:][:p.width]), nil
	}
	if p.level == 0 {
		entries, err := t.readEntries(ctx, p.number)
		if err != nil {
			return nil, err
		}
		data := make([]byte, 0, len(entries))
		for i := range p.width {
			hash := Leaf([32]byte(entries[32*i:]))
			data = append(data, hash[:]...)
		}
		return data, nil
	}
	full := place{p.level, p.number, tileWidth}
	data, err := t.readFull(ctx, full.String(), 0)
	if err != nil {
		return nil, err
	}
	return data[:32*p.width], nil
}

// readEntries returns the entries of a full tile, which is in a file of its own until its block is full.
func (t *Tree) readEntries(ctx context.Context, number int64) ([]byte, error) {
	block, offset := blockName(number/blockTiles), number%blockTiles*tileWidth*32
	data, err := t.readFull(ctx, block, offset)
	if !errors.Is(err, datastore.ErrNotFound) {
		return data, err
	}
	data, err = t.readFull(ctx, entriesName(number), 0)
	if errors.Is(err, datastore.ErrNotFound) {
		return t.readFull(ctx, block, offset) // the block was written between the two
	}
	return data, err
}

// readFull reads the 256 hashes that a file has from an offset on.
func (t *Tree) readFull(ctx context.Context, name string, offset int64) ([]byte, error) {
	data, err := t.store.ReadFile(ctx, name, offset, tileWidth*32)
	switch {
	case errors.Is(err, datastore.ErrNotFound):
		return nil, fmt.Errorf("%s: %w: %w", name, ErrCorrupt, err)
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", name, err)
	case len(data) != tileWidth*32:
		return nil, fmt.Errorf("%s: %w: it ends too early", name, ErrCorrupt)
	}
	return data, nil
}
