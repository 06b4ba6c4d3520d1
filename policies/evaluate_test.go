package policies_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cordon/policies"
)

func evaluate(t *testing.T, engine *policies.Engine, in *policies.Input) *policies.Evaluation {
	t.Helper()
	got, err := engine.Evaluate(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestAnEvaluationIsTheDecisionWithHowItCameAbout(t *testing.T) {
	src := domainRules()
	const path = "cordon/rules/product_blocked/product_blocked.rego"
	src.Files[path] += "\ndeny if {\n\tinput.action.name == \"manage\"\n\tprint(\"asked about\", input.resource.kind)\n\tinput.resource.kind == \"odd\"\n}\n"
	row := strings.Count(src.Files[path][:strings.Index(src.Files[path], "print(")], "\n") + 1
	engine, in := compile(t, src), manage()
	in.Resource.Blocks = []string{policies.OriginAdministrator}
	got := evaluate(t, engine, in)
	want, err := engine.DecideUncached(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	if got.Allowed != want.Allowed || !slices.Equal(got.Reasons, want.Reasons) || got.Undecided != "" || got.Took <= 0 || len(got.Trace) < 10 {
		t.Errorf("got %v, %v after %v", got.Reasons, got.Undecided, got.Took)
	}
	fired := slices.ContainsFunc(got.Rules, func(f policies.Fired) bool {
		return f.Path == path && f.Code == "product_blocked" && f.Denies && f.Counts && f.Row > 0
	})
	if !fired {
		t.Errorf("rules %+v", got.Rules)
	}
	if diff := cmp.Diff(got.Printed, []string{path + ":" + strconv.Itoa(row) + ": asked about web_hosting"}); diff != "" {
		t.Errorf("printed (-got +want):\n%s", diff)
	}
}

func TestAnEvaluationTellsThatTheRulesGiveNothing(t *testing.T) {
	for name, test := range map[string]struct{ body, says string }{
		"fails":        {`deny if to_number(input.action.name) > 1`, "to_number"},
		"does not end": {"deny if {\n\tinput.action.name == \"manage\"\n\t" + endless + "\n}", "did not end within 1s"},
	} {
		t.Run(name, func(t *testing.T) {
			src := domainRules()
			src.Files[oddRule] = rule("odd", 95, test.body)
			got := evaluate(t, compile(t, src), manage())
			if got.Decision != nil || !strings.Contains(got.Undecided, test.says) || len(got.Trace) == 0 || len(got.Trace) > 10_001 {
				t.Errorf("got %v, %q, %d lines", got.Decision, got.Undecided, len(got.Trace))
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := compile(t, domainRules()).Evaluate(ctx, manage()); !errors.Is(err, policies.ErrTimeout) {
		t.Errorf("nobody waits any more: %v", err)
	}
}
