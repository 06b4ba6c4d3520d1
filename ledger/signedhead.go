package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"cordon/datastore"
	"cordon/ledger/segment"
	"cordon/ledger/tree"
)

// ofHead is what the signature of a head is of.
const ofHead = "head"

// signedHead is the note of the head: it is signed, so that what is sealed, and what was dropped, cannot be said
// otherwise without the key. An older one can: that is seen by whoever knows the newer.
type signedHead struct {
	Head      json.RawMessage `json:"head"`
	Signature string          `json:"signature"`
}

// readHead reads the head within a transaction or without; one that is not there is empty. The key must have been read
// before.
func (l *Ledger) readHead(ctx context.Context, from datastore.Reader) (h head, found bool, err error) {
	note, err := datastore.Get(ctx, from, datastore.Note{Name: headNote})
	if errors.Is(err, datastore.ErrNotFound) {
		return head{}, false, nil
	}
	if err == nil {
		h, err = l.parseHead(ctx, note.Body)
	}
	if err != nil {
		return head{}, false, fmt.Errorf("read the note %s: %w", headNote, err)
	}
	return h, true, nil
}

func (l *Ledger) parseHead(ctx context.Context, body []byte) (h head, err error) {
	var signed signedHead
	if err := json.Unmarshal(body, &signed); err != nil {
		return h, fmt.Errorf("%w: %w", ErrChanged, err)
	}
	// The last that was checked is kept: a head is read far more often than it is put.
	if last := l.genuine.Load(); last == nil || !bytes.Equal(*last, body) {
		key, err := l.Key(ctx)
		if err != nil {
			return h, err
		}
		if !key.Verifier().CheckData(ofHead, signed.Head, signed.Signature) {
			return h, fmt.Errorf("%w: the head of the log is not signed by the key %s", ErrChanged, key.Verifier())
		}
		l.genuine.Store(&body)
	}
	err = json.Unmarshal(signed.Head, &h)
	return h, err
}

// putHead signs the head and puts it.
func putHead(ctx context.Context, tx datastore.Tx, key *tree.Key, h *head) error {
	body, err := json.Marshal(h)
	if err != nil {
		return err
	}
	signature, err := key.SignData(ofHead, body)
	if err != nil {
		return err
	}
	return putNote(ctx, tx, headNote, signedHead{body, signature})
}

// head reads the head as it is committed.
func (l *Ledger) head(ctx context.Context) (head, error) {
	h, found, err := l.readHead(ctx, l.store)
	if err != nil || found {
		return h, err
	}
	// A head is put before any file is written: where there are files, there was one.
	for _, prefix := range []string{segment.Prefix, tree.Prefix} {
		for file, err := range l.store.Files(ctx, prefix, "") {
			if err != nil {
				return head{}, err
			}
			again, found, err := l.readHead(ctx, l.store) // it may have been put meanwhile
			if err == nil && !found {
				err = fmt.Errorf("%w: there is %s, and the head of the log is gone", ErrChanged, file.Name)
			}
			return again, err
		}
	}
	streams, err := l.store.Streams(ctx)
	if err != nil {
		return head{}, err
	}
	for _, stream := range streams {
		if stream.Sealed > 0 {
			return head{}, fmt.Errorf("%w: %s was sealed up to %d, and the head of the log is gone", ErrChanged, stream.Name, stream.Sealed)
		}
	}
	return h, nil
}

// commit changes the head, if the epoch is still the one under which it may be.
func (l *Ledger) commit(ctx context.Context, epoch int64, change func(h *head)) (head, error) {
	return l.commitWith(ctx, epoch, func(_ context.Context, _ datastore.Tx, h *head) error { change(h); return nil })
}

// commitWith changes the head as [Ledger.commit] does, and what else is to be committed with it.
func (l *Ledger) commitWith(ctx context.Context, epoch int64, change func(ctx context.Context, tx datastore.Tx, h *head) error) (after head, err error) {
	key, err := l.Key(ctx)
	if err != nil {
		return head{}, err
	}
	err = l.store.Update(ctx, func(ctx context.Context, tx datastore.Tx) error {
		h, _, err := l.readHead(ctx, tx)
		if err != nil {
			return err
		}
		if h.Epoch != epoch {
			return errFenced
		}
		if err := change(ctx, tx, &h); err != nil {
			return err
		}
		after = h
		return putHead(ctx, tx, key, &h)
	})
	if err != nil {
		return head{}, fmt.Errorf("put the head of the log: %w", err)
	}
	return after, nil
}
