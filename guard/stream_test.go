package guard_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/datastore/sqlite"
	"cordon/guard"
	"cordon/ledger/batch"
	"cordon/ledger/journal"
	"cordon/ledger/record"
	"cordon/policies"
)

// TestChangesAreNumberedInSeveralSequences: changes of different organizations do not wait for one
// sequence of the replica, an organization's stay in one, and none has a gap, over a restart too.
func TestChangesAreNumberedInSeveralSequences(t *testing.T) { // docs/design.md 7
	eachStore(t, func(t *testing.T, store datastore.Store) {
		dir := t.TempDir()
		for start := range 2 {
			ctx, stop := context.WithCancel(t.Context())
			records, err := journal.Open(ctx, journal.Config{Dir: dir, Replica: "r", Ship: store.Ship, Log: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			g := must[*guard.Guard](t)(guard.New(guard.Config{Store: store, Engine: must[*policies.Engine](t)(engine()), Journal: records}))
			var running, changes sync.WaitGroup
			running.Go(func() { _ = g.Run(ctx) })
			for i := range 40 {
				changes.Go(func() {
					id := fmt.Sprintf("org-%d", i)
					put := guard.PutOrganization{Name: id, LegalRepresentativeID: "lena", LegalRepresentative: &guard.PutMember{Name: "Lena"}}
					if start > 0 {
						put = guard.PutOrganization{Name: "again"}
					}
					for _, put := range []guard.PutOrganization{put, {Name: id + " & sons"}} {
						if _, err := g.PutOrganization(ctx, host(), id, put); err != nil {
							t.Errorf("put %s: %v", id, err)
						}
					}
				})
			}
			changes.Wait()
			stop()
			running.Wait()
			if err := records.Close(context.Background()); err != nil {
				t.Error(err)
			}
		}
		streams, of := map[string]int64{}, map[string]string{}
		for _, r := range gather(t, batch.Search(t.Context(), store, record.Filter{Kind: record.KindChange, OldestFirst: true}), nil) {
			if before := of[r.Organization]; before != "" && before != r.Replica {
				t.Errorf("changes of %s are numbered in %s and in %s", r.Organization, before, r.Replica)
			}
			of[r.Organization] = r.Replica
			streams[r.Replica] = max(streams[r.Replica], r.Sequence)
		}
		if len(of) != 40 || len(streams) < 8 || len(streams) > 16 {
			t.Errorf("%d organizations in %d sequences, want 40 spread over up to 16", len(of), len(streams))
		}
		for stream, last := range streams {
			if got := gather(t, batch.Search(t.Context(), store, record.Filter{Replica: stream}), nil); int64(len(got)) != last {
				t.Errorf("%s has %d records up to sequence %d", stream, len(got), last)
			}
		}
	})
}

// TestAChangeDoesNotWaitForAnotherOrganizations holds a change of one organization open, behind its record,
// and changes the others meanwhile.
func TestAChangeDoesNotWaitForAnotherOrganizations(t *testing.T) {
	eachStore(t, func(t *testing.T, store datastore.Store) {
		if _, embedded := store.(*sqlite.Store); embedded {
			return // it has one writer, for whom all wait
		}
		g := newGuard(t, store, nil)
		put := func(id string) {
			t.Helper()
			must[*guard.Result](t)(g.PutOrganization(t.Context(), host(), id, guard.PutOrganization{
				Name: id, LegalRepresentativeID: "lena", LegalRepresentative: &guard.PutMember{Name: "Lena"},
			}))
		}
		put("held")
		records := gather(t, batch.Search(t.Context(), store, record.Filter{Organization: "held", Kind: record.KindChange}), nil)
		if len(records) != 1 {
			t.Fatalf("got %d records of a change", len(records))
		}
		others := 0
		err := store.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
			now := time.Now()
			if _, err := tx.Bump(ctx, "held"); err != nil {
				return err
			}
			if err := batch.Append(ctx, tx, &record.Record{ID: record.NewID(now), Time: now, Kind: record.KindChange, Replica: records[0].Replica}); err != nil {
				return err
			}
			for i := range 8 { // of which some have another sequence
				short, cancel := context.WithTimeout(t.Context(), time.Second)
				_, err := g.PutOrganization(short, host(), fmt.Sprintf("other-%d", i), guard.PutOrganization{
					Name: "x", LegalRepresentativeID: "lena", LegalRepresentative: &guard.PutMember{Name: "Lena"},
				})
				cancel()
				if err == nil {
					others++
				}
			}
			return nil
		})
		if err != nil || others < 4 {
			t.Errorf("%d of 8 other organizations were changed meanwhile; %v", others, err)
		}
	})
}
