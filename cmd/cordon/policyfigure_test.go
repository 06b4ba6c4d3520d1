package main_test

import (
	"strings"
	"testing"

	cordon "cordon/cmd/cordon"
	"cordon/policies"
)

// A policy that is asked otherwise than it could be says so, in the metrics and at /readyz?verbose.
func TestHowThePolicyIsAskedIsSaid(t *testing.T) {
	const loop = "\ndeny if {\n\tsome a in numbers.range(1, 100000)\n\tsome b in numbers.range(1, 100000)\n\ta + b < count(input.action.name) * -1\n}\n"
	for name, test := range map[string]struct {
		edit       func(policies.Source)
		flat, memo float64
		notes      string
	}{
		"as it comes": {func(policies.Source) {}, 1, 1, ""},
		"not flat": {func(s policies.Source) {
			s.Files["cordon/rules/product_blocked/product_blocked.rego"] += loop
		}, 0, 1, "the rules are asked as they are written: "},
		"not remembered": {func(s policies.Source) {
			s.Files["frozen.json"] = `{"frozen": true}`
			s.Files["cordon/rules/product_blocked/product_blocked.rego"] += "\ndeny if data.frozen\n"
		}, 1, 0, "answers are not memoized: "},
	} {
		t.Run(name, func(t *testing.T) {
			src := policies.Builtin()
			test.edit(src)
			engine, err := policies.Compile(t.Context(), src)
			if err != nil {
				t.Fatal(err)
			}
			if notes := cordon.PolicyNotes(engine); len(notes) > 1 || !strings.HasPrefix(strings.Join(notes, ""), test.notes) || (len(notes) == 0) != (test.notes == "") {
				t.Errorf("notes %q, want %q", notes, test.notes)
			}
			got := map[string]float64{}
			for _, f := range cordon.PolicyFigures(func() *policies.Engine { return engine }) {
				if f.Read != nil {
					got[f.Name] = f.Read()
				}
			}
			if got["cordon_policy_flat"] != test.flat || got["cordon_policy_memo"] != test.memo || got["cordon_policy_disagreements_total"] != 0 {
				t.Errorf("got %v", got)
			}
		})
	}
}

// The help of check lists the actions for people; the rules know which there are.
func TestTheHelpOfCheckNamesEveryAction(t *testing.T) {
	engine, err := policies.Compile(t.Context(), policies.Builtin())
	if err != nil {
		t.Fatal(err)
	}
	help := command{}.run(t, "check", "--help").out
	for _, on := range []string{policies.TypeProduct, policies.TypeUser, policies.TypeOrganization, policies.TypeChannel} {
		for _, action := range engine.Actions(on) {
			if !strings.Contains(help, action) {
				t.Errorf("it does not name %s on a %s", action, on)
			}
		}
	}
	help = command{}.run(t, "help", "config").out
	for _, channel := range engine.Channels() {
		if !strings.Contains(help, channel) {
			t.Errorf("help config does not name the channel %s", channel)
		}
	}
}
