package ledger_test

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/ledger"
	"cordon/ledger/record"
)

// Two replicas ship and seal at a time, and take the lease from each other, while others read: every reading has all that
// was there when it began, each once, and in the end every record is one leaf.
func TestTwoReplicasSealOneLog(t *testing.T) {
	onStores(t, func(t *testing.T, store datastore.Store) {
		const batches, perBatch = 40, 5
		var ahead atomic.Int64 // of the clocks, so that leases end
		var replicas []*ledger.Ledger
		for _, name := range []string{"r1", "r2"} {
			config := config(t, store, name).Block(64)
			config.SealAfter = 20 * time.Millisecond
			config.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
			replicas = append(replicas, must[*ledger.Ledger](t)(ledger.New(config)))
		}
		ctx, stop := context.WithCancel(t.Context())
		var sealing, working sync.WaitGroup
		for _, l := range replicas {
			sealing.Go(func() { ok(t, l.Run(ctx)) })
		}
		var mu sync.Mutex
		var shipped []string
		for _, stream := range []string{"r1", "r2"} {
			working.Go(func() {
				w := newWorld(t, store)
				for range batches {
					w.all = nil
					w.ship(stream, time.Now().Add(-time.Second), perBatch)
					mu.Lock()
					for _, r := range w.all {
						shipped = append(shipped, r.ID)
					}
					mu.Unlock()
					ahead.Add(int64(5 * time.Second))
				}
			})
		}
		working.Go(func() {
			for i := range 20 {
				mu.Lock()
				want := slices.Clone(shipped)
				mu.Unlock()
				seen := map[string]bool{}
				for r, err := range replicas[i%2].Search(ctx, record.Filter{OldestFirst: i%3 > 0}) {
					if err != nil {
						t.Error(err)
						return
					}
					if seen[r.ID] {
						t.Errorf("%s is given twice", r.ID)
					}
					seen[r.ID] = true
				}
				for _, id := range want {
					if !seen[id] {
						t.Errorf("%s is missed", id)
					}
				}
			}
		})
		working.Wait()
		ok(t, replicas[0].SealNow(t.Context()))
		stop()
		sealing.Wait()
		found := map[string]bool{}
		for i, line := range must[[]string](t)(replicas[1].Lines(t.Context())) {
			id := string(record.LineID([]byte(line)))
			if found[id] {
				t.Errorf("leaf %d is %s again", i, id)
			}
			found[id] = true
		}
		if len(found) != 2*batches*perBatch {
			t.Errorf("%d leaves, want %d", len(found), 2*batches*perBatch)
		}
	})
}
