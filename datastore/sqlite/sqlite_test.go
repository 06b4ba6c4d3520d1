package sqlite_test

import (
	"testing"

	"cordon/datastore"
	"cordon/datastore/datastoretest"
	"cordon/datastore/sqlite"
)

func TestContract(t *testing.T) {
	t.Run("memory", func(t *testing.T) {
		datastoretest.Run(t, func(t *testing.T) datastore.Store { return open(t, sqlite.Config{}) })
	})
	t.Run("file", func(t *testing.T) {
		datastoretest.Run(t, func(t *testing.T) datastore.Store { return open(t, sqlite.Config{Path: t.TempDir()}) })
	})
}

func TestContractReopened(t *testing.T) {
	datastoretest.RunReopened(t, false, func(t *testing.T) func(t *testing.T) datastore.Store {
		dir := t.TempDir()
		return func(t *testing.T) datastore.Store { return open(t, sqlite.Config{Path: dir}) }
	})
}
