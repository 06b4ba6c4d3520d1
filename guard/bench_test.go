package guard_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"cordon/datastore"
	"cordon/datastore/sqlite"
	"cordon/guard"
	"cordon/ledger/journal"
)

// BenchmarkDecide measures one question with everything that an answer rests on: facts, rules, record.
func BenchmarkDecide(b *testing.B) {
	for name, uncached := range map[string]bool{"cached": false, "uncached": true} {
		b.Run(name, func(b *testing.B) {
			g := benchedGuard(b, openFiles(b), uncached)
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

// openFiles opens an embedded store on files, as it serves.
func openFiles(b testing.TB) datastore.Store {
	b.Helper()
	store, err := sqlite.Open(b.Context(), sqlite.Config{Path: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = store.Close() })
	return store
}

// benchedGuard is a guard as it serves.
func benchedGuard(b testing.TB, store datastore.Store, uncached bool) *guard.Guard {
	b.Helper()
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
	})
	return g
}

// BenchmarkSearch measures pages of 50 of what users of an organization may manage: the first one, and each of all (page);
// on each store that is at hand. The server that tests/with-mongodb builds takes minutes to put a member with 30,000 grants.
func BenchmarkSearch(b *testing.B) {
	on := func(name string, open func(testing.TB) datastore.Store, sizes ...int) {
		b.Run(name, func(b *testing.B) {
			for _, size := range sizes {
				benchmarkSearch(b, open(b), size)
			}
		})
	}
	on("sqlite", openFiles, 300, 3_000, 30_000)
	on("mongo", openMongoDB, 300, 3_000)
}

func benchmarkSearch(b *testing.B, store datastore.Store, size int) {
	g := benchedGuard(b, store, false)
	var ids []string
	nouns := []datastore.Noun{datastore.Organization{ID: "acme", Name: "Acme", Revision: 1}}
	for i := range size {
		ids = append(ids, fmt.Sprintf("p-%06d", i))
		nouns = append(nouns, datastore.Product{Organization: "acme", ID: ids[i], Name: "a product", Kind: "web_hosting"})
	}
	nouns = append(nouns, datastore.Member{Organization: "acme", ID: "carl", Role: datastore.Collaborator, Grants: ids},
		datastore.Member{Organization: "acme", ID: "few", Role: datastore.Client, Grants: ids[size/2 : size/2+3]},
		datastore.Member{Organization: "acme", ID: "lena", Role: datastore.LegalRepresentative})
	for some := range slices.Chunk(nouns, 200) {
		if err := store.Update(b.Context(), func(ctx context.Context, tx datastore.Tx) error { return tx.Put(ctx, some...) }); err != nil {
			b.Fatal(err)
		}
	}
	for name, user := range map[string]string{"granted": "carl", "all": "lena", "three of them": "few"} {
		s := guard.Search{Find: guard.FindResources, Question: *productQuestion(user, "manage", "")}
		b.Run(fmt.Sprintf("first page/%s/%d", name, size), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if found, err := g.Search(b.Context(), host(), &s); err != nil || len(found.Entities) == 0 {
					b.Fatal(found, err)
				}
			}
		})
		if user == "few" {
			continue
		}
		b.Run(fmt.Sprintf("page/%s/%d", name, size), func(b *testing.B) {
			next := s
			for b.Loop() {
				found, err := g.Search(b.Context(), host(), &next)
				if err != nil {
					b.Fatal(err)
				}
				if next.Token = found.Next; next.Token == "" {
					next.Limit = 0
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/50, "ns/result")
		})
	}
}
