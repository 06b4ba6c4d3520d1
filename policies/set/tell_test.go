package set_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"cordon/policies"
)

// Whatever rules do when they are tried is told, as far as it came; only that nobody waits any more is an error.
func TestWhatComesOfATrialIsTold(t *testing.T) {
	const endless = "allow if {\n\tprint(\"begun\")\n\tsome a in numbers.range(1, 30000)\n\tsome b in numbers.range(1, 30000)\n\ta * b < 0\n}"
	for name, test := range map[string]struct{ body, undecided, printed string }{
		"a decision":         {"allow if print(\"by\", input.subject.id)", "", "notes.rego:3: by ann"},
		"nothing is said":    {"allow if input.subject.id == \"bob\"", "", ""},
		"no decision":        {"decision := input.subject.id", "decision is a string", ""},
		"an error of a rule": {"allow if to_number(input.subject.id) > 1", "to_number", ""},
		"a very long one":    {"decision := {concat(\"\", [input.subject.id, \"" + strings.Repeat("x", 100_000) + "\"]): 1}", "... and more", ""},
		"a rule without end": {endless, "the rules did not end within 1s", "notes.rego:4: begun"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := compile(t, source(test.body)).Try(t.Context(), input(t, annReads))
			if err != nil || (got.Decision == nil) != (test.undecided != "") || !strings.Contains(got.Undecided, test.undecided) || len(got.Undecided) > 10_000 ||
				strings.Join(got.Printed, "\n") != test.printed || len(got.Trace) == 0 {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := compile(t, source("allow := true")).Try(ctx, input(t, annReads)); got != nil || !errors.Is(err, policies.ErrTimeout) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %+v, %v", got, err)
	}
}
