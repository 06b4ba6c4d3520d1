package policies

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // a policy that is valid is valid on every machine, whatever zones are installed there

	"github.com/open-policy-agent/opa/v1/ast"
)

// Time is when a question is asked, in the zone of the policy's settings. It goes no further than what the rules look at,
// so that the questions of an hour share an answer.
type Time struct {
	Weekday string `json:"weekday"` // in lower case and English
	Hour    int    `json:"hour"`    // 0 to 23
	// Minute is nil where no rule looks at it.
	Minute *int `json:"minute,omitempty"`
}

// clock says what a policy's rules look at of the time, and where it is read.
type clock struct {
	zone           *time.Location
	hours, minutes bool // the weekday comes with the hours
}

// Time returns an instant as the rules see it, for Input.Time; nil where no rule looks at the time.
func (e *Engine) Time(at time.Time) *Time {
	if !e.clock.hours {
		return nil
	}
	at = at.In(e.clock.zone)
	t := &Time{Weekday: strings.ToLower(at.Weekday().String()), Hour: at.Hour()}
	if e.clock.minutes {
		minute := at.Minute()
		t.Minute = &minute
	}
	return t
}

// readClock finds out what a compiled policy looks at of the time, and reads the zone from its settings: UTC where they
// name none.
func readClock(compiler *ast.Compiler, data map[string]any) (clock, error) {
	c := clock{zone: time.UTC}
	for _, path := range slices.Sorted(maps.Keys(compiler.Modules)) {
		for _, rule := range compiler.Modules[path].Rules {
			ast.WalkRefs(rule, func(ref ast.Ref) bool {
				c.read(ref)
				return false
			})
		}
	}
	cordon, _ := data["cordon"].(map[string]any)
	settings, _ := cordon["settings"].(map[string]any)
	said, ok := settings["timezone"]
	if !ok {
		return c, nil
	}
	name, ok := said.(string)
	zone, err := time.LoadLocation(name)
	if !ok || err != nil || name == "" || name == time.Local.String() { // the machine's own zone is no part of the policy
		return c, &ProblemsError{Problems: []Problem{{
			File: settingsFile, Code: "settings_error",
			Message: fmt.Sprintf("timezone: %v is no name of a time zone, as in \"UTC\" or \"Europe/Zurich\"", said),
		}}}
	}
	c.zone = zone
	return c, nil
}

var (
	inputTime   = ast.MustParseRef("input.time")
	inputMinute = ast.MustParseRef("input.time.minute")
)

// read notes what a reference may reach: the whole input, or members that are named only as the rules are asked, may be
// the time and the minute.
func (c *clock) read(ref ast.Ref) {
	ground := ref.GroundPrefix()
	reaches := func(what ast.Ref) bool { return ground.HasPrefix(what) || what.HasPrefix(ground) }
	if !ref.HasPrefix(ast.InputRootRef) || !reaches(inputTime) {
		return
	}
	c.hours = true
	c.minutes = c.minutes || reaches(inputMinute)
}
