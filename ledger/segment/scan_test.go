package segment_test

import (
	"errors"
	"slices"
	"testing"

	"cordon/ledger/record"
	"cordon/ledger/segment"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// decisive are members of a record that tell what was decided, and on what.
var decisive = []string{"id", "time", "kind", "action", "input", "decision", "reasons", "policy", "organization"}

// told is what those members say of a record.
func told(r *record.Record) record.Record {
	return record.Record{
		ID: r.ID, Time: r.Time, Kind: r.Kind, Question: record.Question{Action: record.Action{Name: r.Question.Action.Name}},
		Input: r.Input, Decision: r.Decision, Reasons: r.Reasons, Policy: r.Policy, Organization: r.Organization,
	}
}

// Whatever is asked, a scan returns what a reader of all lines finds in the order of the leaves, with the members that
// were named: also where columns cannot make a line again, and where records were removed.
func TestAScanReturnsWhatAReaderOfEverythingFinds(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		lines := hostile(rt)
		kept, b := built(rt, 5, lines)
		s := segment.Open(kept, b.Info, segment.NewCache(1<<20))
		records := decoded(lines)
		for range 4 {
			f := asked(rt, records, 2)
			from, to := rapid.Int64Range(0, 46).Draw(rt, "from"), rapid.Int64Range(0, 46).Draw(rt, "to")
			var found []int
			for _, row := range collect(rt, s.Scan(rt.Context(), f.Query(), from, to, decisive)) {
				at := int(row.Leaf - 5)
				got, want := told(&row.Record), told(&records[at])
				if diff := cmp.Diff(got, want, cmpopts.EquateEmpty()); diff != "" {
					rt.Fatalf("%+v: the record of leaf %d (-got +want):\n%s", f, row.Leaf, diff)
				}
				found = append(found, at)
			}
			f.OldestFirst, f.Limit = true, 0
			if f.After != "" {
				continue // which side of it counts is said by the order
			}
			want := slices.DeleteFunc(plain(records, f), func(at int) bool { return int64(at)+5 < from || int64(at)+5 >= to })
			slices.Sort(want)
			if !slices.Equal(found, want) {
				rt.Fatalf("%+v of leaves %d to %d: found %d, want %d", f, from, to, found, want)
			}
		}
	})
}

// One who is asked to pause is asked within every few pages, and can end it.
func TestAScanPausesAndEnds(t *testing.T) {
	kept, b := built(t, 0, varied(6000))
	s := segment.Open(kept, b.Info, segment.NewCache(8<<20))
	enough, pauses := errors.New("enough"), 0
	rows := 0
	for _, err := range s.Scan(t.Context(), record.Filter{}.Query(), 0, 6000, []string{"kind"}, func() error {
		if pauses++; pauses == 3 {
			return enough
		}
		return nil
	}) {
		if err != nil {
			if !errors.Is(err, enough) {
				t.Errorf("it ends with %v", err)
			}
			break
		}
		rows++
	}
	if rows != 2048 || pauses != 3 {
		t.Errorf("%d rows and %d pauses before its end, want 2048 and 3", rows, pauses)
	}
}

func BenchmarkScan(b *testing.B) {
	lines := varied(60_000)
	kept, built := built(b, 0, lines)
	s := segment.Open(kept, built.Info, segment.NewCache(64<<20))
	for b.Loop() {
		rows := 0
		for _, err := range s.Scan(b.Context(), record.Filter{}.Query(), 0, 60_000, decisive) {
			if err != nil {
				b.Fatal(err)
			}
			rows++
		}
		if rows != 60_000 {
			b.Fatal(rows)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/60_000, "ns/record")
}
