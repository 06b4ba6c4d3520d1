// Package tree answers whether the log is still what it was: every record that is sealed is a leaf of one Merkle tree
// that only grows, and whoever knows an older head of it can check that nothing before it was changed.
//
// The tree is that of RFC 6962, its heads are checkpoints and its parts tiles as C2SP's tlog-checkpoint and tlog-tiles
// have them, so tools that are not ours can follow it. The entry of a leaf is the SHA-256 of a record's line as it is
// exported, without the newline: the tree tells nothing of a record whose line is gone.
//
// What is kept, as files of a store:
//
//	tile/edge/SIZE-ROOT   all that is not in the others yet, of the tree of that size and root
//	tile/entries/N        the entries of 256 leaves; the tile of their hashes is worked out from them
//	tile/block/N          those of 65,536, in the place of 256 such files
//	tile/L/N              hashes of full tiles, from level 1 on
//
// Why an edge: a tree is appended to before its head is committed, by one of several replicas, of which one that was
// overtaken may still be writing. An edge is named for its root, so nobody overwrites another's; all other files are
// written from an edge that is committed, so whoever writes one writes the same.
package tree

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"sync/atomic"

	"golang.org/x/mod/sumdb/tlog"

	"cordon/datastore"
)

const (
	height     = 8           // of a tile, in levels of the tree
	tileWidth  = 1 << height // hashes in a full tile
	blockTiles = tileWidth   // tiles of entries in a block
)

var (
	// ErrCorrupt is wrapped by every error that says that what is kept of the tree is not what was signed.
	ErrCorrupt = errors.New("the tree is not the one that was signed")
	// ErrOvertaken is wrapped where a head is so old that its edge was removed: read the head again.
	ErrOvertaken = errors.New("the tree has grown beyond this head")
	// ErrRange is wrapped where a leaf, a size or a tile is asked for that the tree does not have.
	ErrRange = errors.New("the tree does not reach there")
)

// Prefix is what the names of all files of a tree begin with.
const Prefix = "tile/"

// Head is a size of the tree and its root then.
type Head = tlog.Tree

// Hash is a hash of the tree.
type Hash = tlog.Hash

// Store keeps the files of a tree: a [datastore.Log] does.
type Store interface {
	ReadFile(ctx context.Context, name string, offset int64, length int) ([]byte, error)
	WriteFile(ctx context.Context, name string, data []byte) error
	Files(ctx context.Context, prefix, after string) iter.Seq2[datastore.File, error]
	RemoveFiles(ctx context.Context, names ...string) error
}

// Tree reads and appends. It has no head of its own: each call says at which head, and that one is believed, so it must
// come from a checkpoint whose signature was checked ([Key.Open]) or from an Append. It is safe for concurrent use; of
// those who append at one head, the one whose head is committed wins.
type Tree struct {
	store Store
	last  atomic.Pointer[edge] // the edge that was used last
}

// New returns the tree that is kept in a store.
func New(store Store) *Tree { return &Tree{store: store} }

// Empty returns the head of a tree without leaves.
func Empty() Head { return Head{Hash: sha256.Sum256(nil)} }

// Entry returns the entry of a record's line.
func Entry(line []byte) [32]byte { return sha256.Sum256(line) }

// Leaf returns the hash of the leaf of an entry.
func Leaf(entry [32]byte) Hash { return tlog.RecordHash(entry[:]) }

// edgeAt returns the edge of a head.
func (t *Tree) edgeAt(ctx context.Context, at Head) (*edge, error) {
	if at.N == 0 {
		return newEdge(), nil
	}
	if e := t.last.Load(); e != nil && e.head == at {
		return e, nil
	}
	name := edgeName(at)
	data, err := t.store.ReadFile(ctx, name, 0, datastore.MaxFileBytes)
	if errors.Is(err, datastore.ErrNotFound) {
		return nil, fmt.Errorf("%s: %w, or its edge is lost: %w", name, ErrOvertaken, err)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	e, err := parseEdge(at, data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if last := t.last.Load(); last == nil || last.head.N <= at.N {
		t.last.CompareAndSwap(last, e)
	}
	return e, nil
}
