package mongo_test

import (
	"testing"

	"cordon/datastore"
	"cordon/datastore/datastoretest"
	"cordon/datastore/mongo"

	"go.mongodb.org/mongo-driver/v2/bson"
)

func TestConformance(t *testing.T) {
	serverURI(t)
	datastoretest.Run(t, func(t *testing.T) datastore.Store { return open(t) })
}

func TestConformanceReopened(t *testing.T) {
	uri := serverURI(t)
	datastoretest.RunReopened(t, true, func(t *testing.T) func(t *testing.T) datastore.Store {
		database := databaseName()
		return func(t *testing.T) datastore.Store {
			return openConfig(t, mongo.Config{URI: uri, Database: database})
		}
	})
}

func TestConformanceCut(t *testing.T) {
	uri := serverURI(t)
	datastoretest.RunCut(t, func(t *testing.T) (func(t *testing.T) datastore.Store, func(t *testing.T, stream string, after int64)) {
		var last *mongo.Store
		database := databaseName()
		open := func(t *testing.T) datastore.Store {
			last = openConfig(t, mongo.Config{URI: uri, Database: database})
			return last
		}
		return open, func(t *testing.T, stream string, after int64) {
			for collection, filter := range map[string]bson.M{
				"batches": {"replica": stream, "last_sequence": bson.M{"$gt": after}},
				"acts":    {"stream": stream, "sequence": bson.M{"$gt": after}},
			} {
				if _, err := last.Database().Collection(collection).DeleteMany(t.Context(), filter); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}
