package sandbox_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cordon/policies"
	"cordon/policies/set"
)

// notes is a policy set of one module.
func notes(body string) policies.Source {
	return policies.Source{Files: map[string]string{"notes.rego": "package authzen.notes\n\n" + body + "\n"}}
}

const annReads = `{"subject":{"type":"user","id":"ann"},"action":{"name":"read"},"resource":{"type":"note","id":"n1"}}`

func TestAPolicySetIsCheckedAndTriedApartAsHere(t *testing.T) {
	b := box(t)
	if raceDetector() {
		b.Memory = 4 << 30 // its own memory comes on top
	}
	src := notes("decision := {\"decision\": input.subject.id == \"ann\", \"context\": {\"n\": 12345678901234567890}} if {\n\tprint(\"here\")\n}")
	got, err := b.CheckSet(t.Context(), "notes", src)
	if err != nil {
		t.Fatal(err)
	}
	want, err := set.Check(t.Context(), "notes", src)
	if err != nil {
		t.Fatal(err)
	}
	got.Budget.SlowestUS, want.Budget.SlowestUS = 0, 0
	if diff := cmp.Diff(got, want); diff != "" || !want.Passed() {
		t.Errorf("(-apart +here):\n%s", diff)
	}
	other, err := b.CheckSet(t.Context(), "other", src)
	if err != nil || len(other.Problems) == 0 || other.Problems[0].Row != 1 {
		t.Errorf("of another set: %+v, %v", other, err)
	}
	tried, err := b.TrySet(t.Context(), "notes", src, []byte(annReads))
	if err != nil || tried.Decision == nil || !tried.Decision.Allowed || string(tried.Decision.Context) != `{"n":12345678901234567890}` || len(tried.Printed) != 1 || len(tried.Trace) == 0 {
		t.Errorf("tried: %+v, %v", tried, err)
	}
	_, err = b.TrySet(t.Context(), "notes", notes("allow if"), []byte(annReads))
	if refused, is := errors.AsType[*policies.ProblemsError](err); !is || refused.Problems[0].Row == 0 {
		t.Errorf("no policy: %v", err)
	}
}

func TestAPolicySetThatTakesTooMuchIsStopped(t *testing.T) {
	if raceDetector() {
		t.Skip("its own memory is beyond any limit")
	}
	b := box(t)
	b.Memory = 256 << 20
	greedy := notes(strings.Replace(growing(`input.action.name == "read"`, 7), "deny if", "allow if", 1))
	got, err := b.CheckSet(t.Context(), "notes", greedy)
	if err != nil || got.Passed() {
		t.Errorf("checked: %+v, %v", got, err)
	}
	if _, err := b.TrySet(t.Context(), "notes", greedy, []byte(annReads)); err == nil || !strings.Contains(err.Error(), "it takes more than") {
		t.Errorf("tried: %v", err)
	}
	b.Time = time.Millisecond
	if got, err := b.CheckSet(t.Context(), "notes", notes("allow := true")); err != nil || len(got.Problems) != 1 || !strings.Contains(got.Problems[0].Message, "it takes more than 1ms") {
		t.Errorf("no time: %+v, %v", got, err)
	}
}
