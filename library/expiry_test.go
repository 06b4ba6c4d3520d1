package library_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"cordon/datastore"
	"cordon/guard"
	"cordon/library"
	"cordon/policies"
)

func (s *shelf) expire(t *testing.T) {
	t.Helper()
	if err := s.Expire(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// The orders in which the end of a broken glass may meet an activation, each tried: whichever commits first, the other
// finds another number.
func TestTheEndOfABrokenGlassMeetsAnActivation(t *testing.T) { // docs/design.md 12, Break-glass
	prepare := func(t *testing.T) (s *shelf, store *hooked, later string) {
		store = &hooked{Store: openSQLite(t)}
		s = started(t, store)
		broken, later := s.push(t, alice(), "broken"), s.push(t, alice(), "later")
		s.breakGlass(t, alice(), broken, time.Hour)
		s.clock.pass(time.Hour)
		return s, store, later
	}
	t.Run("the activation first", func(t *testing.T) {
		s, store, later := prepare(t)
		store.before = func() { store.before = nil; s.activate(t, alice(), later) }
		s.expire(t) // it has seen the old activation by then
		if a := s.standing(t).Activation; a.Digest != later || a.Number != 3 {
			t.Errorf("%+v", a)
		}
		if a := s.rollback(t); a.Digest != policies.Builtin().Digest() {
			t.Errorf("rolled back to %+v", a)
		}
	})
	t.Run("the end first", func(t *testing.T) {
		s, store, later := prepare(t)
		store.before = func() { store.before = nil; s.expire(t) }
		_, err := s.Activate(t.Context(), knowing(alice(), 2), library.Set, later, now)
		if conflict(t, err) != guard.CodePrecondition {
			t.Errorf("%v", err)
		}
		if a := s.standing(t).Activation; a.Digest != policies.Builtin().Digest() || a.Number != 3 {
			t.Errorf("%+v", a)
		}
	})
	t.Run("a rollback first", func(t *testing.T) {
		s, store, _ := prepare(t)
		store.before = func() { store.before = nil; s.rollback(t) }
		s.expire(t)
		if a := s.standing(t).Activation; a.Digest != policies.Builtin().Digest() || a.Number != 3 {
			t.Errorf("%+v", a)
		}
	})
	t.Run("the glass is broken again first", func(t *testing.T) {
		s, store, later := prepare(t)
		store.before = func() { store.before = nil; s.breakGlass(t, alice(), later, time.Hour) }
		s.expire(t)
		if a := s.standing(t).Activation; a.Digest != later || a.Number != 3 {
			t.Errorf("%+v", a)
		}
		s.clock.pass(time.Hour)
		if s.expire(t); s.standing(t).Activation.Digest != policies.Builtin().Digest() {
			t.Errorf("%+v", s.standing(t).Activation)
		}
	})
}

func TestOneOfSeveralReplicasEndsABrokenGlass(t *testing.T) { // docs/design.md 12, Break-glass
	eachStore(t, func(t *testing.T, store datastore.Store) {
		s := started(t, store)
		s.breakGlass(t, alice(), s.push(t, alice(), "broken"), time.Hour)
		s.clock.pass(2 * time.Hour)
		var running sync.WaitGroup
		for range 4 {
			other := replica(t, store, s.clock, nil)
			running.Go(func() {
				if err := other.Expire(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		running.Wait()
		if a := s.standing(t).Activation; a.Number != 3 || a.Digest != policies.Builtin().Digest() {
			t.Errorf("%+v", a)
		}
	})
}

// A server that was down when the time was over serves nothing by the broken glass when it is up again.
func TestABrokenGlassIsOverBeforeAServerServesAgain(t *testing.T) { // docs/design.md 12, Break-glass
	s := started(t, openSQLite(t))
	s.breakGlass(t, alice(), s.push(t, alice(), "broken"), time.Hour)
	s.clock.pass(2 * time.Hour)
	again := replica(t, s.store, s.clock, nil)
	if err := again.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a := again.standing(t).Activation; a.Number != 3 || a.Digest != policies.Builtin().Digest() {
		t.Errorf("%+v", a)
	}
}

// Where the wall clock leaps ahead nothing ends within the leap.
func TestALeapOfTheClockEndsNoBrokenGlass(t *testing.T) { // docs/design.md 12, Break-glass
	store, at := openSQLite(t), newClock()
	s := replica(t, store, at, nil)
	s.elapsed.Store(int64(time.Second)) // all the time that passes, whatever the wall clock shows
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.breakGlass(t, alice(), s.push(t, alice(), "broken"), time.Hour)
	at.pass(2 * time.Hour)
	if s.expire(t); s.number(t) != 2 {
		t.Error("the leap ended it")
	}
	s.elapsed.Store(int64(2 * time.Hour))
	if s.expire(t); s.number(t) != 3 {
		t.Error("the time did not end it")
	}
}

func TestTheEndComesByItself(t *testing.T) { // docs/design.md 12, Break-glass
	synctest.Test(t, func(t *testing.T) {
		s := replica(t, openSQLite(t), nil, nil)
		s.start(t)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		a, err := s.Activate(t.Context(), alice(), library.Set, s.push(t, alice(), "broken"), library.Activate{
			BreakGlass: &library.BreakGlass{Reason: "nobody gets in", Until: time.Now().Add(time.Hour)},
		})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour - time.Second)
		if synctest.Wait(); s.number(t) != a.Number {
			t.Error("it ended before its time")
		}
		time.Sleep(3 * time.Second)
		if synctest.Wait(); s.number(t) != a.Number+1 {
			t.Error("it did not end")
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// unreadable is a store as a release reads it that cannot open one version.
type unreadable struct {
	datastore.Store
	digest string
}

func (u *unreadable) ReadFile(ctx context.Context, name string, offset int64, length int) ([]byte, error) {
	if strings.Contains(name, u.digest) {
		return nil, datastore.ErrNotFound
	}
	return u.Store.ReadFile(ctx, name, offset, length)
}

// Where all replicas were started again, by a release that cannot open the version, its time is over none the less.
func TestAVersionThatCannotBeLoadedIsOverInItsTime(t *testing.T) { // docs/design.md 12, Break-glass
	synctest.Test(t, func(t *testing.T) {
		store := openSQLite(t)
		s := replica(t, store, nil, nil)
		s.start(t)
		digest := s.push(t, alice(), "broken")
		a, err := s.Activate(t.Context(), alice(), library.Set, digest, library.Activate{
			BreakGlass: &library.BreakGlass{Reason: "nobody gets in", Until: time.Now().Add(time.Hour)},
		})
		if err != nil {
			t.Fatal(err)
		}
		again := replica(t, &unreadable{store, digest}, nil, nil)
		if err := again.guard.KeepPolicy(t.Context()); err != nil {
			t.Fatal(err)
		}
		again.start(t)
		if in, behind := again.guard.Activation(); in.Number != 0 || behind == nil {
			t.Fatalf("it was loaded: %+v, %v", in, behind)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- again.Run(ctx) }()
		time.Sleep(time.Hour + 2*time.Second)
		if synctest.Wait(); again.number(t) != a.Number+1 || again.guard.Policy().Digest() != policies.Builtin().Digest() {
			t.Errorf("%+v", again.standing(t).Activation)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// That a version stays longer than it was to be is said once, when the server starts, and not with every look.
func TestWhatStaysLongerIsSaidOnce(t *testing.T) {
	store := openSQLite(t)
	s := started(t, store)
	a := s.standing(t).Activation
	a.Number, a.Previous, a.Until = 2, "sha256:none", s.clock.now().Add(-time.Second)
	if err := store.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error { return tx.Put(ctx, a) }); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	next := replica(t, store, s.clock, func(c *library.Config) { c.Log = slog.New(slog.NewTextHandler(&said, nil)) })
	if err := next.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	next.End(t.Context())
	if got := strings.Count(said.String(), "stays longer"); got != 1 {
		t.Errorf("it is said %d times:\n%s", got, said.String())
	}
}
