package library_test

import (
	"errors"
	"strings"
	"testing"

	"cordon/guard"
	"cordon/library"
	"cordon/policies"
	"cordon/policies/table"
)

func TestADifferenceIsOfFilesAndOfAnswers(t *testing.T) { // docs/design.md 12
	s := started(t, openSQLite(t))
	s.Differ(table.Group{ID: "one", From: table.AnswerDeny, To: table.AnswerAllow})
	active := s.standing(t).Activation.Digest
	digest, other := s.push(t, alice(), "one"), s.push(t, alice(), "other")
	for against, want := range map[string][]string{"": {active, "+# one"}, active: {active, "+# one"}, other: {other, "-# other\n+# one"}} {
		d, err := s.Diff(t.Context(), alice(), library.Set, digest, against)
		if err != nil {
			t.Fatal(err)
		}
		if d.Table.From != want[0] || d.Table.To != digest || len(d.Table.Groups) != 1 {
			t.Errorf("against %q: %+v", against, d.Table)
		}
		if len(d.Files) != 1 || d.Files[0].Path != "cordon/cordon.rego" || d.Files[0].Change != table.FileChanged || !strings.Contains(d.Files[0].Diff, want[1]) {
			t.Errorf("against %q: %+v", against, d.Files)
		}
	}
	for _, unknown := range [][]string{{"sha256:none", ""}, {digest, "sha256:none"}} {
		if _, err := s.Diff(t.Context(), alice(), library.Set, unknown[0], unknown[1]); !errors.As(err, new(*guard.NotFound)) {
			t.Errorf("%v: %v", unknown, err)
		}
	}
	s.Overflow(policies.Problem{Code: "limit_error", Message: "too much can be asked"})
	_, err := s.Diff(t.Context(), alice(), library.Set, s.push(t, alice(), "words"), "")
	if refused, is := errors.AsType[*library.Refused](err); !is || refused.Problems[0].Code != "limit_error" {
		t.Errorf("too large a difference: %v", err)
	}
	if _, err := s.Diff(t.Context(), alice(), "other", digest, ""); !errors.As(err, new(*guard.NotFound)) {
		t.Errorf("of another set: %v", err)
	}
}
