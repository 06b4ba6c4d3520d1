package record_test

import (
	"slices"
	"testing"
	"time"

	"cordon/ledger/record"
)

func TestARecordCountsOnceForWhatItHas(t *testing.T) {
	r := record.Record{
		Time: time.Date(2026, 1, 31, 13, 59, 59, 0, time.FixedZone("", 3600)), Organization: "acme",
		Question: record.Question{Action: record.Action{Name: "manage"}},
		Reasons:  []byte(`[{"code":"user_blocked"},{"code":"not_granted"},{"code":"user_blocked"},{"code":7}]`),
	}
	want := map[string][]string{
		"reason": {"user_blocked", "not_granted"}, "action": {"manage"}, "organization": {"acme"}, "hour": {"2026-01-31T12:00:00Z"},
	}
	for _, by := range append(record.CountedBy(), "caller") {
		if got := slices.Collect(r.Counted(by)); !slices.Equal(got, want[by]) {
			t.Errorf("by %s it counts for %q, want %q", by, got, want[by])
		}
	}
	r.Kind, r.Reasons = record.KindRead, []byte("[]")
	for _, by := range record.CountedBy() {
		if got := slices.Collect(r.Counted(by)); len(got) > 0 {
			t.Errorf("by %s a search counts for %q", by, got)
		}
	}
	denied := record.Record{}
	if got := (record.Count{}).Add(&denied).Add(&record.Record{Decision: true}).Add(&denied); got != (record.Count{Allowed: 1, Denied: 2}) {
		t.Errorf("counted %+v", got)
	}
}
