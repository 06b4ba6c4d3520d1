package tree

import (
	"context"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// Inclusion returns the audit path of a leaf (RFC 6962, 2.1.1) in the tree of a head.
func (t *Tree) Inclusion(ctx context.Context, at Head, leaf int64) ([]Hash, error) {
	if leaf < 0 || leaf >= at.N {
		return nil, fmt.Errorf("%w: leaf %d of %d", ErrRange, leaf, at.N)
	}
	return tlog.ProveRecord(at.N, leaf, t.hashes(ctx, at))
}

// Consistency returns the proof (RFC 6962, 2.1.2) that the tree was only appended to between two sizes, of which the
// larger is at most that of the head. It is empty where they are the same, and where the smaller is 0.
func (t *Tree) Consistency(ctx context.Context, at Head, from, to int64) ([]Hash, error) {
	if from < 0 || from > to || to > at.N {
		return nil, fmt.Errorf("%w: from %d to %d leaves of %d", ErrRange, from, to, at.N)
	}
	if from == 0 || from == to {
		return nil, nil
	}
	return tlog.ProveTree(to, from, t.hashes(ctx, at))
}

// At returns the head that the tree of a head had when it was smaller.
func (t *Tree) At(ctx context.Context, at Head, size int64) (Head, error) {
	switch {
	case size < 0 || size > at.N:
		return Head{}, fmt.Errorf("%w: %d of %d leaves", ErrRange, size, at.N)
	case size == at.N:
		return at, nil
	case size == 0:
		return Empty(), nil
	}
	root, err := tlog.TreeHash(size, t.hashes(ctx, at))
	return Head{N: size, Hash: root}, err
}

// CheckInclusion reports an entry that a proof does not show to be the leaf of that number in the tree of a head.
func CheckInclusion(at Head, leaf int64, entry [32]byte, proof []Hash) error {
	if leaf < 0 || leaf >= at.N {
		return fmt.Errorf("%w: leaf %d of %d", ErrRange, leaf, at.N)
	}
	if err := tlog.CheckRecord(proof, at.N, at.Hash, leaf, Leaf(entry)); err != nil {
		return fmt.Errorf("leaf %d is not proved to be in the tree of %d leaves: %w", leaf, at.N, err)
	}
	return nil
}

// CheckConsistency reports a tree that a proof does not show to be the smaller one, grown.
func CheckConsistency(from, to Head, proof []Hash) error {
	wrong := func() error {
		return fmt.Errorf("%w: that of %d leaves (root %v) does not go on from that of %d (root %v)", ErrCorrupt, to.N, to.Hash, from.N, from.Hash)
	}
	switch {
	case from.N < 0 || from.N > to.N:
		return fmt.Errorf("%w: it has %d leaves, and had %d (root %v)", ErrCorrupt, to.N, from.N, from.Hash)
	case from.N == 0 || from.N == to.N:
		if len(proof) > 0 || from.N == 0 && from != Empty() || from.N == to.N && from.Hash != to.Hash {
			return wrong()
		}
		return nil
	}
	if tlog.CheckTree(proof, to.N, to.Hash, from.N, from.Hash) != nil {
		return wrong()
	}
	return nil
}
