package mongo_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/datastore/mongo"
	"cordon/ledger/batch"
	"cordon/ledger/record"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// shipped makes a batch of records of a stream.
func shipped(t *testing.T, stream string, first int64, n int) datastore.Batch {
	t.Helper()
	records := make([]record.Record, n)
	for i := range records {
		records[i] = *numbered(newRecord(stream, time.Now()), first+int64(i))
	}
	b, err := batch.Pack(records)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func wantShipped(t *testing.T, s *mongo.Store, b datastore.Batch, want int64) {
	t.Helper()
	if last, err := s.Ship(t.Context(), b); err != nil || last != want {
		t.Errorf("shipped %d to %d: the last is %d, %v, want %d", b.FirstSequence, b.LastSequence, last, err, want)
	}
}

func wantStream(t *testing.T, s *mongo.Store, want datastore.Stream) {
	t.Helper()
	found, err := s.Streams(t.Context())
	if err != nil || len(found) != 1 || found[0] != want {
		t.Errorf("got streams %+v, %v, want %+v", found, err, want)
	}
}

// TestABatchIsInsertedThenCounted makes the count fail behind the insert, for good and as a failover does, and has a
// process end between the two: the batch is there once, and numbers go on behind it.
func TestABatchIsInsertedThenCounted(t *testing.T) {
	server := startServer(t)
	s := server.open(t, 10*time.Second)
	wantShipped(t, s, shipped(t, "r", 1, 2), 2)
	second := shipped(t, "r", 3, 2)
	server.failCommands(t, 1, bson.M{"errorCode": 8000}, "findAndModify")
	if last, err := s.Ship(t.Context(), second); err == nil {
		t.Errorf("a batch that was not counted is acknowledged: %d", last)
	}
	wantStream(t, s, datastore.Stream{Name: "r", First: 1, Newest: 4, Last: 4})
	wantShipped(t, s, second, 4)
	wantShipped(t, server.open(t, 10*time.Second), shipped(t, "r", 5, 1), 5) // a process that was not there before
	server.failCommands(t, 1, bson.M{"closeConnection": true}, "findAndModify")
	wantShipped(t, s, shipped(t, "r", 6, 2), 7)
	wantStream(t, s, datastore.Stream{Name: "r", First: 1, Newest: 7, Last: 7})
	checkLog(t, s, "r", 7)
}

// TestANumberThatWasForgottenIsNotGivenAgain: another process of the same name, which has not heard since, ships what
// was shipped, sealed and forgotten; its number is free in the collection.
func TestANumberThatWasForgottenIsNotGivenAgain(t *testing.T) {
	config := mongo.Config{URI: serverURI(t), Database: databaseName()}
	s, stale := openConfig(t, config), openConfig(t, config)
	wantShipped(t, stale, shipped(t, "r", 1, 1), 1)
	for first := int64(2); first < 8; first += 2 {
		wantShipped(t, s, shipped(t, "r", first, 2), first+1)
	}
	if err := s.Forget(t.Context(), datastore.Forgotten{Sealed: map[string]int64{"r": 5}}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		wantShipped(t, stale, shipped(t, "r", 2, 2), 7)
	}
	wantStream(t, s, datastore.Stream{Name: "r", First: 6, Newest: 7, Last: 7, Sealed: 5})
	wantShipped(t, stale, shipped(t, "r", 8, 1), 8)
	wantShipped(t, s, shipped(t, "r", 8, 1), 8)
}

// TestForgetCountsBeforeItRemoves has a batch that is there and not counted, as a process leaves that ends in
// between, and one that is sealed all the same: its numbers are not given again.
func TestForgetCountsBeforeItRemoves(t *testing.T) {
	config := mongo.Config{URI: serverURI(t), Database: databaseName()}
	s := openConfig(t, config)
	wantShipped(t, s, shipped(t, "r", 1, 2), 2)
	wantShipped(t, s, shipped(t, "r", 3, 2), 4)
	_, err := s.Database().Collection("streams").UpdateOne(t.Context(), bson.M{"_id": "r"}, bson.M{"$set": bson.M{"last": int64(2)}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Forget(t.Context(), datastore.Forgotten{Sealed: map[string]int64{"r": 4}}); err != nil {
		t.Fatal(err)
	}
	other := openConfig(t, config)
	wantShipped(t, other, datastore.Batch{Replica: "r"}, 4)
	wantShipped(t, other, shipped(t, "r", 3, 2), 4)
	wantStream(t, s, datastore.Stream{Name: "r", Last: 4, Sealed: 4})
}

// TestADatabaseOfBeforeGoesOn: changes that are batches of one are read beside acts, and counted.
func TestADatabaseOfBeforeGoesOn(t *testing.T) {
	s := open(t)
	wantShipped(t, s, shipped(t, "r.changes", 1, 1), 1)
	wantShipped(t, s, shipped(t, "r.changes", 2, 1), 2)
	if _, err := s.Database().Collection("streams").DeleteMany(t.Context(), bson.M{}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Database().Collection("batches").UpdateMany(t.Context(), bson.M{}, bson.M{"$unset": bson.M{"sum": ""}}); err != nil {
		t.Fatal(err)
	}
	r := newRecord("r.changes", time.Now())
	if err := s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error { return batch.Append(ctx, tx, r) }); err != nil {
		t.Fatal(err)
	}
	checkLog(t, s, "r.changes", 3)
	wantStream(t, s, datastore.Stream{Name: "r.changes", First: 1, Newest: 3, Last: 3})
	if err := s.Forget(t.Context(), datastore.Forgotten{Sealed: map[string]int64{"r.changes": 3}}); err != nil {
		t.Fatal(err)
	}
	wantStream(t, s, datastore.Stream{Name: "r.changes", First: 3, Newest: 3, Last: 3, Sealed: 3})
}

// TestAnActIsADocumentForPeople: its time is a date, and the line is text.
func TestAnActIsADocumentForPeople(t *testing.T) {
	s := open(t)
	r := newRecord("r.changes", time.Now())
	r.Organization = "acme"
	err := s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error { return batch.Append(ctx, tx, r) })
	n, counted := s.Database().Collection("acts").CountDocuments(t.Context(), bson.M{
		"organization": "acme", "kind": record.KindChange, "sealed": false, "line": bson.M{"$type": "string"},
		"time": bson.M{"$type": "date", "$gt": bson.NewDateTimeFromTime(time.Now().Add(-time.Hour))},
	})
	if err := errors.Join(err, counted); err != nil || n != 1 {
		t.Errorf("%d documents, %v, want 1", n, err)
	}
}

// TestStreamsThatAreNotCountedAreFound has streams before, between and behind those that are counted, and next to each other,
// whose batches are there and were not counted; names sort otherwise than the ids that begin with them.
func TestStreamsThatAreNotCountedAreFound(t *testing.T) {
	server := startServer(t)
	s := server.open(t, 10*time.Second)
	var want []datastore.Stream
	for _, name := range []string{"a", "b", "b.changes", "b/c", "m", "m%", "m.changes", "y", "z"} {
		if name != "b" && name != "m.changes" {
			server.failCommands(t, 1, bson.M{"errorCode": 8000}, "findAndModify")
		}
		last, err := s.Ship(t.Context(), shipped(t, name, 1, 2))
		if counted := name == "b" || name == "m.changes"; counted != (err == nil) {
			t.Fatalf("shipped %s to %d, %v", name, last, err)
		}
		want = append(want, datastore.Stream{Name: name, First: 1, Newest: 2, Last: 2})
	}
	slices.SortFunc(want, func(a, b datastore.Stream) int { return strings.Compare(a.Name, b.Name) })
	if found, err := s.Streams(t.Context()); err != nil || !slices.Equal(found, want) {
		t.Errorf("got streams %+v, %v, want %+v", found, err, want)
	}
}
