package sqlite_test

import (
	"errors"
	"fmt"
	"path/filepath"
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

// TestContractCut removes rows as somebody does who may write to the files, past the triggers that refuse it.
func TestContractCut(t *testing.T) {
	datastoretest.RunCut(t, func(t *testing.T) (func(t *testing.T) datastore.Store, func(t *testing.T, stream string, after int64)) {
		dir := t.TempDir()
		cut := func(t *testing.T, stream string, after int64) {
			err := errors.Join(append(
				execute(t, filepath.Join(dir, "decisions.db"), `DROP TRIGGER IF EXISTS batches_last`,
					fmt.Sprintf(`DELETE FROM batches WHERE replica = '%s' AND last_sequence > %d`, stream, after)),
				execute(t, filepath.Join(dir, "state.db"), `DROP TRIGGER IF EXISTS acts_last`,
					fmt.Sprintf(`DELETE FROM acts WHERE stream = '%s' AND sequence > %d`, stream, after))...)...)
			if err != nil {
				t.Fatal(err)
			}
		}
		return func(t *testing.T) datastore.Store { return open(t, sqlite.Config{Path: dir}) }, cut
	})
}
