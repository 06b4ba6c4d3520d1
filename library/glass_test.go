package library_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/guard"
	"cordon/library"
	"cordon/policies"
	"cordon/policies/table"
)

func TestBreakingTheGlassPassesTheGatesForATime(t *testing.T) { // docs/design.md 12, Break-glass
	eachStore(t, func(t *testing.T, store datastore.Store) {
		s := started(t, store)
		s.second(t, true)
		shipped, digest := policies.Builtin().Digest(), s.push(t, alice(), "one")
		a := s.breakGlass(t, alice(), digest, time.Hour)
		if a.Number != 2 || a.Previous != shipped || a.Reason != "nobody gets in" || !a.Until.Equal(s.clock.now().Add(time.Hour)) {
			t.Errorf("%+v", a)
		}
		s.clock.pass(time.Hour - time.Millisecond)
		if s.expire(t); s.number(t) != 2 {
			t.Error("it ended before its time")
		}
		s.clock.pass(time.Millisecond)
		s.expire(t)
		s.expire(t)
		if a := s.standing(t).Activation; a.Number != 3 || a.Digest != shipped || a.Previous != "" || !a.Until.IsZero() || a.Reason != "" || a.By != "cordon" {
			t.Errorf("%+v", a)
		}
		history, _, err := s.History(t.Context(), alice(), library.Set, library.Page{})
		if err != nil || len(history) != 3 || history[0].How != library.Expired || history[1].How != library.BrokeGlass || history[1].Reason != "nobody gets in" {
			t.Errorf("%+v, %v", history, err)
		}
		if len(s.standing(t).Reviews) != 1 {
			t.Error("the end of the time closed the review")
		}
	})
}

func TestTheGlassIsBrokenWithAReasonAndAnEnd(t *testing.T) { // docs/design.md 12, Break-glass
	s := started(t, openSQLite(t))
	digest := s.push(t, alice(), "one")
	at := s.clock.now()
	for pointer, glass := range map[string]library.BreakGlass{
		"/break_glass/reason": {Until: at.Add(time.Hour)},
		"/break_glass/until":  {Reason: "x"},
	} {
		_, err := s.Activate(t.Context(), alice(), library.Set, digest, library.Activate{BreakGlass: &glass})
		if invalid, is := errors.AsType[*guard.Invalid](err); !is || invalid.Errors[0].Pointer != pointer {
			t.Errorf("%s: %v", pointer, err)
		}
	}
	for _, until := range []time.Time{at, at.Add(-time.Hour), at.Add(8 * 24 * time.Hour)} {
		_, err := s.Activate(t.Context(), alice(), library.Set, digest, library.Activate{BreakGlass: &library.BreakGlass{Reason: "x", Until: until}})
		if !errors.As(err, new(*guard.Invalid)) {
			t.Errorf("%s: %v", until, err)
		}
	}
	if _, err := s.Activate(t.Context(), alice(), library.Set, digest, library.Activate{
		BreakGlass: &library.BreakGlass{Reason: strings.Repeat("x", 2001), Until: at.Add(time.Hour)},
	}); !errors.As(err, new(*guard.Invalid)) {
		t.Error("a reason without end")
	}
}

// What broke the glass stays for good by the gates alone, which hold it against what will be in force again.
func TestWhatBrokeTheGlassStaysByTheGatesAlone(t *testing.T) { // docs/design.md 12, Break-glass
	s := started(t, openSQLite(t))
	s.Differ(table.Group{ID: "one", From: table.AnswerDeny, To: table.AnswerAllow})
	s.second(t, true)
	s.setGates(t, func(g *library.Gates) { g.DiffRead = true })
	bob := by(s.key(t, "two", guard.ScopePolicy), "bob")
	shipped, broken := s.active(t), s.push(t, alice(), "broken")
	s.breakGlass(t, alice(), broken, time.Hour)
	v, err := s.Version(t.Context(), alice(), library.Set, broken)
	if err != nil || v.State != library.Active || len(v.Gates) != 4 {
		t.Errorf("for good it wants %+v, %v", v, err)
	}
	wants(t, s.held(t, alice(), broken, now), library.GateDiffRead, library.GateFlips, library.GateSecondPerson)
	d, err := s.Diff(t.Context(), alice(), library.Set, broken, "")
	if err != nil || d.Table.From != shipped || len(d.Files) != 1 {
		t.Errorf("it is held against %+v, %v", d, err)
	}
	wants(t, s.held(t, alice(), broken, now), library.GateFlips, library.GateSecondPerson)
	s.approve(t, bob, broken)
	wants(t, s.held(t, alice(), broken, now), library.GateFlips)
	known := library.Activate{Message: "it is right", Acknowledged: []string{"one"}}
	wants(t, s.held(t, alice(), broken, known))
	if a := s.standing(t).Activation; a.Digest != broken || a.Previous != shipped || !a.Until.IsZero() {
		t.Errorf("%+v", a)
	}
}

// What was approved and read before the glass was broken is still of the step that is asked for.
func TestABrokenGlassTakesNoApprovalAway(t *testing.T) { // docs/design.md 12, Break-glass
	s := started(t, openSQLite(t))
	s.second(t, true)
	later := s.push(t, alice(), "later")
	s.approve(t, by(s.key(t, "two", guard.ScopePolicy), "bob"), later)
	s.breakGlass(t, alice(), s.push(t, alice(), "broken"), time.Hour)
	wants(t, s.held(t, alice(), later, now))
}

