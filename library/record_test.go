package library_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/guard"
	"cordon/ledger/record"
	"cordon/library"
	"cordon/policies"
)

// recorded gives what the log says of changes of policies, the oldest first.
func (s *shelf) recorded(t *testing.T) (list []record.Record) {
	t.Helper()
	for r, err := range s.book.Search(t.Context(), guard.RecordFilter{Kind: record.KindChange, OldestFirst: true}) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Question.Resource.Type == "policy" {
			list = append(list, r)
		}
	}
	return list
}

func TestEveryActIsOnRecord(t *testing.T) { // docs/design.md 12, and 13, Policies
	eachStore(t, func(t *testing.T, store datastore.Store) {
		s := started(t, store)
		two := s.key(t, "two", guard.ScopePolicy)
		shipped, digest := policies.Builtin().Digest(), s.push(t, alice(), "one")
		s.second(t, true)
		s.approve(t, by(two, "bob"), digest)
		if _, err := s.Check(t.Context(), by(two, "bob"), library.Set, digest); err != nil {
			t.Fatal(err)
		}
		s.activate(t, alice(), digest)
		s.rollback(t)
		s.breakGlass(t, alice(), digest, time.Hour)
		s.clock.pass(time.Hour)
		s.expire(t)
		if _, err := s.CloseReview(t.Context(), by(two, "bob"), library.Set, s.standing(t).Reviews[0].ID, "nothing was lost"); err != nil {
			t.Fatal(err)
		}
		got := s.recorded(t)
		want := []struct{ action, about, actor string }{
			{"activate_policy", shipped, ""}, {"push_policy", digest, "alice"}, {"set_gates", library.Set, "alice"}, {"approve_policy", digest, "bob"}, {"check_policy", digest, "bob"},
			{"activate_policy", digest, "alice"}, {"rollback_policy", library.Set, "alice"}, {"activate_policy", digest, "alice"},
			{"end_break_glass", library.Set, ""}, {"close_review", library.Set, "bob"},
		}
		if len(got) != len(want) {
			t.Fatalf("%d records, want %d", len(got), len(want))
		}
		for i, w := range want {
			r := &got[i]
			if r.Question.Action.Name != w.action || r.Question.Resource.ID != w.about || r.Actor != w.actor || r.Organization != "" || !r.Decision {
				t.Errorf("%d: %+v, want %+v", i, r, w)
			}
		}
		var broke struct {
			Activation library.Activation `json:"activation"`
		}
		if err := json.Unmarshal(got[7].Details, &broke); err != nil || broke.Activation.How != library.BrokeGlass || broke.Activation.Reason != "nobody gets in" || broke.Activation.Until.IsZero() {
			t.Errorf("%s, %v", got[7].Details, err)
		}
	})
}

// What a gate holds up changes nothing, and no record says that it did.
func TestAnActivationThatIsHeldUpChangesNothing(t *testing.T) { // docs/design.md 12, Gates
	s := started(t, openSQLite(t))
	digest := s.push(t, alice(), "one")
	before := len(s.recorded(t))
	_, err := s.Activate(t.Context(), alice(), library.Set, digest, library.Activate{})
	openGates(t, err)
	if s.number(t) != 1 || len(s.recorded(t)) != before {
		t.Error("it changed something")
	}
}

// The report that the gates go by is made by a person.
func TestNobodyChecksAVersionAgainByAKeyAlone(t *testing.T) { // docs/design.md 12, Who
	s := started(t, openSQLite(t))
	digest := s.push(t, alice(), "one")
	before := len(s.recorded(t))
	if _, err := s.Check(t.Context(), by(root(), ""), library.Set, digest); !errors.Is(err, library.ErrNobody) {
		t.Errorf("%v", err)
	}
	if len(s.recorded(t)) != before {
		t.Error("it changed something")
	}
}

// Whoever reads a difference is on record, and so is whoever cancels a job.
func TestWhatIsReadAndWhatIsCancelledIsOnRecord(t *testing.T) { // docs/design.md 12
	s := started(t, openSQLite(t))
	digest := s.push(t, alice(), "one")
	for _, o := range []*guard.Origin{alice(), by(root(), "")} {
		if _, err := s.Diff(t.Context(), o, library.Set, digest, ""); err != nil {
			t.Fatal(err)
		}
	}
	s.AtStep(func(name string) {
		if name == library.StepRunning {
			if _, err := s.CancelJob(t.Context(), alice(), s.jobs(t)[0].ID); err != nil {
				t.Error(err)
			}
		}
	})
	s.replay(t, digest)
	s.WaitForJobs()
	s.flush(t)
	for action, want := range map[string][]string{"diff_policy": {"alice", ""}, "cancel_job": {"alice"}} {
		var got []string
		for r, err := range s.book.Search(t.Context(), guard.RecordFilter{Action: action, OldestFirst: true}) {
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, r.Actor); action == "diff_policy" && (r.Kind != record.KindRead || r.Question.Resource.ID != digest) {
				t.Errorf("%+v", r)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: by %q, want %q", action, got, want)
		}
	}
}

func (s *shelf) jobs(t *testing.T) []library.Job {
	t.Helper()
	list, err := s.ListJobs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return list
}
