package server_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"cordon/library/sandbox"
	"cordon/server"
)

// What is stopped in its process by time, after another that it waits for, is told so: the call is not over before.
func TestACallIsLongerThanWhatItWaitsFor(t *testing.T) { // docs/design.md 12, Playground
	w := newWorld(t, options{library: true})
	for path, waits := range map[string]time.Duration{
		setPattern + "/evaluate":                   2 * sandbox.TrialTime,
		setPattern + "/versions":                   2 * sandbox.Time, // it is checked, and then its invariants are shown
		setPattern + "/versions/{digest}/check":    2 * sandbox.Time,
		setPattern + "/versions/{digest}/activate": 2 * sandbox.Time, // where the report is another release's
		setPattern + "/versions/{digest}/tests":    2*sandbox.Time + sandbox.TrialTime,
	} {
		at := slices.IndexFunc(w.server.Routes(), func(r server.Route) bool { return r.Method == http.MethodPost && r.Path == path })
		if at < 0 {
			t.Fatalf("there is no %s", path)
		}
		if limit := w.server.Routes()[at].Limit; limit <= waits {
			t.Errorf("%s is over after %s, and waits for %s", path, limit, waits)
		}
	}
}
