package guard_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"cordon/guard"
	"cordon/policies"
)

const weekendRule = `# METADATA
# custom:
#   code: no_removal_at_weekends
#   rank: 105
#   person: {en: Not at weekends., fr: Pas le week-end., de: Nicht am Wochenende.}
#   administrator: {en: Wait until Monday., fr: Attendez lundi., de: Warten Sie bis Montag.}
package cordon.rules.no_removal_at_weekends

deny if {
	input.action.name in {"remove", "manage"}
	input.time.weekday in {"saturday", "sunday"}
}
`

// weekends compiles the built-in rules and one that looks at the time, in Zurich.
func weekends(t *testing.T) *policies.Engine {
	return edited(t, func(src policies.Source) {
		src.Files["cordon/rules/no_removal_at_weekends/no_removal_at_weekends.rego"] = weekendRule
		src.Files[settingsFile] = strings.Replace(src.Files[settingsFile], `"UTC"`, `"Europe/Zurich"`, 1)
	})
}

// The last second before midnight and the first after it, where the hour is not that of UTC, in winter, in summer, and on
// the two days between them.
func TestTheTimeIsAFactOfWhatIsDecided(t *testing.T) {
	rules := weekends(t)
	store, times := openSQLite(t), newClock()
	g := newGuard(t, store, func(c *guard.Config) { c.Engine, c.Now = rules, times.now })
	acme(t, g)
	for _, crossing := range []struct {
		midnight          string
		before, after     bool
		weekday, tomorrow string
	}{
		{"2026-11-27T23:00:00Z", true, false, "friday", "saturday"},
		{"2026-11-29T23:00:00Z", false, true, "sunday", "monday"},
		{"2026-07-03T22:00:00Z", true, false, "friday", "saturday"},
		{"2026-03-28T23:00:00Z", false, false, "saturday", "sunday"}, // into the day of 23 hours
		{"2026-03-29T22:00:00Z", false, true, "sunday", "monday"},    // and out of it
		{"2026-10-25T23:00:00Z", false, true, "sunday", "monday"},    // out of the day of 25 hours
	} {
		midnight := must[time.Time](t)(time.Parse(time.RFC3339, crossing.midnight))
		for _, side := range []struct {
			at      time.Time
			allowed bool
			want    policies.Time
		}{
			{midnight.Add(-time.Second), crossing.before, policies.Time{Weekday: crossing.weekday, Hour: 23}},
			{midnight, crossing.after, policies.Time{Weekday: crossing.tomorrow, Hour: 0}},
		} {
			times.pass(side.at.Sub(times.now()))
			q := productQuestion("adam", "remove", "shop")
			answer := must[guard.Answer](t)(g.Decide(t.Context(), host(), q))
			var in policies.Input
			if err := json.Unmarshal(answer.InputJSON, &in); err != nil || in.Time == nil || *in.Time != side.want || answer.Allowed != side.allowed {
				t.Errorf("%s: %v on %s, %v", side.at, answer.Allowed, answer.InputJSON, err)
			}
			// What is on record can be decided again, whenever that is.
			if again, err := rules.DecideUncached(t.Context(), &in); err != nil || again.Allowed != side.allowed {
				t.Errorf("%s: decided again: %+v, %v", side.at, again, err)
			}
			// The act is decided as the question is.
			name := "thing-" + side.at.Format("20060102t150405")
			must[*guard.Result](t)(g.PutProduct(t.Context(), host(), "acme", name, guard.PutProduct{Name: name, Kind: "domain"}))
			_, err := g.DeleteProduct(t.Context(), as("adam"), "acme", name)
			if side.allowed != (err == nil) || err != nil && !slices.Equal(denied(t, err), []string{"no_removal_at_weekends"}) {
				t.Errorf("%s: removed: %v", side.at, err)
			}
		}
	}
}

// What belongs together is decided at one instant, wherever midnight falls; each record tells the instant that its answer
// was decided at.
func TestABatchIsDecidedAtOneInstant(t *testing.T) {
	times := newClock()
	friday := time.Date(2026, 11, 27, 22, 59, 59, 0, time.UTC)
	var cross bool
	store := openSQLite(t)
	g := newGuard(t, store, func(c *guard.Config) {
		c.Engine, c.Now = weekends(t), times.now
		c.Observe.Decision = func(string, bool, string, time.Duration) { // between two items
			if cross {
				times.pass(time.Second)
			}
		}
	})
	acme(t, g)
	times.pass(friday.Sub(times.now()))
	cross = true
	items := slices.Repeat([]guard.BatchItem{{Question: *productQuestion("adam", "remove", "shop")}}, 3)
	for _, want := range []bool{true, false} {
		_, answers, err := g.DecideAll(t.Context(), host(), items, guard.ExecuteAll)
		if err != nil {
			t.Fatal(err)
		}
		for i, a := range answers {
			if a.Allowed != want {
				t.Errorf("item %d: %v, want %v, on %s", i, a.Allowed, want, a.InputJSON)
			}
		}
	}
}

// A preview compares what may be done now with what might be: on Saturday nobody loses what nobody has.
func TestAPreviewIsDecidedAtItsInstant(t *testing.T) {
	times := newClock()
	g := newGuard(t, openSQLite(t), func(c *guard.Config) { c.Engine, c.Now = weekends(t), times.now })
	acme(t, g)
	for at, want := range map[time.Time]bool{
		time.Date(2026, 11, 27, 22, 59, 59, 0, time.UTC): true,
		time.Date(2026, 11, 27, 23, 0, 0, 0, time.UTC):   false,
	} {
		times.pass(at.Sub(times.now()))
		result := must[*guard.Result](t)(g.BlockProduct(t.Context(), as("adam"), "acme", "shop", guard.ProductAct{Reason: "leak", Preview: true}))
		loses := slices.ContainsFunc(result.Preview.Losses, func(l guard.Loss) bool { return slices.Contains(l.Actions, "manage") })
		if loses != want {
			t.Errorf("%s: %+v", at, result.Preview.Losses)
		}
	}
}

// The built-in rules look at no time: their inputs, and what is shared between equal ones, are what they were.
func TestTheBuiltInRulesAreToldNoTime(t *testing.T) {
	rules := edited(t, func(src policies.Source) {
		maps.DeleteFunc(src.Files, func(_, text string) bool { return strings.Contains(text, "input.time") }) // an editor's
	})
	times := newClock()
	g := newGuard(t, openSQLite(t), func(c *guard.Config) { c.Engine, c.Now = rules, times.now })
	acme(t, g)
	first := must[guard.Answer](t)(g.Decide(t.Context(), host(), productQuestion("adam", "manage", "shop")))
	times.pass(25 * time.Hour)
	if next := must[guard.Answer](t)(g.Decide(t.Context(), host(), productQuestion("adam", "manage", "shop"))); next.Decision != first.Decision {
		t.Errorf("equal inputs share no answer: %s, %s", first.InputJSON, next.InputJSON)
	}
}
