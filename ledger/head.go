package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"cordon/datastore"
)

// Names of the notes by which the replicas agree on what is sealed.
const (
	headNote   = "ledger.head"
	leaseNote  = "ledger.lease"
	wantedNote = "ledger.wanted"
)

// errFenced is what a sealer meets whose lease another one has taken over.
var errFenced = errors.New("another replica seals the log now")

// head says what is sealed. It is a note of the store, and putting it is the instant at which records become sealed:
// before it nothing that a sealer has written counts, and from it on everything does.
type head struct {
	// Epoch is that of the lease under which the head may be put: who seals under an older one has no say any more.
	Epoch int64 `json:"epoch"`
	// Size is how many leaves there are, one for each record that was ever sealed.
	Size int64 `json:"size"`
	// Generation grows with each head that adds or takes away segments. It is in the names of their files, so that
	// those that are newer than the head are known to be nothing yet.
	Generation int64 `json:"generation"`
	// Void are generations that were begun and never put: what is named by them never counts.
	Void []span `json:"void,omitempty"`
	// Dropped are leaves whose segments were removed since the time of their records is over.
	Dropped []span `json:"dropped,omitempty"`
	// Sealed is the last sequence of each stream that is sealed; those before it are as well.
	Sealed map[string]int64 `json:"sealed"`
	// Gaps is how many gaps were sealed, and Missing how many records are missing in them.
	Gaps    int64 `json:"gaps,omitempty"`
	Missing int64 `json:"missing,omitempty"`
	// Checkpoint is that of the tree of all leaves, and At when it was put.
	Checkpoint string    `json:"checkpoint,omitempty"`
	At         time.Time `json:"at,omitzero"`
}

// span is a run of numbers, both included.
type span [2]int64

// has tells whether one of the spans has a number.
func has(spans []span, n int64) bool {
	return slices.ContainsFunc(spans, func(s span) bool { return s[0] <= n && n <= s[1] })
}

// joined returns the spans with one more, those that touch as one, in order.
func joined(spans []span, more span) []span {
	spans = append(slices.Clone(spans), more)
	slices.SortFunc(spans, func(a, b span) int { return int(min(max(a[0]-b[0], -1), 1)) })
	whole := spans[:1]
	for _, s := range spans[1:] {
		if last := &whole[len(whole)-1]; s[0] <= last[1]+1 {
			last[1] = max(last[1], s[1])
		} else {
			whole = append(whole, s)
		}
	}
	return whole
}

// sealed tells whether a record of a stream is sealed by its sequence.
func (h *head) sealed(stream string, sequence int64) bool { return sequence <= h.Sealed[stream] }

// same tells whether a reader of one head has seen all that there is by the other.
func (h *head) same(other *head) bool {
	return h.Size == other.Size && h.Generation == other.Generation
}

// readNote reads a note as JSON into an empty value; a note that is not there leaves it so.
func readNote(ctx context.Context, from datastore.Reader, name string, into any) error {
	note, err := datastore.Get(ctx, from, datastore.Note{Name: name})
	if errors.Is(err, datastore.ErrNotFound) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(note.Body, into)
	}
	if err != nil {
		return fmt.Errorf("read the note %s: %w", name, err)
	}
	return nil
}

func putNote(ctx context.Context, tx datastore.Tx, name string, value any) error {
	body, err := json.Marshal(value)
	if err == nil {
		err = tx.Put(ctx, datastore.Note{Name: name, Body: body})
	}
	if err != nil {
		return fmt.Errorf("put the note %s: %w", name, err)
	}
	return nil
}
