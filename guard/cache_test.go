package guard_test

import (
	"context"
	"errors"
	"iter"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"cordon/datastore"
	"cordon/guard"
)

// flaky is a store whose reading and feed can be cut off.
type flaky struct {
	datastore.Store
	cut   atomic.Bool
	reads atomic.Int64
}

func (f *flaky) Facts(ctx context.Context, key datastore.Key) (datastore.Facts, error) {
	f.reads.Add(1)
	if f.cut.Load() {
		return datastore.Facts{}, datastore.ErrUnavailable
	}
	return f.Store.Facts(ctx, key)
}

func (f *flaky) Watch(ctx context.Context, from string) iter.Seq2[datastore.Change, error] {
	return func(yield func(datastore.Change, error) bool) {
		for change, err := range f.Store.Watch(ctx, from) {
			if f.cut.Load() {
				yield(datastore.Change{}, datastore.ErrUnavailable)
				return
			}
			if !yield(change, err) {
				return
			}
		}
	}
}

func TestFreshCacheOutlivesTheStoreForAMoment(t *testing.T) { // docs/design.md 9, store unreachable
	for name, set := range map[string]time.Duration{"": 0, "and the clock is set back": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, c := &flaky{Store: openSQLite(t)}, newClock()
				g := newGuard(t, store, func(config *guard.Config) { config.Now = c.now })
				acme(t, g)
				question := productQuestion("carl", "manage", "shop")
				for before := int64(-1); before != store.reads.Load(); { // until answers come from the cache
					before = store.reads.Load()
					decide(t, g, question)
				}
				store.cut.Store(true)
				c.pass(set)
				if allowed, why := decide(t, g, question); !allowed {
					t.Errorf("from the fresh cache: %v", why)
				}
				time.Sleep(2*time.Second + time.Millisecond)
				if _, err := g.Decide(t.Context(), host(), question); !errors.Is(err, datastore.ErrUnavailable) {
					t.Errorf("beyond the staleness: got %v", err)
				}
				store.cut.Store(false)
				if allowed, why := decide(t, g, question); !allowed {
					t.Errorf("back: %v", why)
				}
			})
		})
	}
}

func TestAnswerIsNeverOlderThanAsked(t *testing.T) { // docs/design.md 4, Cordon-At-Least
	eachStore(t, func(t *testing.T, store datastore.Store) {
		writer, reader := newGuard(t, store, nil), newGuard(t, store, nil)
		acme(t, writer)
		for range 20 {
			decide(t, reader, productQuestion("carl", "manage", "shop"))
			done := must[*guard.Result](t)(writer.BlockProduct(t.Context(), as("lena"), "acme", "shop", reason("x")))
			q := productQuestion("carl", "manage", "shop")
			answer, err := reader.Decide(t.Context(), atLeast("acme", done.Revision), q)
			if err != nil || answer.Allowed || answer.Revision < done.Revision {
				t.Fatalf("got %+v %v at least at %d", answer, err, done.Revision)
			}
			must[*guard.Result](t)(writer.UnblockProduct(t.Context(), as("lena"), "acme", "shop", reason("")))
		}
		for name, o := range map[string]*guard.Origin{"a later revision": atLeast("acme", 1000), "an unknown organization": atLeast("nobody", 1)} {
			q := productQuestion("carl", "manage", "shop")
			if _, err := reader.Decide(t.Context(), o, q); !errors.Is(err, guard.ErrTooStale) {
				t.Errorf("%s: got %v", name, err)
			}
		}
	})
}

// A client carries the revision of what it changed, and somebody else deletes the organization: its questions are answered,
// and not from what a cache knows of before.
func TestADeletedOrganizationHasReachedItsRevisions(t *testing.T) { // docs/design.md 11, Revisions
	eachStore(t, func(t *testing.T, store datastore.Store) {
		writer, reader := newGuard(t, store, nil), newGuard(t, store, nil)
		acme(t, writer)
		q := productQuestion("carl", "manage", "shop")
		for range 10 {
			now := must[guard.Organization](t)(writer.Organization(t.Context(), host(), "acme")).Revision
			if answer, err := reader.Decide(t.Context(), atLeast("acme", now), q); err != nil || !answer.Allowed {
				t.Fatal(codes(answer), err)
			}
			gone := must[*guard.Result](t)(writer.DeleteOrganization(t.Context(), host(), "acme"))
			for _, least := range []int64{gone.Revision, gone.Revision - 1, 0} {
				answer, err := reader.Decide(t.Context(), atLeast("acme", least), q)
				if err != nil || answer.Allowed && least == gone.Revision {
					t.Fatalf("at least at %d, of an end at %d: %v %v, %v", least, gone.Revision, answer.Allowed, codes(answer), err)
				}
			}
			if _, err := reader.Decide(t.Context(), atLeast("acme", gone.Revision+1), q); !errors.Is(err, guard.ErrTooStale) {
				t.Errorf("a revision that there never was: %v", err)
			}
			acme(t, writer)
		}
	})
}

// atLeast asks for answers that are not older than a revision.
func atLeast(organization string, revision int64) *guard.Origin {
	return &guard.Origin{Caller: everyScope, AtLeast: []guard.AtLeast{{Organization: organization, Revision: revision}}}
}

func TestBlockReachesOtherReplicas(t *testing.T) {
	eachStore(t, func(t *testing.T, store datastore.Store) {
		writer, reader := newGuard(t, store, nil), newGuard(t, store, nil)
		acme(t, writer)
		decide(t, reader, productQuestion("carl", "manage", "shop"))
		must[*guard.Result](t)(writer.BlockProduct(t.Context(), as("lena"), "acme", "shop", reason("x")))
		for allowed := true; allowed; { // the test's deadline bounds the wait
			allowed, _ = decide(t, reader, productQuestion("carl", "manage", "shop"))
		}
	})
}

func TestRevisionNeverGoesBack(t *testing.T) { // docs/design.md 11, Revisions
	eachStore(t, func(t *testing.T, store datastore.Store) {
		g := newGuard(t, store, nil)
		acme(t, g)
		last := must[guard.Organization](t)(g.Organization(t.Context(), host(), "acme")).Revision
		gone := must[*guard.Result](t)(g.DeleteOrganization(t.Context(), host(), "acme"))
		if gone.Revision != last+1 {
			t.Errorf("deleted at revision %d after %d", gone.Revision, last)
		}
		put := guard.PutOrganization{Name: "Acme", LegalRepresentativeID: "lena", LegalRepresentative: &guard.PutMember{Name: "Lena"}}
		again := must[*guard.Result](t)(g.PutOrganization(t.Context(), host(), "acme", put))
		if again.Revision != last+2 || again.Organization.Revision != last+2 {
			t.Errorf("made again at revision %d after %d", again.Revision, gone.Revision)
		}
		must[*guard.Result](t)(g.DeleteOrganization(t.Context(), host(), "acme"))
		lines := func(yield func(guard.ImportLine, error) bool) {
			yield(guard.ImportLine{Line: 1, ID: "acme", Organization: &put}, nil)
		}
		if report, err := g.Import(t.Context(), host(), lines); err != nil || report.Organizations != 1 {
			t.Fatalf("import: %+v, %v", report, err)
		}
		if o := must[guard.Organization](t)(g.Organization(t.Context(), host(), "acme")); o.Revision != last+4 {
			t.Errorf("imported again at revision %d, want %d", o.Revision, last+4)
		}
		if r := revisionOf(t, store, "import"); r != last+4 {
			t.Errorf("the import's record has revision %d, want %d", r, last+4)
		}
	})
}
