package retention_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"cordon/ledger/record"
	"cordon/ledger/retention"

	"github.com/google/go-cmp/cmp"
)

func parse(t *testing.T, text string) retention.Time {
	t.Helper()
	parsed, err := retention.ParseTime(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestATimeIsDaysOrYearsOrForEver(t *testing.T) {
	for _, text := range []string{"1d", "400d", "36600d", "1y", "10y", "100y", "forever"} {
		if got := parse(t, text).String(); got != text {
			t.Errorf("%s is written %s", text, got)
		}
	}
	for _, text := range []string{
		"", "d", "y", "0d", "0y", "-1d", "+1d", "01d", "1", "1h", "1.5y", "1 d", " 1d", "1d ", "1D", "1dd", "1d1y", "FOREVER", "101y", "36601d",
		"99999999999999999999d", "18446744073709551617d", "50403213y", "\u0661d", strings.Repeat("9", 1000) + "y",
	} {
		if got, err := retention.ParseTime(text); !errors.Is(err, retention.ErrTime) {
			t.Errorf("%q: got %v %v", text, got, err)
		}
	}
}

func FuzzATimeIsWrittenAsItIsRead(f *testing.F) {
	f.Add("400d")
	f.Fuzz(func(t *testing.T, text string) {
		if parsed, err := retention.ParseTime(text); err == nil && parsed.String() != text {
			t.Errorf("%q is written %q", text, parsed)
		}
	})
}

var now = time.Date(2028, 2, 29, 12, 0, 0, 0, time.UTC)

func TestWhatMayGo(t *testing.T) {
	const decisions, changes, messages = retention.Decisions, retention.Changes, retention.Messages
	rules := retention.Rules{
		Classes: retention.Times{decisions: parse(t, "400d"), changes: parse(t, "1y")},
		Organizations: map[string]retention.Times{
			"short": {decisions: parse(t, "1d")}, "long": {decisions: parse(t, "forever"), messages: parse(t, "10y")},
		},
	}
	none := time.Time{}
	for what, c := range map[string]struct {
		rules               retention.Rules
		holds               []retention.Hold
		class, organization string
		want                time.Time
	}{
		"records are kept for ever":      {class: decisions, want: none},
		"messages are not":               {class: messages, want: now.AddDate(0, 0, -30)},
		"nor procedures":                 {class: retention.Procedures, want: now.AddDate(0, 0, -400)},
		"a class":                        {rules: rules, class: decisions, want: now.AddDate(0, 0, -400)},
		"another":                        {rules: rules, class: retention.Reads, want: none},
		"a year has the days it had":     {rules: rules, class: changes, want: time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)},
		"an organization of its own":     {rules: rules, class: decisions, organization: "short", want: now.AddDate(0, 0, -1)},
		"and for ever":                   {rules: rules, class: decisions, organization: "long", want: none},
		"which has the rest as all have": {rules: rules, class: changes, organization: "long", want: time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)},
		"held":                           {rules: rules, holds: []retention.Hold{{Organization: "short"}}, class: decisions, organization: "short", want: none},
		"held in a class":                {rules: rules, holds: []retention.Hold{{Organization: "short", Class: decisions}}, class: decisions, organization: "short", want: none},
		"and not in another":             {rules: rules, holds: []retention.Hold{{Organization: "short", Class: changes}}, class: decisions, organization: "short", want: now.AddDate(0, 0, -1)},
		"another is held":                {rules: rules, holds: []retention.Hold{{Organization: "long"}}, class: decisions, organization: "short", want: now.AddDate(0, 0, -1)},
		"all are held":                   {rules: rules, holds: []retention.Hold{{}}, class: decisions, organization: "short", want: none},
		"what is of none, too":           {rules: rules, holds: []retention.Hold{{Class: decisions}}, class: decisions, want: none},
		"and not by one's hold":          {rules: rules, holds: []retention.Hold{{Organization: "short"}}, class: decisions, want: now.AddDate(0, 0, -400)},
	} {
		state := retention.State{Rules: c.rules, Holds: c.holds}
		if got := state.Before(c.class, c.organization, now); !got.Equal(c.want) {
			t.Errorf("%s: got %v, want %v", what, got, c.want)
		}
	}
}

