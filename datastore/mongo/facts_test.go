package mongo_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/datastore/mongo"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// TestFactsAskAgainOnlyWhereTheyMust counts the finds that facts take. What they give is the suite's to test.
func TestFactsAskAgainOnlyWhereTheyMust(t *testing.T) {
	var sent commands
	s, err := mongo.OpenAdjusted(t.Context(), mongo.Config{URI: serverURI(t), Database: databaseName()},
		func(o *options.ClientOptions) { o.SetMonitor(sent.monitor()) })
	if err != nil {
		t.Fatal(err)
	}
	dropAfter(t, s, serverURI(t))
	err = s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
		return tx.Put(ctx,
			datastore.Organization{ID: "acme", Revision: 1},
			datastore.Member{Organization: "acme", ID: "adam", Role: datastore.Administrator},
			datastore.Product{Organization: "acme", ID: "web", Kind: "other"},
			datastore.Activation{Set: "cordon", Number: 1})
	})
	if err != nil {
		t.Fatal(err)
	}
	finds := func(key datastore.Key) int {
		t.Helper()
		before := len(sent.seen)
		if _, err := s.Facts(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		asked := slices.DeleteFunc(slices.Clone(sent.seen[before:]), func(c bson.D) bool { return c[0] != bson.E{Key: "find", Value: "directory"} })
		if len(asked) > 2 {
			t.Logf("asked %v", asked)
		}
		return len(asked)
	}
	all := datastore.Key{Organization: "acme", User: "adam", Product: "web"}
	if got := finds(all); got != 2 {
		t.Errorf("written just now: %d finds, want 2", got)
	}
	if _, err := s.Database().Collection("directory").UpdateMany(t.Context(), bson.M{},
		bson.M{"$set": bson.M{"tx": bson.NewObjectIDFromTimestamp(time.Now().Add(-time.Hour))}}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		key  datastore.Key
		want int
	}{
		"written an hour ago":        {all, 1},
		"with an activation":         {datastore.Key{Organization: "acme", User: "adam", Product: "web", Set: "cordon"}, 1},
		"looked up by the product":   {datastore.Key{User: "adam", Product: "web"}, 2},
		"one that is not there":      {datastore.Key{Organization: "acme", User: "carl", Product: "web"}, 2},
		"of a target and the admins": {datastore.Key{Organization: "acme", User: "adam", Target: "adam"}, 2},
	} {
		if got := finds(c.key); got != c.want {
			t.Errorf("%s: %d finds, want %d", name, got, c.want)
		}
	}
}
