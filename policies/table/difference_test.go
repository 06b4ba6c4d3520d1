package table_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cordon/policies"
	"cordon/policies/table"
)

// said asks a policy about a cell.
func said(t *testing.T, e *policies.Engine, in *policies.Input) (string, string) {
	t.Helper()
	d, err := e.DecideUncached(t.Context(), in)
	switch {
	case errors.Is(err, policies.ErrResult):
		return table.AnswerUndecided, ""
	case err != nil:
		t.Fatal(err)
	}
	var codes []string
	for _, r := range d.Reasons {
		codes = append(codes, r.Code)
	}
	if d.Allowed {
		return table.AnswerAllow, strings.Join(codes, " ")
	}
	return table.AnswerDeny, strings.Join(codes, " ")
}

// Expanded, the groups are the changed cells, each in one of them, and every other cell in none.
func TestGroupsAreTheChangedCells(t *testing.T) {
	shipped := compile(t, nil)
	for name, one := range map[string]struct {
		to         *policies.Engine
		on, action string
	}{
		"setting":     {engineOf(t, settings(t, adminsManage)), "product", "manage"},
		"grants":      {compile(t, replaced(t, file("granted"), "subject.by_grant", `input.resource.kind == "domain"`)), "product", "view"},
		"maintenance": {compile(t, replaced(t, file("mail_in_maintenance"), `{"read_mail", "send_mail"}`, `{"read_mail"}`)), "product", "send_mail"},
		"roles":       {compile(t, replaced(t, file("legal_representative_only"), `input.subject.role ==`, `input.subject.role !=`)), "user", "remove"},
		"codes":       {compile(t, replaced(t, file("support_code_invalid"), "not _code_judged", `input.act.code == "invalid"`)), "user", "unblock"},
		"undecided":   {compile(t, replaced(t, "cordon/cordon.rego", "decision := {\"allowed\": false, \"reasons\": denials}", contradiction)), "channel", "use"},
		"an action":   {compile(t, replaced(t, "cordon/actions/actions.rego", `"view": "access"`, `"view": "access", "archive": "admin"`)), "product", "archive"},
	} {
		if raceDetector() && one.on != "channel" && name != "setting" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			d, err := table.CompareAbout(t.Context(), shipped, one.to, one.on, one.action)
			if err != nil {
				t.Fatal(err)
			}
			cells, err := table.CellsAbout(one.on, one.action, shipped, one.to)
			if err != nil {
				t.Fatal(err)
			}
			held, changed, flipped := map[string]int{}, 0, 0
			for _, cell := range cells {
				from, fromCodes := said(t, shipped, &cell.Input)
				to, toCodes := said(t, one.to, &cell.Input)
				in := slices.DeleteFunc(slices.Clone(d.Groups), func(g table.Group) bool {
					return slices.ContainsFunc(g.Where, func(c table.Condition) bool { return !slices.Contains(c.Is, cell.Facts[c.Fact]) })
				})
				if from == to && fromCodes == toCodes {
					if len(in) > 0 {
						t.Fatalf("%v did not change, and is in %q", cell.Facts, in[0].Text)
					}
					continue
				}
				changed++
				if len(in) != 1 || in[0].From != from || in[0].To != to || in[0].Flips() != (from != to) {
					t.Fatalf("%v: %s %s → %s %s is in %+v", cell.Facts, from, fromCodes, to, toCodes, in)
				}
				if from != to {
					flipped++
				}
				held[in[0].ID]++
			}
			if changed == 0 || changed != d.Changed || len(cells) != d.Cells || d.Changed-d.Reasons != flipped || len(held) != len(d.Groups) {
				t.Errorf("%d of %d cells changed and %d flipped, %d ids; it says %+v", changed, len(cells), flipped, len(held), d)
			}
			for _, g := range d.Groups {
				if g.Cells != held[g.ID] {
					t.Errorf("%s says %d cells and has %d", g.Text, g.Cells, held[g.ID])
				}
				in, err := policies.ReadInput(g.Example.Input)
				if err != nil {
					t.Fatal(err)
				}
				if to, _ := said(t, one.to, in); to != g.To {
					t.Errorf("%s: its example %s is answered %s", g.Text, g.Example.Question, to)
				}
			}
		})
	}
}

// told are the texts of the groups that flip.
func told(d *table.Difference) []string {
	var texts []string
	for _, g := range d.Groups {
		if g.Flips() {
			texts = append(texts, g.Text)
		}
	}
	return texts
}

