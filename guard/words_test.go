package guard_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/guard"
	"cordon/policies"

	"github.com/google/go-cmp/cmp"
)

// declaring compiles the built-in policy with words of its own.
func declaring(t *testing.T, words string) *policies.Engine {
	t.Helper()
	src := policies.Builtin()
	src.Files["cordon/words.json"] = `{"words":` + words + `}`
	return must[*policies.Engine](t)(policies.Compile(t.Context(), src))
}

const (
	accountants = `{"roles":{"accountant":{"allows":{"product":["view"]}}},"kinds":{"vps":{}},"actions":{"archive":{"on":"product","asks":"admin"}}}`
	renamed     = `{"roles":{"treasurer":{"allows":{"product":["view"]}}},"kinds":{"vserver":{}},"actions":{"stow":{"on":"product","asks":"admin"}},
		"retired":{"roles":{"accountant":"treasurer"},"kinds":{"vps":"vserver"},"actions":{"archive":"stow"}}}`
)

func TestADeclaredRoleIsGivenWhileItsPolicyIsInForce(t *testing.T) { // docs/domain.md, Words beyond these
	eachStore(t, func(t *testing.T, store datastore.Store) {
		g := newGuard(t, store, withEngine(declaring(t, accountants)))
		acme(t, g)
		must[*guard.Result](t)(g.PutMember(t.Context(), as("adam"), "acme", "abe", guard.PutMember{Name: "Abe", Role: "accountant"}))
		views := func() (bool, []string) { return decide(t, g, productQuestion("abe", "view", "shop")) }
		if yes, why := views(); !yes || !cmp.Equal(why, []string{"role_permitted"}) {
			t.Errorf("%v %v", yes, why)
		}
		report, err := g.Import(t.Context(), host(), lines(memberLine("acme", "ann", "accountant")))
		if err != nil || len(report.Refused) > 0 {
			t.Errorf("imported: %+v, %v", report, err)
		}
		// By a policy that knows it by another name, everything goes on; what is new has the new name.
		if err := g.Enforce(declaring(t, renamed)); err != nil {
			t.Fatal(err)
		}
		if yes, why := views(); !yes || !cmp.Equal(why, []string{"role_permitted"}) {
			t.Errorf("renamed: %v %v", yes, why)
		}
		if yes, why := decide(t, g, productQuestion("adam", "archive", "shop")); !yes {
			t.Errorf("the old action: %v", why)
		}
		name := "Abraham"
		must[*guard.Result](t)(g.PatchMember(t.Context(), host(), "acme", "abe", guard.PatchMember{Name: &name}))
		_, err = g.PutMember(t.Context(), host(), "acme", "eve", guard.PutMember{Role: "accountant"})
		if invalid, ok := errors.AsType[*guard.Invalid](err); !ok || invalid.Errors[0].Pointer != "/role" {
			t.Errorf("the old role is given: %v", err)
		}
		must[*guard.Result](t)(g.PutMember(t.Context(), host(), "acme", "eve", guard.PutMember{Role: "treasurer"}))
		// By one that does not know it, it gives nothing.
		if err := g.Enforce(must[*policies.Engine](t)(engine())); err != nil {
			t.Fatal(err)
		}
		if yes, why := views(); yes || !cmp.Equal(why, []string{"not_granted"}) {
			t.Errorf("unknown: %v %v", yes, why)
		}
	})
}

