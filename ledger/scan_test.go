package ledger_test

import (
	"slices"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/ledger"
	"cordon/ledger/record"
	"cordon/ledger/record/recordtest"
)

// scanned returns the ids that a scan returns, and checks that they come in the order of their leaves.
func scanned(t *testing.T, l *ledger.Ledger, of ledger.Leaves, f record.Filter) (found []string) {
	t.Helper()
	last := int64(-1)
	for row, err := range l.Scan(t.Context(), of, f, []string{"id", "organization"}) {
		ok(t, err)
		if row.Leaf <= last || row.Leaf < of.From || row.Leaf >= of.To {
			t.Errorf("leaf %d of %v comes behind %d", row.Leaf, of, last)
		}
		last, found = row.Leaf, append(found, row.Record.ID)
	}
	slices.Sort(found)
	return found
}

// All that was in the store is returned once, whatever is shipped, sealed and merged while it is read.
func TestAScanReturnsEachRecordOnce(t *testing.T) {
	onStores(t, func(t *testing.T, store datastore.Store) {
		w := newWorld(t, store)
		w.fill()
		sealer := must[*ledger.Ledger](t)(ledger.New(config(t, store, "r1").Block(16)))
		all := record.Filter{OldestFirst: true}
		leaves := must[ledger.Leaves](t)(sealer.SealedWithin(t.Context(), all))
		want := w.want(all)
		places := []string{"before the head is read", "the head is read", "before files are listed", "files are listed", "before a file is read"}
		for _, at := range places {
			for nth := range 2 {
				met := 0
				meets := func(what string) {
					if what != at {
						return
					}
					if met++; met == nth+1 {
						w.ship("r1", recordtest.Epoch.Add(-time.Minute), 2)
						w.ship("r2", recordtest.Epoch.Add(time.Hour), 9)
						ok(t, sealer.SealNow(t.Context()))
					}
				}
				reader := must[*ledger.Ledger](t)(ledger.New(config(t, &crossed{store, meets}, "r2").Block(16)))
				if got := scanned(t, reader, leaves, record.Filter{}); !slices.Equal(got, want) {
					t.Errorf("%s, time %d: got %v, want %v", at, nth+1, got, want)
				}
			}
		}
	})
}

// A filter selects, and leaves within its times hold all of that; an empty time holds nothing.
func TestAScanSelects(t *testing.T) {
	store := openSQLite(t)
	w := newWorld(t, store)
	w.fill()
	l := must[*ledger.Ledger](t)(ledger.New(config(t, store, "r1").Block(16)))
	at := recordtest.Epoch
	for name, f := range map[string]record.Filter{
		"all":             {},
		"an organization": {Organization: "org-2"},
		"a time":          {From: at.Add(time.Second), To: at.Add(2*time.Second + 3*time.Millisecond)},
		"both":            {From: at.Add(time.Second), Organization: "org-1"},
		"an empty time":   {From: at.Add(time.Hour)},
		"no id":           {ID: "none"},
		"of before":       {To: at},
	} {
		f.OldestFirst = true
		leaves := must[ledger.Leaves](t)(l.SealedWithin(t.Context(), f))
		if got, want := scanned(t, l, leaves, f), w.want(f); !slices.Equal(got, want) {
			t.Errorf("%s: got %v among %v, want %v", name, got, leaves, want)
		}
	}
	far := must[ledger.Leaves](t)(l.SealedWithin(t.Context(), record.Filter{From: at.Add(time.Hour)}))
	if far.To != far.From {
		t.Errorf("nothing is within a time to come, and it has the leaves %v", far)
	}
}
