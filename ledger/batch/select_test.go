package batch_test

import (
	"testing"

	"cordon/datastore"
	"cordon/ledger/batch"
	"cordon/ledger/record"
)

// TestAnIDThatIsNoneReadsNothing: such a search would otherwise go through the whole log.
func TestAnIDThatIsNoneReadsNothing(t *testing.T) {
	for _, id := range []string{"0", "x", "019a0000-0000-4000-8000-000000000000", "019A0000-0000-7000-8000-000000000000"} {
		for name, f := range map[string]record.Filter{
			"id": {ID: id}, "after": {After: id}, "oldest first": {ID: id, OldestFirst: true}, "after, oldest first": {After: id, OldestFirst: true},
		} {
			log := func(func(datastore.Batch, error) bool) { t.Errorf("%s %q: the log was read", name, id) }
			for range batch.Select(log, f) {
				t.Errorf("%s %q selects something", name, id)
			}
		}
	}
}
