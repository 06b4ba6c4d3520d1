package ledger

import (
	"context"
	"fmt"

	"cordon/datastore"
	"cordon/ledger/segment"
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
	made, err := tree.NewKey(l.config.Origin)
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

// KeyKnown reports whether there is a key that signs the checkpoints: one is configured, or the store has made one.
func (l *Ledger) KeyKnown(ctx context.Context) (bool, error) {
	private := ""
	if l.config.Key != nil {
		return true, nil
	}
	err := readNote(ctx, l.store, keyNote, &private)
	return private != "", err
}

// grow has the tree grow behind a checkpoint, by the entries of lines, and returns the checkpoint that is to be put.
func (r *round) grow(ctx context.Context, checkpoint string, lines *segment.Pile) (string, error) {
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
	entries := make([][32]byte, 0, lines.Len())
	for line := range lines.From(0) {
		if err := r.worker.pause(ctx); err != nil {
			return "", err
		}
		entries = append(entries, tree.Entry(line))
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

// publish shows the witness the checkpoint that is committed.
func (r *round) publish(ctx context.Context) error {
	if err := r.show(ctx, []byte(r.head.Checkpoint)); err != nil {
		r.config.Log.ErrorContext(ctx, "the log is not the one that the witness knows", "error", err)
	}
	return r.step(ctx, stepPublished)
}
