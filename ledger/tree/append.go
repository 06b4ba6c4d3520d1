package tree

import (
	"context"
	"fmt"
	"slices"

	"cordon/datastore"
)

// MaxAppend is how many entries one Append takes.
const MaxAppend = 1 << 20

// Append adds entries behind the tree of a committed head and returns the new head. The tree of the old head is as it
// was, and the new one is there only for who knows its head: until that is committed it is nothing, and whoever fails
// to commit it has left no more than a file that a later Append removes. Appending the same again is the same.
func (t *Tree) Append(ctx context.Context, at Head, entries [][32]byte) (Head, error) {
	if len(entries) == 0 {
		return at, nil
	}
	if len(entries) > MaxAppend {
		return Head{}, fmt.Errorf("append %d entries: at most %d at a time", len(entries), MaxAppend)
	}
	committed, err := t.edgeAt(ctx, at)
	if err != nil {
		return Head{}, fmt.Errorf("append to the tree: %w", err)
	}
	if err = t.settle(ctx, committed); err != nil {
		return Head{}, fmt.Errorf("write the tiles of the tree: %w", err)
	}
	next := committed.with(entries)
	if err = t.store.WriteFile(ctx, edgeName(next.head), next.bytes()); err != nil {
		return Head{}, fmt.Errorf("write the edge of the tree: %w", err)
	}
	t.last.Store(next)
	return next.head, nil
}

// settle writes the full tiles of a committed edge, and removes the edges before it.
func (t *Tree) settle(ctx context.Context, e *edge) error {
	for level := 1; level < depth; level++ {
		for i := 0; i+tileWidth <= len(e.levels[level]); i += tileWidth {
			number := (e.first(level) + int64(i)) >> height
			if err := t.store.WriteFile(ctx, place{level, number, tileWidth}.String(), join(e.levels[level][i:i+tileWidth])); err != nil {
				return err
			}
		}
	}
	for number := e.base >> height; number < e.head.N>>height; {
		next := min((number/blockTiles+1)*blockTiles, e.head.N>>height)
		if err := t.settleEntries(ctx, e, number, next); err != nil {
			return err
		}
		number = next
	}
	return t.removeEdges(ctx, e.head)
}

// settleEntries writes the full tiles of entries of one block, from one number to another.
func (t *Tree) settleEntries(ctx context.Context, e *edge, from, to int64) error {
	at := func(number int64) [][32]byte { return e.entries[number<<height-e.base:][:tileWidth] }
	if to%blockTiles != 0 {
		for number := from; number < to; number++ {
			if err := t.store.WriteFile(ctx, entriesName(number), join(at(number))); err != nil {
				return err
			}
		}
		return nil
	}
	block := to/blockTiles - 1
	data := make([]byte, 0, blockTiles*tileWidth*32)
	var small []string
	for number := block * blockTiles; number < to; number++ {
		if number >= from {
			data = append(data, join(at(number))...)
			continue
		}
		part, err := t.readEntries(ctx, number)
		if err != nil {
			return err
		}
		data, small = append(data, part...), append(small, entriesName(number))
	}
	if err := t.store.WriteFile(ctx, blockName(block), data); err != nil || len(small) == 0 {
		return err
	}
	return t.store.RemoveFiles(ctx, small...)
}

// removeEdges removes all edges up to a committed head but its own. Those that are longer may be about to be committed.
func (t *Tree) removeEdges(ctx context.Context, committed Head) error {
	own := edgeName(committed)
	var old []string
	for file, err := range t.store.Files(ctx, edges, "") {
		if err != nil {
			return err
		}
		var size int64
		if _, err := fmt.Sscanf(file.Name, edges+"%d-", &size); err == nil && size <= committed.N && file.Name != own {
			old = append(old, file.Name)
		}
	}
	for names := range slices.Chunk(old, 100) {
		if err := t.store.RemoveFiles(ctx, names...); err != nil {
			return err
		}
	}
	return nil
}

// join returns hashes or entries one behind the other.
func join[H ~[32]byte](hashes []H) []byte {
	data := make([]byte, 0, 32*len(hashes))
	for _, hash := range hashes {
		data = append(data, hash[:]...)
	}
	return data
}

var _ Store = datastore.Log(nil)
