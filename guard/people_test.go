package guard_test

import (
	"strings"
	"testing"

	"cordon/guard"
	"cordon/policies"

	"github.com/google/go-cmp/cmp"
)

// Who could do an act is asked, and looked for, by the words of the policy in force.
func TestWhoCouldActIsFoundByRetiredWords(t *testing.T) {
	g, flush := flushed(t, openSQLite(t), withEngine(declaring(t, accountants)))
	if err := g.KeepPolicy(t.Context()); err != nil {
		t.Fatal(err)
	}
	acme(t, g)
	must[*guard.Result](t)(g.PutMember(t.Context(), host(), "acme", "abe", guard.PutMember{Name: "Abe", Role: "accountant"}))
	must[*guard.Result](t)(g.PutProduct(t.Context(), host(), "acme", "box", guard.PutProduct{Name: "Box", Kind: "vps"}))
	must[*guard.Result](t)(g.BlockProduct(t.Context(), as("adam"), "acme", "box", reason("leak")))
	answer := decided(t, g, productQuestion("adam", "manage", "box"))
	flush()
	src := declaring(t, strings.Replace(renamed, `{"product":["view"]}`, `{"product":["unblock"]}`, 1)).Source()
	src.Files["cordon/rules/product_blocked/product_blocked.rego"] += `
deny if {
	input.action.name == "unblock"
	input.resource.kind == "vserver"
	not input.subject.role == "treasurer"
}
`
	activate(t, g, must[*policies.Engine](t)(policies.Compile(t.Context(), src)))
	c := explain(t, g, host(), answer.ID).Changers[0]
	if !cmp.Equal(c.Roles, []string{"treasurer"}) || len(c.People) != 1 || c.People[0].ID != "abe" {
		t.Errorf("got %+v", c)
	}
}