// Where to look must name all that may go, and nothing that may not.
func TestEndingsAreWhereSomethingMayGo(t *testing.T) {
	organizations := []string{"", "a", "b", "c"}
	for _, own := range []retention.Time{parse(t, "1d"), parse(t, "forever")} {
		for _, all := range []retention.Time{parse(t, "10d"), parse(t, "forever")} {
			for _, holds := range [][]retention.Hold{
				nil, {{}}, {{Class: retention.Messages}}, {{Class: retention.Changes}}, {{Organization: "a"}},
				{{Organization: "b", Class: retention.Messages}, {Organization: "c", Class: retention.Changes}},
			} {
				state := retention.State{Holds: holds, Rules: retention.Rules{
					Classes: retention.Times{retention.Messages: all}, Organizations: map[string]retention.Times{"a": {retention.Messages: own}},
				}}
				got, want := map[string]time.Time{}, map[string]time.Time{}
				for _, organization := range organizations {
					if before := state.Before(retention.Messages, organization, now); !before.IsZero() {
						want[organization] = before
					}
					for _, e := range state.Endings(retention.Messages, now) {
						if e.Of(organization) {
							if !got[organization].IsZero() {
								t.Errorf("%+v: %q is looked for twice", state, organization)
							}
							got[organization] = e.Before
						}
					}
				}
				if diff := cmp.Diff(got, want); diff != "" {
					t.Errorf("%+v (-got +want):\n%s", state, diff)
				}
			}
		}
	}
}

func TestEveryKindOfRecordHasItsClassButGaps(t *testing.T) {
	for kind, want := range map[string]string{"decision": "decisions", "change": "changes", "read": "reads", "gap": "", "": "", "other": ""} {
		got, has := retention.ClassOf(kind)
		if got != want || has != (want != "") || has && !slices.Contains(retention.Classes(), got) {
			t.Errorf("%s: got %q %v", kind, got, has)
		}
	}
}

func TestDeletionsAreCountedByClassAndOrganization(t *testing.T) {
	var s retention.State
	ended := now.Add(-time.Hour)
	for i := range 2 {
		s.Count("messages", "b", ended, now)
		s.Count("messages", "a", ended.Add(time.Minute), now.Add(time.Hour))
		s.Count("answers", "", ended, now)
		s.Count("messages", "a", ended.Add(time.Duration(-i)*time.Minute), now)
	}
	want := []retention.Deleted{
		{"answers", "", 2, ended, now}, {"messages", "a", 4, ended.Add(-time.Minute), now.Add(time.Hour)}, {"messages", "b", 2, ended, now},
	}
	if diff := cmp.Diff(s.Deleted, want); diff != "" {
		t.Errorf("-got +want:\n%s", diff)
	}
}

// What may go is found by the filters, whoever's it is, and by the fewest of them.
func TestWhatIsOverIsFound(t *testing.T) {
	times := []retention.Time{parse(t, "1d"), parse(t, "10d"), parse(t, "forever")}
	for _, all := range times {
		for _, own := range times {
			for _, holds := range [][]retention.Hold{nil, {{}}, {{Organization: "a"}}, {{Organization: "b"}}, {{Class: "decisions"}}} {
				state := retention.State{Holds: holds, Rules: retention.Rules{
					Classes: retention.Times{"decisions": all}, Organizations: map[string]retention.Times{"a": {"decisions": own}},
				}}
				filters := state.Filters(now)
				for _, organization := range []string{"", "a", "b"} {
					for _, days := range []int{0, 1, 2, 10, 11} {
						r := record.Record{Kind: "decision", Organization: organization, Time: now.AddDate(0, 0, -days).Add(-time.Hour)}
						r.ID = record.NewID(r.Time)
						found := slices.ContainsFunc(filters, func(f record.Filter) bool { return f.Match(&r) })
						if over := state.Over(&r, now); over && !found {
							t.Errorf("%+v: of %q and %d days ago: it is over and not found by %+v", state, organization, days, filters)
						}
					}
				}
				if len(filters) > 2 {
					t.Errorf("%+v: %d filters", state, len(filters))
				}
			}
		}
	}
	if filters := new(retention.State).Filters(now); len(filters) > 0 {
		t.Errorf("nothing is set, and looked for by %+v", filters)
	}
}
