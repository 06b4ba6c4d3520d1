package policies_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cordon/policies"
)

// refusal compiles a policy and gives the first problem.
func refusal(t *testing.T, src policies.Source) policies.Problem {
	t.Helper()
	_, err := policies.Compile(t.Context(), src)
	refused, ok := errors.AsType[*policies.ProblemsError](err)
	if !ok {
		t.Fatalf("not refused: %v", err)
	}
	if !strings.Contains(err.Error(), refused.Problems[0].String()) {
		t.Errorf("%q does not tell %q", err, refused.Problems[0])
	}
	return refused.Problems[0]
}

func TestAFaultyPolicyIsRefusedWhereItIsFaulty(t *testing.T) {
	const path = "cordon/rules/odd/odd.rego"
	for name, test := range map[string]struct {
		body        string
		row, column int
		says        string
	}{
		"syntax":                      {"deny if input.subject.blocked ==)", 9, 33, "unexpected"},
		"network":                     {`deny if http.send({"method": "get", "url": "http://localhost"}).status_code == 200`, 9, 9, "http.send is not allowed in Cordon policies"},
		"clock":                       {`deny if time.now_ns() > 1`, 9, 9, "time.now_ns is not allowed in Cordon policies"},
		"dice":                        {`deny if rand.intn("a", 2) == 1`, 9, 9, "rand.intn is not allowed in Cordon policies"},
		"environment":                 {`deny if opa.runtime().env.HOME`, 9, 9, "opa.runtime is not allowed in Cordon policies"},
		"names":                       {`deny if count(net.lookup_ip_addr("localhost")) > 0`, 9, 15, "net.lookup_ip_addr is not allowed in Cordon policies"},
		"random identifiers":          {`deny if uuid.rfc4122("a") == "b"`, 9, 9, "uuid.rfc4122 is not allowed in Cordon policies"},
		"no such function":            {`deny if guess(1)`, 9, 9, "undefined function guess"},
		"input that does not exist":   {`deny if input.subject.rol == "client"`, 9, 9, `"role"`},
		"setting that does not exist": {`deny if data.cordon.settings.administrators_mange`, 9, 9, ""},
		"types":                       {`deny if input.subject.blocked == "yes"`, 9, 9, "match error"},
		"unused import":               {"import data.cordon.roles\n\ndeny if input.subject.blocked", 9, 1, "unused"},
		"unused variable":             {"deny if {\n\tx := 1\n}", 10, 2, "assigned var x unused"},
		"recursion":                   {"deny if deny", 9, 1, "recursive"},
		"neither":                     {"say if true", 7, 1, "neither deny nor grant"},
	} {
		t.Run(name, func(t *testing.T) {
			src := domainRules()
			src.Files[path] = rule("odd", 1, test.body)
			if name == "setting that does not exist" {
				src.Files[path] = strings.Replace(src.Files[path], "# custom:", "# schemas:\n#   - data.cordon.settings: schema.settings\n# custom:", 1)
				test.row += 2
			}
			got := refusal(t, src)
			if got.File != path || got.Row != test.row || got.Column != test.column || !strings.Contains(got.Message, test.says) {
				t.Errorf("%s", got)
			}
		})
	}
}

// A head that is anything but true is passed over, or contradicts another: neither is a rule that an editor can mean.
func TestARuleThatSaysAnythingButDenyOrGrantIsRefused(t *testing.T) {
	const path = "cordon/rules/odd/odd.rego"
	for name, test := range map[string]struct {
		body        string
		row, column int
		says        string
	}{
		"false":          {"deny := false if input.subject.blocked", 9, 1, "the name alone"},
		"contradiction":  {"grant if input.subject.blocked\n\ngrant := false if input.subject.itself", 11, 1, "the name alone"},
		"of the input":   {"deny := input.subject.blocked", 9, 1, "the name alone"},
		"a word":         {`deny := "yes"`, 9, 1, "the name alone"},
		"a set":          {"deny contains input.action.name", 9, 1, "the name alone"},
		"an object":      {`deny[input.action.name] := true`, 9, 1, "the name alone"},
		"a member":       {`deny.it if input.subject.blocked`, 9, 1, "the name alone"},
		"a function":     {`deny(x) if x`, 9, 1, "the name alone"},
		"a default":      {"default deny := false\n\ndeny if input.subject.blocked", 9, 1, "the name alone"},
		"false or else":  {"deny if {\n\tinput.subject.blocked\n} else := false if input.subject.itself", 11, 3, "the name alone"},
		"deny and grant": {"deny if input.subject.blocked\n\ngrant if input.subject.itself", 7, 1, "both deny and grant"},
	} {
		t.Run(name, func(t *testing.T) {
			src := domainRules()
			src.Files[path] = rule("odd", 1, test.body)
			got := refusal(t, src)
			if got.File != path || got.Row != test.row || got.Column != test.column || !strings.Contains(got.Message, test.says) {
				t.Errorf("%s", got)
			}
		})
	}
	src := domainRules()
	src.Files["cordon/odd.rego"] = "package cordon\n\nrules.administrator.grant if input.subject.blocked\n"
	if got := refusal(t, src); got.File != "cordon/odd.rego" || got.Row != 3 || !strings.Contains(got.Message, "outside its own package") {
		t.Errorf("%s", got)
	}
	src = domainRules()
	src.Files[path] = strings.Replace(rule("odd", 1, "deny if input.subject.blocked"), "package cordon.rules.odd", "package cordon.rules.odd.deeper", 1)
	if got := refusal(t, src); got.File != path || got.Row != 7 || !strings.Contains(got.Message, "directly below") {
		t.Errorf("%s", got)
	}
	src = domainRules()
	src.Files[path] = rule("odd", 95, "deny if {\n\tinput.subject.blocked\n} else := true if input.subject.itself")
	if _, err := policies.Compile(t.Context(), src); err != nil {
		t.Errorf("an else that holds: %v", err)
	}
}

