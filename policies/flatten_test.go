package policies_test

import (
	"errors"
	"strings"
	"testing"

	"cordon/policies"
)

func TestTheBuiltInRulesAreFlattened(t *testing.T) {
	if on, why := compile(t, domainRules()).FlatOn(); !on {
		t.Errorf("they are not: %s", why)
	}
}

// failing are rules whose evaluation fails, of a question about managing a blocked thing of one's own. Worked out ahead
// they would answer: a body whose builtin fails is left out, or not reached, and of several values one is taken.
var failing = map[string]string{
	"a number that is none":    `deny if to_number("12a") > 1`,
	"a count of settings":      "deny if {\n\tinput.action.name == \"manage\"\n\t10 / count(data.cordon.settings.additional_critical_channels) > 1\n}",
	"in a function":            "deny if _broken(1)\n\n_broken(n) if n / 0 == 1",
	"under a negation":         `deny if not regex.match("(", "x")`,
	"in a comprehension":       `deny if count([n | n := to_number("x")]) == 0`,
	"of the input":             `deny if to_number(input.action.name) > 1`,
	"before what never holds":  "deny if {\n\tto_number(input.action.name) > 1\n\tdata.cordon.settings.administrators_manage_blocked_products\n}",
	"two values":               "deny if _x == 3\n\n_x := 1 if input.subject.blocked\n\n_x := 2 if input.subject.itself",
	"one and its else":         "deny if _x == 3\n\n_x := 1 if {\n\tnot input.subject.blocked\n} else := 2 if input.subject.itself\n\n_x := 1 if input.subject.itself",
	"several values of a body": "deny if _x == \"b\"\n\n_x := v if some v in input.resource.blocks",
	"two values of a function": "deny if _f(1) == 3\n\n_f(n) := n if input.subject.blocked\n\n_f(n) := [n] if input.subject.itself",
	"an object's key twice":    "deny if {\n\to := {k: v |\n\t\tsome v in input.resource.blocks\n\t\tk := 1\n\t}\n\to == {}\n}",
	"a document's key twice":   "deny if _o[1] == \"b\"\n\n_o[1] := v if some v in input.resource.blocks",
}

func TestARuleThatFailsFails(t *testing.T) {
	in := manage()
	in.Subject.Blocked, in.Subject.Itself = true, true
	in.Resource.Blocks = []string{policies.OriginAdministrator, policies.OriginHost}
	for name, body := range failing {
		t.Run(name, func(t *testing.T) {
			src := domainRules()
			src.Files["cordon/rules/broken/broken.rego"] = rule("broken", 95, body)
			engine := compile(t, src)
			// It is not left to the checks to find out.
			if on, why := engine.FlatOn(); on || !strings.Contains(why, "cordon/rules/broken/broken.rego") {
				t.Errorf("flat: %v, %s", on, why)
			}
			for range 3 {
				if got, err := engine.Decide(t.Context(), in); !errors.Is(err, policies.ErrResult) {
					t.Errorf("%+v, %v", got, err)
				}
			}
		})
	}
}

// What cannot fail stays fast.
func TestARuleThatCannotFailIsFlattened(t *testing.T) {
	for name, body := range map[string]string{
		"comparisons":         `deny if input.resource.kind in {"domain", "kdrive"}`,
		"a choice":            "deny if _x == 1\n\n_x := 1 if {\n\tinput.subject.blocked\n} else := 2",
		"a default":           "deny if _x == \"client\"\n\ndefault _x := \"none\"\n\n_x := input.subject.role",
		"a function":          "deny if _f(input.subject.role)\n\n_f(r) if r == \"client\"\n\n_f(r) if r == \"collaborator\"",
		"what it is given":    "deny if _f(input.subject.role) == \"client\"\n\n_f(r) := r",
		"every":               "deny if {\n\tinput.resource.blocks\n\tevery o in input.resource.blocks {\n\t\to == \"host\"\n\t}\n}",
		"a set":               "deny if \"host\" in _s\n\n_s contains o if some o in input.resource.blocks",
		"another's documents": "deny if data.cordon.actions.asks.never",
	} {
		t.Run(name, func(t *testing.T) {
			src := domainRules()
			src.Files["cordon/rules/odd/odd.rego"] = rule("odd", 95, body)
			engine := compile(t, src)
			if on, why := engine.FlatOn(); !on {
				t.Errorf("it is not: %s", why)
			}
			for _, in := range randomInputs(200) {
				flat, err := engine.DecideUncached(t.Context(), in)
				if err != nil {
					t.Fatal(err)
				}
				if plain, err := engine.DecidePlain(t.Context(), in); err != nil || plain.Outcome != flat.Outcome {
					t.Fatalf("%s: %v, as it is written %v, %v", flat.InputJSON, codes(flat), codes(plain), err)
				}
			}
			if engine.Stats().Disagreements != 0 {
				t.Errorf("%+v", engine.Stats())
			}
		})
	}
}