// What is in force again by itself is not broken in for a time: what would follow it, or be rolled back to?
func TestNoGlassIsBrokenForWhatComesBackByItself(t *testing.T) { // docs/design.md 12, Break-glass
	s := started(t, openSQLite(t))
	shipped, good := s.active(t), s.push(t, alice(), "good")
	s.activate(t, alice(), good)
	until := s.breakGlass(t, alice(), s.push(t, alice(), "broken"), time.Hour).Until
	_, err := s.Activate(t.Context(), alice(), library.Set, good, library.Activate{BreakGlass: &library.BreakGlass{Reason: "back", Until: until}})
	if conflict(t, err) != library.CodeAlreadyActive || !strings.Contains(err.Error(), "roll back") {
		t.Errorf("%v", err)
	}
	if a := s.rollback(t); a.Digest != good || a.Previous != shipped || !a.Until.IsZero() {
		t.Errorf("%+v", a)
	}
	if a := s.rollback(t); a.Digest != shipped {
		t.Errorf("%+v", a)
	}
}

// A broken glass waits for no check, neither of its own version nor of another that is checked meanwhile.
func TestABrokenGlassWaitsForNoCheck(t *testing.T) { // docs/design.md 12, Break-glass
	store := openSQLite(t)
	s := started(t, store)
	digest := s.push(t, alice(), "one")
	next := replica(t, store, s.clock, func(c *library.Config) { c.Release = "2" }) // whose report there is none
	next.start(t)
	checking, goOn := next.HoldChecks()
	ended := make(chan error, 1)
	go func() {
		_, err := next.Check(t.Context(), alice(), library.Set, digest)
		ended <- err
	}()
	<-checking
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // where it waits it waits for ever
	defer cancel()
	a, err := next.Activate(ctx, alice(), library.Set, digest, library.Activate{BreakGlass: &library.BreakGlass{Reason: "x", Until: s.clock.now().Add(time.Hour)}})
	if err != nil || a.Digest != digest {
		t.Errorf("%+v, %v", a, err)
	}
	close(goOn)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A second glass of the same person is let through, for an emergency waits for no review, but lengthens nothing: with the
// first it is over within seven days, until somebody else has looked at it.
func TestASecondGlassOfAPersonLengthensNothing(t *testing.T) { // docs/design.md 12, Break-glass
	s := started(t, openSQLite(t))
	const day = 24 * time.Hour
	one, two := s.push(t, alice(), "one"), s.push(t, alice(), "two")
	bob := by(s.key(t, "two", guard.ScopePolicy), "bob")
	s.breakGlass(t, alice(), one, 7*day)
	s.clock.pass(day)
	again := func(o *guard.Origin, lasts time.Duration) string {
		t.Helper()
		_, err := s.Activate(t.Context(), o, library.Set, two, library.Activate{BreakGlass: &library.BreakGlass{Reason: "x", Until: s.clock.now().Add(lasts)}})
		return conflict(t, err)
	}
	for _, name := range []string{"alice", "carol"} { // a key is one person
		if code := again(by(root(), name), 6*day+time.Second); code != library.CodeOwnReview {
			t.Errorf("%s: %q", name, code)
		}
	}
	if code := again(alice(), 6*day); code != "" {
		t.Errorf("within the first: %q", code)
	}
	s.rollback(t)
	if code := again(bob, 7*day); code != "" {
		t.Errorf("by somebody else: %q", code)
	}
	s.rollback(t)
	for _, review := range s.standing(t).Reviews {
		if review.By.Name != "alice" {
			continue
		}
		if _, err := s.CloseReview(t.Context(), bob, library.Set, review.ID, "fine"); err != nil {
			t.Fatal(err)
		}
	}
	if code := again(alice(), 7*day); code != "" {
		t.Errorf("once it is reviewed: %q", code)
	}
}

// Who asks again after the end of a broken glass is told what came of the first time, and breaks nothing.
func TestABrokenGlassIsToldAgainAfterItsEnd(t *testing.T) { // docs/design.md 11, Idempotency-Key
	s := started(t, openSQLite(t))
	digest := s.push(t, alice(), "one")
	ask := library.Activate{BreakGlass: &library.BreakGlass{Reason: "nobody gets in", Until: s.clock.now().Add(time.Hour)}}
	breaking := func() error {
		_, err := s.Activate(t.Context(), once("k"), library.Set, digest, ask)
		return err
	}
	if err := breaking(); err != nil {
		t.Fatal(err)
	}
	s.clock.pass(2 * time.Hour)
	if err := s.Expire(t.Context()); err != nil {
		t.Fatal(err)
	}
	number := s.number(t)
	if err := breaking(); !errors.As(err, new(*guard.Repeated)) || s.number(t) != number {
		t.Errorf("again: %v, activation %d", err, s.number(t))
	}
	if _, err := s.Activate(t.Context(), alice(), library.Set, digest, ask); !errors.As(err, new(*guard.Invalid)) {
		t.Errorf("for the first time: %v", err)
	}
}
