package guard

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"cordon/datastore"
	"cordon/ledger/retention"
)

// applyRetention is the action of the record that says what was deleted because its time was over.
const applyRetention = "apply_retention"

// Classes of what nobody looks at again, so that it has neither times nor holds: answers that are kept for repeats,
// and support codes with the tries of them. They go a day after they ended.
const (
	classAnswers = "answers"
	classCodes   = "support_codes"

	uselessAfter = 24 * time.Hour
)

// DeletedClasses lists the classes that [Observer.Deleted] is told.
func DeletedClasses() []string { return append(retention.Classes(), classAnswers, classCodes) }

// How what has been kept for its time is deleted.
const (
	cleanFirst  = time.Minute // after the start, and up to as much again, so that replicas take turns
	cleanPause  = time.Hour   // between two runs
	cleanFound  = 2_000       // so many are looked for at once
	cleanAtOnce = 100         // and so many deleted in one transaction, beside which others wait
	cleanRest   = 4           // times as long as a transaction took, the store is left alone after it
	mostDeleted = 1_000       // classes and organizations in one record
)

// Clean deletes what ended and was kept for its time ([retention.State.Before]), nouns and records, and puts it on record:
// that of nouns once for a run. It may run several times at once, and goes on where one was cut off.
func (g *Guard) Clean(ctx context.Context) error {
	now := g.Ends(g.now())
	state, err := retention.Read(ctx, g.store)
	if err != nil {
		return err
	}
	for _, kind := range []struct {
		class  string
		noun   datastore.Noun
		before time.Time // zero: as retention says
	}{
		{retention.Messages, datastore.Message{}, time.Time{}},
		{retention.Procedures, datastore.Procedure{}, time.Time{}},
		{classAnswers, datastore.FirstAnswer{}, now.Add(-keptFor - uselessAfter)},
		{classCodes, datastore.Support{}, now.Add(-uselessAfter)},
	} {
		endings := []datastore.Ending{{Before: kind.before}}
		if kind.before.IsZero() {
			endings = state.Endings(kind.class, now)
		}
		for _, ending := range endings {
			err := g.cleanEnded(ctx, kind.noun, ending, func(state *retention.State, organization string) (string, time.Time) {
				if kind.before.IsZero() {
					return kind.class, state.Before(kind.class, organization, now)
				}
				return kind.class, kind.before
			})
			if err != nil {
				return fmt.Errorf("clean %s: %w", kind.class, err)
			}
		}
	}
	if err := g.recordDeleted(ctx); err != nil {
		return err
	}
	return g.prune(ctx, now)
}

// over says of what class a noun of an organization is, and before when it must have ended to go.
type over func(state *retention.State, organization string) (class string, before time.Time)

// cleanEnded deletes what is found of a kind. What is found is read again in the transaction that deletes it: by then
// it may go on (a message that is sent again), or be held.
func (g *Guard) cleanEnded(ctx context.Context, kind datastore.Noun, ending datastore.Ending, over over) error {
	for ending.Limit = cleanFound; ; {
		found, err := g.store.Ended(ctx, kind, ending)
		if err != nil {
			return err
		}
		deleted := 0
		for some := range slices.Chunk(found, cleanAtOnce) {
			start := g.now()
			n, err := g.deleteEnded(ctx, some, over)
			if err != nil {
				return err
			}
			deleted += n
			if err := rest(ctx, cleanRest*g.now().Sub(start)); err != nil {
				return err
			}
		}
		if len(found) < cleanFound || deleted == 0 {
			return nil
		}
	}
}

// deleteEnded deletes, of some nouns, those that are over, and counts them, in one transaction.
func (g *Guard) deleteEnded(ctx context.Context, nouns []datastore.Noun, over over) (deleted int, err error) {
	var class string
	err = g.store.Update(ctx, func(ctx context.Context, tx datastore.Tx) error {
		state, err := retention.Read(ctx, tx)
		if err != nil {
			return err
		}
		deleted = 0
		for _, identity := range nouns {
			noun, err := tx.Get(ctx, identity)
			if errors.Is(err, datastore.ErrNotFound) {
				continue
			}
			if err != nil {
				return fmt.Errorf("read: %w", err)
			}
			organization := organizationOf(noun)
			var before time.Time
			class, before = over(&state, organization)
			end := datastore.EndOf(noun)
			if end.IsZero() || !end.Before(before) {
				continue
			}
			if err := tx.Delete(ctx, noun); err != nil {
				return fmt.Errorf("delete: %w", err)
			}
			state.Count(class, organization, end, before)
			deleted++
		}
		if deleted == 0 {
			return errRollBack
		}
		if len(state.Deleted) >= mostDeleted {
			return g.putDeleted(ctx, tx, &state)
		}
		return state.Put(ctx, tx)
	})
	if errors.Is(err, errRollBack) {
		return 0, nil
	}
	if err == nil && g.observe.Deleted != nil {
		g.observe.Deleted(class, deleted)
	}
	return deleted, err
}

// organizationOf returns whose a noun that ended is; empty: nobody's.
func organizationOf(noun datastore.Noun) string {
	switch n := noun.(type) {
	case datastore.Message:
		return n.Organization
	case datastore.Procedure:
		return n.Organization
	case datastore.Support:
		return n.Organization
	}
	return ""
}

// recordDeleted puts on record what was deleted and is not on record yet, whoever deleted it.
func (g *Guard) recordDeleted(ctx context.Context) error {
	err := g.store.Update(ctx, func(ctx context.Context, tx datastore.Tx) error {
		state, err := retention.Read(ctx, tx)
		if err != nil {
			return err
		}
		if len(state.Deleted) == 0 {
			return errRollBack
		}
		return g.putDeleted(ctx, tx, &state)
	})
	if err != nil && !errors.Is(err, errRollBack) {
		return fmt.Errorf("record what was deleted: %w", err)
	}
	return nil
}

func (g *Guard) putDeleted(ctx context.Context, tx datastore.Tx, state *retention.State) error {
	deleted := state.Deleted
	state.Deleted = nil
	if err := state.Put(ctx, tx); err != nil {
		return err
	}
	return g.appendDeleted(ctx, tx, deleted)
}

// appendDeleted puts on record what a transaction deletes.
func (g *Guard) appendDeleted(ctx context.Context, tx datastore.Tx, deleted []retention.Deleted) error {
	for some := range slices.Chunk(deleted, mostDeleted) {
		a := g.newAttempt(g.policy.Load(), g.now(), byClock(), "", applyRetention, logEntity("retention"))
		a.silent, a.details["deleted"] = true, some
		if err := g.commitChange(ctx, tx, a, nil); err != nil {
			return err
		}
	}
	return nil
}

// cleanEvery cleans until ctx is done. A failure is told and tried again: nothing depends on it but room.
func (g *Guard) cleanEvery(ctx context.Context, first, pause time.Duration) {
	for failing, wait := false, first+rand.N(first); rest(ctx, wait) == nil; wait = pause { //nolint:gosec // no secret
		err := g.Clean(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			g.log.Warn("what has been kept for its time is not deleted", "error", err)
		}
		failing = err != nil
	}
}

// rest waits, and gives the context's error where that ends first.
func rest(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
