package retention

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"cordon/datastore"
)

// State is all that is known of retention, kept as one note so that whatever concerns a deletion is read and put
// together with it.
type State struct {
	Rules Rules  `json:"rules"`
	Holds []Hold `json:"holds,omitempty"` // by id
	// Deleted is what was deleted and is not on record yet.
	Deleted []Deleted `json:"deleted,omitempty"`
}

// Deleted counts what was deleted of one class and organization.
type Deleted struct {
	Class        string    `json:"class"`
	Organization string    `json:"organization,omitempty"`
	Count        int64     `json:"count"`
	Before       time.Time `json:"before"` // what ended before this
}

// Note is the name of the note that holds the state.
const Note = "ledger.retention"

// Read returns the state, that of nothing set where there is none. What cannot be read whole is an error, so
// that nothing is deleted by half a rule.
func Read(ctx context.Context, from datastore.Reader) (State, error) {
	var s State
	note, err := datastore.Get(ctx, from, datastore.Note{Name: Note})
	if errors.Is(err, datastore.ErrNotFound) {
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("read retention: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(note.Body))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return State{}, fmt.Errorf("read retention: %w", err)
	}
	return s, nil
}

// Put writes the state. A transaction that read it and deletes puts it also where it is the same.
func (s *State) Put(ctx context.Context, tx datastore.Tx) error {
	body, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("write retention: %w", err)
	}
	if err := tx.Put(ctx, datastore.Note{Name: Note, Body: body}); err != nil {
		return fmt.Errorf("write retention: %w", err)
	}
	return nil
}

// Count adds to what was deleted and is not on record yet.
func (s *State) Count(class, organization string, n int64, before time.Time) {
	key := func(d Deleted) string { return d.Class + "\x00" + d.Organization }
	added := Deleted{Class: class, Organization: organization, Count: n, Before: before.UTC()}
	i, there := slices.BinarySearchFunc(s.Deleted, added, func(a, b Deleted) int { return strings.Compare(key(a), key(b)) })
	if !there {
		s.Deleted = slices.Insert(s.Deleted, i, added)
		return
	}
	of := &s.Deleted[i]
	of.Count += n
	if before.After(of.Before) {
		of.Before = added.Before
	}
}
