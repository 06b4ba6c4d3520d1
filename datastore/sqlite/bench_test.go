package sqlite_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/datastore/sqlite"
	"cordon/ledger/batch"
	"cordon/ledger/record"
)

func open(t testing.TB, config sqlite.Config) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// world puts organizations of members and products as an import does, about 1,000 nouns at a time.
func world(t testing.TB, s datastore.Store, organizations, members, products int) {
	var nouns []datastore.Noun
	flush := func() {
		err := s.Update(context.Background(), func(ctx context.Context, tx datastore.Tx) error { return tx.Put(ctx, nouns...) })
		if err != nil {
			t.Fatal(err)
		}
		nouns = nil
	}
	for o := range organizations {
		id := fmt.Sprintf("org-%04d", o)
		nouns = append(nouns, datastore.Organization{ID: id, Name: "Organization", Revision: 1, CreatedAt: time.Now()})
		for p := range products {
			nouns = append(nouns, datastore.Product{Organization: id, ID: fmt.Sprintf("product-%04d-%04d", o, p), Name: "Product", Kind: "web_hosting"})
		}
		for m := range members {
			member := datastore.Member{Organization: id, ID: fmt.Sprintf("user-%04d-%04d", o, m), Name: "Some Body", Email: "some.body@example.com", Role: datastore.Client}
			switch {
			case m == 0:
				member.Role = datastore.LegalRepresentative
			case m < 3:
				member.Role = datastore.Administrator
			default:
				for p := range min(5, products) {
					member.Grants = append(member.Grants, fmt.Sprintf("product-%04d-%04d", o, (m+p)%products))
				}
			}
			nouns = append(nouns, member)
		}
		if len(nouns) >= 1000 {
			flush()
		}
	}
	flush()
}

func BenchmarkImport(b *testing.B) {
	for b.Loop() {
		world(b, open(b, sqlite.Config{Path: b.TempDir()}), 1000, 33, 50)
	}
}

