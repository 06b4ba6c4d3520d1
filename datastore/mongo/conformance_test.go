package mongo_test

import (
	"testing"

	"cordon/datastore"
	"cordon/datastore/datastoretest"
	"cordon/datastore/mongo"
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
