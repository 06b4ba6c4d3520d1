package policies_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"

	"cordon/policies"
)

// manage is an administrator's question about a product.
func manage() *policies.Input {
	return &policies.Input{
		Action:   policies.Action{Name: "manage"},
		Subject:  policies.Subject{Kind: policies.SubjectUser, Member: true, Role: policies.RoleAdministrator},
		Resource: policies.Resource{Type: policies.TypeProduct, Known: true, Kind: "web_hosting"},
	}
}

func TestDecisionIsRendered(t *testing.T) {
	engine := compile(t, domainRules())
	in := manage()
	in.Resource.Kind = "<&>"
	in.Resource.Blocks = []string{"host"}
	got, err := engine.Decide(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	const message = "The management of this product is blocked: nothing can be changed until it is unblocked."
	wantInput := `{"action":{"name":"manage"},` +
		`"subject":{"kind":"user","member":true,"role":"administrator","granted":false,"blocked":false,"itself":false},` +
		`"resource":{"type":"product","known":true,"kind":"<&>","blocks":["host"],"maintenance":false},` +
		`"organization":{"other_admins":false,"other_legal_representatives":false}}`
	if string(got.InputJSON) != wantInput {
		t.Errorf("input %s\nwant  %s", got.InputJSON, wantInput)
	}
	if got.Allowed || got.Policy != engine.Digest() {
		t.Errorf("allowed %v by %s", got.Allowed, got.Policy)
	}
	texts := textsOf(t, engine, "product_blocked")
	for language, want := range map[string]string{"en": message, "fr": texts.Person["fr"], "de": texts.Person["de"], "xx": message, "": message} {
		reasons := []policies.Reason{{Code: "product_blocked", Message: want}}
		if diff := cmp.Diff(got.ReasonsIn(language), reasons); diff != "" {
			t.Errorf("in %q (-got +want):\n%s", language, diff)
		}
		if text := string(got.ReasonsJSON(language)); text != `[{"code":"product_blocked","message":"`+want+`"}]` {
			t.Errorf("in %q: %s", language, text)
		}
	}
	if diff := cmp.Diff(got.Reasons, got.ReasonsIn("en")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]any{got.User(), got.Admin()}, []any{texts.Person, texts.Administrator}); diff != "" {
		t.Errorf("sentences (-got +want):\n%s", diff)
	}
	if text := string(got.UserJSON()); text != `{"de":"`+texts.Person["de"]+`","en":"`+message+`","fr":"`+texts.Person["fr"]+`"}` {
		t.Errorf("sentences %s", text)
	}
}

// textsOf finds a reason in the catalogue of a policy.
func textsOf(t *testing.T, engine *policies.Engine, code string) policies.Rule {
	t.Helper()
	for _, r := range engine.Rules() {
		if r.Code == code {
			return r
		}
	}
	t.Fatalf("no rule %s", code)
	return policies.Rule{}
}

func TestDecisionsWithTheSameReasonsShareTheirSentences(t *testing.T) {
	engine := compile(t, domainRules())
	one, err := engine.Decide(t.Context(), manage())
	if err != nil {
		t.Fatal(err)
	}
	in := manage()
	in.Resource.Kind = "domain"
	other, err := engine.Decide(t.Context(), in)
	if err != nil || one == other || one.Outcome != other.Outcome {
		t.Errorf("%p %p, outcomes %p %p, %v", one, other, one.Outcome, other.Outcome, err)
	}
}

