package library_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/guard"
	"cordon/ledger/record"
	"cordon/library"
	"cordon/library/replay"
)

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
