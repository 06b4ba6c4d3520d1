package library_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/guard"
	"cordon/library"
	"cordon/policies"
)

// activate activates a version that only a message is asked of.
func (s *shelf) activate(t *testing.T, o *guard.Origin, digest string) datastore.Activation {
	t.Helper()
	a, err := s.Activate(t.Context(), o, library.Set, digest, library.Activate{Message: "now"})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (s *shelf) breakGlass(t *testing.T, o *guard.Origin, digest string, lasts time.Duration) datastore.Activation {
	t.Helper()
	a, err := s.Activate(t.Context(), o, library.Set, digest, library.Activate{
		BreakGlass: &library.BreakGlass{Reason: "nobody gets in", Until: s.clock.now().Add(lasts)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (s *shelf) rollback(t *testing.T) datastore.Activation {
	t.Helper()
	a, err := s.Rollback(t.Context(), alice(), library.Set, "")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestActivateBringsAVersionIntoForce(t *testing.T) { // docs/design.md 12, Activation
	eachStore(t, func(t *testing.T, store datastore.Store) {
		s := started(t, store)
		shipped := policies.Builtin().Digest()
		digest := s.push(t, alice(), "one")
		a := s.activate(t, knowing(alice(), 1), digest)
		if a.Number != 2 || a.Digest != digest || a.Previous != shipped || a.By != "alice" || a.Message != "now" || !a.Until.IsZero() {
			t.Errorf("%+v", a)
		}
		if got := s.standing(t).Activation; got != a {
			t.Errorf("got %+v, want %+v", got, a)
		}
		for digest, want := range map[string]string{digest: library.Active, shipped: library.Superseded} {
			if v, err := s.Version(t.Context(), alice(), library.Set, digest); err != nil || v.State != want {
				t.Errorf("%+v, %v, want %s", v, err, want)
			}
		}
		_, err := s.Activate(t.Context(), alice(), library.Set, digest, library.Activate{Message: "again"})
		if conflict(t, err) != library.CodeAlreadyActive {
			t.Errorf("again: %v", err)
		}
		if _, err := s.Activate(t.Context(), alice(), library.Set, "sha256:none", library.Activate{Message: "x"}); !errors.As(err, new(*guard.NotFound)) {
			t.Errorf("what there is not: %v", err)
		}
		_, err = s.Activate(t.Context(), knowing(alice(), 1), library.Set, shipped, library.Activate{Message: "late"})
		if conflict(t, err) != guard.CodePrecondition {
			t.Errorf("on what was before: %v", err)
		}
		history, _, err := s.History(t.Context(), alice(), library.Set, library.Page{})
		if err != nil || len(history) != 2 || history[0].How != library.Activated || history[0].Digest != digest || history[1].How != library.Shipped {
			t.Errorf("%+v, %v", history, err)
		}
	})
}

func TestRollbackGoesBackStepByStep(t *testing.T) { // docs/design.md 12, Rollback
	s := started(t, openSQLite(t))
	shipped := policies.Builtin().Digest()
	one, two := s.push(t, alice(), "one"), s.push(t, alice(), "two")
	s.activate(t, alice(), one)
	s.activate(t, alice(), two)
	if a := s.rollback(t); a.Digest != one || a.Previous != shipped || a.Number != 4 {
		t.Errorf("%+v", a)
	}
	if a := s.rollback(t); a.Digest != shipped || a.Previous != "" || a.Number != 5 {
		t.Errorf("%+v", a)
	}
	_, err := s.Rollback(t.Context(), alice(), library.Set, "")
	if conflict(t, err) != library.CodeNothingBefore {
		t.Errorf("%v", err)
	}
	_, err = s.Rollback(t.Context(), knowing(alice(), 4), library.Set, "")
	if conflict(t, err) != guard.CodePrecondition {
		t.Errorf("%v", err)
	}
}

// What was in force only because the glass was broken is never gone back to: no gate has been asked about it.
func TestRollbackNeverGoesToWhatBrokeTheGlass(t *testing.T) { // docs/design.md 12, Break-glass
	s := started(t, openSQLite(t))
	shipped := policies.Builtin().Digest()
	broken, later := s.push(t, alice(), "broken"), s.push(t, alice(), "later")
	if a := s.breakGlass(t, alice(), broken, time.Hour); a.Previous != shipped {
		t.Errorf("%+v", a)
	}
	if a := s.breakGlass(t, alice(), later, time.Hour); a.Previous != shipped {
		t.Errorf("one on the other: %+v", a)
	}
	if a := s.activate(t, alice(), later); a.Previous != shipped || !a.Until.IsZero() || a.Reason != "" {
		t.Errorf("for good: %+v", a)
	}
	if a := s.rollback(t); a.Digest != shipped {
		t.Errorf("%+v", a)
	}
	s.breakGlass(t, alice(), broken, time.Hour)
	if a := s.rollback(t); a.Digest != shipped || a.Previous != "" {
		t.Errorf("%+v", a)
	}
	if len(s.standing(t).Reviews) != 3 {
		t.Errorf("%+v", s.standing(t).Reviews)
	}
}

func TestOfManyActivationsOnOneOneWins(t *testing.T) { // docs/design.md 12, Two editors
	eachStore(t, func(t *testing.T, store datastore.Store) {
		s := started(t, store)
		const many = 4
		digests := make([]string, many)
		for i := range many {
			digests[i] = s.push(t, alice(), fmt.Sprint(i))
		}
		won := make(chan string, many)
		var running sync.WaitGroup
		for _, digest := range digests {
			running.Go(func() {
				_, err := s.Activate(t.Context(), knowing(alice(), 1), library.Set, digest, now)
				if err == nil {
					won <- digest
				} else if c, is := errors.AsType[*guard.Conflict](err); !is || c.Code != guard.CodePrecondition {
					t.Error(err)
				}
			})
		}
		running.Wait()
		if len(won) != 1 {
			t.Fatalf("%d won", len(won))
		}
		if a := s.standing(t).Activation; a.Number != 2 || a.Digest != <-won {
			t.Errorf("%+v", a)
		}
	})
}

// Who asks again is told what came of the first time, however things stand by now.
func TestAnActivationIsToldAgain(t *testing.T) { // docs/design.md 11, Idempotency-Key
	s := started(t, openSQLite(t))
	digest := s.push(t, alice(), "one")
	activating := func() error {
		_, err := s.Activate(t.Context(), once("k"), library.Set, digest, now)
		return err
	}
	if err := activating(); err != nil {
		t.Fatal(err)
	}
	s.activate(t, alice(), s.push(t, alice(), "two"))
	s.Overflow(library.Problem{Message: "they differ too much"}) // which would refuse it now
	if err := activating(); !errors.As(err, new(*guard.Repeated)) || s.number(t) != 3 {
		t.Errorf("again: %v, activation %d", err, s.number(t))
	}
}
