package mongo_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/datastore/mongo"
	"cordon/ledger/batch"
	"cordon/ledger/record"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// restless is how many attempts are more than anybody makes within a second who rests between them.
const restless = 100

// crossed opens a store on the database of another one, and has before run before each command that is
// chosen, and after when the server has answered it.
func crossed(t *testing.T, other *mongo.Store, chosen func(e *event.CommandStartedEvent) bool, before, after func()) (*mongo.Store, *atomic.Int32) {
	t.Helper()
	var times atomic.Int32
	var last atomic.Int64
	s, err := mongo.OpenAdjusted(t.Context(), mongo.Config{URI: serverURI(t), Database: other.Database().Name(), Timeout: time.Second},
		func(o *options.ClientOptions) {
			o.SetMonitor(&event.CommandMonitor{
				Started: func(_ context.Context, e *event.CommandStartedEvent) {
					if chosen(e) {
						times.Add(1)
						last.Store(e.RequestID)
						before()
					}
				},
				Succeeded: func(_ context.Context, e *event.CommandSucceededEvent) {
					if e.RequestID == last.Load() {
						after()
					}
				},
			})
		})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, &times
}

func on(command, collection string) func(e *event.CommandStartedEvent) bool {
	return func(e *event.CommandStartedEvent) bool {
		return e.CommandName == command && e.Command.Lookup(command).StringValue() == collection
	}
}

// TestAShipmentThatIsAlwaysTakenRests: the number is taken each time, and free again when it is read.
func TestAShipmentThatIsAlwaysTakenRests(t *testing.T) {
	other := open(t)
	batches := other.Database().Collection("batches")
	taken := bson.M{"_id": "r/0000000000000000001"}
	s, tries := crossed(t, other, on("insert", "batches"), func() {
		if _, err := batches.InsertOne(context.Background(), taken); err != nil {
			t.Error(err)
		}
	}, func() {
		if _, err := batches.DeleteOne(context.Background(), taken); err != nil {
			t.Error(err)
		}
	})
	batch, err := batch.Pack([]record.Record{*numbered(newRecord("r", time.Now()), 1)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Ship(t.Context(), batch); !errors.Is(err, datastore.ErrUnavailable) {
		t.Errorf("got error %v, want it to wrap ErrUnavailable", err)
	}
	if n := tries.Load(); n < 2 || n > restless {
		t.Errorf("it was tried %d times", n)
	}
}

// TestAClaimThatAlwaysComesTooLateRests: somebody else takes what it has picked, each time.
func TestAClaimThatAlwaysComesTooLateRests(t *testing.T) {
	other := open(t)
	messages := other.Database().Collection("messages")
	due := func(at string) func() {
		return func() {
			if _, err := messages.UpdateOne(context.Background(), bson.M{"_id": "m"}, bson.M{"$set": bson.M{"due_at": at}}); err != nil {
				t.Error(err)
			}
		}
	}
	s, tries := crossed(t, other, on("update", "messages"), due("9999-01-01T00:00:00.000000000Z"), due("2000-01-01T00:00:00.000000000Z"))
	err := other.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
		return tx.Put(ctx, datastore.Message{ID: "m", Kind: "mail", State: datastore.MessagePending, Organization: "acme"})
	})
	if err != nil {
		t.Fatal(err)
	}
	claim := datastore.Claim{Kind: "mail", Now: time.Now(), Lease: time.Minute, Limit: 1}
	if got, err := s.Claim(t.Context(), claim); !errors.Is(err, datastore.ErrUnavailable) {
		t.Errorf("got %v, %v, want an error that wraps ErrUnavailable", got, err)
	}
	if n := tries.Load(); n < 2 || n > restless {
		t.Errorf("it was tried %d times", n)
	}
}
