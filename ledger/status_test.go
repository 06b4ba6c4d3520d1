package ledger_test

import (
	"testing"
	"time"

	"cordon/ledger"
	"cordon/ledger/record"
	"cordon/ledger/record/recordtest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestTheStatusSaysWhatIsSealedAndWhatIsNot(t *testing.T) {
	store := openSQLite(t)
	w := newWorld(t, store)
	l := must[*ledger.Ledger](t)(ledger.New(config(t, store, "r1")))
	ignored := cmpopts.IgnoreFields(ledger.Status{}, "Signed", "Bytes", "Checkpoint")
	if diff := cmp.Diff(ledger.Status{}, must[ledger.Status](t)(l.Status(t.Context())), ignored); diff != "" {
		t.Errorf("of an empty log (-want +got):\n%s", diff)
	}
	w.fill()
	ok(t, l.SealNow(t.Context()))
	w.ship("r1", recordtest.Epoch.Add(time.Hour), 3)
	got := must[ledger.Status](t)(l.Status(t.Context()))
	want := ledger.Status{
		Streams: []ledger.Stream{
			{Name: "r1", First: 1, Last: 23, Sealed: 20}, {Name: "r1.changes.03", First: 1, Last: 4, Sealed: 4}, {Name: "r2", First: 1, Last: 12, Sealed: 12},
		},
		Standing: ledger.Standing{Sealed: 36, Unsealed: 3, Oldest: recordtest.Epoch.Add(time.Hour)}, Segments: 1, Holder: "r1",
	}
	if diff := cmp.Diff(want, got, ignored); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got.Bytes == 0 || len(got.Signed) == 0 {
		t.Errorf("segments take %d bytes, the checkpoint is %q", got.Bytes, got.Signed)
	}
	ok(t, l.SealNow(t.Context()))
	ok(t, must2(l.Prune(t.Context(), ledger.Pruning{Find: []record.Filter{{}}, Over: func(*record.Record) bool { return true }})))
	if got := must[ledger.Status](t)(l.Status(t.Context())); got.Pruned != 39 || got.Segments != 0 || got.Sealed != 39 {
		t.Errorf("%d leaves of %d are pruned, %d segments are left", got.Pruned, got.Sealed, got.Segments)
	}
}
