package library_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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
	"cordon/policies/table"
)

func (s *shelf) expire(t *testing.T) {
	t.Helper()
	if err := s.Expire(t.Context()); err != nil {
		t.Fatal(err)
	}
}

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

func TestAReviewStaysOpenUntilSomebodyElseClosesIt(t *testing.T) { // docs/design.md 12, Break-glass
	s := started(t, openSQLite(t))
	digest := s.push(t, alice(), "one")
	s.breakGlass(t, alice(), digest, time.Hour)
	review := s.standing(t).Reviews[0]
	if review.Digest != digest || review.By.Name != "alice" || review.Reason != "nobody gets in" {
		t.Errorf("%+v", review)
	}
	closing := func(o *guard.Origin, id, message string) error {
		_, err := s.CloseReview(t.Context(), o, library.Set, id, message)
		return err
	}
	if err := closing(by(root(), "bob"), review.ID, "fine"); conflict(t, err) != library.CodeOwnReview {
		t.Errorf("the same key under another name: %v", err)
	}
	bob := by(s.key(t, "two", guard.ScopeApprove), "bob")
	if err := closing(bob, review.ID, ""); !errors.As(err, new(*guard.Invalid)) {
		t.Errorf("without a word: %v", err)
	}
	if err := closing(bob, "none", "fine"); !errors.As(err, new(*guard.NotFound)) {
		t.Errorf("another: %v", err)
	}
	if err := closing(bob, review.ID, "fine"); err != nil || len(s.standing(t).Reviews) != 0 {
		t.Errorf("%v, %+v", err, s.standing(t).Reviews)
	}
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

// once is a call by alice with an idempotency key.
func once(key string) *guard.Origin {
	o := alice()
	o.Once = &guard.Once{Key: key, Render: func(*guard.Result, error) (int, []byte) { return 200, []byte("{}") }}
	return o
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

// After a hundred broken glasses that nobody looked at the glass holds, until a review is closed.
func TestAHundredOpenReviewsHoldTheGlass(t *testing.T) { // docs/design.md 12, Break-glass
	s := started(t, openSQLite(t))
	versions := []string{s.push(t, alice(), "one"), s.push(t, alice(), "two")}
	for i := range 100 { // each by somebody else
		s.breakGlass(t, by(&guard.Caller{ID: fmt.Sprint("k", i), Scopes: guard.Scopes()}, "bob"), versions[i%2], time.Hour)
	}
	breaking := func() string {
		_, err := s.Activate(t.Context(), alice(), library.Set, versions[0], library.Activate{
			BreakGlass: &library.BreakGlass{Reason: "x", Until: s.clock.now().Add(time.Hour)},
		})
		return conflict(t, err)
	}
	if code := breaking(); code != library.CodeTooManyReviews {
		t.Errorf("one more: %q", code)
	}
	if _, err := s.CloseReview(t.Context(), alice(), library.Set, s.standing(t).Reviews[0].ID, "fine"); err != nil {
		t.Fatal(err)
	}
	if code := breaking(); code != "" {
		t.Errorf("once one is closed: %q", code)
	}
}
