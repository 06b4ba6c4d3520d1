package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"
	"time"

	"cordon/ledger"
	"cordon/ledger/record"

	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// counted are three records, newest first, and what ends them.
func counted(end error) iter.Seq2[record.Record, error] {
	return func(yield func(record.Record, error) bool) {
		for i, r := range []record.Record{
			{Organization: "acme", Decision: true, Reasons: []byte(`[{"code":"granted"}]`)},
			{Organization: "acme", Reasons: []byte(`[{"code":"user_blocked"},{"code":"not_granted"},{"code":"user_blocked"}]`)},
			{Reasons: []byte(`[]`)},
		} {
			r.Time = noon.Add(-time.Duration(i) * 31 * time.Minute)
			r.Question.Action.Name = []string{"view", "manage", "manage"}[i]
			if !yield(r, nil) {
				return
			}
		}
		if end != nil {
			yield(record.Record{}, end)
		}
	}
}

func TestRecordsAreCounted(t *testing.T) {
	for by, want := range map[string]map[string]record.Count{
		"organization": {"acme": {Allowed: 1, Denied: 1}, "": {Denied: 1}},
		"action":       {"view": {Allowed: 1}, "manage": {Denied: 2}},
		"reason":       {"granted": {Allowed: 1}, "user_blocked": {Denied: 1}, "not_granted": {Denied: 1}},
		"hour":         {"2026-11-29T12:00:00Z": {Allowed: 1}, "2026-11-29T11:00:00Z": {Denied: 1}, "2026-11-29T10:00:00Z": {Denied: 1}},
	} {
		got, err := ledger.Count(t.Context(), counted(nil), by)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(got, ledger.Counts{By: want, Complete: true}); diff != "" {
			t.Errorf("by %s (got, want):\n%s", by, diff)
		}
	}
}

// What is cut says so, and from when on it is whole.
func TestACountThatIsCutSaysSo(t *testing.T) {
	over, cancel := context.WithDeadline(t.Context(), time.Unix(1, 0))
	defer cancel()
	want := ledger.Counts{
		By:    map[string]record.Count{"acme": {Allowed: 1, Denied: 1}, "": {Denied: 1}},
		Since: noon.Add(-62*time.Minute + time.Millisecond),
	}
	if got, err := ledger.Count(over, counted(over.Err()), "organization"); err != nil || !cmp.Equal(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	// Any other failure is one, and so is a caller who has gone.
	failure := errors.New("the disk is gone")
	if _, err := ledger.Count(t.Context(), counted(failure), "organization"); !errors.Is(err, failure) {
		t.Errorf("got %v", err)
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	if _, err := ledger.Count(gone, counted(gone.Err()), "organization"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// Callers make up names, and cannot fill the memory with them.
func TestCountsAreBounded(t *testing.T) {
	given := 0
	endless := func(yield func(record.Record, error) bool) {
		for more := true; more; given++ {
			r := record.Record{Time: noon}
			r.Question.Action.Name = fmt.Sprint(given)
			more = yield(r, nil)
		}
	}
	got, err := ledger.Count(t.Context(), endless, "action")
	if err != nil || got.Complete || len(got.By) != 10_000 || given != 10_001 {
		t.Errorf("got %d counts of %d records, complete %t, %v", len(got.By), given, got.Complete, err)
	}
}
