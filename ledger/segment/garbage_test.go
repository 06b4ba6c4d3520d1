//go:build !race

package segment_test

// The race detector has pools forget what they are given, at random: what a search leaves is measured without it.

import (
	"runtime"
	"testing"

	"cordon/ledger/record"
	"cordon/ledger/segment"
)

// allocated returns how many bytes a call takes of the collector's memory, the least of several.
func allocated(call func()) (least uint64) {
	for i := range 10 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		call()
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; i == 0 || took < least {
			least = took
		}
	}
	return least
}

// What a search leaves to be collected holds up the questions beside it: a page takes about what it gives, and what is
// unpacked for it stands in memory that is used again. The bounds are far below what it took before that was so.
func TestASearchLeavesLittleBehind(t *testing.T) {
	kept, b := built(t, 0, sample(20_000))
	cache := segment.NewCache(64 << 20)
	s := segment.Open(kept, b.Info, cache)
	page := func(f record.Filter) func() {
		f.Limit = 50
		return func() {
			if rows := collect(t, s.Search(t.Context(), f.Query())); len(rows) != 50 {
				t.Fatalf("found %d rows, want 50", len(rows))
			}
		}
	}
	const kib = 1 << 10
	if took := allocated(page(record.Filter{})); took > 100*kib {
		t.Errorf("a page that was read before took %d KiB", took/kib)
	}
	// Not what was found is kept now, but where it stands.
	next := record.Filter{OldestFirst: true}
	if took := allocated(func() {
		next.Limit = 50
		for _, row := range collect(t, s.Search(t.Context(), next.Query())) {
			next.After = row.Record.ID
		}
	}); took > 150*kib {
		t.Errorf("a page behind another took %d KiB", took/kib)
	}
	scan := func() {
		for _, err := range s.Scan(t.Context(), record.Filter{}.Query(), 0, b.Info.Count, []string{"time", "duration_us"}) {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if took := allocated(scan); took > 5<<20 {
		t.Errorf("a look at two members of 20,000 records took %d KiB", took/kib)
	}
}
