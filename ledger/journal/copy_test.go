package journal_test

import (
	"context"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"cordon/ledger/journal"
	"cordon/ledger/record"
)

// TestACopyHasWhatWasAcknowledged copies the journal while records are appended, shipped, and their segments
// removed: with the store as it is after the copy, nothing is missing that was acknowledged before it, and
// the numbers have no gap.
func TestACopyHasWhatWasAcknowledged(t *testing.T) {
	eachSync(t, func(t *testing.T, mode journal.Sync) {
		s := newStore()
		c := config(t, s)
		c.Sync, c.SegmentBytes, c.Linger, c.Interval = mode, 20_000, time.Millisecond, time.Millisecond
		j := mustOpen(t, c)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var mu sync.Mutex
		var acknowledged []string
		begun := make(chan struct{})
		first := sync.OnceFunc(func() { close(begun) })
		var writers sync.WaitGroup
		defer writers.Wait()
		for range 2 {
			writers.Go(func() {
				for n := 0; ctx.Err() == nil; n++ {
					r := newRecord()
					if err := j.Append(r); err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					acknowledged = append(acknowledged, r.ID)
					mu.Unlock()
					if n > 100 {
						first()
					}
				}
			})
		}
		<-begun
		for range 3 {
			mu.Lock()
			want := slices.Clone(acknowledged)
			mu.Unlock()
			dir := filepath.Join(t.TempDir(), "copy")
			if err := journal.Copy(c.Dir, dir); err != nil {
				t.Fatal(err)
			}
			restored := newStore()
			s.set(func(s *store) {
				restored.mark["r1"], restored.records["r1"] = s.mark["r1"], slices.Clone(s.records["r1"])
			})
			of := config(t, restored)
			of.Dir, of.Replica = dir, ""
			again := mustOpen(t, of)
			flush(t, again)
			got := map[string]bool{}
			for i, r := range restored.records["r1"] {
				if got[r.ID] = true; r.Sequence != int64(i)+1 || r.Kind != record.KindDecision {
					t.Fatalf("record %d of the copy is a %s with sequence %d", i+1, r.Kind, r.Sequence)
				}
			}
			for _, id := range want {
				if !got[id] {
					t.Fatalf("the copy lacks %s, which was acknowledged before it", id)
				}
			}
		}
		cancel()
	})
}
