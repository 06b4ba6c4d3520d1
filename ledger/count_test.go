package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"
	"time"

	"cordon/datastore"
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

// Hot, sealed or both: all is counted once, whatever is sealed meanwhile.
func TestWhatIsSealedIsCounted(t *testing.T) {
	onStores(t, func(t *testing.T, store datastore.Store) {
		w, l := newWorld(t, store), plain(t, store)
		check := func(l *ledger.Ledger) {
			t.Helper()
			for _, f := range []record.Filter{{}, {Organization: "org-2"}, {Decision: new(false)}, {Kind: record.KindChange}, {Text: "nothing"}} {
				for _, by := range record.CountedBy() {
					want := ledger.Counts{By: map[string]record.Count{}, Complete: true}
					for i := range w.all {
						if r := &w.all[i]; f.Match(r) {
							for key := range r.Counted(by) {
								want.By[key] = want.By[key].Add(r)
							}
						}
					}
					got := must[ledger.Counts](t)(l.Counts(t.Context(), f, by))
					if diff := cmp.Diff(got, want); diff != "" {
						t.Errorf("%v by %s (got, want):\n%s", f.Asked(), by, diff)
					}
				}
			}
		}
		w.fill()
		check(l)
		_, _, err := l.Round(t.Context())
		ok(t, err)
		check(l)
		w.fill()
		check(l)
		_, _, err = l.Round(t.Context())
		ok(t, err)
		check(l)
		none := must[ledger.Counts](t)(l.Counts(t.Context(), record.Filter{ID: "none"}, "action"))
		if len(none.By) > 0 || !none.Complete {
			t.Errorf("an id that is none: got %+v", none)
		}
	})
}

// Where there is no time, what was counted is told, and that it is not all.
func TestSegmentsThatAreNotCountedAreNotSilent(t *testing.T) {
	store := openSQLite(t)
	w, l := newWorld(t, store), plain(t, store)
	w.fill()
	over, cancel := context.WithDeadline(t.Context(), time.Unix(1, 0))
	defer cancel()
	if got, err := l.Counts(over, record.Filter{}, "action"); err != nil || got.Complete || len(got.By) > 0 {
		t.Errorf("got %+v, %v", got, err)
	}
}
