package library_test

import (
	"encoding/json"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/guard"
	"cordon/library"

	"github.com/google/go-cmp/cmp"
)

// told is what the policy administrators are to be told, oldest first.
func (s *shelf) told(t *testing.T) []string {
	t.Helper()
	var list []string
	for m, err := range datastore.List(t.Context(), s.store, datastore.Message{Kind: guard.MessageEvent}, datastore.Page{}) {
		if err != nil {
			t.Fatal(err)
		}
		var e guard.Event
		if err := json.Unmarshal(m.Payload, &e); err != nil {
			t.Fatal(err)
		}
		if m.Organization != "" || m.Lane != guard.PolicyLane || e.Decision == "" || m.Decision != e.Decision || e.Policy.Set != library.Set || e.Policy.Digest == "" {
			t.Errorf("%+v says %s", m, m.Payload)
		}
		list = append(list, e.Type+" "+e.Policy.How+" by "+e.Policy.By)
	}
	return list
}

// What brings a version into force, and what closes a review, is told by mail, with the act or not at all.
func TestPolicyAdministratorsAreToldOfEachAct(t *testing.T) { // docs/design.md 12, Mail
	eachStore(t, func(t *testing.T, store datastore.Store) {
		s := started(t, store)
		two := s.key(t, "two", guard.ScopePolicy)
		first := len(s.told(t)) // of the start
		digest := s.push(t, alice(), "one")
		if got := s.told(t)[first:]; len(got) > 0 {
			t.Errorf("of a draft was told %v", got)
		}
		s.breakGlass(t, alice(), digest, time.Hour)
		if _, err := s.CloseReview(t.Context(), alice(), library.Set, s.standing(t).Reviews[0].ID, "mine"); err == nil {
			t.Error("who broke the glass closed the review")
		}
		if _, err := s.CloseReview(t.Context(), by(two, "bob"), library.Set, s.standing(t).Reviews[0].ID, "it was right"); err != nil {
			t.Fatal(err)
		}
		s.clock.pass(time.Hour)
		s.expire(t)
		s.expire(t)
		s.activate(t, alice(), digest)
		s.rollback(t)
		want := []string{
			"policy.activated break_glass by alice", "policy.reviewed  by bob", "policy.activated expired by cordon",
			"policy.activated activated by alice", "policy.activated rolled_back by alice",
		}
		if diff := cmp.Diff(want, s.told(t)[first:]); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
	})
}