func TestReasonsAreFoundWithoutAllocating(t *testing.T) {
	got, err := compile(t, domainRules()).Decide(t.Context(), manage())
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = got.ReasonsJSON("de"), got.UserJSON() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestAnActThatNoRuleIsAskedAboutIsAllowedByName(t *testing.T) {
	engine := compile(t, domainRules())
	got, err := engine.Unasked("host")
	if err != nil || !got.Allowed || !cmp.Equal(codes(got), []string{"host"}) || got.Policy != engine.Digest() || got.InputJSON != nil {
		t.Errorf("%+v, %v", got, err)
	}
}

// A policy may speak more languages than it must.
func TestALanguageThatEveryRuleSpeaksIsSpoken(t *testing.T) {
	if got := compile(t, domainRules()).Languages(); !cmp.Equal(got, []string{"en", "fr", "de"}) {
		t.Errorf("languages %v", got)
	}
	src := domainRules()
	for path, text := range src.Files {
		src.Files[path] = regexp.MustCompile(`(?m)^#     de: .*$`).ReplaceAllString(text, "$0\n#     it: \"Ecco.\"")
	}
	engine := compile(t, src)
	if got := engine.Languages(); !cmp.Equal(got, []string{"en", "fr", "de", "it"}) {
		t.Errorf("languages %v", got)
	}
	got, err := engine.Decide(t.Context(), manage())
	if err != nil || string(got.ReasonsJSON("it")) != `[{"code":"administrator","message":"Ecco."}]` {
		t.Errorf("%s, %v", got.ReasonsJSON("it"), err)
	}
	// One rule that does not is enough.
	src.Files["cordon/rules/host/host.rego"] = domainRules().Files["cordon/rules/host/host.rego"]
	if got := compile(t, src).Languages(); !cmp.Equal(got, []string{"en", "fr", "de"}) {
		t.Errorf("languages %v", got)
	}
}

// The rules must see exactly what the record shows, or a record could not be replayed.
func TestTheRulesSeeTheInputThatIsRecordedAndTheSchemaAllowsIt(t *testing.T) {
	schema := schemaOf(t, "input")
	match, err := rego.New(rego.Query(`[ok, why] := json.match_schema(input.document, input.schema)`)).PrepareForEval(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	engine := compile(t, domainRules())
	for i, in := range randomInputs(400) {
		text, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		parsed := ast.MustParseTerm(string(text)).Value
		if got := engine.InputValue(in); got.Compare(parsed) != 0 {
			t.Fatalf("the rules see %v\nof %s", got, text)
		}
		if i%10 != 0 {
			continue // the schema takes long
		}
		var document any
		if err := json.Unmarshal(text, &document); err != nil {
			t.Fatal(err)
		}
		result, err := match.Eval(t.Context(), rego.EvalInput(map[string]any{"document": document, "schema": schema}))
		if err != nil || len(result) != 1 || result[0].Bindings["ok"] != true {
			t.Fatalf("the schema refuses %s: %v %v", text, result, err)
		}
	}
}

// schemaOf reads a schema as text, which is how the builtin takes it.
func schemaOf(t *testing.T, name string) string {
	t.Helper()
	text, ok := policies.Beside()["schemas/"+name+".jsonschema"]
	if !ok {
		t.Fatalf("there is no schema of the %s", name)
	}
	return text
}

func TestDigestNamesEveryFile(t *testing.T) {
	plain := policies.Builtin().Digest()
	if !strings.HasPrefix(plain, "sha256:") || len(plain) != len("sha256:")+64 || policies.Builtin().Digest() != plain {
		t.Errorf("digest %q", plain)
	}
	if got := compile(t, policies.Builtin()); got.Digest() != plain {
		t.Errorf("the engine calls it %s, the source %s", got.Digest(), plain)
	}
	for _, path := range []string{"cordon/cordon.rego", settingsFile, "cordon/cordon_test.rego"} { // a changed test is another version
		src := policies.Builtin()
		src.Files[path] += "\n"
		if src.Digest() == plain {
			t.Errorf("%s does not change the digest", path)
		}
		moved := policies.Builtin()
		moved.Files["cordon/moved"+path[strings.LastIndex(path, "."):]] = moved.Files[path]
		delete(moved.Files, path)
		if moved.Digest() == plain {
			t.Errorf("the place of %s does not change the digest", path)
		}
	}
	one, other := policies.Source{Files: map[string]string{"a": "bc", "d": ""}}, policies.Source{Files: map[string]string{"a": "b", "cd": ""}}
	if one.Digest() == other.Digest() {
		t.Error("two policies have one digest")
	}
}

func TestBuiltinIsTheCallersOwn(t *testing.T) {
	src, engine := policies.Builtin(), compile(t, policies.Builtin())
	src.Files["cordon/cordon.rego"] = "changed"
	engine.Source().Files["cordon/cordon.rego"] = "changed"
	for _, again := range []policies.Source{policies.Builtin(), engine.Source()} {
		if again.Files["cordon/cordon.rego"] == "changed" {
			t.Error("a caller can change the modules")
		}
	}
}

// rule is a module that denies in one way.
func rule(code string, rank int, body string) string {
	texts := `{"en": "a", "fr": "b", "de": "c"}`
	return fmt.Sprintf("# METADATA\n# custom:\n#   code: %[1]s\n#   rank: %[2]d\n#   person: %[3]s\n#   administrator: %[3]s\n"+
		"package cordon.rules.%[1]s\n\n%[4]s\n", code, rank, texts, body)
}

func TestARunawayPolicyIsStoppedByTheContext(t *testing.T) {
	src := domainRules()
	src.Files["cordon/rules/slow/slow.rego"] = rule("slow", 1, `deny if {
	some a in numbers.range(1, 100000)
	some b in numbers.range(1, 100000)
	a + b == count(input.action.name) * -1
}`)
	engine := compile(t, src)
	if on, _ := engine.FlatOn(); on {
		t.Error("a runaway loop was rolled out")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	start := time.Now()
	for name, decide := range map[string]func(context.Context, *policies.Input) (*policies.Decision, error){
		"Decide": engine.Decide, "DecideUncached": engine.DecideUncached,
	} {
		got, err := decide(ctx, manage())
		if !errors.Is(err, policies.ErrTimeout) || !errors.Is(err, context.DeadlineExceeded) || got != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("stopped after %v", took)
	}
}

func TestAnUnusableResultIsAnErrorAndNeverAnAllow(t *testing.T) {
	for name, body := range map[string]string{
		"undefined":          `decision := true if input.action.name == "no"`,
		"no object":          `decision := true`,
		"no reasons":         `decision := {"allowed": true}`,
		"no verdict":         `decision := {"reasons": {"administrator"}}`,
		"verdict is a word":  `decision := {"allowed": "yes", "reasons": {"administrator"}}`,
		"reasons is a list":  `decision := {"allowed": true, "reasons": ["administrator"]}`,
		"empty reasons":      `decision := {"allowed": true, "reasons": set()}`,
		"reason is a number": `decision := {"allowed": true, "reasons": {1}}`,
		"reason of no rule":  `decision := {"allowed": true, "reasons": {"because"}}`,
		"allow by a denial":  `decision := {"allowed": true, "reasons": {"user_blocked"}}`,
		"denial by a grant":  `decision := {"allowed": false, "reasons": {"administrator"}}`,
		"error":              `decision := {"allowed": true, "reasons": {input.action.name | 1 / (count(input.action.name) - 6) > 0}}`,
		"conflict":           "decision := true\n\ndecision := false if input.action",
	} {
		t.Run(name, func(t *testing.T) {
			src := domainRules()
			src.Files["cordon/cordon.rego"] = "package cordon\n\n" + body + "\n"
			got, err := compile(t, src).Decide(t.Context(), manage())
			if !errors.Is(err, policies.ErrResult) || got != nil {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

func TestNothingGrantedMeansNo(t *testing.T) {
	src := domainRules()
	src.Files["cordon/rules/administrator/administrator.rego"] = rule("administrator", 240, "grant if input.action.name == \"no\"")
	got, err := compile(t, src).Decide(t.Context(), manage())
	if err != nil || got.Allowed || !cmp.Equal(codes(got), []string{"unknown_action"}) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestARuleMayBeAdded(t *testing.T) {
	src := domainRules()
	src.Files["cordon/rules/no_web/no_web.rego"] = rule("no_web", 95, `deny if input.resource.kind == "web_hosting"`)
	in := manage()
	in.Resource.Blocks = []string{"host"}
	got, err := compile(t, src).Decide(t.Context(), in)
	if err != nil || !cmp.Equal(codes(got), []string{"product_blocked", "no_web"}) {
		t.Errorf("%+v, %v", got, err)
	}
}
