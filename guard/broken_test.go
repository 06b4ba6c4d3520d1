package guard_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"cordon/datastore"
	"cordon/guard"
)

// activateUnloadable puts an activation of a version that nobody can load, past all that would refuse it.
func activateUnloadable(t *testing.T, store datastore.Store, a guard.Activation) {
	t.Helper()
	if err := store.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error { return tx.Put(ctx, a) }); err != nil {
		t.Fatal(err)
	}
}

func TestAVersionThatCannotBeLoadedKeepsTheLastGoodOne(t *testing.T) {
	eachStore(t, func(t *testing.T, store datastore.Store) {
		first, second, _ := twoReplicas(t, store)
		next := shut(t)
		broken := guard.Activation{Set: "cordon", Number: 2, Digest: next.Digest()}
		activateUnloadable(t, store, broken)
		q := productQuestion("adam", "manage", "shop")
		for range 2 {
			if a := decided(t, second, q); !a.Allowed || a.Policy != first.Policy().Digest() {
				t.Errorf("%v by %s", a.Allowed, a.Policy)
			}
			_, answers, err := second.DecideAll(t.Context(), host(), []guard.BatchItem{{Question: *q}, {Question: *q}}, guard.ExecuteAll)
			if err != nil || !answers[1].Allowed || answers[1].Policy != first.Policy().Digest() {
				t.Errorf("a batch: %+v, %v", answers, err)
			}
			s := whichMay("adam", "manage")
			if found, err := second.Search(t.Context(), host(), &s); err != nil || len(found.Entities) != 3 || found.Policy != first.Policy().Digest() {
				t.Errorf("a search: %+v, %v", found, err)
			}
			if _, err := second.BlockProduct(t.Context(), as("adam"), "acme", "shop", reason("leak")); !errors.Is(err, guard.ErrPolicyNotLoaded) {
				t.Errorf("a mutation: got %v", err)
			}
			member := guard.PutMember{Name: "Carla", Role: datastore.Client}
			if _, err := second.Import(t.Context(), host(), lines(guard.ImportLine{Line: 1, In: "acme", ID: "carl", Member: &member})); !errors.Is(err, guard.ErrPolicyNotLoaded) {
				t.Errorf("an import: got %v", err)
			}
		}
		if in, behind := second.Activation(); in.Number != 1 || !errors.Is(behind, guard.ErrPolicyNotLoaded) || !strings.Contains(behind.Error(), broken.Digest) {
			t.Errorf("in force is %+v, %v", in, behind)
		}
		if _, _, err := second.CreateKey(t.Context(), host(), guard.PutKey{Name: "k", Scopes: []string{guard.ScopeDecide}}); err != nil {
			t.Errorf("what no rule is asked about: %v", err)
		}
		// It is there after all, and is found by and by.
		if err := first.Keep(t.Context(), next.Source()); err != nil {
			t.Fatal(err)
		}
		if err := second.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		if in, behind := second.Activation(); in.Number != 2 || behind != nil || decided(t, second, q).Allowed {
			t.Errorf("in force is %+v, %v", in, behind)
		}
		// Another that is broken is got rid of by who administers the policies.
		activateUnloadable(t, store, guard.Activation{Set: "cordon", Number: 3, Digest: "sha256:none"})
		if _, err := second.BlockProduct(t.Context(), as("adam"), "acme", "shop", reason("leak")); !errors.Is(err, guard.ErrPolicyNotLoaded) {
			t.Errorf("a mutation: got %v", err)
		}
		activate(t, second, must2(engine()))
		if in, behind := second.Activation(); in.Number != 4 || behind != nil {
			t.Errorf("in force is %+v, %v", in, behind)
		}
		must[*guard.Result](t)(second.BlockProduct(t.Context(), as("adam"), "acme", "shop", reason("leak")))
	})
}

func TestAServerThatCanLoadNoPolicyDecidesNothing(t *testing.T) {
	store := openSQLite(t)
	acme(t, newGuard(t, store, nil))
	activateUnloadable(t, store, guard.Activation{Set: "cordon", Number: 7, Digest: "sha256:none"})
	g := enforcing(t, store, nil)
	q := productQuestion("adam", "manage", "shop")
	if _, err := g.Decide(t.Context(), host(), q); !errors.Is(err, guard.ErrPolicyNotLoaded) {
		t.Errorf("a question: got %v", err)
	}
	if _, _, err := g.DecideAll(t.Context(), host(), []guard.BatchItem{{Question: *q}}, guard.ExecuteAll); !errors.Is(err, guard.ErrPolicyNotLoaded) {
		t.Errorf("a batch: got %v", err)
	}
	if _, err := g.BlockProduct(t.Context(), as("adam"), "acme", "shop", reason("leak")); !errors.Is(err, guard.ErrPolicyNotLoaded) {
		t.Errorf("a mutation: got %v", err)
	}
	unready, is := errors.AsType[*guard.Unready](g.Ready(t.Context()))
	if !is || unready.Parts[len(unready.Parts)-1].Name != guard.PartPolicy {
		t.Errorf("it is ready: %v", unready)
	}
	activate(t, g, must2(engine()))
	if !decided(t, g, q).Allowed {
		t.Error("it does not decide again")
	}
}

// Whatever the store says is in force and could not be loaded is loaded again and again: a later version, and an earlier one
// that a store which was set back has.
func TestWhatCouldNotBeLoadedIsInForceOnceItCan(t *testing.T) {
	for name, number := range map[string]int64{"later": 3, "earlier": 1} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := openSQLite(t)
				var lost atomic.Bool
				g := newGuard(t, &held{Store: store, item: func(string, datastore.Change) error {
					if lost.Swap(false) {
						return datastore.ErrHistoryLost // and it begins anew
					}
					return nil
				}}, nil)
				if err := g.KeepPolicy(t.Context()); err != nil {
					t.Fatal(err)
				}
				acme(t, g)
				good, next := activate(t, g, locked(t)), shut(t)
				broken := guard.Activation{Set: "cordon", Number: number, Digest: next.Digest()}
				activateUnloadable(t, store, broken)
				lost.Store(number < good.Number)
				for range 3 {
					time.Sleep(5 * time.Second) // of the bubble
					if in, behind := g.Activation(); in != good || !errors.Is(behind, guard.ErrPolicyNotLoaded) || !strings.Contains(behind.Error(), next.Digest()) {
						t.Errorf("in force is %+v, %v", in, behind)
					}
				}
				if err := g.Keep(t.Context(), next.Source()); err != nil {
					t.Fatal(err)
				}
				time.Sleep(5 * time.Second)
				if in, behind := g.Activation(); in != broken || behind != nil || decided(t, g, productQuestion("adam", "manage", "shop")).Policy != next.Digest() {
					t.Errorf("in force is %+v, %v", in, behind)
				}
			})
		})
	}
}
