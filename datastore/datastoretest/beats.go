package datastoretest

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"cordon/datastore"
)

// watchCovers begins watches while another process changes an organization without a pause.
func watchCovers(t *testing.T, s datastore.Store) {
	put(t, s, organization("acme"))
	ctx, stop := context.WithCancel(t.Context())
	var writer sync.WaitGroup
	defer writer.Wait()
	defer stop()
	writer.Go(func() {
		for ctx.Err() == nil {
			err := s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
				_, err := tx.Bump(ctx, "acme")
				return err
			})
			if err != nil {
				t.Errorf("update: %v", err)
				return
			}
		}
	})
	for range 5 {
		w, _ := watch(t, s)
		read := known(t, s, datastore.Key{Organization: "acme"}).Organization.Revision
		next := w.change(t)
		for next.Revision <= read {
			next = w.change(t)
		}
		same(t, "first change that the read did not see", next.Revision, read+1)
		w.stop()
	}
}

// acknowledged is a commit and an instant at which somebody knew of it.
type acknowledged struct {
	organization string
	revision     int64
	at           time.Time
}

// watchUntil writes while a watch runs, and holds each beat against what had been acknowledged.
func watchUntil(t *testing.T, s datastore.Store) {
	const writers, rounds = 4, 25
	for i := range writers {
		put(t, s, organization(numbered("org", i)))
	}
	w, _ := watch(t, s)
	var mu sync.Mutex
	var commits []acknowledged
	for _, err := range race(writers, func(i int) error {
		id := numbered("org", i)
		for round := range rounds {
			err := s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
				_, err := tx.Bump(ctx, id)
				return err
			})
			if err != nil {
				return err
			}
			mu.Lock()
			commits = append(commits, acknowledged{id, int64(round) + 2, time.Now()})
			mu.Unlock()
		}
		return nil
	}) {
		must(t, err)
	}
	given := map[string]int64{}
	for over := time.Now(); ; {
		c := w.next(t)
		if c.Organization != "" {
			given[c.Organization] = c.Revision
			continue
		}
		for _, commit := range commits {
			if commit.at.Before(c.Until) && given[commit.organization] < commit.revision {
				t.Fatalf("revision %d of %s was acknowledged %s before the beat's instant and is not given",
					commit.revision, commit.organization, c.Until.Sub(commit.at))
			}
		}
		if c.Until.After(over) {
			return // a beat that covers all of them
		}
	}
}

func watchInstants(t *testing.T, s datastore.Store) {
	begun := time.Now()
	put(t, s, organization("acme"))
	w, first := watch(t, s)
	bump(t, s, "acme")
	same(t, "instant of a change", w.change(t).Until, time.Time{})
	for last, c := first, w.beat(t); ; last, c = c, w.beat(t) {
		if !strings.Contains(c.Until.String(), " m=") {
			t.Fatalf("the beat's instant %s has no monotonic reading", c.Until)
		}
		if c.Until.Before(begun) || c.Until.After(time.Now()) {
			t.Fatalf("the beat's instant %s is not between the watch's beginning and now", c.Until)
		}
		if c.Until.After(last.Until) {
			return // it goes forward
		}
	}
}

// watchBacklog makes more changes than an engine reads at a time.
func watchBacklog(t *testing.T, s datastore.Store) {
	put(t, s, organization("acme"))
	w, beat := watch(t, s)
	w.stop()
	const changes = 700
	must(t, s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
		for range changes {
			if _, err := tx.Bump(ctx, "acme"); err != nil {
				return err
			}
		}
		return nil
	}))
	acknowledged := time.Now()
	resumed, last := resume(t, s, beat.Position), int64(1)
	for {
		c := resumed.next(t)
		switch {
		case c.Organization != "":
			last = c.Revision
		case c.Until.After(acknowledged) && last != 1+changes:
			t.Fatalf("it beats for after the changes when %d of %d are given", last-1, changes)
		case c.Until.After(acknowledged):
			return
		}
	}
}
