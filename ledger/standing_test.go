package ledger_test

import (
	"testing"
	"time"

	"cordon/datastore"
	"cordon/ledger"
	"cordon/ledger/batch"
	"cordon/ledger/record"
	"cordon/ledger/record/recordtest"
)

func TestHowTheLogStands(t *testing.T) { // docs/metrics.md
	onStores(t, func(t *testing.T, store datastore.Store) {
		w := newWorld(t, store)
		c := config(t, store, "r1")
		now := recordtest.Epoch.Add(time.Hour)
		c.Now = func() time.Time { return now }
		l := must[*ledger.Ledger](t)(ledger.New(c))
		look := func(what string, want ledger.Standing) {
			t.Helper()
			got := must[ledger.Standing](t)(l.Standing(t.Context()))
			if got.Sealed != want.Sealed || got.Unsealed != want.Unsealed || !got.Oldest.Equal(want.Oldest) || !got.Checkpoint.Equal(want.Checkpoint) ||
				got.Gaps != want.Gaps || got.Missing != want.Missing {
				t.Errorf("%s: got %+v, want %+v", what, got, want)
			}
		}
		look("before anything", ledger.Standing{})
		w.ship("r1", recordtest.Epoch.Add(time.Second), 3)
		w.act("r1.changes.03", recordtest.Epoch)
		look("before it is sealed", ledger.Standing{Unsealed: 4, Oldest: recordtest.Epoch})
		ok(t, l.SealNow(t.Context()))
		look("once it is sealed", ledger.Standing{Sealed: 4, Checkpoint: now})
		w.ship("r2", recordtest.Epoch.Add(time.Minute), 2)
		look("with more behind it", ledger.Standing{Sealed: 4, Unsealed: 2, Oldest: recordtest.Epoch.Add(time.Minute), Checkpoint: now})
		w.last["r2"] += 5 // they are lost before they are shipped
		b := must[datastore.Batch](t)(batch.Pack([]record.Record{w.record("r2", now)}))
		b.Missing = 5
		if last := must[int64](t)(store.Ship(t.Context(), b)); last != 8 {
			t.Fatalf("r2 is shipped up to %d, want 8", last)
		}
		ok(t, l.SealNow(t.Context()))
		look("behind a gap", ledger.Standing{Sealed: 8, Checkpoint: now, Gaps: 1, Missing: 5})
	})
}
