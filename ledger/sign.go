package ledger

import (
	"context"
	"fmt"

	"cordon/datastore"
	"cordon/ledger/tree"
)

// keyNote is the note with the key that signs the checkpoints, where none is configured.
const keyNote = "ledger.key"

// Key returns the key that signs the checkpoints: the configured one, or else the store's, which is made now if
// there is none.
func (l *Ledger) Key(ctx context.Context) (*tree.Key, error) {
	if l.config.Key != nil {
		return l.config.Key, nil
	}
	if kept := l.key.Load(); kept != nil {
		return kept, nil
	}
	made, err := tree.NewKey(tree.DefaultOrigin)
	if err != nil {
		return nil, err
	}
	private := ""
	err = l.store.Update(ctx, func(ctx context.Context, tx datastore.Tx) error {
		private = ""
		if err := readNote(ctx, tx, keyNote, &private); err != nil || private != "" {
			return err
		}
		private = made.Private()
		return putNote(ctx, tx, keyNote, private)
	})
	if err != nil {
		return nil, fmt.Errorf("keep the key of the log: %w", err)
	}
	key, err := tree.ParseKey(private)
	if err != nil {
		return nil, fmt.Errorf("read the key of the log: %w", err)
	}
	l.key.Store(key)
	return key, nil
}

// grow has the tree grow behind a checkpoint, by the entries of lines, and returns the checkpoint that is to be put.
func (r *round) grow(ctx context.Context, checkpoint string, lines [][]byte) (string, error) {
	key, err := r.Key(ctx)
	if err != nil {
		return "", err
	}
	at := tree.Empty()
	if checkpoint != "" {
		if at, err = key.Open([]byte(checkpoint)); err != nil {
			return "", fmt.Errorf("grow the tree: %w", err)
		}
	}
	entries := make([][32]byte, len(lines))
	for i, line := range lines {
		entries[i] = tree.Entry(line)
	}
	if at, err = r.tree.Append(ctx, at, entries); err != nil {
		return "", err
	}
	signed, err := key.Sign(at)
	if err != nil {
		return "", err
	}
	return string(signed), r.step(ctx, stepGrown)
}

// publish shows the witness the checkpoint that is committed. That it does not answer holds up nothing: it is shown the
// next one, which says of all before it what they said.
func (r *round) publish(ctx context.Context) error {
	if r.config.Witness != nil {
		if err := r.config.Witness(ctx, []byte(r.head.Checkpoint)); err != nil {
			r.config.Log.ErrorContext(ctx, "the witness did not take a checkpoint of the log", "error", err)
		}
	}
	return r.step(ctx, stepPublished)
}

// Sealed returns the tree of all that is sealed, by its committed checkpoint. Before anything is sealed it has no
// leaf and no checkpoint.
func (l *Ledger) Sealed(ctx context.Context) (tree.Sealed, error) {
	h, err := l.head(ctx)
	if err != nil {
		return tree.Sealed{}, err
	}
	key, err := l.Key(ctx)
	if err != nil {
		return tree.Sealed{}, err
	}
	sealed := tree.Sealed{Tree: l.tree, Head: tree.Empty(), Checkpoint: []byte(h.Checkpoint), Key: key}
	if h.Checkpoint == "" {
		return sealed, nil
	}
	if sealed.Head, err = key.Open(sealed.Checkpoint); err != nil {
		return tree.Sealed{}, err
	}
	if sealed.Head.N != h.Size {
		return tree.Sealed{}, fmt.Errorf("%w: its checkpoint is of %d leaves, and %d are sealed", tree.ErrCorrupt, sealed.Head.N, h.Size)
	}
	return sealed, nil
}