func TestWordsThatAnotherPolicyTakesAwayAreFoundInUse(t *testing.T) {
	store := openSQLite(t)
	from := declaring(t, accountants)
	clock := newClock()
	g, flush := flushed(t, store, func(c *guard.Config) { c.Engine, c.Now = from, clock.now })
	acme(t, g)
	builtin := must[*policies.Engine](t)(engine())
	find := func(to *policies.Engine) []guard.WordUse {
		t.Helper()
		return must[[]guard.WordUse](t)(g.WordsInUse(t.Context(), from, to))
	}
	putSet(t, g, "notes", notesOf("ann")) // a set's word is its own
	archives := reads("ann")
	archives.Action.Name = "archive"
	must[guard.SetAnswer](t)(g.DecideIn(t.Context(), host(), "notes", archives))
	flush()
	if uses := find(builtin); len(uses) > 0 {
		t.Errorf("nobody uses them: %+v", uses)
	}
	must[*guard.Result](t)(g.PutMember(t.Context(), host(), "acme", "abe", guard.PutMember{Name: "Abe", Role: "accountant"}))
	must[*guard.Result](t)(g.PutProduct(t.Context(), host(), "acme", "box", guard.PutProduct{Name: "Box", Kind: "vps"}))
	decide(t, g, productQuestion("adam", "archive", "shop"))
	decide(t, g, productQuestion("adam", "archive", "site"))
	flush()
	want := []guard.WordUse{
		{Noun: "role", Word: "accountant", By: []guard.WordUser{{Organization: "acme", Type: "user", ID: "abe"}}},
		{Noun: "kind", Word: "vps", By: []guard.WordUser{{Organization: "acme", Type: "product", ID: "box"}}},
		{Noun: "action", Word: "archive", By: []guard.WordUser{{Organization: "acme", Type: "caller", ID: "test"}}},
	}
	if diff := cmp.Diff(want, find(builtin)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for name, to := range map[string]*policies.Engine{"the same": from, "one that has retired them": declaring(t, renamed)} {
		if uses := find(to); len(uses) > 0 {
			t.Errorf("%s: %+v", name, uses)
		}
	}
	for i := range 25 {
		must[*guard.Result](t)(g.PutMember(t.Context(), host(), "acme", "b"+string(rune('a'+i)), guard.PutMember{Role: "accountant"}))
	}
	if uses := find(builtin); len(uses[0].By) != 20 || uses[0].More != 6 {
		t.Errorf("%d are named and %d more", len(uses[0].By), uses[0].More)
	}
	for i := range 44 { // 22 callers, twice each
		caller := guard.Caller{ID: fmt.Sprint("caller ", i%22), Scopes: guard.Scopes()}
		must[guard.Answer](t)(g.Decide(t.Context(), &guard.Origin{Caller: &caller}, productQuestion("adam", "archive", "shop")))
	}
	flush()
	if uses := find(builtin); len(uses[2].By) != 20 || uses[2].More != 3 { // and who asked before
		t.Errorf("%d callers are named and %d more", len(uses[2].By), uses[2].More)
	}
	// An action is in use by whatever version it was asked about, and for a month.
	other := declaring(t, `{"actions":{"archive":{"on":"product","asks":"admin"}}}`)
	if uses := must[[]guard.WordUse](t)(g.WordsInUse(t.Context(), other, builtin)); len(uses) != 1 || uses[0].Word != "archive" {
		t.Errorf("asked about by a former version: %+v", uses)
	}
	clock.pass(31 * 24 * time.Hour)
	if uses := find(builtin); len(uses) != 2 {
		t.Errorf("asked about long ago: %+v", uses)
	}
}

// A word that was retired is still had by who had it: the next version keeps what stands for it.
func TestWhatStandsForARetiredWordIsNotTakenAway(t *testing.T) {
	g, flush := flushed(t, openSQLite(t), withEngine(declaring(t, accountants)))
	acme(t, g)
	must[*guard.Result](t)(g.PutMember(t.Context(), host(), "acme", "abe", guard.PutMember{Name: "Abe", Role: "accountant"}))
	must[*guard.Result](t)(g.PutProduct(t.Context(), host(), "acme", "box", guard.PutProduct{Name: "Box", Kind: "vps"}))
	from := declaring(t, renamed)
	if err := g.Enforce(from); err != nil {
		t.Fatal(err)
	}
	decide(t, g, productQuestion("adam", "archive", "shop"))
	flush()
	next := declaring(t, `{"roles":{"treasurer":{}},"kinds":{"vserver":{}},"actions":{"stow":{"on":"product","asks":"admin"}}}`)
	var words []string
	for _, use := range must[[]guard.WordUse](t)(g.WordsInUse(t.Context(), from, next)) {
		words = append(words, use.Noun+" "+use.Word)
	}
	if diff := cmp.Diff([]string{"role accountant", "kind vps", "action archive"}, words); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if uses := must[[]guard.WordUse](t)(g.WordsInUse(t.Context(), from, declaring(t, accountants))); len(uses) > 0 {
		t.Errorf("declared again: %+v", uses)
	}
}