// flawed is an engine whose flat form forgets one denial.
func flawed(t *testing.T) (*policies.Engine, *policies.Input) {
	t.Helper()
	src := domainRules()
	src.Files["cordon/rules/product_blocked/product_blocked.rego"] = rule("product_blocked", 90, `deny if input.action.name == "never"`)
	engine := compile(t, domainRules())
	engine.Flatten(compile(t, src))
	in := manage()
	in.Resource.Blocks = []string{policies.OriginHost}
	return engine, in
}

func TestAFlatFormThatDisagreesIsOutOfServiceAtOnce(t *testing.T) {
	engine, blocked := flawed(t)
	if got, err := engine.Decide(t.Context(), blocked); err != nil || got.Allowed {
		t.Fatalf("the first question is checked: %+v, %v", got, err)
	}
	on, why := engine.FlatOn()
	if on || !strings.Contains(why, "manage") || engine.Stats().Disagreements != 1 {
		t.Errorf("on: %v, why: %q, %+v", on, why, engine.Stats())
	}
	blocked.Resource.Kind = "domain"
	if got, err := engine.DecideUncached(t.Context(), blocked); err != nil || got.Allowed {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestWhatAFlatFormAnsweredBeforeItDisagreedIsForgotten(t *testing.T) {
	engine, blocked := flawed(t)
	free := manage()
	if _, err := engine.Decide(t.Context(), free); err != nil { // checked, and right
		t.Fatal(err)
	}
	if got, err := engine.Decide(t.Context(), blocked); err != nil || !got.Allowed {
		t.Fatalf("not checked: %+v, %v", got, err)
	}
	for i := 0; ; i++ { // until a hit of the wrong answer is checked
		if i > 4096 {
			t.Fatal("a wrong answer outlives its check")
		}
		got, err := engine.Decide(t.Context(), blocked)
		if err != nil {
			t.Fatal(err)
		}
		if !got.Allowed {
			break
		}
	}
	if on, _ := engine.FlatOn(); on {
		t.Error("the flat form is in service")
	}
	before := engine.Stats().Misses
	for range 2 {
		if got, err := engine.Decide(t.Context(), free); err != nil || !got.Allowed {
			t.Errorf("%+v, %v", got, err)
		}
	}
	if missed := engine.Stats().Misses - before; missed != 1 {
		t.Errorf("%d misses, want 1: what the flat form had answered is asked again, once", missed)
	}
}

// An error of either form is no agreement: the rules as they are written answer from then on.
func TestAFlatFormThatFailsIsOutOfService(t *testing.T) {
	src := domainRules()
	src.Files["cordon/rules/broken/broken.rego"] = rule("broken", 95, `deny if to_number(input.action.name) > 1`)
	engine := compile(t, domainRules())
	engine.Flatten(compile(t, src))
	got, err := engine.Decide(t.Context(), manage())
	if on, _ := engine.FlatOn(); err != nil || !got.Allowed || on {
		t.Errorf("%+v, %v; on %v", got, err, on)
	}
}

// What callers make up must not be read from an open page.
func TestTheReasonWhyAFlatFormIsOutNamesNothingOfACallers(t *testing.T) {
	src := domainRules()
	src.Files["cordon/rules/secret/secret.rego"] = rule("secret", 1, "deny if {\n\tstartswith(input.action.name, \"secret\")\n\tto_number(input.action.name) > 1\n}")
	engine := compile(t, src)
	engine.Flatten(compile(t, domainRules()))
	in := manage()
	in.Action.Name = "secret of a caller"
	if _, err := engine.Decide(t.Context(), in); !errors.Is(err, policies.ErrResult) {
		t.Fatal(err)
	}
	if on, why := engine.FlatOn(); on || strings.Contains(why, "secret") {
		t.Errorf("on %v: %s", on, why)
	}
}
