package guard_test

import (
	"context"
	"testing"

	"cordon/datastore/sqlite"
	"cordon/guard"
	"cordon/ledger/journal"
)

// BenchmarkDecide measures one question with everything that an answer rests on: facts, rules, record.
func BenchmarkDecide(b *testing.B) {
	for name, uncached := range map[string]bool{"cached": false, "uncached": true} {
		b.Run(name, func(b *testing.B) {
			store, err := sqlite.Open(b.Context(), sqlite.Config{Path: b.TempDir()})
			if err != nil {
				b.Fatal(err)
			}
			rules, err := engine()
			if err != nil {
				b.Fatal(err)
			}
			records, err := journal.Open(b.Context(), journal.Config{Dir: b.TempDir(), Ship: store.Ship})
			if err != nil {
				b.Fatal(err)
			}
			g, err := guard.New(guard.Config{Store: store, Engine: rules, Journal: records, NoMemo: uncached, NoCache: uncached})
			if err != nil {
				b.Fatal(err)
			}
			ctx, stop := context.WithCancel(context.Background())
			done := make(chan error, 1)
			go func() { done <- g.Run(ctx) }()
			b.Cleanup(func() {
				stop()
				<-done
				_ = records.Close(context.Background())
				_ = store.Close()
			})
			boss := guard.PutMember{Name: "x"}
			if _, err := g.PutOrganization(b.Context(), host(), "acme", guard.PutOrganization{Name: "x", LegalRepresentativeID: "lena", LegalRepresentative: &boss}); err != nil {
				b.Fatal(err)
			}
			if _, err := g.PutProduct(b.Context(), host(), "acme", "shop", guard.PutProduct{Name: "x", Kind: "domain"}); err != nil {
				b.Fatal(err)
			}
			q, o := productQuestion("lena", "manage", "shop"), host()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := g.Decide(b.Context(), o, q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
