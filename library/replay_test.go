package library_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/guard"
	"cordon/library"
	"cordon/library/replay"
)

func TestADraftDecidesTheLogAgain(t *testing.T) {
	eachStore(t, func(t *testing.T, store datastore.Store) {
		s := started(t, store)
		s.acted(t, 10)
		digest := s.draft(t)
		job := s.replay(t, digest)
		if job.State != library.JobQueued || job.By.Name != "alice" {
			t.Errorf("a new job is %+v", job)
		}
		s.WaitForJobs()
		got := s.job(t, job.ID)
		if got.State != library.JobDone || got.Done != got.Total || got.Total < 22 || got.Result == nil || got.EndedAt.IsZero() || got.Problem != "" {
			t.Fatalf("got %+v", got)
		}
		r := got.Result
		if r.AllowToDeny != 10 || r.Same != 11 || r.Unasked < 2 || len(r.Flips) != 1 || r.Flips[0].Count != 10 || r.Flips[0].Would[0] != "closed" {
			t.Errorf("got %+v", r)
		}
		last, err := s.LastReplay(t.Context(), digest)
		if err != nil || last == nil || last.Job != job.ID || last.By.Name != "alice" || last.Result.Flips[0].ID != r.Flips[0].ID {
			t.Errorf("what whoever activates it is to know is %+v, %v", last, err)
		}
		// Whoever activates it says that they know.
		activate := func(acknowledged ...string) error {
			_, err := s.Activate(t.Context(), alice(), library.Set, digest, library.Activate{Message: "close", Acknowledged: acknowledged})
			return err
		}
		open := openGates(t, activate("f-000000000000"))
		if !slices.ContainsFunc(open, func(g library.Gate) bool {
			return g.Name == library.GateFlips && slices.Contains(g.Missing, r.Flips[0].ID)
		}) {
			t.Errorf("without a word of the flip, these gates stand open: %+v", open)
		}
		if err := activate(r.Flips[0].ID); err != nil {
			if slices.ContainsFunc(openGates(t, err), func(g library.Gate) bool { return slices.Contains(g.Missing, r.Flips[0].ID) }) {
				t.Errorf("with it: %v", err)
			}
		}
		// Of one organization it says nothing of the others.
		few, err := s.Replay(t.Context(), alice(), library.Set, digest, replay.Window{Organization: "none"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		s.WaitForJobs()
		if got := s.job(t, few.ID); got.State != library.JobDone || got.Result.Records != 0 {
			t.Errorf("of an organization that is none: %+v", got)
		}
		if again, err := s.LastReplay(t.Context(), digest); err != nil || again.Job != job.ID {
			t.Errorf("the last replay of all is %+v, %v", again, err)
		}
	})
}

func TestWhoAsksForAReplay(t *testing.T) {
	s := started(t, openSQLite(t))
	digest := s.active(t)
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	limited := by(&guard.Caller{ID: "k", Scopes: guard.Scopes(), Organization: "acme"}, "alice")
	ask := func(o *guard.Origin, set, digest string, w replay.Window) error {
		_, err := s.Replay(t.Context(), o, set, digest, w, nil)
		return err
	}
	var missing *guard.NotFound
	var invalid *guard.Invalid
	if err := ask(alice(), "other", digest, replay.Window{}); !errors.As(err, &missing) {
		t.Errorf("of another set: %v", err)
	}
	if err := ask(alice(), library.Set, "sha256:0", replay.Window{}); !errors.As(err, &missing) {
		t.Errorf("of no version: %v", err)
	}
	if err := ask(alice(), library.Set, digest, replay.Window{From: at, To: at, Organization: "a b"}); !errors.As(err, &invalid) || len(invalid.Errors) != 2 {
		t.Errorf("of an empty window: %v", err)
	}
	if err := ask(limited, library.Set, digest, replay.Window{}); !errors.Is(err, guard.ErrOrganizationLimit) {
		t.Errorf("for a key of one organization: %v", err)
	}
	if _, err := s.Job(t.Context(), limited, "x"); !errors.Is(err, guard.ErrOrganizationLimit) {
		t.Errorf("read by a key of one organization: %v", err)
	}
	if _, err := s.Job(t.Context(), alice(), "none"); !errors.As(err, &missing) {
		t.Errorf("a job that is none: %v", err)
	}
	if _, err := s.CancelJob(t.Context(), alice(), "none"); !errors.As(err, &missing) {
		t.Errorf("to cancel a job that is none: %v", err)
	}
	// A key may ask by itself: it changes nothing. Both are on record.
	job, err := s.Replay(t.Context(), &guard.Origin{Caller: root()}, library.Set, digest, replay.Window{From: at, Organization: "acme"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.WaitForJobs()
	if _, err := s.CancelJob(t.Context(), alice(), job.ID); conflict(t, err) != library.CodeJobEnded {
		t.Errorf("to cancel what is done: %v", err)
	}
	var said []string
	records, err := s.guard.Records(t.Context(), &guard.Origin{Caller: root()}, guard.RecordFilter{Action: "replay_policy"})
	if err != nil {
		t.Fatal(err)
	}
	for r, err := range records {
		if err != nil {
			t.Fatal(err)
		}
		said = append(said, r.Question.Resource.ID+" "+string(r.Details))
	}
	want := []string{digest + fmt.Sprintf(` {"from":"2026-11-01T00:00:00Z","job":"%s","of":"acme"}`, job.ID)}
	if !slices.Equal(said, want) {
		t.Errorf("on record is %v, want %v", said, want)
	}
	if err := s.Overspend(t.Context(), digest); err != nil {
		t.Fatal(err)
	}
	if err := ask(alice(), library.Set, digest, replay.Window{}); conflict(t, err) != library.CodeOverBudget {
		t.Errorf("of a version that takes too long: %v", err)
	}
}

// Why a version is asked about no log is said as it is: a rule takes too much, or the checks did not come to where that is seen.
func TestWhatIsOverBudgetIsToldWhy(t *testing.T) {
	s := started(t, openSQLite(t))
	s.StopChecks()
	digest := s.active(t)
	if _, err := s.Check(t.Context(), alice(), library.Set, digest); err != nil {
		t.Fatal(err)
	}
	ask := func() error {
		_, err := s.Replay(t.Context(), alice(), library.Set, digest, replay.Window{}, nil)
		return err
	}
	if err := ask(); conflict(t, err) != library.CodeOverBudget || !strings.Contains(err.Error(), "did not come to their end") || !strings.Contains(err.Error(), "it takes too much memory") {
		t.Errorf("checks that were stopped: %v", err)
	}
	if err := s.Overspend(t.Context(), digest); err != nil {
		t.Fatal(err)
	}
	if err := ask(); conflict(t, err) != library.CodeOverBudget || !strings.Contains(err.Error(), "a rule of the version takes too much") {
		t.Errorf("a rule that takes too much: %v", err)
	}
	s.Quicken()
	if _, err := s.Check(t.Context(), alice(), library.Set, digest); err != nil {
		t.Fatal(err)
	}
	if err := ask(); err != nil {
		t.Errorf("checked again: %v", err)
	}
	s.WaitForJobs()
}

// What one replay found another takes away only when something else came into force: not by a window without records, and
// not by coming to its end later.
func TestAReplayTakesNoFlipAway(t *testing.T) { // docs/design.md 12, Replay
	s := started(t, openSQLite(t))
	s.acted(t, 1)
	digest := s.draft(t)
	narrow := replay.Window{From: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2020, 1, 2, 0, 0, 0, 0, time.UTC)}
	ask := func(w replay.Window) string {
		s.clock.pass(time.Second)
		job, err := s.Replay(t.Context(), alice(), library.Set, digest, w, nil)
		if err != nil {
			t.Fatal(err)
		}
		return job.ID
	}
	last := func(want string, flips int) *library.Replayed {
		t.Helper()
		s.WaitForJobs()
		r, err := s.LastReplay(t.Context(), digest)
		if err != nil || r.Job != want || len(r.Flips) != flips {
			t.Fatalf("got %+v, %v, want job %s and %d flips", r, err, want, flips)
		}
		return r
	}
	flip := last(ask(replay.Window{}), 1).Flips[0]
	last(ask(narrow), 1)
	if got := s.held(t, alice(), digest, now); !slices.Contains(got, library.GateFlips) {
		t.Errorf("without a word of %s these gates stand open: %v", flip, got)
	}
	// The wide one was asked for first, and ends last.
	var begun, worked atomic.Int32
	waits, second := make(chan struct{}), make(chan struct{})
	s.AtStep(func(name string) {
		switch {
		case name == library.StepBegun && begun.Add(1) == 1:
			close(waits)
			<-second
		case name == library.StepWorked && worked.Add(1) == 1: // it is written down before the other is at work
			close(second)
		}
	})
	ask(replay.Window{})
	<-waits
	later := ask(narrow)
	last(later, 1)
	// Another step is looked at anew, and until it is, what was found of the one before is to be known.
	s.AtStep(func(string) {})
	s.activate(t, alice(), s.push(t, alice(), "other"))
	_, err := s.Activate(t.Context(), alice(), library.Set, digest, now)
	if !slices.ContainsFunc(openGates(t, err), func(g library.Gate) bool { return slices.Contains(g.Missing, flip) }) {
		t.Errorf("when another is in force %s is asked for no more: %v", flip, err)
	}
	last(ask(narrow), 0)
	if _, err := s.Activate(t.Context(), alice(), library.Set, digest, now); err != nil {
		t.Errorf("replayed again without flips: %v", err)
	}
}

// A key asks for a replay once, however the version stands when it asks again.
func TestAReplayIsToldAgain(t *testing.T) { // docs/design.md 11, Idempotency-Key
	s := started(t, openSQLite(t))
	digest := s.active(t)
	ask := func() error {
		_, err := s.Replay(t.Context(), once("k"), library.Set, digest, replay.Window{}, nil)
		return err
	}
	if err := ask(); err != nil {
		t.Fatal(err)
	}
	s.WaitForJobs()
	if err := s.Overspend(t.Context(), digest); err != nil {
		t.Fatal(err)
	}
	if err := ask(); !errors.As(err, new(*guard.Repeated)) {
		t.Errorf("again: %v", err)
	}
}
