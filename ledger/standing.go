package ledger

import (
	"context"
	"fmt"
	"time"

	"cordon/datastore"
	"cordon/ledger/batch"
	"cordon/ledger/record"
)

// Standing is how the log stands: of the whole store, whichever replica seals it.
type Standing struct {
	Sealed        int64     // records that are sealed, those among them that were given up since
	Unsealed      int64     // records that the store has, or lacks, beyond them
	Oldest        time.Time // when the oldest record was made that is not sealed; zero where all are
	Checkpoint    time.Time // when the last checkpoint was committed; zero before the first
	Gaps, Missing int64     // sealed gaps in the numbers of records, and how many records are missing in them
}

// Standing looks how the log stands. It costs little, however long the log is.
func (l *Ledger) Standing(ctx context.Context) (Standing, error) {
	h, err := l.head(ctx)
	if err != nil {
		return Standing{}, err
	}
	s := Standing{Sealed: h.Size, Checkpoint: h.At, Gaps: h.Gaps, Missing: h.Missing}
	streams, err := l.store.Streams(ctx)
	if err != nil {
		return Standing{}, fmt.Errorf("look how the log stands: %w", err)
	}
	for _, stream := range streams {
		s.Unsealed += max(stream.Last-h.Sealed[stream.Name], 0)
	}
	if s.Unsealed == 0 {
		return s, nil
	}
	s.Oldest, err = l.oldest(ctx, &h)
	return s, err
}

// oldest returns when the oldest record was made that a head does not call sealed.
func (l *Ledger) oldest(ctx context.Context, h *head) (time.Time, error) {
	var b datastore.Batch
	var err error
	for b, err = range l.store.Hot(ctx, batch.Range(record.Filter{OldestFirst: true}).Heads()) {
		if err != nil {
			return time.Time{}, fmt.Errorf("look for the oldest record that is not sealed: %w", err)
		}
		if !h.sealed(b.Replica, b.LastSequence) {
			at, _ := record.IDTime([]byte(b.FirstID)) // of what is none the zero time
			return at, nil
		}
	}
	return time.Time{}, nil
}
