package policies_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cordon/policies"
)

// heads finds where the denials or grants of a rule begin, in the text of the policy itself.
func heads(t *testing.T, code string) map[string]bool {
	t.Helper()
	path := "cordon/rules/" + code + "/" + code + ".rego"
	at := map[string]bool{}
	for i, line := range strings.Split(policies.Builtin().Files[path], "\n") {
		if strings.HasPrefix(line, "deny if") || strings.HasPrefix(line, "grant if") {
			at[fmt.Sprintf("%s:%d", path, i+1)] = true
		}
	}
	if len(at) == 0 {
		t.Fatalf("rule %s has no head", code)
	}
	return at
}

// TestExplainSaysWhichRulesHeld holds, of every input that the truth table has, the rules that held against the reasons: each
// reason has a body, at the place where the policy's text has one, and what counts is a reason.
func TestExplainSaysWhichRulesHeld(t *testing.T) {
	engine := compile(t, domainRules())
	places := map[string]map[string]bool{}
	for _, in := range thinned(cells(), 97) {
		x, err := engine.Explain(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		want, err := engine.DecideUncached(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if x.Allowed != want.Allowed || !cmp.Equal(x.Reasons, want.Reasons) || string(x.InputJSON) != string(want.InputJSON) {
			t.Fatalf("%s: explained as %v, decided as %v", want.InputJSON, x.Reasons, want.Reasons)
		}
		counted := map[string]bool{}
		for _, fired := range x.Rules {
			if places[fired.Code] == nil {
				places[fired.Code] = heads(t, fired.Code)
			}
			if at := fmt.Sprintf("%s:%d", fired.Path, fired.Row); !places[fired.Code][at] {
				t.Fatalf("%s: rule %s held at %s, where it has no head", want.InputJSON, fired.Code, at)
			}
			if fired.Counts {
				counted[fired.Code] = true
				if fired.Denies == x.Allowed {
					t.Fatalf("%s: rule %s counts and is of the other verdict", want.InputJSON, fired.Code)
				}
			}
		}
		for _, reason := range x.Reasons {
			if !counted[reason.Code] {
				t.Fatalf("%s: reason %s has no rule that held: %v", want.InputJSON, reason.Code, x.Rules)
			}
			delete(counted, reason.Code)
		}
		if len(counted) > 0 {
			t.Fatalf("%s: %v count and are no reasons", want.InputJSON, counted)
		}
	}
}

func TestExplainTellsEveryBodyAndTheTrace(t *testing.T) {
	engine := compile(t, domainRules())
	in := manage()
	in.Resource.Blocks = []string{"host"}
	in.Subject.Blocked = true
	x, err := engine.Explain(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, fired := range x.Rules {
		got[fmt.Sprint(fired.Code, " ", fired.Denies, " ", fired.Counts)] = true
	}
	// Where something denies, the rules ask for no grant.
	if diff := cmp.Diff(got, map[string]bool{"product_blocked true true": true, "user_blocked true true": true}); diff != "" {
		t.Errorf("rules (-got +want):\n%s", diff)
	}
	// Behind a reason that stands alone, the others hold and are not said.
	in = manage()
	in.Subject = policies.Subject{Kind: policies.SubjectUser}
	in.Resource.Blocks = []string{"host"}
	alone, err := engine.Explain(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	for _, fired := range alone.Rules {
		if fired.Counts != (fired.Code == "not_a_member") || !fired.Denies {
			t.Errorf("of a stranger's question: %+v", fired)
		}
	}
	if len(alone.Rules) < 2 {
		t.Errorf("only %v held of a stranger's question on a blocked product", alone.Rules)
	}
	text := strings.Join(x.Trace, "\n")
	for _, want := range []string{"product_blocked.rego", "Enter data.cordon.decision", "Fail"} {
		if !strings.Contains(text, want) {
			t.Errorf("the trace has no %q", want)
		}
	}
}

func TestReadInputReadsWhatARecordHolds(t *testing.T) {
	engine := compile(t, domainRules())
	for _, in := range thinned(cells(), 977) {
		decision, err := engine.DecideUncached(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		again, err := policies.ReadInput(decision.InputJSON)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(again)
		if err != nil || string(text) != string(decision.InputJSON) {
			t.Fatalf("read %s\nof   %s (%v)", text, decision.InputJSON, err)
		}
	}
	for _, wrong := range []string{``, `{`, `{"facts":1}`, `{} {}`, `{"subject":{"power":1}}`} {
		if in, err := policies.ReadInput([]byte(wrong)); err == nil {
			t.Errorf("%q was read as %v", wrong, in)
		}
	}
}

func TestPolicyIsKeptAndOpenedAgain(t *testing.T) {
	engine := compile(t, policies.Builtin())
	text, err := engine.Source().Keep()
	if err != nil {
		t.Fatal(err)
	}
	again, err := policies.Open(t.Context(), text, engine.Digest())
	if err != nil {
		t.Fatal(err)
	}
	if again.Digest() != engine.Digest() {
		t.Errorf("opened as %s, kept as %s", again.Digest(), engine.Digest())
	}
	if diff := cmp.Diff(again.Source(), policies.Builtin()); diff != "" {
		t.Errorf("source (-got +want):\n%s", diff)
	}
	one, err := engine.Decide(t.Context(), manage())
	if err != nil {
		t.Fatal(err)
	}
	other, err := again.Decide(t.Context(), manage())
	if err != nil || !cmp.Equal(one.Reasons, other.Reasons) {
		t.Errorf("decided %v and then %v (%v)", one.Reasons, other, err)
	}
	changed := strings.Replace(string(text), "subject.admin", "subject.member", 1)
	for name, wrong := range map[string]string{"changed": changed, "cut off": string(text[:len(text)/2]), "nothing": ""} {
		if _, err := policies.Open(t.Context(), []byte(wrong), engine.Digest()); !errors.Is(err, policies.ErrOtherPolicy) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPolicySaysWhatItHasRulesOf(t *testing.T) {
	engine := compile(t, domainRules())
	o, ok := engine.Said(false, []string{"user_blocked", "product_blocked"})
	if !ok || o.Allowed || len(o.Reasons) != 2 || o.Reasons[1].Code != "product_blocked" || o.Admin()["de"] == "" {
		t.Errorf("said %v, %v", o, ok)
	}
	for name, given := range map[string]struct {
		allowed bool
		codes   []string
	}{
		"another verdict": {true, []string{"user_blocked"}}, "no rule": {false, []string{"user_blocked", "rain"}}, "no code": {false, nil},
	} {
		if _, ok := engine.Said(given.allowed, given.codes); ok {
			t.Errorf("%s is said", name)
		}
	}
}
