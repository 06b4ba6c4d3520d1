package mongo_test

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/datastore/mongo"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// follower watches as a cache does: it goes on from where it was when a watch ends.
type follower struct {
	changes chan datastore.Change
	alive   chan struct{} // a beat was heard
	failed  chan error
}

func follow(t *testing.T, s *mongo.Store) *follower {
	t.Helper()
	f := &follower{changes: make(chan datastore.Change, 10_000), alive: make(chan struct{}, 1), failed: make(chan error, 1)}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	t.Cleanup(func() { cancel(); <-done })
	go func() {
		defer close(done)
		position := ""
		for ctx.Err() == nil {
			for c, err := range s.Watch(ctx, position) {
				switch {
				case err == nil:
					position = c.Position
				case !errors.Is(err, datastore.ErrUnavailable):
					f.failed <- err
					return
				default:
					t.Logf("watch again: %v", err)
					continue
				}
				if c.Organization != "" {
					f.changes <- c
					continue
				}
				select {
				case f.alive <- struct{}{}:
				default:
				}
			}
		}
	}()
	f.hear(t)
	return f
}

// hear waits for a beat from now on.
func (f *follower) hear(t *testing.T) {
	t.Helper()
	select {
	case <-f.alive:
	default:
	}
	select {
	case <-f.alive:
	case err := <-f.failed:
		t.Fatalf("watch: %v", err)
	case <-time.After(30 * time.Second):
		t.Fatal("the watch gives no beat")
	}
}

// want waits for the changes of an organization from one revision to another, each once, in order.
func (f *follower) want(t *testing.T, organization string, from, to int64) {
	t.Helper()
	for revision := from; revision <= to; revision++ {
		select {
		case c := <-f.changes:
			if c.Organization != organization || c.Revision != revision {
				t.Fatalf("got change %+v, want revision %d of %s", c, revision, organization)
			}
		case err := <-f.failed:
			t.Fatalf("watch: %v", err)
		case <-time.After(30 * time.Second):
			t.Fatalf("revision %d of %s does not come", revision, organization)
		}
	}
}

func TestAWatchLosesNothingOverARestart(t *testing.T) {
	for name, signal := range map[string]syscall.Signal{"by SIGTERM": syscall.SIGTERM, "by SIGKILL": syscall.SIGKILL} {
		t.Run(name, func(t *testing.T) {
			server := startServer(t)
			s := server.open(t, 10*time.Second)
			f := follow(t, s)
			putOrganization(t, s, "acme")
			revision := int64(1)
			change := func(n int) {
				t.Helper()
				for range n {
					if err := mutate(t.Context(), s, "acme", "r"); err != nil {
						t.Fatal(err)
					}
					revision++
				}
			}
			change(5)
			f.want(t, "acme", 1, 2) // the rest is still to come when the server goes
			server.stop(t, signal)
			server.start(t)
			change(5)
			f.want(t, "acme", 3, revision)
			f.hear(t)
		})
	}
}

// TestAPositionOutlivesTheServer: it is kept by whoever watches, who may be restarted as well.
func TestAPositionOutlivesTheServer(t *testing.T) {
	server := startServer(t)
	s := server.open(t, 10*time.Second)
	var position string
	for c, err := range s.Watch(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		position = c.Position
		break
	}
	putOrganization(t, s, "acme")
	_ = s.Close()
	server.stop(t, syscall.SIGKILL)
	server.start(t)

	s, err := mongo.Open(t.Context(), mongo.Config{URI: server.uri(), Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	dropAfter(t, s, server.uri())
	if err := mutate(t.Context(), s, "acme", "r"); err != nil {
		t.Fatal(err)
	}
	var got []int64
	for c, err := range s.Watch(t.Context(), position) {
		if err != nil {
			t.Fatal(err)
		}
		if c.Organization != "" {
			got = append(got, c.Revision)
		}
		if len(got) == 2 {
			break
		}
	}
	if got[0] != 1 || got[1] != 2 {
		t.Errorf("got revisions %v, want 1 and 2", got)
	}
}

func TestAPositionThatIsTooOldIsHistoryLost(t *testing.T) {
	server := startServer(t, "--oplog-max-entries", "20")
	s := server.open(t, 10*time.Second)
	putOrganization(t, s, "acme")
	var position string
	for c, err := range s.Watch(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		position = c.Position
		break
	}
	if err := mutate(t.Context(), s, "acme", "r"); err != nil {
		t.Fatal(err)
	}
	// The server cuts its history now and then: until it has, the change is given.
	for lost := false; !lost && t.Context().Err() == nil; {
		others := make([]bson.M, 5000)
		for i := range others {
			others[i] = bson.M{"n": i}
		}
		if _, err := s.Database().Collection("others").InsertMany(t.Context(), others); err != nil {
			t.Fatal(err)
		}
		for c, err := range s.Watch(t.Context(), position) {
			if lost = err != nil; lost || c.Organization == "acme" {
				break
			}
		}
	}
	wantWatchError(t, s, position, datastore.ErrHistoryLost)
	// It starts anew with no position.
	f := follow(t, s)
	if err := mutate(t.Context(), s, "acme", "r"); err != nil {
		t.Fatal(err)
	}
	f.want(t, "acme", 3, 3)
}

func TestAPositionThatIsNoneIsHistoryLost(t *testing.T) {
	s := open(t)
	for _, position := range []string{"x", "!", "17", "BQAAAAA", "AAAA" + "AAAA"} {
		wantWatchError(t, s, position, datastore.ErrHistoryLost)
	}
}

func TestADroppedDirectoryIsHistoryLost(t *testing.T) {
	s := open(t)
	var got error
	dropped := false
	for _, err := range s.Watch(t.Context(), "") {
		if got = err; err != nil {
			break
		}
		if !dropped {
			if err := s.Database().Collection("directory").Drop(t.Context()); err != nil {
				t.Fatal(err)
			}
			dropped = true
		}
	}
	if !errors.Is(got, datastore.ErrHistoryLost) {
		t.Errorf("got error %v, want ErrHistoryLost", got)
	}
}

func wantWatchError(t *testing.T, s *mongo.Store, position string, want error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for c, err := range s.Watch(ctx, position) {
		switch {
		case c.Organization != "":
			t.Errorf("position %q: got %+v, want %v", position, c, want)
		case err == nil:
			continue // a beat: the server may look at the position only when it looks for changes
		case !errors.Is(err, want):
			t.Errorf("position %q: got error %v, want %v", position, err, want)
		}
		return
	}
	t.Errorf("position %q: the watch ended without an error", position)
}
