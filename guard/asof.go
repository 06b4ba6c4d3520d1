package guard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"strings"
	"time"

	"cordon/datastore"
	"cordon/guard/past"
	"cordon/ledger/record"
)

// Setter is the record that set something, and who acted; the zero value where that is older than the log.
type Setter = past.Setter

// UnknownError: how something was at a time cannot be told from what is on record, and from when on it can.
type UnknownError = past.UnknownError

// PastDirectory is an organization as it was: what had ended by the clock is left out.
type PastDirectory struct {
	*past.Directory
	Time   time.Time
	Policy PastPolicy
}

// PastPolicy is the policy that was in force, with the record of its beginning; the zero value where none is on record.
type PastPolicy struct {
	Digest string
	Set    Setter
}

// At returns an organization as it was, with the record that set each thing of it, for who may read its records; the
// reading is on record. *UnknownError: the records do not tell it. *NotFound: there was none.
func (g *Guard) At(ctx context.Context, o *Origin, organization string, at time.Time) (*PastDirectory, error) {
	if err := g.readPast(ctx, o, RecordFilter{Organization: organization, To: at}); err != nil {
		return nil, err
	}
	d, err := g.directoryAt(ctx, organization, at, nil)
	if err != nil {
		return nil, err
	}
	if !d.Exists {
		return nil, &NotFound{What: "organization at that time"}
	}
	found := PastDirectory{Directory: d, Time: at}
	if found.Policy, err = g.policyAt(ctx, at); err != nil {
		return nil, err
	}
	for i := range d.Members {
		m := &d.Members[i]
		if m.Blocks = standing(m.Blocks, at); !o.view().addresses && m.Name != "" {
			m.Name = masked
		}
	}
	for i := range d.Products {
		d.Products[i] = asAt(d.Products[i], at)
	}
	return &found, nil
}

// readPast lets those read how an organization was who may read its records, and puts the reading on record, with what
// was looked for.
func (g *Guard) readPast(ctx context.Context, o *Origin, f RecordFilter) error {
	if limit := o.Caller.Organization; limit != "" && f.Organization != limit {
		return ErrOrganizationLimit
	}
	if f.To.After(g.now()) {
		return &Invalid{Errors: []FieldError{{Detail: "cannot tell what is to come: the time is in the future"}}}
	}
	reader := *o
	reader.how = "at"
	if o.Actor == "" {
		return g.recordUnasked(&reader, &f)
	}
	return g.recordRead(ctx, &reader, &f, f.Organization)
}

// directoryAt works out an organization as it was, and of the things that keys names what set them; nil: of all.
func (g *Guard) directoryAt(ctx context.Context, organization string, at time.Time, keys func(*past.Directory) []string) (*past.Directory, error) {
	if err := g.gapSince(ctx, organization, at); err != nil {
		return nil, err
	}
	const tries = 3
	for try := 1; ; try++ {
		state, changes, err := g.stateAndChanges(ctx, organization, try == tries)
		if err != nil {
			return nil, err
		}
		if state == nil {
			return &past.Directory{ID: organization}, nil
		}
		d, err := past.At(organization, at, state, changes, keys)
		change, disagrees := past.Disagrees(err)
		if !disagrees {
			return d, err
		}
		if try == tries {
			return nil, &UnknownError{From: change.Time, Why: "record " + change.ID + " and what came after it do not lead to the directory as it is: something was changed without a record"}
		}
	}
}

// stateAndChanges returns what is known now, and the changes that led to it. What is changed while it is read makes the
// two disagree, and is to be read again; at once, they are of one point in time, and nobody changes anything meanwhile.
func (g *Guard) stateAndChanges(ctx context.Context, organization string, atOnce bool) (state *past.State, _ iter.Seq2[past.Change, error], err error) {
	if !atOnce {
		state, _, err = stateNow(ctx, g.store, organization)
		return state, g.directoryChanges(ctx, organization, math.MaxInt64), err
	}
	var revision int64
	err = g.store.Update(ctx, func(ctx context.Context, tx datastore.Tx) (err error) {
		state, revision, err = stateNow(ctx, tx, organization)
		return err
	})
	return state, g.directoryChanges(ctx, organization, revision), err
}

// stateNow is what is known of an organization now, as records show it, and its revision; nil of one that never was.
func stateNow(ctx context.Context, from datastore.Reader, organization string) (*past.State, int64, error) {
	state := past.NewState()
	put := func(n datastore.Noun) {
		noun, id, members := shown(n)
		state.Put(noun, id, members)
	}
	facts, err := from.Facts(ctx, datastore.Key{Organization: organization})
	revision := facts.Organization.Revision
	if errors.Is(err, datastore.ErrNotFound) {
		if revision == 0 { // which is kept of one that was
			return nil, 0, nil
		}
		return state, revision, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read organization: %w", err)
	}
	put(facts.Organization)
	for m, err := range datastore.List(ctx, from, Member{Organization: organization}, Page{}) {
		if err != nil {
			return nil, 0, fmt.Errorf("read members: %w", err)
		}
		put(m)
		_, _, members := shown(datastore.UserBlocks{User: m.ID, Blocks: m.Blocks})
		if len(m.Blocks) == 0 {
			members["blocks"] = nil // known, and none
		}
		state.Put("user", m.ID, members)
	}
	for p, err := range datastore.List(ctx, from, Product{Organization: organization}, Page{}) {
		if err != nil {
			return nil, 0, fmt.Errorf("read products: %w", err)
		}
		put(p)
	}
	return state, revision, nil
}

// directoryChanges gives the changes of an organization's directory on record up to a revision, newest first.
func (g *Guard) directoryChanges(ctx context.Context, organization string, revision int64) iter.Seq2[past.Change, error] {
	return func(yield func(past.Change, error) bool) {
		for r, err := range g.ledger.Search(ctx, RecordFilter{Organization: organization, Kind: record.KindChange}) {
			if err != nil {
				yield(past.Change{}, fmt.Errorf("read changes: %w", err))
				return
			}
			if c, changed := past.Read(&r); changed && c.Revision <= revision && !yield(c, nil) {
				return
			}
		}
	}
}

// gapSince refuses a time before changes of the organization may have been lost.
func (g *Guard) gapSince(ctx context.Context, organization string, at time.Time) error {
	stream := changeStreamSuffix(organization)
	for r, err := range g.ledger.Search(ctx, RecordFilter{Kind: record.KindGap, From: at}) {
		if err != nil {
			return fmt.Errorf("look for gaps: %w", err)
		}
		if strings.HasSuffix(r.Replica, stream) || strings.HasSuffix(r.Replica, record.FormerStream) {
			return &UnknownError{From: r.Time, Why: "changes are missing before: record " + r.ID + " stands for them"}
		}
	}
	return nil
}

// policyAt finds the policy that was in force.
func (g *Guard) policyAt(ctx context.Context, at time.Time) (p PastPolicy, _ error) {
	list, err := readInForce(ctx, g.store)
	if err != nil {
		return p, err
	}
	for _, in := range list {
		if !in.Since.After(at) {
			p = PastPolicy{Digest: in.Digest, Set: Setter{Record: in.Record, Time: in.Since, By: cmp.Or(in.By, serverCaller)}}
		}
	}
	return p, nil
}
