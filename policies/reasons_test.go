package policies_test

import (
	"fmt"
	"maps"
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
	"support_code_required", "support_code_invalid", "justification_required", "end_required", "would_lock_out_organization",
	"last_legal_representative", "legal_representative_only", "block_held_by_support", "block_held_by_host",
	"mail_reception", "member", "legal_representative", "administrator", "granted", "role_permitted", "host", "support",
}

// ruleCodes are the names of the rule directories, by the rank in their metadata.
func ruleCodes(t *testing.T, src policies.Source) []string {
	t.Helper()
	ranks := map[string]int{}
	for path, module := range parseModules(t, src) {
		code, ok := strings.CutPrefix(module.Package.Path.String(), "data.cordon.rules.")
		if !ok || strings.HasSuffix(path, "_test.rego") {
			continue
		}
		rank, err := strconv.Atoi(fmt.Sprint(module.Annotations[0].Custom["rank"]))
		if err != nil {
			t.Fatal(err)
		}
		ranks[code] = rank
	}
	return slices.SortedFunc(maps.Keys(ranks), func(a, b string) int { return ranks[a] - ranks[b] })
}

func TestTheRulesAreTheDomainsInItsOrder(t *testing.T) { checkOrder(t, policies.Builtin()) }

// checkOrder holds the domain's reasons to be there, in its order; a policy may have others between them.
func checkOrder(t *testing.T, src policies.Source) {
	t.Helper()
	its := slices.DeleteFunc(ruleCodes(t, src), func(code string) bool { return !slices.Contains(reasonCodes, code) })
	if diff := cmp.Diff(its, reasonCodes); diff != "" {
		t.Errorf("rules by rank (-rules +docs/domain.md):\n%s", diff)
	}
}

func TestTheConstantsAreTheDomainsReasons(t *testing.T) {
	constants := []string{
		policies.ReasonUnknownAction, policies.ReasonUnknownResource, policies.ReasonNotAMember, policies.ReasonUserBlocked,
		policies.ReasonMailServiceNotBlockable, policies.ReasonNotAMailService, policies.ReasonRoleNotPermitted,
		policies.ReasonNotGranted, policies.ReasonProductBlocked, policies.ReasonMailInMaintenance,
		policies.ReasonSupportCodeRequired, policies.ReasonSupportCodeInvalid, policies.ReasonJustificationRequired, policies.ReasonEndRequired,
		policies.ReasonWouldLockOutOrganization, policies.ReasonLastLegalRepresentative,
		policies.ReasonLegalRepresentativeOnly, policies.ReasonBlockHeldBySupport, policies.ReasonBlockHeldByHost,
		policies.ReasonMailReception, policies.ReasonMember, policies.ReasonLegalRepresentative,
		policies.ReasonAdministrator, policies.ReasonGranted, policies.ReasonRolePermitted, policies.ReasonHost, policies.ReasonSupport,
	}
	if diff := cmp.Diff(constants, reasonCodes); diff != "" {
		t.Errorf("(-constants +docs/domain.md):\n%s", diff)
	}
}

func TestEveryRuleHasATestAndSpeaksToBothReadersInThreeLanguages(t *testing.T) {
	checkTexts(t, policies.Builtin())
}

func checkTexts(t *testing.T, src policies.Source) {
	t.Helper()
	engine := compile(t, src)
	said := map[string]string{}
	var listed []string
	for _, texts := range engine.Rules() {
		code := texts.Code
		listed = append(listed, code)
		if src.Files["cordon/rules/"+code+"/"+code+"_test.rego"] == "" {
			t.Errorf("%s has no test beside it", code)
		}
		for reader, byLanguage := range map[string]map[string]string{"person": texts.Person, "administrator": texts.Administrator} {
			for _, language := range []string{"en", "fr", "de"} {
				if byLanguage[language] == "" {
					t.Errorf("%s says nothing in %s to the %s", code, language, reader)
				}
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
	if diff := cmp.Diff(listed, ruleCodes(t, src)); diff != "" {
		t.Errorf("the catalogue (-got +want):\n%s", diff)
	}
	engine.Rules()[0].Person["en"] = "changed" // by a careless caller
	if engine.Rules()[0].Person["en"] == "changed" {
		t.Error("a caller can change the texts")
	}
}
