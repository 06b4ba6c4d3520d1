package guard_test

import (
	"errors"
	"testing"

	"cordon/datastore"
	"cordon/guard"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestAProductOfAnotherOrganizationIsNone(t *testing.T) { // docs/design.md 11, Callers
	eachStore(t, func(t *testing.T, store datastore.Store) {
		g := newGuard(t, store, nil)
		acme(t, g)
		olga := guard.PutMember{Name: "Olga"}
		must[*guard.Result](t)(g.PutOrganization(t.Context(), host(), "other", guard.PutOrganization{Name: "Other", LegalRepresentativeID: "olga", LegalRepresentative: &olga}))
		must[*guard.Result](t)(g.PutProduct(t.Context(), host(), "other", "theirs", guard.PutProduct{Name: "Theirs", Kind: "domain"}))
		limited := &guard.Origin{Caller: &guard.Caller{ID: "k", Scopes: guard.Scopes(), Organization: "acme"}}
		for _, action := range []string{"view", "manage", "block", "read_mail", "nonsense"} {
			for _, user := range []string{"lena", "carl", "olga", "nobody"} {
				ask := func(product string) guard.Answer {
					t.Helper()
					// Twice, so that it comes from the cache if it can; and by others, who may ask about it.
					must[guard.Answer](t)(g.Decide(t.Context(), host(), productQuestion(user, action, product)))
					must[guard.Answer](t)(g.Decide(t.Context(), limited, productQuestion(user, action, product)))
					return must[guard.Answer](t)(g.Decide(t.Context(), limited, productQuestion(user, action, product)))
				}
				theirs, none := ask("theirs"), ask("nothing")
				if theirs.Allowed || theirs.Organization != "" || theirs.Revision != 0 || string(theirs.InputJSON) != string(none.InputJSON) {
					t.Errorf("%s %s: got %+v, want what there is of none: %+v", user, action, theirs, none)
				}
				if diff := cmp.Diff(none, theirs, cmpopts.IgnoreFields(guard.Answer{}, "ID", "Decision")); diff != "" {
					t.Errorf("%s %s: of none (-) and of theirs (+):\n%s", user, action, diff)
				}
				if got, want := codes(theirs), codes(none); !cmp.Equal(got, want) {
					t.Errorf("%s %s: got %v, want %v", user, action, got, want)
				}
			}
		}
		for _, product := range []string{"theirs", "nothing"} {
			var missing *guard.NotFound
			if _, _, err := g.Product(t.Context(), limited, "", product); !errors.As(err, &missing) || missing.What != "product" {
				t.Errorf("%s: got %v", product, err)
			}
			actor := *limited
			actor.Actor = "lena"
			if _, err := g.BlockProduct(t.Context(), &actor, "acme", product, reason("x")); !errors.As(err, &missing) || missing.What != "product" {
				t.Errorf("block %s: got %v", product, err)
			}
		}
		// What names another organization is refused, whether there is one or not.
		for _, organization := range []string{"other", "nowhere"} {
			for _, resource := range []guard.Entity{
				{Type: "organization", ID: organization}, {Type: "product", ID: "shop", Organization: organization},
				{Type: "user", ID: "carl", Organization: organization}, {Type: "channel", ID: "imap", Organization: organization},
			} {
				q := &guard.Question{Subject: guard.Entity{Type: "user", ID: "lena"}, Action: guard.Action{Name: "view"}, Resource: resource}
				if _, err := g.Decide(t.Context(), limited, q); !errors.Is(err, guard.ErrOrganizationLimit) {
					t.Errorf("%+v: got %v", resource, err)
				}
			}
		}
		// In a batch that item alone is refused, and a product of another is a denial.
		_, answers, err := g.DecideAll(t.Context(), limited, []guard.BatchItem{
			{Question: *productQuestion("carl", "view", "shop")}, {Question: *productQuestion("carl", "view", "theirs")},
			{Question: guard.Question{Subject: guard.Entity{Type: "user", ID: "lena"}, Action: guard.Action{Name: "view"}, Resource: guard.Entity{Type: "organization", ID: "other"}}},
		}, guard.ExecuteAll)
		if err != nil || !answers[0].Allowed || answers[1].Err != nil || answers[1].Allowed || !errors.Is(answers[2].Err, guard.ErrOrganizationLimit) {
			t.Errorf("got %+v %v", answers, err)
		}
	})
}
