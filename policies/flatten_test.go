package policies_test

import (
	"errors"
	"strings"
	"testing"

	"cordon/policies"
)

func TestTheBuiltInRulesAreFlattened(t *testing.T) {
	if on, why := compile(t, policies.Builtin()).FlatOn(); !on {
		t.Errorf("they are not: %s", why)
	}
}

// Partial evaluation left such bodies out, and allowed what the rules deny or cannot decide.
func TestABuiltinThatFailsOnConstantsFails(t *testing.T) {
	for name, body := range map[string]string{
		"a number that is none":   `deny if to_number("12a") > 1`,
		"a count of settings":     "deny if {\n\tinput.action.name == \"manage\"\n\t10 / count(data.cordon.settings.additional_critical_channels) > 1\n}",
		"in a function":           "deny if _broken(1)\n\n_broken(n) if n / 0 == 1",
		"under a negation":        `deny if not regex.match("(", "x")`,
		"in a comprehension":      `deny if count([n | n := to_number("x")]) == 0`,
		"of what the input knows": `deny if to_number(input.action.name) > 1`,
	} {
		t.Run(name, func(t *testing.T) {
			src := policies.Builtin()
			src.Modules["cordon/rules/broken/broken.rego"] = rule("broken", 95, body)
			engine := compile(t, src)
			for range 3 {
				if got, err := engine.Decide(t.Context(), manage()); !errors.Is(err, policies.ErrResult) {
					t.Errorf("%+v, %v", got, err)
				}
			}
			if _, err := engine.DecidePlain(t.Context(), manage()); !errors.Is(err, policies.ErrResult) {
				t.Errorf("as it is written: %v", err)
			}
		})
	}
}

// flawed is an engine whose flat form forgets one denial.
func flawed(t *testing.T) (*policies.Engine, *policies.Input) {
	t.Helper()
	src := policies.Builtin()
	src.Modules["cordon/rules/product_blocked/product_blocked.rego"] = rule("product_blocked", 90, `deny if input.action.name == "never"`)
	engine := compile(t, policies.Builtin())
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
	src := policies.Builtin()
	src.Modules["cordon/rules/broken/broken.rego"] = rule("broken", 95, `deny if to_number(input.action.name) > 1`)
	engine := compile(t, policies.Builtin())
	engine.Flatten(compile(t, src))
	got, err := engine.Decide(t.Context(), manage())
	if on, _ := engine.FlatOn(); err != nil || !got.Allowed || on {
		t.Errorf("%+v, %v; on %v", got, err, on)
	}
}

// What callers make up must not be read from an open page.
func TestTheReasonWhyAFlatFormIsOutNamesNothingOfACallers(t *testing.T) {
	src := policies.Builtin()
	src.Modules["cordon/rules/secret/secret.rego"] = rule("secret", 1, "deny if {\n\tstartswith(input.action.name, \"secret\")\n\tto_number(input.action.name) > 1\n}")
	engine := compile(t, src)
	engine.Flatten(compile(t, policies.Builtin()))
	in := manage()
	in.Action.Name = "secret of a caller"
	if _, err := engine.Decide(t.Context(), in); !errors.Is(err, policies.ErrResult) {
		t.Fatal(err)
	}
	if on, why := engine.FlatOn(); on || strings.Contains(why, "secret") {
		t.Errorf("on %v: %s", on, why)
	}
}
