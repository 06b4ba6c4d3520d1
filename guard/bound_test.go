package guard_test

import (
	"fmt"
	"runtime"
	"testing"

	"cordon/datastore"
	"cordon/guard"
)

// stranger asks about a product for somebody who is no member: every such question is another fact.
func stranger(i int) *guard.Question {
	return productQuestion(fmt.Sprintf("stranger-%d", i), "manage", "shop")
}

func TestStrangersAndImportsKeepTheCacheWithinItsBound(t *testing.T) {
	const bound = 64 << 10
	store := openSQLite(t)
	g := newGuard(t, store, func(c *guard.Config) { c.CacheBytes = bound })
	acme(t, g)
	known := productQuestion("carl", "manage", "shop")
	warm(t, g, known)
	missed := 0
	for i := range 6_000 {
		if _, err := g.Answer(t.Context(), host(), stranger(i)); err != nil {
			t.Fatal(err)
		}
		if held := g.CachedBytes(); held > bound {
			t.Fatalf("%d bytes are held after %d strangers, of %d", held, i, bound)
		}
		if i%10 == 0 { // somebody who asks all the time
			if !g.Cached(known) {
				missed++
			}
			decide(t, g, known)
		}
	}
	if missed > 10 {
		t.Errorf("of 600 questions of a member %d were crowded out by strangers", missed)
	}

	held := g.CachedBytes()
	lines := func(yield func(guard.ImportLine, error) bool) {
		for i := range 2000 {
			put := guard.PutOrganization{Name: "x", LegalRepresentativeID: "a", LegalRepresentative: &guard.PutMember{Name: "x"}}
			if !yield(guard.ImportLine{Line: i + 1, ID: fmt.Sprintf("org-%d", i), Organization: &put}, nil) {
				return
			}
		}
	}
	if report, err := g.Import(t.Context(), host(), lines); err != nil || report.Organizations != 2000 {
		t.Fatalf("import: %+v, %v", report, err)
	}
	if now := g.CachedBytes(); now > held {
		t.Errorf("an import that nobody asked about takes %d bytes of the cache", now-held)
	}
}

// TestTheCacheCountsWhatItTakes holds the count of bytes against the heap.
func TestTheCacheCountsWhatItTakes(t *testing.T) {
	store := openSQLite(t)
	g := newGuard(t, store, nil)
	acme(t, g)
	grants := []string{"mail", "shop", "site"}
	const members = 4000
	for i := range members / 500 {
		lines := func(yield func(guard.ImportLine, error) bool) {
			for n := range 500 {
				put := guard.PutMember{Name: "x", Role: datastore.Collaborator, Grants: grants}
				if !yield(guard.ImportLine{Line: n + 1, In: "acme", ID: fmt.Sprintf("member-%d", i*500+n), Member: &put}, nil) {
					return
				}
			}
		}
		if _, err := g.Import(t.Context(), host(), lines); err != nil {
			t.Fatal(err)
		}
	}
	ask := func(from, to int) {
		for i := from; i < to; i++ {
			for _, q := range []*guard.Question{productQuestion(fmt.Sprintf("member-%d", i), "view", "shop"), stranger(i)} {
				if _, err := g.Answer(t.Context(), host(), q); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	ask(0, 100)
	before, counted := heap(), g.CachedBytes()
	ask(100, members)
	took, counts := heap()-before, g.CachedBytes()-counted
	if ratio := float64(took) / float64(counts); ratio < 0.7 || ratio > 1.3 {
		t.Errorf("the cache counts %d bytes for what takes %d", counts, took)
	}
	runtime.KeepAlive(g)
}

func TestAnAnswerFromTheCacheAllocatesNothingForFacts(t *testing.T) {
	g := newGuard(t, openSQLite(t), nil)
	acme(t, g)
	for _, q := range []*guard.Question{productQuestion("carl", "manage", "shop"), channelQuestion("carl", "manager")} {
		warm(t, g, q)
		if n := testing.AllocsPerRun(100, func() { g.Cached(q) }); n != 0 {
			t.Errorf("%s: %v allocations", q.Resource.Type, n)
		}
	}
}
