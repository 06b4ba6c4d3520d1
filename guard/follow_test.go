package guard_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"cordon/datastore"
	"cordon/guard"
	"cordon/ledger/record"
)

// Somebody who follows is asked about anew, and by the time that is put on record they may have another role.
func TestWhoFollowsSeesWhatTheDecisionOnRecordSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := &held{Store: openSQLite(t), open: func(string) error { return datastore.ErrUnavailable }}
		g := newGuard(t, at, nil)
		acme(t, g)
		becomes := func(role string) {
			t.Helper()
			must[*guard.Result](t)(g.PutMember(t.Context(), host(), "acme", "ada", guard.PutMember{Name: "Ada", Role: role}))
		}
		w := must[*guard.Following](t)(g.Follow(t.Context(), as("ada"), guard.RecordFilter{Kind: record.KindChange}, ""))
		defer w.Close()
		for _, test := range []struct {
			before, between string // between is when it was asked first
			shown           int    // of the changes of the role
		}{
			{datastore.Client, "", 0},
			{datastore.Administrator, datastore.Client, 0},
			{datastore.Administrator, "", 2}, // and of the one between
			{datastore.Client, datastore.Administrator, 1},
		} {
			time.Sleep(2 * time.Second) // of the bubble: longer than anybody is not asked about again
			becomes(test.before)
			var once sync.Once
			at.read = func(key datastore.Key) {
				if key.User == "ada" && test.between != "" {
					once.Do(func() { becomes(test.between) })
				}
			}
			shown := 0
			for _, err := range w.Records(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				shown++
			}
			if at.read = nil; shown != test.shown {
				t.Errorf("%s, and then %q: %d are shown, want %d", test.before, test.between, shown, test.shown)
			}
		}
	})
}
