package table_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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

// What stands for a word that nobody knows is none that a policy declares, or that its rules or its data say.
func TestTheTableMakesUpWordsThatNoPolicyHas(t *testing.T) {
	files := replaced(t, "cordon/channels/channels.rego", `"manager", "kdrive_web", "mail_web", "imap"`, `"pigeon", "manager", "kdrive_web", "mail_web", "imap"`)
	maps.Copy(files, replaced(t, "cordon/actions/actions.rego", `"channel": {"use": "member"}`, `"channel": {"use": "member"}, "(unknown type)": {"view": "member"}`))
	files["cordon/words.json"] = `{"words": {"roles": {"boss": {}}, "actions": {"fly": {"on": "product", "asks": "member"}}}}`
	files["cordon/rules/odd/odd.rego"] = rule("odd", 901, `deny if input.action.name == "fly_"`)
	engine := compile(t, files)
	asked := func(on, action, fact, unknown string, of func(*policies.Input) string) []string {
		t.Helper()
		cells, err := table.CellsAbout(on, action, engine)
		if err != nil || len(cells) == 0 {
			t.Fatal(err)
		}
		var words []string
		for _, cell := range cells {
			if word := of(&cell.Input); fact == "" || strings.HasSuffix(cell.Facts[fact], unknown) {
				words = append(words, word)
			}
		}
		return slices.Compact(words)
	}
	got := map[string][]string{
		"action":  asked("product", "(unknown action)", "", "", func(in *policies.Input) string { return in.Action.Name }),
		"channel": asked("product", "read_mail", "channel", "(unknown channel)", func(in *policies.Input) string { return in.Action.Channel }),
		"role":    asked("organization", "add_user", "new role", "(unknown role)", func(in *policies.Input) string { return in.Action.Role }),
		"type":    asked("(unknown type)_", "view", "", "", func(in *policies.Input) string { return in.Resource.Type }),
	}
	want := map[string][]string{"action": {"fly__"}, "channel": {"pigeon_"}, "role": {"boss_"}, "type": {"(unknown type)_"}}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("(-got +want)\n%s", diff)
	}
	if cells, err := table.CellsAbout("product", "fly", engine); err != nil || len(cells) == 0 {
		t.Errorf("an action that is declared has %d cells, %v", len(cells), err)
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