func TestARuleWithoutCodeRankOrTextsIsRefused(t *testing.T) {
	good := rule("odd", 1, "deny if input.subject.blocked")
	for name, test := range map[string]struct{ cut, with, says string }{
		"no code":             {"#   code: odd\n", "", `gives the code ""`},
		"another code":        {"code: odd", "code: even", `gives the code "even"`},
		"no rank":             {"#   rank: 1\n", "", "gives no rank"},
		"rank is a word":      {"rank: 1\n", "rank: first\n", "cannot unmarshal"},
		"no text for someone": {`administrator: {"en": "a", "fr": "b", "de": "c"}`, "note: none", "no text in en"},
		"no French":           {`person: {"en": "a", "fr": "b",`, `person: {"en": "a", "fr": " ",`, "no text in fr"},
		"no metadata":         {good[:strings.Index(good, "package")], "", `gives the code ""`},
	} {
		t.Run(name, func(t *testing.T) {
			src := domainRules()
			src.Files["cordon/rules/odd/odd.rego"] = strings.Replace(good, test.cut, test.with, 1)
			if got := refusal(t, src); !strings.Contains(got.Message, test.says) {
				t.Errorf("%s", got)
			}
		})
	}
}

// Which of two rules is to change, their editor knows: both are named, each with its place.
func TestTwoRulesThatClaimTheSameAreRefusedBoth(t *testing.T) {
	one, other := rule("even", 95, "deny if input.subject.blocked"), rule("odd", 95, "deny if input.subject.itself")
	for name, test := range map[string]struct {
		edit func(policies.Source)
		want []string
	}{
		"rank": {func(policies.Source) {}, []string{
			"cordon/rules/odd/odd.rego:4:5: rule odd: rank 95 is that of even (cordon/rules/even/even.rego:4:5)",
			"cordon/rules/even/even.rego:4:5: rule even: rank 95 is that of odd (cordon/rules/odd/odd.rego:4:5)",
		}},
		"code": {func(src policies.Source) {
			src.Files["cordon/rules/odd/odd.rego"] = strings.NewReplacer("code: odd", "code: even", "rank: 95", "rank: 96").Replace(other)
		}, []string{
			"cordon/rules/odd/odd.rego:3:5: rule odd: code even is that of even (cordon/rules/even/even.rego:3:5)",
			"cordon/rules/even/even.rego:3:5: rule even: code even is that of odd (cordon/rules/odd/odd.rego:3:5)",
			`cordon/rules/odd/odd.rego:7:1: rule odd: its metadata gives the code "even"`,
		}},
		"package": {func(src policies.Source) {
			delete(src.Files, "cordon/rules/odd/odd.rego")
			src.Files["cordon/rules/even/more.rego"] = "package cordon.rules.even\n\ndeny if input.subject.itself\n"
		}, []string{
			"cordon/rules/even/more.rego:1:1: rule even: it has two files, and a rule is one file; see even (cordon/rules/even/even.rego:7:1)",
			"cordon/rules/even/even.rego:7:1: rule even: it has two files, and a rule is one file; see even (cordon/rules/even/more.rego:1:1)",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			src := domainRules()
			src.Files["cordon/rules/even/even.rego"], src.Files["cordon/rules/odd/odd.rego"] = one, other
			test.edit(src)
			_, err := policies.Compile(t.Context(), src)
			refused, ok := errors.AsType[*policies.ProblemsError](err)
			if !ok {
				t.Fatalf("not refused: %v", err)
			}
			var got []string
			for _, problem := range refused.Problems {
				got = append(got, problem.String())
			}
			if diff := cmp.Diff(got, test.want); diff != "" {
				t.Errorf("problems (-got +want):\n%s", diff)
			}
		})
	}
}

func TestEveryBrokenModuleIsReported(t *testing.T) {
	src := domainRules()
	src.Files["a.rego"], src.Files["b.rego"] = "package a\n\nx if {", "package b\n\ny ="
	_, err := policies.Compile(t.Context(), src)
	refused, ok := errors.AsType[*policies.ProblemsError](err)
	if !ok || len(refused.Problems) < 2 {
		t.Errorf("%v", err)
	}
}
