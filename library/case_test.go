package library_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"cordon/guard"
	"cordon/library"
	"cordon/policies"
)

// What was decided is a test of a draft: it passes on the policy that decided, and fails on one that answers otherwise.
func TestADecisionOnRecordBecomesATestOfADraft(t *testing.T) {
	s := started(t, openSQLite(t))
	s.directory(t)
	answer, err := s.guard.Decide(t.Context(), alice(), question("carl", "manage"))
	if err != nil {
		t.Fatal(err)
	}
	s.flush(t)
	shipped := policies.Builtin().Digest()
	seen, err := s.AddTest(t.Context(), alice(), library.Set, shipped, library.Life{Record: answer.ID, Preview: true})
	if err != nil || seen.Pushed != nil || !strings.Contains(seen.Text, `"product_blocked" in decision.reasons`) || !strings.Contains(seen.Text, "not decision.allowed") {
		t.Fatalf("got %+v, %v", seen, err)
	}
	grown, err := s.AddTest(t.Context(), alice(), library.Set, shipped, library.Life{Record: answer.ID})
	if err != nil {
		t.Fatal(err)
	}
	if !grown.Created || grown.Version.Parent != shipped || !strings.Contains(grown.Version.Message, grown.Path) {
		t.Errorf("got %+v", grown.Version)
	}
	files, err := s.Files(t.Context(), alice(), library.Set, grown.Version.Digest)
	if err != nil || files[grown.Path] != seen.Text || !strings.HasPrefix(grown.Path, "cordon/cases/decision_") {
		t.Errorf("%s: %v, %v", grown.Path, files[grown.Path], err)
	}
	r, err := policies.Check(t.Context(), policies.Source{Files: files})
	if err != nil || !r.Passed() || len(r.Lint) > 0 {
		t.Errorf("it does not pass on the policy that decided: %+v, %v", r, err)
	}
	// Once more is the same.
	if again, err := s.AddTest(t.Context(), alice(), library.Set, shipped, library.Life{Record: answer.ID}); err != nil || again.Created {
		t.Errorf("got %+v, %v", again, err)
	}
}

// A question is a test, too: of what a version answers, or of what it is to answer.
func TestAQuestionBecomesATest(t *testing.T) {
	s := started(t, openSQLite(t))
	s.directory(t)
	yes := true
	shipped := policies.Builtin().Digest()
	is, err := s.AddTest(t.Context(), alice(), library.Set, shipped, library.Life{Question: question("carl", "manage"), Preview: true})
	if err != nil || !strings.Contains(is.Text, "\tnot decision.allowed\n\t\"product_blocked\" in decision.reasons\n") || !strings.Contains(is.Text, "# manage on a product.\n") {
		t.Errorf("got %+v, %v", is, err)
	}
	toBe, err := s.AddTest(t.Context(), alice(), library.Set, shipped, library.Life{Question: question("carl", "manage"), Decision: &yes, Preview: true})
	if err != nil || !strings.Contains(toBe.Text, "\tdecision.allowed\n}") {
		t.Errorf("got %+v, %v", toBe, err)
	}
}

func TestWhatCannotBecomeATestIsRefused(t *testing.T) {
	s := started(t, openSQLite(t))
	s.directory(t)
	shipped := policies.Builtin().Digest()
	result, err := s.guard.PutOrganization(t.Context(), &guard.Origin{Caller: root()}, "beta", guard.PutOrganization{Name: "Beta", LegalRepresentativeID: "lena", LegalRepresentative: &guard.PutMember{Name: "Lena"}})
	if err != nil {
		t.Fatal(err)
	}
	s.flush(t)
	if _, err := s.AddTest(t.Context(), alice(), library.Set, shipped, library.Life{Record: result.ID}); conflict(t, err) != library.CodeNotReproduced {
		t.Errorf("an act that no rule was asked about: %v", err)
	}
	if _, err := s.AddTest(t.Context(), alice(), library.Set, shipped, library.Life{Record: "0190-nothing"}); !errors.As(err, new(*guard.NotFound)) {
		t.Errorf("no such record: %v", err)
	}
	if _, err := s.AddTest(t.Context(), alice(), library.Set, "sha256:0", library.Life{Question: question("carl", "manage")}); !errors.As(err, new(*guard.NotFound)) {
		t.Errorf("no such version: %v", err)
	}
	for _, from := range []library.Life{{}, {Record: "x", Question: question("carl", "manage")}, {Input: json.RawMessage(`{"x":1}`)}} {
		if _, err := s.AddTest(t.Context(), alice(), library.Set, shipped, from); !errors.As(err, new(*guard.Invalid)) {
			t.Errorf("%+v: %v", from, err)
		}
	}
	if _, err := s.AddTest(t.Context(), &guard.Origin{Caller: root()}, library.Set, shipped, library.Life{Question: question("carl", "manage")}); !errors.Is(err, library.ErrNobody) {
		t.Errorf("nobody: %v", err)
	}
}
