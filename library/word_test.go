package library_test

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/guard"
	"cordon/library"
	"cordon/policies"
)

// pushWords pushes the shipped policy with words beyond Cordon's own.
func (s *shelf) pushWords(t *testing.T, words string) string {
	t.Helper()
	files := maps.Clone(policies.Builtin().Files)
	files["cordon/words.json"] = `{"words": ` + words + `}`
	pushed, err := s.Push(t.Context(), alice(), library.Set, library.Push{Files: files})
	if err != nil {
		t.Fatal(err)
	}
	return pushed.Version.Digest
}

func TestAWordInUseIsNotTakenAway(t *testing.T) { // docs/design.md 12, Activation
	eachStore(t, func(t *testing.T, store datastore.Store) {
		s := started(t, store)
		host := &guard.Origin{Caller: root()}
		accountants := s.pushWords(t, `{"roles": {"accountant": {"allows": {"product": ["view"]}}}}`)
		s.activate(t, alice(), accountants)
		if _, err := s.guard.PutOrganization(t.Context(), host, "acme", guard.PutOrganization{
			Name: "Acme", LegalRepresentativeID: "lena", LegalRepresentative: &guard.PutMember{Name: "Lena", Email: "l@example.org"},
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.guard.PutMember(t.Context(), host, "acme", "abe", guard.PutMember{Name: "Abe", Role: "accountant"}); err != nil {
			t.Fatal(err)
		}
		without := s.push(t, alice(), "without")
		_, err := s.Activate(t.Context(), alice(), library.Set, without, now)
		c, is := errors.AsType[*guard.Conflict](err)
		if !is || c.Code != library.CodeWordInUse || !strings.Contains(c.Detail, "the role accountant, by user abe of acme") {
			t.Fatalf("%v", err)
		}
		if a := s.standing(t).Activation; a.Digest != accountants {
			t.Errorf("%+v", a)
		}
		mapped := s.pushWords(t, `{"roles": {"treasurer": {"allows": {"product": ["view"]}}}, "retired": {"roles": {"accountant": "treasurer"}}}`)
		s.activate(t, alice(), mapped)
		s.rollback(t)
		// Neither a rollback nor a broken glass waits for anybody's words.
		if a := s.rollback(t); a.Digest != policies.Builtin().Digest() {
			t.Errorf("%+v", a)
		}
		s.activate(t, alice(), accountants)
		s.breakGlass(t, alice(), without, time.Hour)
	})
}
