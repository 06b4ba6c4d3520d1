package policies_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cordon/policies"
)

// reasonCodes are `docs/domain.md`, "Reasons", in the order in which they are given, and after them those of allows.
var reasonCodes = []string{
	"unknown_action", "unknown_resource", "not_a_member", "user_blocked",
	"mail_service_not_blockable", "not_a_mail_service", "role_not_permitted", "not_granted",
	"product_blocked", "mail_in_maintenance",
	"support_code_required", "support_code_invalid", "justification_required", "would_lock_out_organization",
	"last_legal_representative", "legal_representative_only", "block_held_by_support", "block_held_by_host",
	"mail_reception", "member", "legal_representative", "administrator", "granted", "host", "support",
}

// ruleCodes are the names of the rule directories, by the rank in their metadata.
func ruleCodes(t *testing.T) []string {
	t.Helper()
	ranks := map[string]int{}
	for _, module := range parseModules(t, policies.Builtin()) {
		code, ok := strings.CutPrefix(module.Package.Path.String(), "data.cordon.rules.")
		if !ok {
			continue
		}
		rank, err := strconv.Atoi(fmt.Sprint(module.Annotations[0].Custom["rank"]))
		if err != nil {
			t.Fatal(err)
		}
		ranks[code] = rank
	}
	out := make([]string, 0, len(ranks))
	for code := range ranks {
		out = append(out, code)
	}
	slices.SortFunc(out, func(a, b string) int { return ranks[a] - ranks[b] })
	return out
}

func TestTheRulesAreTheDomainsInItsOrder(t *testing.T) {
	if diff := cmp.Diff(ruleCodes(t), reasonCodes); diff != "" {
		t.Errorf("rules by rank (-rules +docs/domain.md):\n%s", diff)
	}
}

func TestTheConstantsAreTheRules(t *testing.T) {
	constants := []string{
		policies.ReasonUnknownAction, policies.ReasonUnknownResource, policies.ReasonNotAMember, policies.ReasonUserBlocked,
		policies.ReasonMailServiceNotBlockable, policies.ReasonNotAMailService, policies.ReasonRoleNotPermitted,
		policies.ReasonNotGranted, policies.ReasonProductBlocked, policies.ReasonMailInMaintenance,
		policies.ReasonSupportCodeRequired, policies.ReasonSupportCodeInvalid, policies.ReasonJustificationRequired,
		policies.ReasonWouldLockOutOrganization, policies.ReasonLastLegalRepresentative,
		policies.ReasonLegalRepresentativeOnly, policies.ReasonBlockHeldBySupport, policies.ReasonBlockHeldByHost,
		policies.ReasonMailReception, policies.ReasonMember, policies.ReasonLegalRepresentative,
		policies.ReasonAdministrator, policies.ReasonGranted, policies.ReasonHost, policies.ReasonSupport,
	}
	if diff := cmp.Diff(constants, ruleCodes(t)); diff != "" {
		t.Errorf("(-constants +rules):\n%s", diff)
	}
}

func TestEveryRuleHasATestAndSpeaksToBothReadersInThreeLanguages(t *testing.T) {
	engine := compile(t, policies.Builtin())
	modules := policies.BuiltinWithTests().Modules
	said := map[string]string{}
	var listed []string
	for _, texts := range engine.Rules() {
		code := texts.Code
		listed = append(listed, code)
		if modules["cordon/rules/"+code+"/"+code+"_test.rego"] == "" {
			t.Errorf("%s has no test beside it", code)
		}
		for reader, byLanguage := range map[string]map[string]string{"person": texts.Person, "administrator": texts.Administrator} {
			if len(byLanguage) != 3 {
				t.Errorf("%s speaks %d languages to the %s", code, len(byLanguage), reader)
			}
			for language, text := range byLanguage {
				if !strings.HasSuffix(text, ".") || strings.TrimSpace(text) != text {
					t.Errorf("%s, %s, %s: no sentence: %q", code, reader, language, text)
				}
				if other := said[text]; other != "" {
					t.Errorf("%s says the same as %s: %q", code, other, text)
				}
				said[text] = code
			}
		}
	}
	if diff := cmp.Diff(listed, ruleCodes(t)); diff != "" {
		t.Errorf("the catalogue (-got +want):\n%s", diff)
	}
	engine.Rules()[0].Person["en"] = "changed" // by a careless caller
	if engine.Rules()[0].Person["en"] == "changed" {
		t.Error("a caller can change the texts")
	}
}