func TestAChangeIsToldInTheFewestRows(t *testing.T) {
	shipped := compile(t, nil)
	collaborators := compile(t, replaced(t, file("product_blocked"), "subject.admin\n}", "subject.limited\n\tinput.subject.role == \"collaborator\"\n}"))
	for name, one := range map[string]struct {
		from, to   *policies.Engine
		on, action string
		want       []string
	}{
		"a setting": {
			shipped, engineOf(t, settings(t, adminsManage)), "product", "manage",
			[]string{"legal_representative or administrator, not blocked, blocked product: `manage` deny → allow, 108 cells"},
		},
		"the other way": {
			engineOf(t, settings(t, adminsManage)), shipped, "product", "manage",
			[]string{"legal_representative or administrator, not blocked, blocked product: `manage` allow → deny, 108 cells"},
		},
		"one role": {
			shipped, engineOf(t, withFiles(settings(t, adminsManage), collaborators.Source(), file("product_blocked"))), "product", "manage",
			[]string{"collaborator, granted, not blocked, blocked product: `manage` deny → allow, 27 cells"},
		},
		"one channel": {
			shipped, engineOf(t, settings(t, imapCloses)), "channel", "use",
			[]string{"channel imap, blocked or blocked with all other channels: `use` allow → deny, 8 cells"},
		},
		"nothing": {shipped, shipped, "channel", "use", nil},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := table.CompareAbout(t.Context(), one.from, one.to, one.on, one.action)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(told(d), one.want); diff != "" {
				t.Errorf("(-got +want)\n%s", diff)
			}
			again, err := table.CompareAbout(t.Context(), one.from, one.to, one.on, one.action)
			if diff := cmp.Diff(again.Groups, d.Groups, cmp.AllowUnexported(table.Condition{})); err != nil || diff != "" {
				t.Errorf("another time, %v:\n%s", err, diff)
			}
		})
	}
}

// withFiles takes files of another source.
func withFiles(src, other policies.Source, paths ...string) policies.Source {
	for _, path := range paths {
		src.Files[path] = other.Files[path]
	}
	return src
}

// What no list of words says joins the table where a rule names it: a kind, an hour and a day.
func TestWhatARuleNamesJoinsTheTable(t *testing.T) {
	shipped := compile(t, nil)
	night := compile(t, map[string]string{file("night"): rule("night", 95, `deny if {
	input.resource.kind == "cloud_server"
	input.action.name == "manage"
	input.time.hour < 6
	not input.time.weekday in {"saturday", "sunday"}
}`)})
	d, err := table.CompareAbout(t.Context(), shipped, night, "product", "manage")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"legal_representative or administrator, any other day, from 0 to 5 h, not blocked, cloud_server, product not blocked: `manage` allow → deny",
		"collaborator or client, granted, any other day, from 0 to 5 h, not blocked, cloud_server, product not blocked: `manage` allow → deny",
		"host, any other day, from 0 to 5 h, cloud_server: `manage` allow → deny",
	}
	for _, text := range want {
		if !slices.ContainsFunc(told(d), func(s string) bool { return strings.HasPrefix(s, text) }) {
			t.Errorf("no group says %q of %q", text, told(d))
		}
	}
}

// A role, a kind and an action that a policy declares are asked about, in their own words.
func TestDeclaredWordsJoinTheTable(t *testing.T) {
	src := policies.Builtin()
	src.Files["cordon/words.json"] = `{"words": {
		"roles": {"accountant": {"allows": {"product": ["archive"]}}}, "kinds": {"vault": {}},
		"actions": {"archive": {"on": "product", "asks": "admin"}}, "retired": {}}}`
	declared := engineOf(t, src)
	d, err := table.CompareAbout(t.Context(), compile(t, nil), declared, "product", "archive")
	if err != nil {
		t.Fatal(err)
	}
	if len(told(d)) == 0 || !strings.Contains(told(d)[0], "accountant") || d.Closed > 0 {
		t.Errorf("%q", told(d))
	}
	cells, err := table.CellsAbout("product", "archive", declared)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(cells, func(c table.Told) bool { return c.Facts["kind"] == "vault" && c.Input.Resource.Kind == "vault" }) {
		t.Error("no cell is of the declared kind")
	}
}

