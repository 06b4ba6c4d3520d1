package mongo_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/datastore/mongo"

	"github.com/google/uuid"
)

// serverURI gives the server that the tests share, each in a database of its own.
func serverURI(t testing.TB) string {
	t.Helper()
	uri := os.Getenv("CORDON_TEST_MONGODB")
	if uri == "" {
		t.Skip("CORDON_TEST_MONGODB names no server; run: tests/with-mongodb go test ./datastore/mongo/")
	}
	return uri
}

// databaseName gives a name that no other test has.
func databaseName() string { return "test_" + strings.ReplaceAll(uuid.NewString(), "-", "") }

// open opens a store on a fresh database of the shared server.
func open(t testing.TB) *mongo.Store {
	t.Helper()
	return openConfig(t, mongo.Config{URI: serverURI(t), Database: databaseName()})
}

// openConfig opens a store whose database is dropped after the test.
func openConfig(t testing.TB, config mongo.Config) *mongo.Store {
	t.Helper()
	s, err := mongo.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	dropAfter(t, s)
	return s
}

func dropAfter(t testing.TB, s *mongo.Store) {
	t.Cleanup(func() {
		// The test may have closed the store, so another connection drops its database.
		_ = s.Close()
	})
	database := s.Database()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = database.Drop(ctx)
	})
}

var _ datastore.Store = (*mongo.Store)(nil)
