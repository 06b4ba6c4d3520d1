package policies_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"cordon/policies"
)

// Rules as an editor adds them: one denies what the domain allows, with a reason between the domain's, one grants.
const (
	frozenRule = `# METADATA
# title: A frozen product is left alone
# schemas:
#   - input: schema.input
# custom:
#   code: frozen
#   rank: 85
#   person:
#     en: "Domains are frozen at present."
#     fr: "Les domaines sont figés pour le moment."
#     de: "Domains sind zurzeit eingefroren."
#   administrator:
#     en: "Wait until domains are thawed."
#     fr: "Attendez le dégel des domaines."
#     de: "Warten Sie, bis Domains aufgetaut sind."
package cordon.rules.frozen

deny if {
	input.action.name == "manage"
	startswith(input.resource.kind, "web")
}
`
	frozenTest = `package cordon.rules.frozen_test

import data.cordon.fixtures_test as given
import data.cordon.rules.frozen

test_manage if {
	question := given.ask({"name": "manage"}, given.member("administrator"), given.item("web_hosting"))
	frozen.deny with input as question
}
`
	watchmanRule = `# METADATA
# title: A client looks after the organization
# schemas:
#   - input: schema.input
# custom:
#   code: watchman
#   rank: 205
#   person:
#     en: "You look after this organization."
#     fr: "Vous veillez sur cette organisation."
#     de: "Sie schauen zu dieser Organisation."
#   administrator:
#     en: "Every client looks after the organization."
#     fr: "Chaque client veille sur l'organisation."
#     de: "Jeder Kunde schaut zur Organisation."
package cordon.rules.watchman

grant if input.subject.role == "client"
`
	watchmanTest = `package cordon.rules.watchman_test

import data.cordon.fixtures_test as given
import data.cordon.rules.watchman

test_client if {
	question := given.ask({"name": "view"}, given.member("client"), given.organization)
	watchman.grant with input as question
}
`
)

// A valid rule in a checkout fails no test that is not about it: what is checked of the built-in rules holds with it, too.
func TestRulesBeyondTheDomainFailNoOtherTest(t *testing.T) {
	src := domainOnly(policies.Builtin())
	for path, text := range map[string]string{
		"cordon/rules/frozen/frozen.rego": frozenRule, "cordon/rules/frozen/frozen_test.rego": frozenTest,
		"cordon/rules/watchman/watchman.rego": watchmanRule, "cordon/rules/watchman/watchman_test.rego": watchmanTest,
	} {
		src.Files[path] = text
	}
	checkOrder(t, src)
	checkTexts(t, src)
	checkRegoTests(t, src)
	checkFormat(t, src)
	said := checkTable(t, src, 17)
	if said["frozen"] == 0 || said["watchman"] == 0 {
		t.Errorf("the new rules said nothing: %v", said)
	}
	if diff := cmp.Diff(domainOnly(src).Files, domainOnly(policies.Builtin()).Files); diff != "" {
		t.Error(diff)
	}
}

// What asTheDomainSays lets pass must end where a rule opens what the domain denies.
func TestARuleThatOpensWhatTheDomainDeniesIsCaught(t *testing.T) {
	src := domainRules()
	src.Files["cordon/rules/role_not_permitted/role_not_permitted.rego"] = rule("role_not_permitted", 70, `deny if input.action.name == "never"`)
	src.Files["cordon/rules/watchman/watchman.rego"] = watchmanRule
	engine, opened := compile(t, src), 0
	for _, in := range thinned(userCells(), 3) {
		got, err := engine.DecideUncached(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := asTheDomainSays(got, in, settings{}); !ok {
			opened++
		}
	}
	if opened == 0 {
		t.Error("nobody notices")
	}
}
