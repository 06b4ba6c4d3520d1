package opa

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"

	"cordon/datastore"
	"cordon/ledger/record"
)

// entry is an event on its way to be a record.
type entry struct {
	event  *Event
	record record.Record
	claim  claim
}

// claim says which record an event is to be, and who writes it.
type claim struct {
	ID        string `json:"id"` // of the record
	Replica   string `json:"replica"`
	MayRepeat string `json:"may_repeat,omitempty"` // the record of the claim that this one was taken over from
	at        time.Time
}

// key is what events have in common that are one.
func (e *entry) key() datastore.FirstAnswer {
	return datastore.FirstAnswer{Key: "opa\n" + e.record.Organization + "\n" + e.event.DecisionID}
}

// claim claims those events that nobody has claimed, and returns the others, with their claims as they stand.
func (in *Intake) claim(ctx context.Context, entries []entry) (standing []*entry, err error) {
	now := in.config.Now()
	err = in.config.Store.Update(ctx, func(ctx context.Context, tx datastore.Tx) error {
		standing = nil
		var puts []datastore.Noun
		for i := range entries {
			e := &entries[i]
			found, there, err := e.standing(ctx, tx)
			switch {
			case err != nil:
				return err
			case there:
				e.claim = found
				standing = append(standing, e)
				continue
			}
			e.claim = claim{ID: record.NewID(now), Replica: in.config.Journal.Replica(), at: now}
			puts = append(puts, e.kept())
		}
		return tx.Put(ctx, puts...)
	})
	if err != nil {
		return nil, fmt.Errorf("claim events: %w", err)
	}
	return standing, nil
}

// standing reads the claim that stands.
func (e *entry) standing(ctx context.Context, tx datastore.Tx) (found claim, there bool, err error) {
	kept, err := datastore.Get(ctx, tx, e.key())
	if errors.Is(err, datastore.ErrNotFound) {
		return claim{}, false, nil
	}
	if err != nil {
		return claim{}, false, err
	}
	if err := json.Unmarshal(kept.Answer, &found); err != nil {
		return claim{}, false, fmt.Errorf("read claim: %w", err)
	}
	found.at = kept.At
	return found, true, nil
}

// kept is the claim as it is kept: beside the first answers to idempotency keys, which it is one of in its nature, and
// is cleaned with.
func (e *entry) kept() datastore.FirstAnswer {
	kept := e.key()
	kept.At, kept.Status, kept.BodyHash = e.claim.at, http.StatusAccepted, []byte{}
	kept.Answer, _ = json.Marshal(e.claim) // of strings alone: it cannot fail
	return kept
}

// takeOver returns those claimed events that are not on record and never will be by who claimed them, with claims that
// are ours now. ErrUnderWay: of some nobody can tell yet.
func (in *Intake) takeOver(ctx context.Context, standing []*entry) (ours []*entry, err error) {
	left, err := in.unrecorded(ctx, standing)
	if err != nil || len(left) == 0 {
		return nil, err
	}
	me := in.config.Journal.Replica()
	for _, e := range left {
		if e.claim.Replica != me {
			continue
		}
		// What we put on record is in our journal, and then in the store.
		if err := in.config.Journal.Flush(ctx); err != nil {
			return nil, err
		}
		if left, err = in.unrecorded(ctx, left); err != nil {
			return nil, err
		}
		break
	}
	now := in.config.Now()
	for _, e := range left {
		if e.claim.Replica != me && now.Sub(e.claim.at) < lease {
			return nil, ErrUnderWay
		}
	}
	return left, in.renew(ctx, left, now)
}

// renew makes the claims ours from now on, where none has changed since it was read.
func (in *Intake) renew(ctx context.Context, left []*entry, now time.Time) error {
	if len(left) == 0 {
		return nil
	}
	seen := make([][]byte, len(left))
	for i, e := range left {
		seen[i] = e.kept().Answer
		fresh := claim{ID: record.NewID(now), Replica: in.config.Journal.Replica(), at: now, MayRepeat: e.claim.MayRepeat}
		if e.claim.Replica != fresh.Replica {
			fresh.MayRepeat = e.claim.ID
		}
		e.claim = fresh
	}
	err := in.config.Store.Update(ctx, func(ctx context.Context, tx datastore.Tx) error {
		puts := make([]datastore.Noun, len(left))
		for i, e := range left {
			kept, err := datastore.Get(ctx, tx, e.key())
			if errors.Is(err, datastore.ErrNotFound) || err == nil && !bytes.Equal(kept.Answer, seen[i]) {
				return ErrUnderWay
			}
			if err != nil {
				return err
			}
			puts[i] = e.kept()
		}
		return tx.Put(ctx, puts...)
	})
	if err != nil {
		return fmt.Errorf("take events over: %w", err)
	}
	return nil
}

// release gives up claims under which nothing was put on record. Those that were taken over stay: they remember from whom.
func (in *Intake) release(ctx context.Context, entries []*entry) error {
	return in.config.Store.Update(ctx, func(ctx context.Context, tx datastore.Tx) error {
		var nouns []datastore.Noun
		for _, e := range entries {
			if e.claim.MayRepeat == "" {
				nouns = append(nouns, e.key())
			}
		}
		return tx.Delete(ctx, nouns...)
	})
}

// unrecorded returns those claimed events whose records are not in the store. Ids that were made together are of one
// millisecond, which is looked at once.
func (in *Intake) unrecorded(ctx context.Context, claimed []*entry) ([]*entry, error) {
	by := map[time.Time][]*entry{}
	for _, e := range claimed {
		at, _ := record.IDTime(e.claim.ID)
		by[at] = append(by[at], e)
	}
	var left []*entry
	for at, entries := range by {
		there := map[string]bool{}
		filter := record.Filter{Action: Evaluate, From: at, To: at.Add(time.Millisecond)}
		if len(entries) == 1 {
			filter.ID = entries[0].claim.ID
		}
		for found, err := range in.config.Search(ctx, filter) {
			if err != nil {
				return nil, fmt.Errorf("look for events on record: %w", err)
			}
			there[found.ID] = true
		}
		for _, e := range entries {
			if !there[e.claim.ID] {
				left = append(left, e)
			}
		}
	}
	return left, nil
}
