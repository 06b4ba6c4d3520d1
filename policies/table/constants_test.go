package table_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cordon/policies/table"
)

// factOf gives the words of a fact in the cells about an action, sorted.
func factOf(t *testing.T, cells []table.Told, name string) []string {
	t.Helper()
	words := map[string]bool{}
	for _, cell := range cells {
		if word, ok := cell.Facts[name]; ok {
			words[word] = true
		}
	}
	return slices.Sorted(maps.Keys(words))
}

// with is the built-in rules with one more and what it looks at.
func with(body string, files map[string]string) map[string]string {
	all := map[string]string{"cordon/rules/odd/odd.rego": rule("odd", 901, body)}
	maps.Copy(all, files)
	return all
}

// However a policy says a kind, it is asked about, and what it says about something else is none.
func TestAKindThatAPolicyNamesIsAskedAbout(t *testing.T) {
	helper := func(text string) map[string]string {
		return map[string]string{"cordon/helper/helper.rego": "package cordon.helper\n\n" + text}
	}
	for name, one := range map[string]struct {
		body  string
		files map[string]string
		want  string
	}{
		"compared":               {"deny if input.resource.kind == \"vps\"", nil, "vps"},
		"called as another word": {"deny if input.resource.kind == \"client\"", nil, "client"},
		"imported":               {"import input.resource.kind\n\ndeny if kind == \"vps\"", nil, "vps"},
		"of a part that is imported": {
			"import input.resource as what\n\ndeny if what.kind == \"vps\"", nil, "vps",
		},
		"in the data":     {"deny if input.resource.kind in data.cordon.ours.kinds", map[string]string{"cordon/ours.json": `{"ours": {"kinds": ["vps"], "names": ["Ada"]}}`}, "vps"},
		"key of the data": {"deny if data.prices[input.resource.kind] > 1", map[string]string{"prices/all.json": `{"vps": 2}`}, "vps"},
		"in the data of a helper": {
			"import data.cordon.helper\n\ndeny if helper.ours(input.resource.kind)",
			map[string]string{"cordon/helper/helper.rego": "package cordon.helper\n\nours(kind) if kind in data.cordon.ours", "cordon/ours.json": `{"ours": ["vps"]}`}, "vps",
		},
		"by a helper":                {"import data.cordon.helper\n\ndeny if helper.ours(input.resource.kind)", helper("ours(kind) if kind == \"vps\""), "vps"},
		"to what a helper looked at": {"import data.cordon.helper as h\n\ndeny if h.kind == \"vps\"", helper("kind := input.resource.kind"), "vps"},
		"to what another file of a helper looked at": {
			"deny if data.cordon.helper.ours", map[string]string{
				"cordon/helper/helper.rego": "package cordon.helper\n\nours if kind == \"vps\"", "cordon/helper/kind.rego": "package cordon.helper\n\nkind := input.resource.kind",
			}, "vps",
		},
		"a member": {"deny if _ours[input.resource.kind]\n\n_ours.vps := true", nil, "vps"},
		"in place": {"deny if {\"vps\", \"vds\"}[input.resource.kind]", nil, "vds vps"},
		"beside others": {
			"import data.cordon.actions\nimport data.cordon.subject\n\ndeny if {\n\tactions.asks.access\n\tsubject.admin\n\tinput.resource.kind == \"vps\"\n}", nil, "vps",
		},
		"of nothing": {"deny if input.subject.role == \"vps\"", nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			cells, err := table.CellsAbout("product", "view", compile(t, with(one.body, one.files)))
			if err != nil {
				t.Fatal(err)
			}
			want := append(strings.Fields(one.want), "any other kind", "mail_service")
			slices.Sort(want)
			if diff := cmp.Diff(factOf(t, cells, "kind"), want); diff != "" {
				t.Errorf("(-got +want)\n%s", diff)
			}
		})
	}
}

func TestATimeThatTheDataOfAPolicyNamesIsAskedAbout(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"data":   with("deny if {\n\tinput.time.hour < data.cordon.open.from\n\tinput.time.weekday == data.cordon.open.day\n}", map[string]string{"cordon/open.json": `{"open": {"from": 8, "day": "friday"}}`}),
		"helper": with("import data.cordon.open\n\ndeny if open.closed(input.time)", map[string]string{"cordon/open/open.rego": "package cordon.open\n\nclosed(at) if {\n\tat.hour < 8\n\tat.weekday == \"friday\"\n}"}),
	} {
		cells, err := table.CellsAbout("channel", "use", compile(t, files))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(factOf(t, cells, "hour"), []string{"at 8 h", "from 0 to 7 h", "from 9 to 23 h"}); diff != "" {
			t.Errorf("%s (-got +want)\n%s", name, diff)
		}
		if diff := cmp.Diff(factOf(t, cells, "weekday"), []string{"any other day", "friday"}); diff != "" {
			t.Errorf("%s (-got +want)\n%s", name, diff)
		}
	}
}

// What organizations chose is a fact wherever a rule looks at it, and nowhere else.
func TestWhatOrganizationsChoseIsAskedAboutWhereARuleLooksAtIt(t *testing.T) {
	const events, ends, manage = "product events", "blocks that end", "blocked products"
	for name, one := range map[string]struct {
		files map[string]string
		want  map[string][]string // facts of some actions
	}{
		"shipped": {nil, map[string][]string{"product view": {manage}, "product block": {ends, manage}, "channel use": nil, "user remove": nil}},
		"one of one action": {
			with("deny if {\n\tinput.action.name == \"use\"\n\tinput.organization.settings.product_events_to == \"admins\"\n}", nil),
			map[string][]string{"channel use": {events}, "user remove": nil, "product view": {manage}},
		},
		"by the package of organizations": {
			with("import data.cordon.organization\n\ndeny if {\n\tinput.action.name == \"remove\"\n\torganization.blocks_must_end\n}", nil),
			map[string][]string{"user remove": {ends}, "product remove": {ends, manage}, "channel use": nil},
		},
		"of all actions": {
			with("deny if not input.organization.settings.blocks_must_end", nil),
			map[string][]string{"channel use": {ends}, "user remove": {ends}},
		},
		"whatever they are": {
			with("deny if {\n\tinput.action.name == \"use\"\n\tsome name, _ in input.organization.settings\n\tname != \"x\"\n}", nil),
			map[string][]string{"channel use": {ends, manage, events}, "user remove": nil},
		},
	} {
		t.Run(name, func(t *testing.T) {
			engine := compile(t, one.files)
			for about, want := range one.want {
				on, action, _ := strings.Cut(about, " ")
				cells, err := table.CellsAbout(on, action, engine)
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, fact := range []string{ends, manage, events} {
					if len(factOf(t, cells, fact)) > 1 {
						got = append(got, fact)
					}
				}
				if diff := cmp.Diff(got, want); diff != "" {
					t.Errorf("%s (-got +want)\n%s", about, diff)
				}
			}
		})
	}
}

func TestADifferenceByWhatOrganizationsChoseIsFound(t *testing.T) {
	changed := compile(t, with("deny if {\n\tinput.action.name == \"use\"\n\tinput.organization.settings.product_events_to == \"admins\"\n}", nil))
	d, err := table.CompareAbout(t.Context(), compile(t, nil), changed, "channel", "use")
	if err != nil || d.Closed == 0 || d.Groups[0].Where[len(d.Groups[0].Where)-1].Is[0] != "product events to admins" {
		t.Errorf("%+v, %v", d, err)
	}
}
