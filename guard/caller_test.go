package guard_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/guard"
)

// keyReads is a store in which something can happen between the reading of a key and its use.
type keyReads struct {
	datastore.Store
	after atomic.Pointer[func()] // of the next reading of a key; other nouns are read beside it
}

// then does something after the next reading of a key.
func (s *keyReads) then(do func()) { s.after.Store(&do) }

func (s *keyReads) Get(ctx context.Context, identity datastore.Noun) (datastore.Noun, error) {
	noun, err := s.Store.Get(ctx, identity)
	if _, is := identity.(datastore.APIKey); is {
		if after := s.after.Swap(nil); after != nil {
			(*after)()
		}
	}
	return noun, err
}

func newKey(t *testing.T, g *guard.Guard, put guard.PutKey) (guard.APIKey, string) {
	t.Helper()
	key, shown, err := g.CreateKey(t.Context(), host(), put)
	if err != nil {
		t.Fatal(err)
	}
	return key, shown
}

// The orders of a reading that began before the key was revoked and ends after it.
func TestNoReadingFromBeforeARevocationOutlivesIt(t *testing.T) { // docs/design.md 11, Callers
	refused := func(t *testing.T, g *guard.Guard, shown string) {
		t.Helper()
		if _, err := g.Authenticate(t.Context(), shown); !errors.Is(err, guard.ErrUnauthenticated) {
			t.Errorf("the revoked key: got %v, want a refusal", err)
		}
	}
	for name, first := range map[string]bool{"at the first reading": true, "at a reading anew": false} {
		t.Run(name, func(t *testing.T) {
			c := newClock()
			store := &keyReads{Store: openSQLite(t)}
			g := newGuard(t, store, func(config *guard.Config) { config.Now = c.now })
			key, shown := newKey(t, g, guard.PutKey{Name: "app", Scopes: []string{"decide"}})
			if !first {
				must[*guard.Caller](t)(g.Authenticate(t.Context(), shown))
				c.pass(time.Second) // half of the allowed staleness
			}
			revoked := make(chan struct{})
			store.then(func() {
				defer close(revoked)
				if err := g.RevokeKey(t.Context(), host(), key.ID); err != nil {
					t.Error(err)
				}
				refused(t, g, shown)
			})
			_, _ = g.Authenticate(t.Context(), shown) // at the same time: either answer is right
			<-revoked
			refused(t, g, shown)
		})
	}
	t.Run("on another replica, once it has refused", func(t *testing.T) {
		c := newClock()
		store := &keyReads{Store: openSQLite(t)}
		here := newGuard(t, store, func(config *guard.Config) { config.Now = c.now })
		there := newGuard(t, store.Store, func(config *guard.Config) { config.Now = c.now })
		key, shown := newKey(t, here, guard.PutKey{Name: "app", Scopes: []string{"decide"}})
		store.then(func() {
			if err := there.RevokeKey(t.Context(), host(), key.ID); err != nil {
				t.Error(err)
			}
			refused(t, here, shown)
		})
		_, _ = here.Authenticate(t.Context(), shown)
		refused(t, here, shown)
	})
	t.Run("on another replica, after the allowed staleness", func(t *testing.T) {
		c := newClock()
		store := &keyReads{Store: openSQLite(t)}
		here := newGuard(t, store, func(config *guard.Config) { config.Now = c.now })
		there := newGuard(t, store.Store, func(config *guard.Config) { config.Now = c.now })
		key, shown := newKey(t, here, guard.PutKey{Name: "app", Scopes: []string{"decide"}})
		must[*guard.Caller](t)(here.Authenticate(t.Context(), shown))
		if err := there.RevokeKey(t.Context(), host(), key.ID); err != nil {
			t.Fatal(err)
		}
		c.pass(time.Second)
		// While it is read again, slowly, calls go on with what was seen, but no longer than that.
		over := make(chan struct{})
		store.then(func() {
			defer close(over)
			must[*guard.Caller](t)(here.Authenticate(t.Context(), shown))
			c.pass(time.Second)
			refused(t, here, shown)
		})
		_, _ = here.Authenticate(t.Context(), shown) // begins to read it, and may meet the end of that
		<-over
		refused(t, here, shown)
	})
}

