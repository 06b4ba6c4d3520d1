package policies_test

import (
	"testing"

	"cordon/policies"
	"github.com/google/go-cmp/cmp"
)

// settingsCases are the settings under which the truth table is gone through.
var settingsCases = []settings{
	{},
	{adminsManageBlocked: true},
	{moreCritical: []string{"ftp", "imap"}},
}

// withSettings gives the built-in rules under other settings.
func withSettings(set settings) policies.Source {
	src := policies.Builtin()
	more := make([]any, len(set.moreCritical))
	for i, channel := range set.moreCritical {
		more[i] = channel
	}
	src.Data = map[string]any{"cordon": map[string]any{"settings": map[string]any{
		"administrators_manage_blocked_products": set.adminsManageBlocked,
		"additional_critical_channels":           more,
	}}}
	return src
}

func codes(d *policies.Decision) []string {
	out := make([]string, len(d.Reasons))
	for i, reason := range d.Reasons {
		out[i] = reason.Code
	}
	return out
}

func compile(t testing.TB, src policies.Source) *policies.Engine {
	t.Helper()
	engine, err := policies.Compile(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	return engine
}

func TestEveryCellOfTheTruthTableIsDecidedAsTheDomainSays(t *testing.T) {
	all, allowed, said := cells(), 0, map[string]int{}
	for _, set := range settingsCases {
		engine := compile(t, withSettings(set))
		bad := 0
		for _, in := range all {
			got, err := engine.DecideUncached(t.Context(), in)
			if err != nil {
				t.Fatalf("undecided: %v", err)
			}
			wantAllowed, want := oracle(in, set)
			if got.Allowed != wantAllowed || !cmp.Equal(codes(got), want) {
				t.Errorf("settings %+v, input %s:\ngot  %v %v\nwant %v %v", set, got.InputJSON, got.Allowed, codes(got), wantAllowed, want)
				if bad++; bad == 20 {
					t.FailNow()
				}
			}
			if got.Allowed {
				allowed++
			}
			for _, code := range codes(got) {
				said[code]++
			}
		}
	}
	for _, code := range reasonCodes {
		if said[code] == 0 {
			t.Errorf("no cell gives the reason %s", code)
		}
	}
	t.Logf("%d cells under %d settings, %d of the answers are yes", len(all), len(settingsCases), allowed)
}
