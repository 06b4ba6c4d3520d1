package table_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"cordon/policies"
	"cordon/policies/table"
)

// worded gives the built-in rules with words of their own.
func worded(t testing.TB, words string) *policies.Engine {
	t.Helper()
	return compile(t, map[string]string{"cordon/words.json": `{"words": ` + words + `}`})
}

// Whatever kinds a policy declares, the table has one more, which stands for all others.
func TestTheTableHasAKindThatNoPolicyDeclares(t *testing.T) {
	engine := worded(t, `{"kinds": {"web_hosting": {}, "cloud_server": {}, "domain": {}, "kdrive": {}, "other": {}, "other_": {}}}`)
	cells, err := table.CellsAbout("product", "view", engine)
	if err != nil {
		t.Fatal(err)
	}
	var others []string
	for _, cell := range cells {
		if kind := cell.Input.Resource.Kind; cell.Facts["kind"] == "any other kind" && cell.Input.Resource.Known && !slices.Contains(others, kind) {
			others = append(others, kind)
		}
	}
	if len(others) != 1 || slices.Contains(engine.Kinds(), others[0]) {
		t.Errorf("any other kind is %q", others)
	}
}

// What has more words than can be asked about in time is refused, with what to do about it, before anything is asked.
func TestATableThatIsTooLargeIsRefused(t *testing.T) {
	var kinds []string
	for i := range 254 {
		kinds = append(kinds, fmt.Sprintf(`"kind_%d": {}`, i))
	}
	const on = "cordon/rules/odd/odd.rego"
	for want, engine := range map[string]*policies.Engine{
		`there are 256 values of the fact "kind", and it may have 254`: worded(t, `{"kinds": {`+strings.Join(kinds, ",")+`}}`),
		"there are more than 134217728 combinations of facts":          compile(t, map[string]string{on: rule("odd", 901, "deny if input.time.minute % 2 == 1")}),
	} {
		_, err := table.Prove(t.Context(), engine)
		tooLarge(t, err, want)
		in := policies.Input{Action: policies.NewAction("view", "", ""), Resource: policies.Resource{Type: "product", Known: true}}
		if tried, err := table.Try(t.Context(), engine, &in, time.Time{}); err != nil || tried.Decision == nil {
			t.Errorf("tried: %+v, %v", tried, err)
		}
	}
	shipped := compile(t, nil)
	all, err := table.New(t.Context(), shipped)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := table.Within(t.Context(), all.Cells(), shipped); err != nil {
		t.Error(err)
	}
	_, err = table.Within(t.Context(), all.Cells()-1, shipped)
	tooLarge(t, err, "inputs, which with those about other actions is too much")
}

func tooLarge(t *testing.T, err error, want string) {
	t.Helper()
	refused, is := errors.AsType[*policies.ProblemsError](err)
	if !is || refused.Problems[0].Code != "limit_error" || !strings.Contains(refused.Problems[0].Message, want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestATableIsTakenBack(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := table.New(ctx, compile(t, nil)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