// The time multiplies the cells, so it stands only where a rule can look at it: of what names its actions, beside these.
func TestTheTimeIsAskedWhereItMatters(t *testing.T) {
	for name, one := range map[string]struct {
		rules map[string]string
		where map[string]bool // by action on products
	}{
		"no rule looks": {nil, map[string]bool{"manage": false, "view": false}},
		"for one action": {
			map[string]string{file("night"): rule("night", 95, "deny if {\n\tinput.action.name == \"manage\"\n\tinput.time.hour < 6\n}")},
			map[string]bool{"manage": true, "view": false, "remove": false},
		},
		"for some": {
			map[string]string{file("night"): rule("night", 95, "deny if {\n\tinput.time.hour < 6\n\tinput.action.name in {\"manage\", \"remove\"}\n}")},
			map[string]bool{"manage": true, "view": false, "remove": true},
		},
		"for all but one": {
			map[string]string{file("night"): rule("night", 95, "deny if {\n\tnot input.action.name == \"manage\"\n\tinput.time.hour < 6\n}")},
			map[string]bool{"manage": true, "view": true},
		},
		"where a helper looks": {
			map[string]string{file("night"): rule("night", 95, "deny if {\n\tinput.action.name == \"manage\"\n\t_dark\n}\n\n_dark if input.time.hour < 6")},
			map[string]bool{"manage": true, "view": true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			engine := compile(t, one.rules)
			for action, want := range one.where {
				cells, err := table.CellsAbout("product", action, engine)
				if err != nil {
					t.Fatal(err)
				}
				if _, there := cells[0].Facts["hour"]; there != want {
					t.Errorf("%s: the hour is a fact: %v", action, there)
				}
			}
		})
	}
}

// A test, a comment, a blank line: nothing is asked, and nothing differs.
func TestWhatDecidesNothingNeedsNoAsking(t *testing.T) {
	shipped := compile(t, nil)
	for name, one := range map[string]struct {
		changes map[string]string
		alike   bool
	}{
		"a comment":       {replaced(t, file("granted"), "grant if {", "# of limited users\ngrant   if {"), true},
		"a test":          {map[string]string{"cordon/rules/granted/granted_test.rego": ""}, true},
		"how data stands": {map[string]string{"cordon/settings.json": strings.ReplaceAll(policies.Builtin().Files["cordon/settings.json"], "\n", " ")}, true},
		"data":            {replaced(t, "cordon/settings.json", `"blocks_must_end": false`, `"blocks_must_end": true`), false},
		"a sentence":      {replaced(t, file("granted"), "en: \"", "en: \"Yes. "), false},
		"a body":          {replaced(t, file("product_blocked"), "subject.admin", "subject.limited"), false},
		"a file":          {map[string]string{file("granted"): ""}, false},
	} {
		t.Run(name, func(t *testing.T) {
			src := policies.Builtin()
			for path, text := range one.changes {
				if src.Files[path] = text; text == "" {
					delete(src.Files, path)
				}
			}
			if got := table.Alike(policies.Builtin(), src); got != one.alike {
				t.Errorf("got %v", got)
			}
			if !one.alike {
				return
			}
			d, err := table.Compare(t.Context(), shipped, engineOf(t, src))
			if err != nil || d.Changed != 0 || d.Cells == 0 || d.To != src.Digest() {
				t.Errorf("%+v, %v", d, err)
			}
		})
	}
}

func TestAComparisonIsTakenBack(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	e := compile(t, nil)
	if _, err := table.Compare(ctx, e, engineOf(t, settings(t, adminsManage))); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestADifferenceIsJSON(t *testing.T) {
	d, err := table.CompareAbout(t.Context(), compile(t, nil), engineOf(t, settings(t, adminsManage)), "product", "manage")
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Cells, Changed, Opened, Closed, Reasons int
		TookMS                                  *int `json:"took_ms"`
		Groups                                  []struct {
			ID, Action, From, To string
			Where                []struct {
				Fact string
				Is   []string
			}
			Cells   int
			Example struct{ Question string }
		}
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if got.Changed != got.Opened+got.Reasons || got.Opened != 108 || got.TookMS == nil || got.Groups[0].Where[0].Fact != "subject" ||
		!slices.Equal(got.Groups[0].Where[0].Is, []string{"legal_representative", "administrator"}) || got.Groups[0].ID == "" {
		t.Errorf("%s", text)
	}
}
