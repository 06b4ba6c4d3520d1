package mongo_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/datastore/mongo"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

func hasIndex(t *testing.T, s *mongo.Store, collection, name string) bool {
	t.Helper()
	specs, err := s.Database().Collection(collection).Indexes().ListSpecifications(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, spec := range specs {
		if spec.Name == name {
			return true
		}
	}
	return false
}

// TestADatabaseInUseIsServedWhileItsIndexesAreBuilt: a server that starts on a database of an older schema
// does not wait for what it lacks, tries until it is there, and lets the server take its time.
func TestADatabaseInUseIsServedWhileItsIndexesAreBuilt(t *testing.T) {
	server := startServer(t)
	s := server.open(t, 5*time.Second)
	putOrganization(t, s, "acme")
	if err := s.Database().Collection("directory").Indexes().DropOne(t.Context(), "grants"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Database().Collection("meta").UpdateOne(t.Context(), bson.M{"_id": "schema"}, bson.M{"$set": bson.M{"version": 1}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	server.failCommands(t, 3, bson.M{"errorCode": 12587}, "createIndexes") // a build is under way
	var mu sync.Mutex
	var patience []int64
	again, err := mongo.OpenAdjusted(t.Context(), mongo.Config{URI: server.uri(), Timeout: 5 * time.Second}, func(o *options.ClientOptions) {
		o.SetMonitor(&event.CommandMonitor{Started: func(_ context.Context, e *event.CommandStartedEvent) {
			if ms, ok := e.Command.Lookup("maxTimeMS").AsInt64OK(); e.CommandName == "createIndexes" {
				mu.Lock()
				defer mu.Unlock()
				if ok {
					patience = append(patience, ms)
				}
			}
		}})
	})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { _ = again.Close() })
	if _, err := again.Facts(t.Context(), datastore.Key{Organization: "acme"}); err != nil {
		t.Errorf("while the index is missing: %v", err)
	}
	for !hasIndex(t, again, "directory", "grants") {
		if t.Context().Err() != nil {
			t.Fatal("the index is not built")
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if len(patience) == 0 {
		t.Error("the server is not told how long it may build")
	}
	for _, ms := range patience {
		if ms < time.Hour.Milliseconds() {
			t.Errorf("the server may build for %d ms", ms)
		}
	}
}

// TestAFreshDatabaseIsCompleteBeforeItIsServed: without its indexes it is not opened.
func TestAFreshDatabaseIsCompleteBeforeItIsServed(t *testing.T) {
	server := startServer(t)
	server.failCommands(t, 1, bson.M{"errorCode": 12587}, "createIndexes")
	config := mongo.Config{URI: server.uri(), Timeout: 5 * time.Second}
	s, err := mongo.Open(t.Context(), config)
	if err == nil {
		_ = s.Close()
		t.Fatal("it was opened")
	}
	s, err = mongo.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	for collection, name := range map[string]string{"directory": "grants", "batches": "oldest_first", "messages": "claimable", "replicas": "expire"} {
		if !hasIndex(t, s, collection, name) {
			t.Errorf("%s has no index %q", collection, name)
		}
	}
}
