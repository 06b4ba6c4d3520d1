package mongo_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/datastore/mongo"
	"cordon/ledger/batch"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// openCut opens a store on the shared server that can be cut off from it as a process is that was
// killed: nothing comes from it any more, and what it left open stays open.
func openCut(t *testing.T, database string) (*mongo.Store, *proxy) {
	t.Helper()
	_, host, _ := strings.Cut(serverURI(t), "://")
	host, _, _ = strings.Cut(host, "/")
	p := startProxy(t, host)
	s, err := mongo.Open(t.Context(), mongo.Config{
		URI: "mongodb://" + p.listener.Addr().String() + "/?directConnection=true", Database: database, Timeout: 2 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, p
}

// leaveOpen begins a change of an organization in a store and cuts it off before it is committed.
func leaveOpen(t *testing.T, s *mongo.Store, p *proxy, organization string) {
	t.Helper()
	cut := make(chan struct{})
	var change sync.WaitGroup
	change.Go(func() {
		once := sync.OnceFunc(func() { p.set(silent); close(cut) })
		_ = s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
			if _, err := tx.Bump(ctx, organization); err != nil {
				return err
			}
			once()
			return nil
		})
	})
	t.Cleanup(change.Wait)
	<-cut
}

func revision(t *testing.T, s *mongo.Store, organization string) int64 {
	t.Helper()
	facts, err := s.Facts(t.Context(), datastore.Key{Organization: organization})
	if err != nil {
		t.Fatal(err)
	}
	return facts.Organization.Revision
}

// TestAReplicaThatIsGoneHoldsNobodyUp: the server keeps its open transaction for a minute; another replica
// ends it when the heartbeat is gone.
func TestAReplicaThatIsGoneHoldsNobodyUp(t *testing.T) {
	other := openConfig(t, mongo.Config{URI: serverURI(t), Database: databaseName(), Timeout: 20 * time.Second})
	putOrganization(t, other, "acme")
	s, p := openCut(t, other.Database().Name())
	leaveOpen(t, s, p, "acme")
	start := time.Now()
	if err := mutate(t.Context(), other, "acme", "r"); err != nil {
		t.Fatalf("after %v: %v", time.Since(start), err)
	}
	t.Logf("the organization changes again after %v", time.Since(start))
	if got := revision(t, other, "acme"); got != 2 {
		t.Errorf("got revision %d, want 2: what was left open is not committed", got)
	}
}

// TestAReplicaThatStartsAgainEndsWhatItLeftOpen: it knows its former life by its name, and need not wait.
func TestAReplicaThatStartsAgainEndsWhatItLeftOpen(t *testing.T) {
	again := openConfig(t, mongo.Config{URI: serverURI(t), Database: databaseName(), Timeout: 20 * time.Second})
	putOrganization(t, again, "acme")
	s, p := openCut(t, again.Database().Name())
	if err := s.TakeOver(t.Context(), "r"); err != nil {
		t.Fatal(err)
	}
	leaveOpen(t, s, p, "acme")
	if err := again.TakeOver(t.Context(), "another"); err != nil {
		t.Fatal(err)
	}
	if n := len(heartbeats(t, again)); n != 2 {
		t.Fatalf("got %d heartbeats after another replica has started, want 2", n)
	}
	if err := again.TakeOver(t.Context(), "r"); err != nil {
		t.Fatal(err)
	}
	if n := len(heartbeats(t, again)); n != 1 {
		t.Errorf("got %d heartbeats after the replica has started again, want 1", n)
	}
	if err := mutate(t.Context(), again, "acme", "r"); err != nil {
		t.Error(err)
	}
	if got := revision(t, again, "acme"); got != 2 {
		t.Errorf("got revision %d, want 2", got)
	}
}

// kept is what is read of a heartbeat's document.
type kept struct {
	ID       string `bson:"_id"`
	Sessions bson.A `bson:"sessions"`
}

func heartbeats(t *testing.T, s *mongo.Store) (all []kept) {
	t.Helper()
	cursor, err := s.Database().Collection("replicas").Find(t.Context(), bson.M{})
	if err == nil {
		err = cursor.All(t.Context(), &all)
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// kill ends the sessions of all replicas and takes their documents away, as one does that takes them for
// gone.
func kill(t *testing.T, s *mongo.Store) {
	t.Helper()
	for _, d := range heartbeats(t, s) {
		ids := bson.A{}
		for _, id := range d.Sessions {
			ids = append(ids, bson.M{"id": id})
		}
		if err := s.Database().Client().Database("admin").RunCommand(t.Context(), bson.D{{Key: "killSessions", Value: ids}}).Err(); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Database().Collection("replicas").DeleteOne(t.Context(), bson.M{"_id": d.ID}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAReplicaThatIsTakenForGoneGoesOn: what it had open is undone and runs again, at whatever point it is
// ended, and its sessions are noted once more.
func TestAReplicaThatIsTakenForGoneGoesOn(t *testing.T) {
	s := openConfig(t, mongo.Config{URI: serverURI(t), Database: databaseName(), Timeout: 20 * time.Second})
	putOrganization(t, s, "acme")
	for name, at := range map[string]struct{ begun, bumped, written bool }{
		"when it has begun": {begun: true}, "when it has bumped": {bumped: true}, "before its commit": {written: true},
	} {
		before := revision(t, s, "acme")
		attempts := 0
		if err := s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
			attempts++
			first := attempts == 1
			if first && at.begun {
				kill(t, s)
			}
			if _, err := tx.Bump(ctx, "acme"); err != nil {
				return err
			}
			if first && at.bumped {
				kill(t, s)
			}
			if err := batch.Append(ctx, tx, newRecord("r", time.Now())); err != nil {
				return err
			}
			if first && at.written {
				kill(t, s)
			}
			return nil
		}); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := revision(t, s, "acme"); got != before+1 {
			t.Errorf("%s: revision %d follows %d", name, got, before)
		}
	}
	for all := heartbeats(t, s); len(all) != 1 || len(all[0].Sessions) == 0; all = heartbeats(t, s) {
		if t.Context().Err() != nil {
			t.Fatal("its sessions are not noted again")
		}
	}
}
