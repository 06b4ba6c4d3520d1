package library_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cordon/guard"
	"cordon/library"
	"cordon/policies"
	"cordon/policies/table"
)

// apart tries by a function. It checks nothing: tests have that done at a glance.
type apart struct {
	library.Apart
	try func(ctx context.Context, src policies.Source, in *policies.Input, at time.Time) (*table.Tried, error)
}

func (a *apart) Try(ctx context.Context, src policies.Source, in *policies.Input, at time.Time) (*table.Tried, error) {
	return a.try(ctx, src, in, at)
}

// here tries in this process.
func here(ctx context.Context, src policies.Source, in *policies.Input, at time.Time) (*table.Tried, error) {
	engine, err := policies.Compile(ctx, src)
	if err != nil {
		return nil, err
	}
	return table.Try(ctx, engine, in, at)
}

// What was never in force is tried apart, tests from life, too; what is in force, or was, is tried where it answers.
func TestWhatWasNeverInForceIsTriedApart(t *testing.T) {
	var asked []string
	box := &apart{try: func(ctx context.Context, src policies.Source, in *policies.Input, at time.Time) (*table.Tried, error) {
		asked = append(asked, src.Digest())
		return here(ctx, src, in, at)
	}}
	s := replica(t, openSQLite(t), newClock(), func(c *library.Config) { c.Apart = box })
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.directory(t)
	draft := s.push(t, alice(), "a draft")
	try := func(digest string, apart int) {
		t.Helper()
		asked = nil
		got, err := s.Evaluate(t.Context(), alice(), library.Set, library.Trial{Digest: digest, Question: question("carl", "manage")})
		if err != nil || got.Allowed || len(got.WhyNot) == 0 || len(got.Trace) == 0 || got.Digest == "" {
			t.Fatalf("got %+v, %v", got, err)
		}
		if len(asked) != apart || apart > 0 && asked[0] != digest {
			t.Errorf("asked apart: %q", asked)
		}
	}
	shipped := policies.Builtin().Digest()
	try("", 0)
	try(shipped, 0)
	try(draft, 1)
	asked = nil
	if _, err := s.AddTest(t.Context(), alice(), library.Set, draft, library.Life{Question: question("carl", "manage"), Preview: true}); err != nil || len(asked) != 1 {
		t.Errorf("a test of a draft: asked apart %q, %v", asked, err)
	}
	if _, err := s.Activate(t.Context(), alice(), library.Set, draft, library.Activate{Message: "so be it"}); err != nil {
		t.Fatal(err)
	}
	try(draft, 0)
	try(shipped, 0)
}

// A trial that is stopped says so as a problem of the version, and is on record.
func TestAStoppedTrialIsAProblemOfTheVersion(t *testing.T) {
	stopped := &policies.ProblemsError{Problems: []policies.Problem{{Code: "limit_error", Message: "it takes more than it may"}}}
	s := replica(t, openSQLite(t), newClock(), func(c *library.Config) {
		c.Apart = &apart{try: func(context.Context, policies.Source, *policies.Input, time.Time) (*table.Tried, error) {
			return nil, stopped
		}}
	})
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	draft := s.push(t, alice(), "a draft")
	_, err := s.Evaluate(t.Context(), alice(), library.Set, library.Trial{Digest: draft, Input: json.RawMessage(`{}`)})
	if refused, is := errors.AsType[*library.Refused](err); !is || refused.Problems[0].Code != "limit_error" {
		t.Errorf("got %v", err)
	}
	s.flush(t)
	records, err := s.guard.Records(t.Context(), &guard.Origin{Caller: root()}, guard.RecordFilter{})
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for r, err := range records {
		if err != nil {
			t.Fatal(err)
		}
		if r.Question.Action.Name == "evaluate_policy" && r.Question.Resource.ID == draft {
			read++
		}
	}
	if read != 1 {
		t.Errorf("%d readings are on record", read)
	}
}

// Each trial apart takes memory of its own: few are at work at once, and whoever waits may leave.
func TestFewTrialsAreAtWorkAtOnce(t *testing.T) {
	var working, most atomic.Int64
	entered, leave := make(chan struct{}, 8), make(chan struct{})
	s := replica(t, openSQLite(t), newClock(), func(c *library.Config) {
		c.Apart = &apart{try: func(ctx context.Context, src policies.Source, in *policies.Input, at time.Time) (*table.Tried, error) {
			if now := working.Add(1); now > most.Load() {
				most.Store(now)
			}
			defer working.Add(-1)
			entered <- struct{}{}
			<-leave
			return here(ctx, src, in, at)
		}}
	})
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	trial := library.Trial{Digest: s.push(t, alice(), "a draft"), Input: json.RawMessage(`{}`)}
	var wait sync.WaitGroup
	for range 5 {
		wait.Go(func() {
			if _, err := s.Evaluate(t.Context(), alice(), library.Set, trial); err != nil {
				t.Error(err)
			}
		})
	}
	<-entered
	<-entered
	gone, cancel := context.WithCancelCause(t.Context())
	left := errors.New("left")
	cancel(left)
	if _, err := s.Evaluate(gone, alice(), library.Set, trial); err == nil {
		t.Error("nobody waits any more")
	}
	close(leave)
	wait.Wait()
	if most.Load() != 2 {
		t.Errorf("%d were at work at once", most.Load())
	}
}
