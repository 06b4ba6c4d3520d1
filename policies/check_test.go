package policies_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cordon/policies"
)

// report checks the domain's rules with some files of an editor's.
func report(t *testing.T, files map[string]string) *policies.Report {
	t.Helper()
	src := domainRules()
	for path, text := range files {
		src.Files[path] = text
	}
	r, err := policies.Check(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	if r.Digest != src.Digest() {
		t.Errorf("the report is of %s", r.Digest)
	}
	return r
}

const (
	oddRule = "cordon/rules/odd/odd.rego"
	oddTest = "cordon/rules/odd/odd_test.rego"
)

func TestTheBuiltinPolicyPassesItsOwnCheck(t *testing.T) {
	r := report(t, nil)
	if !r.Passed() || len(r.Lint) > 0 || r.Coverage.Percent != 100 || len(r.Coverage.Uncovered) > 0 || r.Tests.Passed < 200 {
		t.Errorf("got %s", asJSON(t, r))
	}
	if r.Budget.Questions < 250 || r.Budget.SlowestUS == 0 {
		t.Errorf("budget %+v", r.Budget)
	}
	var shape map[string]json.RawMessage
	if err := json.Unmarshal([]byte(asJSON(t, report(t, map[string]string{oddRule: "package"}))), &shape); err != nil {
		t.Fatal(err)
	}
	for _, list := range []string{"problems", "format", "lint"} { // an empty list is one, for whoever reads it
		if !strings.HasPrefix(string(shape[list]), "[") {
			t.Errorf("%s is %s", list, shape[list])
		}
	}
}

func TestWhatIsWrongIsToldWhereItIsAndWhatWasMeant(t *testing.T) {
	for name, test := range map[string]struct{ body, at, code, says string }{
		"typo in the input":   {"deny if input.subject.rol == \"client\"", oddRule + ":9:9", "rego_type_error", "did you mean role?"},
		"typo in a builtin":   {"deny if starts_with(input.action.name, \"x\")", oddRule + ":9:9", "rego_type_error", "did you mean startswith?"},
		"forbidden builtin":   {"deny if http.send({\"method\": \"get\", \"url\": \"x\"})", oddRule + ":9:9", "rego_type_error", "http.send is not allowed in Cordon policies"},
		"clock":               {"deny if time.now_ns() > 1", oddRule + ":9:9", "rego_type_error", "time.now_ns is not allowed in Cordon policies"},
		"unused":              {"deny if {\n\tx := 1\n\tinput.subject.member\n}", oddRule + ":10:2", "rego_compile_error", "assigned var x unused"},
		"no Rego":             {"deny if {", oddRule + ":10:0", "rego_parse_error", "unexpected eof"},
		"nothing like a word": {"deny if input.subject.zzzzzzzzz", oddRule + ":9:9", "rego_type_error", "undefined ref: input.subject.zzzzzzzzz"},
	} {
		t.Run(name, func(t *testing.T) {
			r := report(t, map[string]string{oddRule: rule("odd", 95, test.body)})
			if len(r.Problems) == 0 {
				t.Fatal("nothing is told")
			}
			p := r.Problems[0]
			if at := fmt.Sprintf("%s:%d:%d", p.File, p.Row, p.Column); at != test.at || p.Code != test.code || !strings.Contains(p.Message, test.says) {
				t.Errorf("%s %s: %s", at, p.Code, p.Message)
			}
			if name == "nothing like a word" && strings.Contains(p.Message, "did you mean") {
				t.Errorf("%s", p.Message)
			}
		})
	}
	broken := report(t, map[string]string{oddTest: "package cordon.rules.odd_test\n\ntest_x if http.send({})\n"})
	if len(broken.Problems) == 0 || broken.Problems[0].File != oddTest || !strings.Contains(broken.Problems[0].Message, "not allowed") {
		t.Errorf("a test is held to less: %+v", broken.Problems)
	}
}

func TestFormatTestsAndCoverageAreTold(t *testing.T) {
	r := report(t, map[string]string{
		oddRule: rule("odd", 95, "deny   if input.resource.kind == \"odd\"\n\ndeny if {\n\tinput.resource.kind == \"even\"\n\tinput.resource.maintenance\n}"),
		oddTest: `package cordon.rules.odd_test

import data.cordon.fixtures_test as given
import data.cordon.rules.odd

question := given.ask({"name": "view"}, given.member("client"), given.organization)

test_good if {
	odd.deny with input as object.union(question, {"resource": {"kind": "odd"}})
}

test_bad if {
	print("the answer is", 42)
	odd.deny with input as question
}
`,
	})
	if len(r.Problems) > 0 || r.Passed() {
		t.Fatalf("got %s", asJSON(t, r.Problems))
	}
	if len(r.Format) != 1 || r.Format[0].Path != oddRule || !strings.Contains(r.Format[0].Diff, "\n-deny   if input.resource.kind == \"odd\"\n+deny if input.resource.kind == \"odd\"\n") {
		t.Errorf("format %+v", r.Format)
	}
	i := slices.IndexFunc(r.Tests.Items, func(one policies.Test) bool { return !one.Passed })
	if r.Tests.Failed != 1 || i < 0 {
		t.Fatalf("tests %+v", r.Tests)
	}
	bad := r.Tests.Items[i]
	if bad.Path != oddTest || bad.Row != 12 || bad.Name != "data.cordon.rules.odd_test.test_bad" || bad.Output != "the answer is 42\n" || !strings.Contains(bad.Trace, "Fail") {
		t.Errorf("got %+v", bad)
	}
	want := policies.Range{Path: oddRule, From: 13, To: 13}
	if r.Coverage.Percent == 100 || !slices.Contains(r.Coverage.Uncovered, want) {
		t.Errorf("coverage %+v", r.Coverage)
	}
	for _, hole := range r.Coverage.Uncovered {
		if strings.HasSuffix(hole.Path, "_test.rego") {
			t.Errorf("a test counts: %+v", hole)
		}
	}
}

func TestLintSaysWhatCannotHaveBeenMeant(t *testing.T) {
	r := report(t, map[string]string{
		oddRule: rule("odd", 95, `deny if input.subject.blocked # `+strings.Repeat("long ", 30)+`

deny if isBlocked

isBlocked if input.subject.blocked

deny if count

count if input.subject.blocked

deny if input.subject.blocked

deny if {
	1 == 1
	input.subject.blocked
}

deny if input.action.name == "mange"

deny if regex.match("mange", input.action.name)
`),
		"cordon/more/other.rego":     "package cordon.less\n\nx := 1\n",
		"cordon/more/less_test.rego": "package cordon.more\n\ntest_x if data.cordon.roles.known\n",
	})
	var got []string
	for _, p := range r.Lint {
		got = append(got, p.String())
	}
	want := []string{
		"cordon/more/less_test.rego:1:1: a package of tests is named for what it tests, as in cordon.more_test",
		"cordon/more/other.rego:1:1: package cordon.less lies in the folder of cordon.more",
		oddRule + ":9:121: the row has 182 characters, and at most 120 are read easily",
		oddRule + ":7:1: the metadata of a rule has a title",
		oddRule + ": it has no test beside it: " + oddTest,
		oddRule + ":13:1: isBlocked is not written as in snake_case",
		oddRule + ":17:1: count is the name of a builtin, which cannot be called here any more",
		oddRule + ":19:1: it says the same as row 9",
		oddRule + ":22:2: the condition is always the same",
		oddRule + ":26:30: input.action.name is never \"mange\"; did you mean manage?",
	}
	if diff := cmp.Diff(got, want); diff != "" || len(r.Problems) > 0 {
		t.Errorf("%v (-got +want):\n%s", r.Problems, diff)
	}
}

// endless is a condition that does not end.
const endless = "some a in numbers.range(1, 100000)\n\tsome b in numbers.range(1, 100000)\n\ta + b < 0"

func TestARunawayRuleIsStoppedAndNamed(t *testing.T) {
	r := report(t, map[string]string{oddRule: rule("odd", 95, "deny if {\n\tinput.action.name == \"manage\"\n\t"+endless+"\n}")})
	if r.Budget.Held || len(r.Budget.Runaway) != 1 || r.Passed() {
		t.Fatalf("got %+v", r.Budget)
	}
	p := r.Budget.Runaway[0]
	if p.File != oddRule || p.Row != 9 || p.Code != "budget_exceeded" || !strings.Contains(p.Message, "data.cordon.rules.odd.deny did not end within 1s, asked about manage on a product") {
		t.Errorf("%s", p)
	}
}

// No question of it is too slow, and all of them are.
func TestARuleThatIsSlowWhateverIsAskedIsNamed(t *testing.T) {
	src := policies.Source{Files: maps.Clone(policies.Builtin().Files)}
	src.Files[oddRule] = rule("odd", 95, "deny if {\n\tsome a in numbers.range(1, 100)\n\tsome b in numbers.range(1, 100)\n\ta + b < 0\n}")
	engine, err := policies.Compile(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	budget, err := engine.SpendWithin(t.Context(), 1)
	if err != nil || budget.Held || len(budget.Runaway) != 1 || budget.Questions != 1 {
		t.Fatalf("got %+v, %v", budget, err)
	}
	p := budget.Runaway[0]
	if p.File != oddRule || p.Row != 9 || p.Code != "budget_exceeded" || !strings.Contains(p.Message, "data.cordon.rules.odd.deny takes too long (1 of ") {
		t.Errorf("%s", p)
	}
}

const rolesRule = "cordon/roles/roles.rego"

// wordsWithoutEnd is the module of roles, where looking for those that the policy knows does not end.
func wordsWithoutEnd() string {
	return strings.Replace(domainRules().Files[rolesRule], "known contains role if some role, _ in data.cordon.words.roles", "known contains r if {\n\tsome r in [\"a\"]\n\tsome a in numbers.range(1, 100000)\n\tsome b in numbers.range(1, 100000)\n\ta + b < 0\n}", 1)
}

// A policy that cannot be checked in time is one that is refused; whoever no longer waits is told so.
func TestACheckThatTakesTooLongIsAProblemOfThePolicy(t *testing.T) {
	r, err := policies.CheckWithin(t.Context(), 1, policies.Builtin())
	if err != nil || len(r.Problems) != 1 || r.Problems[0].Code != "limit_error" || !strings.Contains(r.Problems[0].Message, "it takes more than 1ns to be checked") {
		t.Errorf("got %+v, %v", r, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r, err := policies.CheckWithin(ctx, 1, policies.Builtin()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %+v, %v", r, err)
	}
	// Nor when the words are looked for.
	endless := policies.Source{Files: maps.Clone(policies.Builtin().Files)}
	endless.Files[rolesRule] = wordsWithoutEnd()
	ctx, cancel = context.WithTimeout(t.Context(), time.Second/2)
	defer cancel()
	if r, err := policies.Check(ctx, endless); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %+v, %v", r, err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), time.Second/2)
	defer cancel()
	if _, err := policies.Compile(ctx, endless); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("compiled: got %v", err)
	}
}

// A rule that lies in wait for a word that the policy does not have is found, and so is one that takes memory and no time.
func TestARuleThatTakesMemoryIsNamed(t *testing.T) {
	if raceDetector() {
		t.Skip("under it the time is over before the memory is")
	}
	double := "x0 := concat(\"\", [\"" + strings.Repeat("a", 64) + "\", input.action.name])\n"
	for i := range 18 {
		double += fmt.Sprintf("\tx%d := concat(\"\", [x%d, x%d])\n", i+1, i, i)
	}
	double += "\tcount(x18) < 0"
	for name, waits := range map[string]string{
		"a name of 57 characters": "count(input.action.name) == 57", "a longest name": "count(input.action.name) == 128",
		"a type":                    "count(input.resource.type) == 31",
		"a kind for an action":      "input.action.name == \"manage\"\n\tcount(input.resource.kind) == 200",
		"a kind that is text":       "count(input.resource.kind) == 173\n\tcontains(input.resource.kind, \" é\")",
		"a channel":                 "count(input.resource.channel) == 77",
		"a channel that is blocked": "some channel in input.subject.blocked_channels\n\tcount(channel) == 99",
	} {
		src := policies.Source{Files: maps.Clone(policies.Builtin().Files)}
		src.Files[oddRule] = rule("odd", 95, "deny if {\n\t"+waits+"\n\t"+double+"\n}")
		engine, err := policies.Compile(t.Context(), src)
		if err != nil {
			t.Fatal(err)
		}
		budget, err := engine.Spend(t.Context())
		if err != nil || budget.Held || len(budget.Runaway) == 0 {
			t.Errorf("%s: got %+v, %v", name, budget, err)
			continue
		}
		if p := budget.Runaway[0]; p.File != oddRule || p.Row != 9 || p.Code != "budget_exceeded" || !strings.Contains(p.Message, "data.cordon.rules.odd.deny took more than 16 MiB of memory, asked about ") {
			t.Errorf("%s: %s", name, p)
		}
	}
}

func TestATestThatNeverEndsIsStoppedAndTheRuleThatItIsInNamed(t *testing.T) {
	r := report(t, map[string]string{
		oddRule: rule("odd", 95, "deny if {\n\tinput.action.name == \"never\"\n\t"+endless+"\n}"),
		oddTest: "package cordon.rules.odd_test\n\nimport data.cordon.rules.odd\n\ntest_x if odd.deny with input as {\"action\": {\"name\": \"never\"}}\n",
	})
	i := slices.IndexFunc(r.Tests.Items, func(one policies.Test) bool { return one.Path == oddTest })
	if r.Tests.Failed != 1 || i < 0 || r.Tests.Items[i].Trace != "stopped after 1s in "+oddRule+":9" {
		t.Errorf("got %+v", r.Tests.Items[max(i, 0)])
	}
}

// However a policy is made, it is refused or stopped, and says why.
func TestHostilePoliciesAreRefused(t *testing.T) {
	const n = 100_000
	deep := func(open, inner, end string) string {
		return "package a\n\nx := " + strings.Repeat(open, n/len(open)) + inner + strings.Repeat(end, n/len(open))
	}
	var chain, tests strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&chain, "r%d := r%d\n", i, i+1)
	}
	for i := range 1200 {
		fmt.Fprintf(&tests, "test_%d if true\n", i)
	}
	for name, test := range map[string]struct{ text, says string }{
		"brackets":          {deep("[", "", "]"), "nested more than 40 deep"},
		"calls":             {deep("abs(", "1", ")"), "nested more than 40 deep"},
		"comprehensions":    {deep("[1 | y := ", "1", "]"), "nested more than 40 deep"},
		"every":             {"package a\n\nx if {\n" + strings.Repeat("every y in input { ", 2000) + "true" + strings.Repeat("}", 2000) + "}", "nested more than 40 deep"},
		"sums":              {"package a\n\nx := " + strings.Repeat("1+", 20_000) + "1", "nested more than 120 deep"},
		"references":        {"package a\n\nx := input" + strings.Repeat(".a", n/2), "nested more than 120 deep"},
		"a long body":       {"package a\n\nx if {\n" + strings.Repeat("input.a == 1\n", 10_000) + "}", "at most 200 expressions"},
		"else":              {"package a\n\nx := 1 if { input.a }" + strings.Repeat(" else := 2 if { input.b }", 1000), "at most 20 else"},
		"many rules":        {"package a\n\n" + chain.String(), "at most 2000 rules"},
		"recursion":         {"package a\n\nx if y\n\ny if x\n", "recursive"},
		"a number":          {"package a\n\nx := 1e999999999 + 1", "number too big"},
		"a network":         {"# METADATA\n# schemas:\n#   - input: {\"$ref\": \"http://127.0.0.1:1/\"}\npackage a\n\nx if input.a", "remote reference loading disabled"},
		"words without end": {wordsWithoutEnd(), "takes too long to be worked out"},
	} {
		t.Run(name, func(t *testing.T) {
			path := "cordon/hostile/hostile.rego"
			if name == "words without end" {
				path = rolesRule
			}
			r := report(t, map[string]string{path: test.text})
			if len(r.Problems) == 0 || !slices.ContainsFunc(r.Problems, func(p policies.Problem) bool { return strings.Contains(p.Message, test.says) }) {
				t.Errorf("got %+v, lint %+v", r.Problems, r.Lint)
			}
			for _, p := range r.Problems {
				if len(p.Message) > 2000 {
					t.Errorf("a message of %d bytes", len(p.Message))
				}
			}
		})
	}
}

// A regular expression that others never end with is linear here.
func TestARegexThatIsSlowElsewhereHoldsTheBudget(t *testing.T) {
	r := report(t, map[string]string{oddRule: rule("odd", 95, "deny if regex.match(`^(([a-z])+.)+[A-Z]([a-z])+$`, concat(\"\", [input.action.name, \""+strings.Repeat("a", 5_000)+"\"]))")})
	if len(r.Problems) > 0 || !r.Budget.Held {
		t.Errorf("got %+v, %+v", r.Problems, r.Budget)
	}
}

// Whatever is pushed is refused or compiles, and nothing of it ends or holds up whoever looks at it.
func FuzzCheck(f *testing.F) {
	for _, body := range []string{
		"deny if input.subject.blocked", "deny if {\n\tsome x in [1, 2]\n\tx > 1\n}", "deny if input.action.name == \"x\" else := true if { false }",
		"deny if count([x | x := input.subject[_]]) > 2", "grant := true", "deny if {", "import data.cordon.subject\n\ndeny if subject.admin",
	} {
		f.Add(oddRule, rule("odd", 95, body))
	}
	f.Add(settingsFile, `{"settings": {"timezone": "UTC", "additional_critical_channels": ["ssh"]}}`)
	f.Add("../x.rego", "package x")
	f.Fuzz(func(t *testing.T, path, text string) {
		src := policies.Source{Files: map[string]string{}}
		for at, text := range domainRules().Files {
			if !strings.HasSuffix(at, "_test.rego") {
				src.Files[at] = text
			}
		}
		src.Files[path] = text
		r, err := policies.Check(t.Context(), src)
		if err != nil {
			t.Fatal(err)
		}
		engine, err := policies.Compile(t.Context(), src)
		if len(r.Problems) == 0 && (err != nil || engine.Digest() != r.Digest) {
			t.Errorf("it passes, and does not compile: %v", err)
		}
		if len(r.Problems) > 0 {
			return
		}
		if _, err := src.Keep(); err != nil {
			t.Errorf("it passes, and cannot be kept: %v", err)
		}
		formatted, err := policies.Format(src)
		if err != nil {
			t.Fatalf("it passes, and cannot be formatted: %v", err)
		}
		if again, err := policies.Format(formatted); err != nil || again.Digest() != formatted.Digest() {
			t.Errorf("formatted twice it is another: %v", err)
		}
	})
}
