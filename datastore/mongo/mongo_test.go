package mongo_test

import (
	"context"
	"iter"
	"os"
	"strings"
	"testing"
	"time"

	"cordon/datastore/mongo"
	"cordon/ledger/record"

	"github.com/google/uuid"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
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
	dropAfter(t, s, config.URI)
	return s
}

// dropAfter closes a store at the end of the test and drops its database, by a connection of its own:
// the test may have closed the store.
func dropAfter(t testing.TB, s *mongo.Store, uri string) {
	name := s.Database().Name()
	t.Cleanup(func() {
		_ = s.Close()
		client, err := driver.Connect(options.Client().ApplyURI(uri).SetTimeout(10 * time.Second))
		if err != nil {
			t.Error("connect to drop a database")
			return
		}
		_ = client.Database(name).Drop(context.Background())
		_ = client.Disconnect(context.Background())
	})
}

// record makes a record of a replica that has no sequence yet.
func newRecord(replica string, at time.Time) *record.Record {
	return &record.Record{
		ID: record.NewID(at), Time: at, Replica: replica, Kind: record.KindChange, Reasons: []byte("[]"),
	}
}

func numbered(r *record.Record, sequence int64) *record.Record {
	r.Sequence = sequence
	return r
}

// exhaust reads a sequence to its end.
func exhaust[T any](t testing.TB, items iter.Seq2[T, error]) (all []T) {
	t.Helper()
	for item, err := range items {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, item)
	}
	return all
}
