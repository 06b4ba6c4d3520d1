package policies_test

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"cordon/policies"
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
	said, total := map[string]int{}, 0
	for _, set := range settingsCases {
		engine, in := compile(t, withSettings(set)), cells()
		if set.adminsManageBlocked || len(set.moreCritical) > 0 {
			in = slices.Concat(productCells(), mailCells(), channelCells()) // what a setting can concern
		}
		if raceDetector() {
			in = thinned(in, 17)
		}
		total += len(in)
		for _, codes := range inParallel(in, func(in *policies.Input) []string { return checkCell(t, engine, in, set) }) {
			for _, code := range codes {
				said[code]++
			}
		}
	}
	for _, code := range reasonCodes {
		if said[code] == 0 {
			t.Errorf("no cell gives the reason %s", code)
		}
	}
	t.Logf("%d cells, the reasons they gave: %v", total, said)
}

// checkCell compares a cell's answer with the oracle's and gives its reasons.
func checkCell(t *testing.T, engine *policies.Engine, in *policies.Input, set settings) []string {
	got, err := engine.DecideUncached(t.Context(), in)
	if err != nil {
		t.Errorf("undecided: %+v: %v", in, err)
		return nil
	}
	if wantAllowed, want := oracle(in, set); got.Allowed != wantAllowed || !slices.Equal(codes(got), want) {
		t.Errorf("settings %+v, input %s:\ngot  %v %v\nwant %v %v", set, got.InputJSON, got.Allowed, codes(got), wantAllowed, want)
	}
	return codes(got)
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
