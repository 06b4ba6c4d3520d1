package policies_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cordon/policies"
)

// withRule gives the domain's rules, one more, and a time zone.
func withRule(code, text, zone string) policies.Source {
	src := domainOnly(policies.Builtin())
	src.Files["cordon/rules/"+code+"/"+code+".rego"] = text
	change(src, "timezone", zone)
	return src
}

func TestTheWeekBeginsAndEndsInTheZoneOfTheSettings(t *testing.T) {
	engine := compile(t, guided(t, "Europe/Zurich"))
	if on, why := engine.MemoOn(); !on {
		t.Errorf("the memo is off: %s", why)
	}
	for at, want := range map[string]policies.Time{
		"2026-11-27T22:59:59Z": {Weekday: "friday", Hour: 23}, // an hour ahead of UTC in winter
		"2026-11-27T23:00:00Z": {Weekday: "saturday", Hour: 0},
		"2026-11-29T22:59:59Z": {Weekday: "sunday", Hour: 23},
		"2026-11-29T23:00:00Z": {Weekday: "monday", Hour: 0},
		"2026-07-03T21:59:59Z": {Weekday: "friday", Hour: 23}, // two in summer
		"2026-07-03T22:00:00Z": {Weekday: "saturday", Hour: 0},
		"2026-03-29T00:59:59Z": {Weekday: "sunday", Hour: 1}, // the day on which summer begins has no third hour
		"2026-03-29T01:00:00Z": {Weekday: "sunday", Hour: 3},
		"2026-03-29T21:59:59Z": {Weekday: "sunday", Hour: 23},
		"2026-03-29T22:00:00Z": {Weekday: "monday", Hour: 0},
		"2026-10-25T00:30:00Z": {Weekday: "sunday", Hour: 2}, // the one on which it ends has it twice
		"2026-10-25T01:30:00Z": {Weekday: "sunday", Hour: 2},
		"2026-10-25T22:59:59Z": {Weekday: "sunday", Hour: 23},
		"2026-10-25T23:00:00Z": {Weekday: "monday", Hour: 0},
	} {
		instant, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		in := manage()
		in.Action.Name, in.Time = "remove", engine.Time(instant)
		if diff := cmp.Diff(in.Time, &want); diff != "" {
			t.Errorf("%s (-got +want):\n%s", at, diff)
		}
		got, err := engine.Decide(t.Context(), in)
		if weekend := strings.HasPrefix(want.Weekday, "s"); err != nil || got.Allowed == weekend {
			t.Errorf("%s: %+v, %v", at, got, err)
		}
		// The record holds what it was decided on: it can be decided again.
		var read policies.Input
		if err := json.Unmarshal(got.InputJSON, &read); err != nil || !reflect.DeepEqual(&read, in) {
			t.Errorf("%s: recorded %s, %v", at, got.InputJSON, err)
		}
	}
	if !cmp.Equal(engine.Time(time.Date(2026, 11, 24, 9, 1, 0, 0, time.UTC)), engine.Time(time.Date(2026, 11, 24, 9, 59, 59, 0, time.UTC))) {
		t.Error("the questions of an hour share no answer")
	}
}

// The time is a fact of the input as far as the rules look at it, in whatever way they do.
func TestOnlyWhatTheRulesLookAtOfTheTimeIsAFact(t *testing.T) {
	at := time.Date(2026, 11, 24, 9, 7, 0, 0, time.UTC)
	hour, minute := `{"weekday":"tuesday","hour":9}`, `{"weekday":"tuesday","hour":9,"minute":7}`
	for body, want := range map[string]string{
		`deny if input.subject.blocked`:                                                              `null`,
		`deny if input.time.weekday == "sunday"`:                                                     hour,
		`deny if input.time.hour < 7`:                                                                hour,
		`deny if input["time"].hour < 7`:                                                             hour,
		`deny if _at("hour") < 7` + "\n\n_at(what) := input.time[what]":                              minute,
		`deny if input.time.minute < 7`:                                                              minute,
		"import input.time as clock\n\ndeny if clock.minute < 7":                                     minute,
		"deny if {\n\tnow := input.time\n\tnow.hour < 7\n}":                                          minute,
		`deny if object.get(input, ["time", "minute"], 0) < 7`:                                       minute,
		"deny if {\n\tsome name in {\"time\", \"act\"}\n\tinput[name].hour < 7\n}":                   minute,
		"deny if {\n\tevery x in {1, 2} {\n\t\tinput.time.hour < x\n\t}\n}":                          hour,
		`deny if count({1 | input.time.minute < 7}) > 0`:                                             minute,
		"deny if {\n\tinput.subject.blocked\n} else if {\n\tnot input.time.minute < 7\n}":            minute,
		"deny if [\"a\", \"b\"][input.time.minute] == input.action.name":                             minute,
		"deny if _early with input.time.hour as 3\n\n_early if input.time.hour < 7":                  hour,
		"deny if {\n\twalk(input, [path, value])\n\tpath[0] == \"time\"\n\tvalue == \"saturday\"\n}": minute,
	} {
		engine := compile(t, withRule("odd", rule("odd", 95, body), "UTC"))
		got, err := json.Marshal(engine.Time(at))
		if err != nil || string(got) != want {
			t.Errorf("%s\ngot  %s, want %s, %v", body, got, want, err)
		}
	}
	if got := compile(t, policies.Builtin()).Time(at); got != nil && len(ruleCodes(t, policies.Builtin())) == len(reasonCodes) {
		t.Errorf("the built-in rules look at %+v", got)
	}
}

func TestATimeZoneThatThereIsNotIsRefused(t *testing.T) {
	for _, zone := range []any{"Europe/Zuerich", "", "Local", "../../etc/passwd", "europe", 2.0, []any{nil}} {
		src := domainRules()
		change(src, "timezone", zone)
		got := refusal(t, src)
		if got.File != "cordon/settings.json" || got.Code != "settings_error" || !strings.Contains(got.Message, "no name of a time zone") && !strings.Contains(got.Message, "/settings/timezone: Invalid type") {
			t.Errorf("%v: %s", zone, got)
		}
	}
	src := domainRules()
	change(src, "timezone", nil)
	src.Files["cordon/rules/odd/odd.rego"] = rule("odd", 95, `deny if input.time.hour < 7`)
	if got := compile(t, src).Time(time.Date(2026, 11, 24, 9, 0, 0, 0, time.FixedZone("far", 3600))); got.Hour != 8 {
		t.Errorf("without a zone: %+v", got)
	}
}
