package policies_test

import (
	"slices"
	"strings"
	"testing"

	"cordon/policies"
)

// A case is formatted, lints clean, and passes on the policy that it was made of; on one that answers otherwise it fails.
func TestACaseHoldsAPolicyToItsAnswer(t *testing.T) {
	in := manage()
	in.Resource.Blocks = []string{policies.OriginHost}
	src := domainRules()
	for _, c := range []policies.Case{
		{Name: "decision-01A-b", Remark: "Decision 01A-b of\n2026-11-29.", Input: in, Codes: []string{"product_blocked"}},
		{Name: "question_1", Input: manage(), Allowed: true, Codes: []string{"administrator"}},
	} {
		path, text, err := c.File()
		if err != nil {
			t.Fatal(err)
		}
		src.Files[path] = text
	}
	if text := src.Files["cordon/cases/decision_01a_b_test.rego"]; !strings.Contains(text, "# Decision 01A-b of 2026-11-29.\ntest_decision_01a_b if {\n") {
		t.Errorf("got %q", text)
	}
	r := report(t, src.Files)
	if !r.Passed() || len(r.Lint) > 0 {
		t.Errorf("got %+v, %+v, %+v", r.Problems, r.Format, r.Lint)
	}
	const rule = "cordon/rules/product_blocked/product_blocked.rego"
	src.Files[rule] = strings.Replace(src.Files[rule], `input.action.name == "manage"`, `input.action.name == "never"`, 1)
	r = report(t, src.Files)
	failed := slices.ContainsFunc(r.Tests.Items, func(one policies.Test) bool {
		return !one.Passed && one.Name == "data.cordon.cases_test.test_decision_01a_b"
	})
	if !failed {
		t.Errorf("got %+v, %+v", r.Problems, r.Tests)
	}
}
