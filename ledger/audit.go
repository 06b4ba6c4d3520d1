package ledger

import (
	"context"
	"errors"
	"fmt"

	"cordon/datastore"
	"cordon/ledger/record"
	"cordon/ledger/tree"
)

// ErrUnsealed is wrapped where a record is asked a proof of that is too young: it is sealed soon.
var ErrUnsealed = errors.New("the record is not sealed yet")

// ErrChanged is wrapped by every error that says that the log is not what was signed.
var ErrChanged = tree.ErrCorrupt

// ErrBeyond is wrapped where a leaf, a size or a tile is asked for that the tree does not have.
var ErrBeyond = tree.ErrRange

// Inclusion is the proof that a record is a leaf.
type Inclusion struct {
	Leaf       int64
	Size       int64
	Hashes     []tree.Hash
	Checkpoint []byte // of the tree of that size
}

// signed reads the head and opens its checkpoint.
func (l *Ledger) signed(ctx context.Context) (tree.Sealed, head, error) {
	h, err := l.head(ctx)
	if err != nil {
		return tree.Sealed{}, h, err
	}
	key, err := l.Key(ctx)
	if err != nil {
		return tree.Sealed{}, h, err
	}
	s := tree.Sealed{Tree: l.tree, Key: key, Head: tree.Empty(), Checkpoint: []byte(h.Checkpoint)}
	if h.Checkpoint == "" {
		s.Checkpoint, err = key.Sign(s.Head)
	} else {
		s.Head, err = key.Open(s.Checkpoint)
	}
	if err == nil && s.Head.N != h.Size {
		err = fmt.Errorf("%w: the head of the log has %d records, its checkpoint %d", ErrChanged, h.Size, s.Head.N)
	}
	return s, h, err
}

// Sealed returns the tree of all that is sealed, as it is committed, with what signs it: what a manifest is made of.
func (l *Ledger) Sealed(ctx context.Context) (tree.Sealed, error) {
	s, _, err := l.signed(ctx)
	return s, err
}

// onTree calls fn with the tree, and again where the tree grows so fast meanwhile that its head is gone.
func onTree[T any](ctx context.Context, l *Ledger, fn func(tree.Sealed) (T, error)) (T, error) {
	for try := 0; ; try++ {
		s, _, err := l.signed(ctx)
		var v T
		if err == nil {
			v, err = fn(s)
		}
		if try < 4 && errors.Is(err, tree.ErrOvertaken) {
			continue
		}
		return v, err
	}
}

// Checkpoint returns the signed checkpoint of all that is sealed.
func (l *Ledger) Checkpoint(ctx context.Context) ([]byte, error) {
	s, _, err := l.signed(ctx)
	return s.Checkpoint, err
}

// Inclusion proves that the record of an id is in the log. ErrUnsealed: it is too young. datastore.ErrNotFound: there
// is none.
func (l *Ledger) Inclusion(ctx context.Context, id string) (Inclusion, error) {
	entry, err := l.entry(ctx, id)
	if err != nil {
		return Inclusion{}, err
	}
	return onTree(ctx, l, func(s tree.Sealed) (Inclusion, error) {
		hashes, err := l.tree.Inclusion(ctx, s.Head, entry.Leaf)
		if err != nil {
			return Inclusion{}, err
		}
		if err := tree.CheckInclusion(s.Head, entry.Leaf, tree.Entry(entry.Line), hashes); err != nil {
			return Inclusion{}, fmt.Errorf("record %s: %w: %w", id, ErrChanged, err)
		}
		return Inclusion{entry.Leaf, s.Head.N, hashes, s.Checkpoint}, nil
	})
}

// entry finds a record that is sealed.
func (l *Ledger) entry(ctx context.Context, id string) (Entry, error) {
	if id != "" {
		for entry, err := range l.Entries(ctx, record.Filter{ID: id, Limit: 1}) {
			if err == nil && entry.Leaf == Unsealed {
				err = fmt.Errorf("record %s: %w", id, ErrUnsealed)
			}
			return entry, err
		}
	}
	return Entry{}, fmt.Errorf("record %q: %w", id, datastore.ErrNotFound)
}

// Consistency proves that the log of one size goes on from that of a smaller one.
func (l *Ledger) Consistency(ctx context.Context, from, to int64) ([]tree.Hash, error) {
	return onTree(ctx, l, func(s tree.Sealed) ([]tree.Hash, error) {
		return l.tree.Consistency(ctx, s.Head, from, to)
	})
}

// Tile returns a tile of the tree, or a bundle of its entries, by its path (C2SP's tlog-tiles).
func (l *Ledger) Tile(ctx context.Context, path string) ([]byte, error) {
	return onTree(ctx, l, func(s tree.Sealed) ([]byte, error) { return l.tree.Tile(ctx, s.Head, path) })
}
