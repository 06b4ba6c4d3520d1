package policies_test

import (
	"encoding/json"
	"errors"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"cordon/policies"
)

// settingsCases are the settings under which the truth table is gone through.
var settingsCases = []settings{
	{},
	{adminsManageBlocked: true, blocksMustEnd: true},
	{left: []string{"administrators_manage_blocked_products", "blocks_must_end"}},
	{moreCritical: []string{"ftp", "imap"}},
}

// shipped are the settings that Cordon ships with.
var shipped = settings{left: []string{"blocks_must_end", "product_events_to"}}

// withSettings gives the built-in rules under other settings.
func withSettings(set settings) policies.Source {
	src := policies.Builtin()
	change(src, "administrators_manage_blocked_products", set.adminsManageBlocked)
	change(src, "additional_critical_channels", append([]string{}, set.moreCritical...))
	change(src, "blocks_must_end", set.blocksMustEnd)
	change(src, "left_to_organizations", append([]string{}, set.left...))
	return src
}

// settingsFile is the file of the settings.
const settingsFile = "cordon/settings.json"

// change changes a setting of a policy.
func change(src policies.Source, setting string, value any) {
	var document struct {
		Settings map[string]any `json:"settings"`
	}
	err := json.Unmarshal([]byte(src.Files[settingsFile]), &document)
	if document.Settings[setting] = value; value == nil {
		delete(document.Settings, setting)
	}
	text, wrong := json.Marshal(document)
	if err = errors.Join(err, wrong); err != nil {
		panic(err) // of the built-in policy
	}
	src.Files[settingsFile] = string(text)
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
	thin := 1
	if raceDetector() {
		thin = 17
	}
	said := checkTable(t, policies.Builtin(), thin)
	for _, code := range reasonCodes {
		if said[code] == 0 && code != "role_permitted" { // of declared roles, which have a table of their own
			t.Errorf("no cell gives the reason %s", code)
		}
	}
}

// checkTable goes through one cell in so many of the truth table, and counts the reasons that were given.
func checkTable(t *testing.T, src policies.Source, thin int) map[string]int {
	t.Helper()
	said, total := map[string]int{}, 0
	src = policies.Source{Files: maps.Clone(src.Files)}
	for _, set := range settingsCases {
		src.Files[settingsFile] = withSettings(set).Files[settingsFile]
		engine, in := compile(t, src), cells()
		switch { // what a setting can concern
		case set.adminsManageBlocked:
			in = slices.Concat(productCells(), incidentCells(), thinned(settingsCells(), 7))
		case len(set.left) > 0:
			in = settingsCells()
		case len(set.moreCritical) > 0:
			in = slices.Concat(mailCells(), channelCells())
		}
		in = thinned(in, thin)
		total += len(in)
		for _, codes := range inParallel(in, func(in *policies.Input) []string { return checkCell(t, engine, in, set) }) {
			for _, code := range codes {
				said[code]++
			}
		}
	}
	t.Logf("%d cells, the reasons they gave: %v", total, said)
	return said
}

// checkCell compares a cell's answer with the oracle's and gives its reasons.
func checkCell(t *testing.T, engine *policies.Engine, in *policies.Input, set settings) []string {
	got, err := engine.DecideUncached(t.Context(), in)
	if err != nil {
		t.Errorf("undecided: %+v: %v", in, err)
		return nil
	}
	if want, ok := asTheDomainSays(got, in, set); !ok {
		t.Errorf("settings %+v, input %s:\ngot  %v %v\nwant %v", set, got.InputJSON, got.Allowed, codes(got), want)
	}
	return codes(got)
}

// asTheDomainSays returns the reasons of the oracle, and reports whether an answer has them. A rule beyond the domain may
// deny what the domain allows, and give reasons besides; it never allows what the domain denies, nor leaves out one of
// the domain's reasons.
func asTheDomainSays(got *policies.Decision, in *policies.Input, set settings) (want []string, ok bool) {
	allowed, want := oracle(in, set)
	its := slices.DeleteFunc(codes(got), func(code string) bool { return !slices.Contains(reasonCodes, code) })
	if allowed && len(its) == 0 { // a rule beyond the domain denied it, or was the first to allow it
		return want, len(got.Reasons) > 0
	}
	return want, got.Allowed == allowed && slices.Equal(its, want)
}

// domainRules are the built-in rules without those beyond the domain: tests add rules of their own to them, whatever an
// editor has added already.
func domainRules() policies.Source { return domainOnly(policies.Builtin()) }

func domainOnly(src policies.Source) policies.Source {
	maps.DeleteFunc(src.Files, func(path, _ string) bool {
		rest, isRule := strings.CutPrefix(path, "cordon/rules/")
		code, _, _ := strings.Cut(rest, "/")
		return isRule && !slices.Contains(reasonCodes, code)
	})
	return src
}

// thinned gives one cell in n.
func thinned(cells []*policies.Input, n int) []*policies.Input {
	var out []*policies.Input
	for i := 0; i < len(cells); i += n {
		out = append(out, cells[i])
	}
	return out
}

// inParallel applies f to each element, on all processors, and gives the results in order.
func inParallel[In, Out any](in []In, f func(In) Out) []Out {
	out := make([]Out, len(in))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(in)); i = next.Add(1) - 1 {
				out[i] = f(in[i])
			}
		})
	}
	wg.Wait()
	return out
}
