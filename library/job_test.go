package library_test

import (
	"context"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/guard"
	"cordon/ledger/record"
	"cordon/library"
	"cordon/library/replay"
	"cordon/policies"
)

// draft pushes a version that decides otherwise: nobody may block anything.
func (s *shelf) draft(t *testing.T) string {
	t.Helper()
	files := maps.Clone(policies.Builtin().Files)
	files["cordon/rules/closed/closed.rego"] = "# METADATA\n# custom:\n#   code: closed\n#   rank: 15\n" +
		"#   person: {\"en\": \"a\", \"fr\": \"b\", \"de\": \"c\"}\n#   administrator: {\"en\": \"a\", \"fr\": \"b\", \"de\": \"c\"}\n" +
		"package cordon.rules.closed\n\ndeny if input.action.name == \"block\"\n"
	pushed, err := s.Push(t.Context(), alice(), library.Set, library.Push{Message: "close", Files: files})
	if err != nil {
		t.Fatal(err)
	}
	return pushed.Version.Digest
}

// acted has lena block a product and lift the block, so many times: acts are in the store when they are done.
func (s *shelf) acted(t *testing.T, count int) {
	t.Helper()
	host, lena := &guard.Origin{Caller: root()}, by(root(), "lena")
	_, err := s.guard.PutOrganization(t.Context(), host, "acme", guard.PutOrganization{
		Name: "Acme", LegalRepresentativeID: "lena", LegalRepresentative: &guard.PutMember{Name: "Lena", Email: "lena@example.org"},
	})
	if err == nil {
		_, err = s.guard.PutProduct(t.Context(), host, "acme", "shop", guard.PutProduct{Name: "Shop", Kind: "domain"})
	}
	for range count {
		if err == nil {
			_, err = s.guard.BlockProduct(t.Context(), lena, "acme", "shop", guard.ProductAct{Reason: "a test"})
		}
		if err == nil {
			_, err = s.guard.UnblockProduct(t.Context(), lena, "acme", "shop", guard.ProductAct{Reason: "a test"})
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// active is the digest of what is in force.
func (s *shelf) active(t *testing.T) string { return s.standing(t).Activation.Digest }

// job reads a job.
func (s *shelf) job(t *testing.T, id string) *library.Job {
	t.Helper()
	job, err := s.Job(t.Context(), alice(), id)
	if err != nil {
		t.Fatal(err)
	}
	return job
}

// replay begins a replay of all.
func (s *shelf) replay(t *testing.T, digest string) *library.Job {
	t.Helper()
	job, err := s.Replay(t.Context(), alice(), library.Set, digest, replay.Window{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return job
}

// crossed runs a job, with something else done at one of its steps, and returns what is kept of it then.
func crossed(t *testing.T, at string, do func(s, other *shelf, id string)) (*shelf, *library.Job) {
	t.Helper()
	store := openSQLite(t)
	s := replica(t, store, newClock(), func(c *library.Config) { c.Replica = "r1" })
	other := replica(t, store, newClock(), func(c *library.Config) { c.Replica = "r2" })
	for _, l := range []*shelf{s, other} {
		if err := l.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	s.acted(t, 1)
	digest := s.active(t)
	arrived, goOn := make(chan struct{}), make(chan struct{})
	s.AtStep(func(name string) {
		if name == at {
			close(arrived)
			<-goOn
		}
	})
	job := s.replay(t, digest)
	<-arrived
	do(s, other, job.ID)
	close(goOn)
	s.WaitForJobs()
	return s, other.job(t, job.ID)
}

// Whatever crosses, the first that ends a job counts, and nothing else changes it.
func TestOfAllThatEndAJobTheFirstCounts(t *testing.T) {
	cancel := func(l func(s, other *shelf) *shelf) func(s, other *shelf, id string) {
		return func(s, other *shelf, id string) {
			for range 2 { // once more changes nothing
				if job, err := l(s, other).CancelJob(t.Context(), alice(), id); err != nil || job.State != library.JobCancelled {
					t.Errorf("cancelled it is %+v, %v", job, err)
				}
			}
		}
	}
	here := func(s, _ *shelf) *shelf { return s }
	there := func(_, other *shelf) *shelf { return other }
	for name, test := range map[string]struct {
		at    string
		do    func(s, other *shelf, id string)
		state string
	}{
		"cancelled before its turn":                {library.StepBegun, cancel(here), library.JobCancelled},
		"cancelled elsewhere before its turn":      {library.StepBegun, cancel(there), library.JobCancelled},
		"cancelled at work":                        {library.StepRunning, cancel(here), library.JobCancelled},
		"cancelled elsewhere, seen with a beat":    {library.StepRunning, func(s, other *shelf, id string) { cancel(there)(s, other, id); beat(t, s) }, library.JobCancelled},
		"cancelled elsewhere, not seen by its end": {library.StepRunning, cancel(there), library.JobCancelled},
		"cancelled before its end is written":      {library.StepWorked, cancel(there), library.JobCancelled},
		"its process is stopped at work": {library.StepRunning, func(s, _ *shelf, _ string) {
			ended := make(chan struct{})
			go func() { defer close(ended); s.CloseJobs() }()
			t.Cleanup(func() { <-ended })
			<-s.Ending()
		}, library.JobInterrupted},
		"its process was killed, and another begins": {library.StepRunning, func(s, _ *shelf, _ string) {
			next := replica(t, s.store, newClock(), func(c *library.Config) { c.Replica = "r1" })
			if err := next.Start(t.Context()); err != nil {
				t.Error(err)
			}
		}, library.JobInterrupted},
		"another process of another replica begins": {library.StepRunning, func(s, _ *shelf, _ string) {
			next := replica(t, s.store, newClock(), func(c *library.Config) { c.Replica = "r3" })
			if err := next.Start(t.Context()); err != nil {
				t.Error(err)
			}
		}, library.JobDone},
		"not heard of": {library.StepRunning, func(_, other *shelf, _ string) { look(t, other, 4) }, library.JobInterrupted},
		"heard of in between": {library.StepRunning, func(s, other *shelf, _ string) {
			for range 3 {
				look(t, other, 3)
				beat(t, s)
			}
		}, library.JobDone},
		"nothing else comes": {library.StepRunning, func(_, _ *shelf, _ string) {}, library.JobDone},
	} {
		t.Run(name, func(t *testing.T) {
			s, got := crossed(t, test.at, test.do)
			if got.State != test.state || got.EndedAt.IsZero() || (got.Result != nil) != (test.state == library.JobDone) ||
				(got.Problem != "") != (test.state == library.JobInterrupted) {
				t.Errorf("it is %+v, want it %s", got, test.state)
			}
			if test.at == library.StepBegun && !got.StartedAt.IsZero() {
				t.Error("it was begun although it had ended")
			}
			// What has ended is not heard of any more, and nobody minds.
			beat(t, s)
			look(t, s, 5)
			if last, err := s.LastReplay(t.Context(), got.Digest); err != nil || (last != nil) != (test.state == library.JobDone) {
				t.Errorf("as the last replay there is %+v, %v", last, err)
			}
			_, err := s.CancelJob(t.Context(), alice(), got.ID)
			if want := map[bool]string{true: "", false: library.CodeJobEnded}[test.state == library.JobCancelled]; conflict(t, err) != want {
				t.Errorf("cancelled when it is %s: %v", got.State, err)
			}
			if after := s.job(t, got.ID); after.State != test.state {
				t.Errorf("in the end it is %s", after.State)
			}
		})
	}
}

func beat(t *testing.T, s *shelf) {
	t.Helper()
	if err := s.Beat(t.Context()); err != nil {
		t.Error(err)
	}
}

func look(t *testing.T, s *shelf, times int) {
	t.Helper()
	for range times {
		if err := s.Look(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// How far a job is can be read elsewhere after a beat.
func TestTheProgressOfAJobIsToldElsewhere(t *testing.T) {
	beats := int64(0)
	crossed(t, library.StepWorked, func(s, other *shelf, id string) {
		if before := other.job(t, id); before.Done != 0 || before.State != library.JobRunning {
			t.Errorf("before a beat it is %+v", before)
		}
		if here := s.job(t, id); here.Total == 0 || here.Done != here.Total {
			t.Errorf("where it runs it is %+v", here)
		}
		beat(t, s)
		after := other.job(t, id)
		if beats = after.Beat; after.Total == 0 || after.Done != after.Total {
			t.Errorf("after a beat it is %+v", after)
		}
	})
	if beats != 1 {
		t.Errorf("%d beats were heard", beats)
	}
}

// One job is at work at a time, some more may wait, and of those that have ended the last are kept.
func TestJobsAreBounded(t *testing.T) {
	s := started(t, openSQLite(t))
	digest := s.active(t)
	at := s.clock.now().Add(-time.Hour)
	var ended []string
	err := s.store.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
		for i := range 60 {
			job := library.Job{ID: record.NewID(at.Add(time.Duration(i) * time.Second)), State: library.JobDone, Holder: "r1/x"}
			if ended = append(ended, job.ID); i < 2 {
				job.State = library.JobQueued // of a process that is gone, and nobody has noticed yet
			}
			if err := library.PutJob(ctx, tx, &job); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	running, most := 0, 0
	goOn := make(chan struct{})
	s.AtStep(func(name string) {
		switch name {
		case library.StepRunning: // by one at a time
			if running++; running > most {
				most = running
			}
			<-goOn
			running--
		}
	})
	for n := range 6 {
		if _, err := s.Replay(t.Context(), alice(), library.Set, digest, replay.Window{}, nil); err != nil {
			t.Fatalf("job %d: %v", n, err)
		}
	}
	if _, err := s.Replay(t.Context(), alice(), library.Set, digest, replay.Window{}, nil); conflict(t, err) != library.CodeTooManyJobs {
		t.Errorf("one more: %v", err)
	}
	close(goOn)
	s.WaitForJobs()
	if most != 1 {
		t.Errorf("%d jobs were at work at a time", most)
	}
	list, err := s.ListJobs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	kept := map[string]bool{}
	for _, job := range list {
		kept[job.ID] = true
	}
	// Room is made when one is begun: for that one and 49 that have ended, and those that wait are never removed.
	if !kept[ended[0]] || !kept[ended[1]] || kept[ended[2]] || kept[ended[10]] || !kept[ended[11]] || len(list) != 2+49+6 {
		t.Errorf("%d are kept", len(list))
	}
}

// Of two replicas that begin the last job that may be at once, one does.
func TestJobsAreBoundedInAllReplicas(t *testing.T) {
	eachStore(t, func(t *testing.T, store datastore.Store) {
		one := started(t, store)
		other := replica(t, store, one.clock, func(c *library.Config) { c.Replica = "r2" })
		if err := other.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		err := store.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
			for range 7 {
				if err := library.PutJob(ctx, tx, &library.Job{ID: record.NewID(one.clock.now()), State: library.JobQueued, Holder: "r3/x"}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		// Where transactions run side by side both have counted before either writes; elsewhere one waits for the other.
		// The one that begins is at work until both have asked.
		var counted sync.WaitGroup
		counted.Add(2)
		asked := make(chan struct{})
		digest, begun := one.active(t), make(chan error, 2)
		for _, s := range []*shelf{one, other} {
			var first sync.Once
			s.AtStep(func(name string) {
				if name == library.StepCounted && strings.HasSuffix(t.Name(), "/mongo") {
					first.Do(func() { counted.Done(); counted.Wait() })
				}
				if name == library.StepRunning {
					<-asked
				}
			})
			go func() {
				_, err := s.Replay(t.Context(), alice(), library.Set, digest, replay.Window{}, nil)
				begun <- err
			}()
		}
		said := conflict(t, <-begun) + conflict(t, <-begun)
		close(asked)
		if said != library.CodeTooManyJobs {
			t.Errorf("they say %q", said)
		}
		one.WaitForJobs()
		other.WaitForJobs()
	})
}
