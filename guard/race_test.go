package guard_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"cordon/datastore"
	"cordon/guard"
	"cordon/ledger/batch"
	"cordon/ledger/record"
)

// together runs n calls at once and gives their errors.
func together(n int, call func(i int) error) []error {
	errs := make([]error, n)
	var start, done sync.WaitGroup
	start.Add(1)
	for i := range n {
		done.Go(func() {
			start.Wait()
			errs[i] = call(i)
		})
	}
	start.Done()
	done.Wait()
	return errs
}

func TestDemotionRacesBlock(t *testing.T) { // docs/design.md 3.2
	eachStore(t, func(t *testing.T, store datastore.Store) {
		g := newGuard(t, store, nil)
		acme(t, g)
		for range 20 {
			errs := together(2, func(i int) error {
				if i == 0 {
					_, err := g.PutMember(t.Context(), host(), "acme", "adam", guard.PutMember{Name: "adam", Role: datastore.Client})
					return err
				}
				_, err := g.BlockProduct(t.Context(), as("adam"), "acme", "shop", reason("race"))
				return err
			})
			if errs[0] != nil {
				t.Fatal(errs[0])
			}
			demoted := revisionOf(t, store, "change_role")
			facts, err := store.Facts(t.Context(), datastore.Key{Product: "shop"})
			if err != nil {
				t.Fatal(err)
			}
			switch blocked := len(facts.Product.Blocks) == 1; {
			case errs[1] == nil && blocked:
				if r := revisionOf(t, store, "block"); r > demoted {
					t.Fatalf("blocked at revision %d, after the demotion at %d", r, demoted)
				}
				must[*guard.Result](t)(g.UnblockProduct(t.Context(), as("lena"), "acme", "shop", reason("")))
			case errors.As(errs[1], new(*guard.Denied)) && !blocked:
			default:
				t.Fatalf("got %v with blocked %v", errs[1], blocked)
			}
			must[*guard.Result](t)(g.PutMember(t.Context(), host(), "acme", "adam", guard.PutMember{Name: "adam", Role: datastore.Administrator}))
		}
	})
}

// revisionOf gives the revision of the newest committed change by an action.
func revisionOf(t *testing.T, store datastore.Store, action string) int64 {
	t.Helper()
	for r, err := range batch.Search(t.Context(), store, record.Filter{Kind: record.KindChange, Action: action, Limit: 20}) {
		if err != nil {
			t.Fatal(err)
		}
		// Of change_role, the demotion and not the promotion after it.
		if action != "change_role" || r.Question.Action.Role == datastore.Client {
			return r.Revision
		}
	}
	t.Fatalf("no record of %s", action)
	return 0
}

func TestTwoLastAdministratorsCannotBothGo(t *testing.T) { // docs/domain.md R4
	eachStore(t, func(t *testing.T, store datastore.Store) {
		g := newGuard(t, store, nil)
		for round := range 10 {
			id := fmt.Sprintf("org-%d", round)
			put := guard.PutMember{Name: "x", Role: datastore.LegalRepresentative}
			must[*guard.Result](t)(g.PutOrganization(t.Context(), host(), id, guard.PutOrganization{Name: "x", LegalRepresentativeID: "a", LegalRepresentative: &put}))
			must[*guard.Result](t)(g.PutMember(t.Context(), host(), id, "b", put))
			users := []string{"a", "b"}
			errs := together(2, func(i int) error {
				_, err := g.DeleteMember(t.Context(), as(users[i]), id, users[i])
				return err
			})
			if (errs[0] == nil) == (errs[1] == nil) {
				t.Fatalf("got %v and %v: exactly one may go", errs[0], errs[1])
			}
			members, _, _, err := g.Members(t.Context(), host(), id, guard.Page{})
			if err != nil || len(members) != 1 {
				t.Fatalf("got %d members left, %v", len(members), err)
			}
		}
	})
}

func TestConcurrentBlocksHaveOneWinner(t *testing.T) {
	eachStore(t, func(t *testing.T, store datastore.Store) {
		g := newGuard(t, store, nil)
		acme(t, g)
		won := 0
		for _, err := range together(8, func(int) error {
			_, err := g.BlockProduct(t.Context(), as("lena"), "acme", "shop", reason("x"))
			return err
		}) {
			if err == nil {
				won++
			} else if conflict(t, err) != "already_blocked" {
				t.Error(err)
			}
		}
		if won != 1 {
			t.Errorf("got %d winners, want 1", won)
		}
	})
}

func TestSupportCodeIsUsedOnce(t *testing.T) { // docs/domain.md U2
	eachStore(t, func(t *testing.T, store datastore.Store) {
		g := newGuard(t, store, nil)
		acme(t, g)
		code, _, err := g.CreateSupportCode(t.Context(), as("lena"), "acme")
		if err != nil {
			t.Fatal(err)
		}
		users := []string{"adam", "ada", "carl", "cleo"}
		won := 0
		for _, err := range together(100, func(i int) error {
			_, err := g.BlockUser(t.Context(), agent("sam"), "acme", users[i%4], guard.UserAct{Justification: "laptop stolen today", SupportCode: code.Code})
			return err
		}) {
			if err == nil {
				won++
			} else if got := denied(t, err); got[0] != "support_code_invalid" {
				t.Errorf("got %v", got)
			}
		}
		if won != 1 {
			t.Errorf("got %d winners, want 1", won)
		}
	})
}
