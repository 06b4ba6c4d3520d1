package datastoretest

import (
	"context"
	"testing"

	"cordon/datastore"
	"cordon/ledger/batch"
)

// RunCut holds an engine against somebody who removes the newest records of a stream behind the store's back. place
// makes an empty place; open opens it, after the store before was closed, and cut removes what a stream has
// behind a sequence, while the store is open.
func RunCut(t *testing.T, place func(t *testing.T) (open func(t *testing.T) datastore.Store, cut func(t *testing.T, stream string, after int64))) {
	for name, reopens := range map[string]bool{"while it is open": false, "and it is opened again": true} {
		t.Run("a tail that is cut off is noticed and not written over, "+name, func(t *testing.T) {
			open, cut := place(t)
			s := open(t)
			for i := range int64(5) {
				ship(t, s, batchOf(t, decisions("r", i+1, 1)), i+1)
				appendOne(t, s, "r.changes", i)
			}
			forget(t, s, "r", 1)
			streams := func() []datastore.Stream {
				found, err := s.Streams(t.Context())
				must(t, err)
				return found
			}
			if reopens { // what is counted behind a commit is counted by now
				must(t, s.Close())
				s = open(t)
			}
			cut(t, "r", 3)
			cut(t, "r.changes", 2)
			if reopens {
				must(t, s.Close())
				s = open(t)
				same(t, "streams", streams(), []datastore.Stream{
					{Name: "r", First: 2, Newest: 3, Last: 5, Sealed: 1}, {Name: "r.changes", First: 1, Newest: 2, Last: 5}})
			}
			ship(t, s, batchOf(t, decisions("r", 4, 2)), 5)
			ship(t, s, batchOf(t, decisions("r", 6, 1)), 6)
			if got := appendOne(t, s, "r.changes", 9); got.Sequence != 6 {
				t.Errorf("the next act has sequence %d, want 6", got.Sequence)
			}
			same(t, "batches", sequences(t, s, "r"), []int64{2, 3, 6})
			same(t, "acts", sequences(t, s, "r.changes"), []int64{1, 2, 6})
		})
	}
	t.Run("a stream of which nothing is left goes on", func(t *testing.T) {
		open, cut := place(t)
		s := open(t)
		ship(t, s, batchOf(t, decisions("r", 1, 3)), 3)
		must(t, s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
			return batch.Append(ctx, tx, change("r.changes", "acme", 1))
		}))
		must(t, s.Close())
		s = open(t)
		cut(t, "r", 0)
		cut(t, "r.changes", 0)
		same(t, "stream", streamOf(t, s, "r"), datastore.Stream{Name: "r", Last: 3})
		same(t, "stream", streamOf(t, s, "r.changes"), datastore.Stream{Name: "r.changes", Last: 1})
		ship(t, s, datastore.Batch{Replica: "r"}, 3)
		if got := appendOne(t, s, "r.changes", 9); got.Sequence != 2 {
			t.Errorf("the next act has sequence %d, want 2", got.Sequence)
		}
	})
}
