package retention

import (
	"bytes"
	"cmp"
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
	From         time.Time `json:"from"`   // when the first of it ended
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

// Count adds one that ended to what was deleted and is not on record yet.
func (s *State) Count(class, organization string, ended, before time.Time) {
	s.Deleted = count(s.Deleted, Deleted{Class: class, Organization: organization, Count: 1, From: ended.UTC(), Before: before.UTC()})
}

// count adds to a list of what was deleted, in the order of class and organization.
func count(list []Deleted, added Deleted) []Deleted {
	i, there := slices.BinarySearchFunc(list, added, func(a, b Deleted) int {
		return cmp.Or(strings.Compare(a.Class, b.Class), strings.Compare(a.Organization, b.Organization))
	})
	if !there {
		return slices.Insert(list, i, added)
	}
	of := &list[i]
	of.Count += added.Count
	if added.From.Before(of.From) {
		of.From = added.From
	}
	if added.Before.After(of.Before) {
		of.Before = added.Before
	}
	return list
}