// A store that hangs keeps no call with a key that was seen: docs/design.md 9 has decisions go on until the
// allowed staleness is over.
func TestNoCallWaitsForAKeyToBeReadAgain(t *testing.T) {
	c := newClock()
	store := &keyReads{Store: openSQLite(t)}
	g := newGuard(t, store, func(config *guard.Config) { config.Now = c.now })
	_, shown := newKey(t, g, guard.PutKey{Name: "app", Scopes: []string{"decide"}})
	must[*guard.Caller](t)(g.Authenticate(t.Context(), shown))
	c.pass(time.Second) // half of the allowed staleness
	answered, over := make(chan struct{}), make(chan struct{})
	store.then(func() {
		defer close(over)
		select {
		case <-answered:
		case <-time.After(10 * time.Second):
			t.Error("a call waits for its key to be read again")
		}
	})
	for range 3 {
		must[*guard.Caller](t)(g.Authenticate(t.Context(), shown))
	}
	close(answered)
	<-over
}

func TestKeyTellsWhenItWasLastUsed(t *testing.T) { // docs/design.md 11, Callers
	eachStore(t, func(t *testing.T, store datastore.Store) {
		c := newClock()
		g := newGuard(t, store, func(config *guard.Config) { config.Now = c.now })
		key, shown := newKey(t, g, guard.PutKey{Name: "app", Scopes: []string{"decide"}})
		used := func() time.Time {
			t.Helper()
			if err := g.WriteUses(t.Context()); err != nil {
				t.Fatal(err)
			}
			return must[datastore.APIKey](t)(datastore.Get(t.Context(), store, datastore.APIKey{ID: key.ID})).LastUsedAt
		}
		if at := used(); !at.IsZero() {
			t.Errorf("a key that nobody used was last used at %s", at)
		}
		for range 3 {
			c.pass(90 * time.Second)
			must[*guard.Caller](t)(g.Authenticate(t.Context(), shown))
			if at := used(); !at.Equal(c.now()) {
				t.Errorf("last used at %s, want %s", at, c.now())
			}
		}
		last := c.now()
		c.pass(time.Minute)
		if _, err := g.Authenticate(t.Context(), shown+"x"); !errors.Is(err, guard.ErrUnauthenticated) {
			t.Error(err)
		}
		if at := used(); !at.Equal(last) {
			t.Errorf("a wrong secret moved the last use from %s to %s", last, at)
		}
		// What is noted does not bring back a key that is gone by the time it is written.
		must[*guard.Caller](t)(g.Authenticate(t.Context(), shown))
		gone := func(ctx context.Context, tx datastore.Tx) error { return tx.Delete(ctx, key) }
		if err := store.Update(t.Context(), gone); err != nil {
			t.Fatal(err)
		}
		if err := g.WriteUses(t.Context()); err != nil {
			t.Error(err)
		}
		if _, err := datastore.Get(t.Context(), store, datastore.APIKey{ID: key.ID}); !errors.Is(err, datastore.ErrNotFound) {
			t.Errorf("the revoked key: got %v, want none", err)
		}
	})
}

func TestTheLastUseIsWrittenWhenTheGuardStops(t *testing.T) {
	store := openSQLite(t)
	var key guard.APIKey
	t.Run("a run", func(t *testing.T) {
		g := newGuard(t, store, nil)
		var shown string
		key, shown = newKey(t, g, guard.PutKey{Name: "app", Scopes: []string{"decide"}})
		must[*guard.Caller](t)(g.Authenticate(t.Context(), shown))
	})
	if kept := must[datastore.APIKey](t)(datastore.Get(t.Context(), store, datastore.APIKey{ID: key.ID})); kept.LastUsedAt.IsZero() {
		t.Error("a key that was used says after the run that it was not")
	}
}
