package sandbox_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cordon/policies"
	"cordon/policies/table"
)

// blocked is a collaborator who would manage a product that the host blocked; the action may have another name.
func blocked(action string) *policies.Input {
	return &policies.Input{
		Action: policies.NewAction(action, "", ""), Subject: policies.Subject{Kind: policies.SubjectUser, Member: true, Role: policies.RoleCollaborator, Granted: true},
		Resource: policies.Resource{Type: policies.TypeProduct, Known: true, Kind: "web_hosting", Blocks: []string{policies.OriginHost}},
	}
}

func TestWhatIsTriedApartIsAnsweredAsHere(t *testing.T) {
	b := box(t)
	if raceDetector() {
		b.Memory = 4 << 30 // its own memory comes on top
	}
	src := with("deny if {\n\tprint(\"here\", input.time.hour)\n\tinput.time.hour > 23\n}")
	at := time.Date(2026, 3, 2, 11, 0, 0, 0, time.UTC)
	engine, err := policies.Compile(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	want, err := table.Try(t.Context(), engine, blocked("manage"), at)
	if err != nil {
		t.Fatal(err)
	}
	got, err := b.Try(t.Context(), src, blocked("manage"), at)
	if err != nil {
		t.Fatal(err)
	}
	all := func(x *table.Tried) []any {
		return []any{
			x.Allowed, x.Policy, x.Reasons, x.RestsOn, x.Languages(), x.ReasonsIn("fr"), string(x.ReasonsJSON("de")), x.User(), x.Admin(), string(x.UserJSON()),
			string(x.InputJSON), x.Rules, x.Trace, x.Undecided, x.Printed, x.Input.Time,
		}
	}
	if diff := cmp.Diff(all(got), all(want)); diff != "" {
		t.Errorf("(-apart +here):\n%s", diff)
	}
	var turns, here []string
	for i := range got.WhyNot {
		turns = append(turns, got.WhyNot[i].Text+string(got.WhyNot[i].Input))
	}
	for i := range want.WhyNot {
		here = append(here, want.WhyNot[i].Text+string(want.WhyNot[i].Input))
	}
	if diff := cmp.Diff(turns, here); diff != "" || len(got.Printed) == 0 || len(turns) == 0 || got.Input.Time == nil || got.Took == 0 {
		t.Errorf("(-apart +here):\n%s\n%+v", diff, got)
	}
}

// A rule that does no harm until somebody asks the right question does none then either.
func TestATrialThatTakesTooMuchIsStopped(t *testing.T) {
	if raceDetector() {
		t.Skip("its own memory is beyond any limit")
	}
	b := box(t)
	quiet := with(growing("count(input.action.name) == 57", 7))
	_, err := b.Try(t.Context(), quiet, blocked(strings.Repeat("x", 57)), time.Now())
	refused, is := errors.AsType[*policies.ProblemsError](err)
	if !is || !strings.Contains(err.Error(), "it takes more than 256 MiB of memory") || refused.Problems[0].Code != "limit_error" {
		t.Errorf("memory: %v", err)
	}
	got, err := b.Try(t.Context(), quiet, blocked("manage"), time.Now())
	if err != nil || got.Allowed {
		t.Errorf("another question: %v", err)
	}
	endless, err := b.Try(t.Context(), with("deny if {\n\tsome a in numbers.range(1, 30000)\n\tsome b in numbers.range(1, 30000)\n\ta * b < 0\n}"), blocked("manage"), time.Now())
	if err != nil || !strings.Contains(endless.Undecided, "did not end within 1s") || endless.Decision != nil {
		t.Errorf("without end: %+v, %v", endless, err)
	}
	_, err = b.Try(t.Context(), with("deny if"), blocked("manage"), time.Now())
	if refused, is = errors.AsType[*policies.ProblemsError](err); !is || refused.Problems[0].Row == 0 {
		t.Errorf("no policy: %v", err)
	}
	b.Time = time.Millisecond
	if _, err := b.Try(t.Context(), with("deny if false"), blocked("manage"), time.Now()); err == nil || !strings.Contains(err.Error(), "it takes more than 1ms") {
		t.Errorf("no time: %v", err)
	}
}
