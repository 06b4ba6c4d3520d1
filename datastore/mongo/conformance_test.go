package mongo_test

import (
	"testing"

	"cordon/datastore"
	"cordon/datastore/datastoretest"
)

func TestConformance(t *testing.T) {
	serverURI(t)
	datastoretest.Run(t, func(t *testing.T) datastore.Store { return open(t) })
}