func BenchmarkFacts(b *testing.B) {
	s := open(b, sqlite.Config{Path: b.TempDir()})
	world(b, s, 1000, 33, 50)
	for name, key := range map[string]datastore.Key{
		"member":  {User: "user-0500-0010", Product: "product-0500-0010"},
		"unknown": {Organization: "org-0500", User: "nobody", Product: "nothing"},
		"target":  {Organization: "org-0500", User: "user-0500-0001", Target: "user-0500-0010"},
	} {
		b.Run(name, func(b *testing.B) {
			ctx, cancel := context.WithCancel(b.Context())
			defer cancel()
			for b.Loop() {
				if _, err := s.Facts(ctx, key); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("random", func(b *testing.B) { // more of the file than a cache holds
		for b.Loop() {
			o, m, p := rand.IntN(1000), rand.IntN(33), rand.IntN(50)
			key := datastore.Key{User: fmt.Sprintf("user-%04d-%04d", o, m), Product: fmt.Sprintf("product-%04d-%04d", o, p)}
			if f, err := s.Facts(b.Context(), key); err != nil || f.Member == nil || f.Product == nil {
				b.Fatal(f, err)
			}
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := s.Facts(b.Context(), datastore.Key{User: "user-0500-0010", Product: "product-0500-0010"}); err != nil {
					b.Error(err)
				}
			}
		})
	})
}

func BenchmarkUpdate(b *testing.B) {
	for _, callers := range []int{1, 32} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			s := open(b, sqlite.Config{Path: b.TempDir()})
			world(b, s, 10, 33, 50)
			b.SetParallelism(callers)
			block := func() error {
				return s.Update(b.Context(), func(ctx context.Context, tx datastore.Tx) error {
					facts, err := tx.Facts(ctx, datastore.Key{User: "user-0005-0001", Product: "product-0005-0010"})
					if err != nil {
						return err
					}
					facts.Product.Blocks = []datastore.Block{{ID: "b", Origin: datastore.OriginAdministrator, By: "user-0005-0001", Since: time.Now()}}
					revision, err := tx.Bump(ctx, facts.Organization.ID)
					if err != nil {
						return err
					}
					if err := tx.Put(ctx, *facts.Product); err != nil {
						return err
					}
					now := time.Now()
					return batch.Append(ctx, tx, &record.Record{ID: record.NewID(now), Time: now, Replica: "r.changes", Kind: record.KindChange, Organization: facts.Organization.ID, Revision: revision})
				})
			}
			if callers == 1 {
				for b.Loop() {
					if err := block(); err != nil {
						b.Fatal(err)
					}
				}
				return
			}
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := block(); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

func BenchmarkShip(b *testing.B) {
	s := open(b, sqlite.Config{Path: b.TempDir()})
	sequence := int64(0)
	for b.Loop() {
		records := make([]record.Record, 500)
		now := time.Now()
		for i := range records {
			sequence++
			records[i] = record.Record{ID: record.NewID(now), Time: now, Replica: "r", Sequence: sequence, Kind: record.KindDecision, Organization: "org-0001", Caller: "key", Decision: true}
		}
		batch, err := batch.Pack(records)
		if err != nil {
			b.Fatal(err)
		}
		last, err := s.Ship(b.Context(), batch)
		if err != nil || last != sequence {
			b.Fatal(last, err)
		}
	}
}

// BenchmarkRecords reads pages of a log of 100,000 decisions.
func BenchmarkRecords(b *testing.B) {
	s := open(b, sqlite.Config{Path: b.TempDir()})
	shipped(b, s, 500, 200)
	for name, filter := range map[string]record.Filter{
		"newest":       {Limit: 50},
		"organization": {Organization: "org-0001", Limit: 50},
		"nothing":      {Subject: "nobody", Limit: 50},
		"one":          {ID: firstID(b, s)},
		"from":         {From: time.Date(2026, 1, 2, 3, 8, 0, 0, time.UTC), OldestFirst: true, Limit: 50},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				for _, err := range batch.Search(b.Context(), s, filter) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

func firstID(b *testing.B, s *sqlite.Store) string {
	for r := range batch.Search(b.Context(), s, record.Filter{OldestFirst: true, Limit: 1}) {
		return r.ID
	}
	b.Fatal("the log is empty")
	return ""
}

// BenchmarkShipBesideFiles ships a batch every few milliseconds, while segments are written and removed one after the
// other: what a sealer does to those who ship. The figures are of shipping.
func BenchmarkShipBesideFiles(b *testing.B) {
	for _, size := range []int{0, 1 << 20, 16 << 20} {
		b.Run(fmt.Sprintf("%d MiB", size>>20), func(b *testing.B) {
			s := open(b, sqlite.Config{Path: b.TempDir()})
			ctx, end := context.WithCancel(b.Context())
			var writing sync.WaitGroup
			written := 0
			writing.Go(func() {
				data := make([]byte, size)
				for i := range data {
					data[i] = byte(rand.Uint32())
				}
				for n := 0; size > 0 && ctx.Err() == nil; n++ {
					if err := s.WriteFile(ctx, fmt.Sprint("segment/", n), data); err != nil && ctx.Err() == nil {
						b.Error(err)
					}
					if err := s.RemoveFiles(ctx, fmt.Sprint("segment/", n-1)); err != nil && ctx.Err() == nil {
						b.Error(err)
					}
					written++
				}
			})
			var took []time.Duration
			pace := time.NewTicker(4 * time.Millisecond)
			defer pace.Stop()
			for n := int64(1); b.Loop(); n++ {
				now := time.Now()
				packed, err := batch.Pack([]record.Record{{ID: record.NewID(now), Time: now, Replica: "r", Sequence: n, Kind: record.KindDecision, Caller: "key"}})
				if err != nil {
					b.Fatal(err)
				}
				begun := time.Now()
				if _, err := s.Ship(b.Context(), packed); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(begun))
				<-pace.C
			}
			end()
			writing.Wait()
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1e3, "p50-ms")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1e3, "p99-ms")
			b.ReportMetric(float64(took[len(took)-1].Microseconds())/1e3, "max-ms")
			b.ReportMetric(float64(written), "files")
		})
	}
}
