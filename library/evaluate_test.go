package library_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/guard"
	"cordon/ledger/record"
	"cordon/library"
	"cordon/policies"
)

// directory puts an organization with a collaborator and a blocked product in place.
func (s *shelf) directory(t *testing.T) {
	t.Helper()
	at := s.clock.now()
	err := s.store.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
		return errors.Join(
			tx.Put(ctx, datastore.Organization{ID: "acme", Name: "Acme", Revision: 1}),
			tx.Put(ctx, datastore.Member{Organization: "acme", ID: "carl", Role: datastore.Collaborator, Grants: []string{"shop"}}),
			tx.Put(ctx, datastore.Product{ID: "shop", Organization: "acme", Kind: "web_hosting", Blocks: []datastore.Block{
				{ID: "b1", Origin: datastore.OriginHost, By: "root", Reason: "bills", Since: at},
			}}),
		)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func question(user, action string) *guard.Question {
	return &guard.Question{
		Subject: guard.Entity{Type: "user", ID: user}, Action: guard.Action{Name: action}, Resource: guard.Entity{Type: "product", ID: "shop"},
	}
}

func TestAQuestionIsTriedOnAnyVersion(t *testing.T) {
	s := started(t, openSQLite(t))
	s.directory(t)
	files := maps.Clone(policies.Builtin().Files)
	const rule = "cordon/rules/product_blocked/product_blocked.rego"
	files[rule] = strings.Replace(files[rule], `input.action.name == "manage"`, `input.action.name == "manage"; print("blocks", input.resource.blocks); input.subject.role != "collaborator"`, 1)
	pushed, err := s.Push(t.Context(), alice(), library.Set, library.Push{Message: "let collaborators", Files: files})
	if err != nil {
		t.Fatal(err)
	}
	draft := pushed.Version.Digest
	try := func(trial library.Trial) *library.Tried {
		t.Helper()
		got, err := s.Evaluate(t.Context(), alice(), library.Set, trial)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	now := try(library.Trial{Question: question("carl", "manage")})
	if now.Allowed || now.Reasons[0].Code != "product_blocked" || now.Digest != policies.Builtin().Digest() || len(now.Rules) == 0 || len(now.Trace) == 0 {
		t.Errorf("in force: %+v", now.Reasons)
	}
	if len(now.WhyNot) == 0 || now.WhyNot[0].Answer != "allow" || len(now.WhyNot[0].Changes) != 1 {
		t.Errorf("what turns it: %+v", now.WhyNot)
	}
	then := try(library.Trial{Digest: draft, Question: question("carl", "manage")})
	if !then.Allowed || then.Digest != draft || len(then.Printed) != 1 || !strings.Contains(then.Printed[0], `blocks ["host"]`) {
		t.Errorf("the draft: %v, printed %q", then.Reasons, then.Printed)
	}
	// What if he were administrator?
	if what := try(library.Trial{Digest: draft, Question: question("carl", "manage"), Facts: json.RawMessage(`{"subject":{"role":"administrator"}}`)}); what.Allowed || what.Input.Subject.Role != "administrator" {
		t.Errorf("as administrator: %v", what.Reasons)
	}
	if what := try(library.Trial{Question: question("nobody", "view"), Facts: json.RawMessage(`{"subject":{"role":"administrator"},"resource":{"blocks":null}}`)}); !what.Allowed || !what.Input.Subject.Member {
		t.Errorf("a stranger who were one: %v of %+v", what.Reasons, what.Input)
	}
	input, err := json.Marshal(now.Input)
	if err != nil {
		t.Fatal(err)
	}
	if again := try(library.Trial{Input: input}); again.Allowed != now.Allowed || !slices.Equal(again.Reasons, now.Reasons) {
		t.Errorf("its input: %v", again.Reasons)
	}
	unsorted := try(library.Trial{Input: json.RawMessage(`{"action":{"name":"manage"},"resource":{"type":"product","known":true,"blocks":["support","host","support"]}}`)})
	if !slices.Equal(unsorted.Input.Resource.Blocks, []string{"host", "support"}) {
		t.Errorf("got %v", unsorted.Input.Resource.Blocks)
	}
}

// A version that has retired words is tried, and tested, in those that stand for them.
func TestAVersionIsTriedInItsOwnWords(t *testing.T) {
	s := started(t, openSQLite(t))
	renamed := s.pushWords(t, `{"roles": {"treasurer": {"allows": {"product": ["view"]}}}, "retired": {"roles": {"accountant": "treasurer"}}}`)
	input := json.RawMessage(`{"action":{"name":"view"},"subject":{"kind":"user","member":true,"role":"accountant"},"resource":{"type":"product","known":true,"kind":"domain"}}`)
	got, err := s.Evaluate(t.Context(), alice(), library.Set, library.Trial{Digest: renamed, Input: input})
	if err != nil || !got.Allowed || got.Input.Subject.Role != "treasurer" {
		t.Errorf("%+v, %v", got, err)
	}
	grown, err := s.AddTest(t.Context(), alice(), library.Set, renamed, library.Life{Input: input, Preview: true})
	if err != nil || !strings.Contains(grown.Text, "treasurer") || strings.Contains(grown.Text, "not decision.allowed") {
		t.Errorf("%+v, %v", grown, err)
	}
}

// Trying is on record as a reading, and never a decision.
func TestATrialIsOnRecordAsAReading(t *testing.T) {
	s := started(t, openSQLite(t))
	s.directory(t)
	if _, err := s.Evaluate(t.Context(), alice(), library.Set, library.Trial{Question: question("carl", "manage")}); err != nil {
		t.Fatal(err)
	}
	s.flush(t)
	var read, decided int
	records, err := s.guard.Records(t.Context(), &guard.Origin{Caller: root()}, guard.RecordFilter{})
	if err != nil {
		t.Fatal(err)
	}
	for r, err := range records {
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case r.Kind == record.KindDecision:
			decided++
		case r.Kind == record.KindRead && r.Question.Action.Name == "evaluate_policy":
			read++
			if r.Question.Resource.ID != policies.Builtin().Digest() || r.Caller != "root" || !strings.Contains(string(r.Details), `"manage"`) {
				t.Errorf("got %+v", r)
			}
		}
	}
	if read != 1 || decided != 0 {
		t.Errorf("%d readings and %d decisions are on record", read, decided)
	}
}

func TestWhatCannotBeTriedIsRefused(t *testing.T) {
	s := started(t, openSQLite(t))
	limited := &guard.Origin{Caller: &guard.Caller{ID: "k", Scopes: guard.Scopes(), Organization: "acme"}}
	if _, err := s.Evaluate(t.Context(), limited, library.Set, library.Trial{Question: question("carl", "manage")}); !errors.Is(err, guard.ErrOrganizationLimit) {
		t.Errorf("a caller of one organization: %v", err)
	}
	for name, trial := range map[string]library.Trial{
		"nothing": {}, "both": {Question: question("carl", "manage"), Input: json.RawMessage(`{}`)},
		"no input": {Input: json.RawMessage(`{"subject":{"rol":"client"}}`)}, "no facts": {Input: json.RawMessage(`{}`), Facts: json.RawMessage(`{"subject":{"rol":"client"}}`)},
		"facts of another kind": {Input: json.RawMessage(`{}`), Facts: json.RawMessage(`{"subject":7}`)},
	} {
		_, err := s.Evaluate(t.Context(), alice(), library.Set, trial)
		if _, is := errors.AsType[*guard.Invalid](err); !is {
			t.Errorf("%s: %v", name, err)
		}
	}
	future := library.Trial{Question: question("carl", "manage"), At: s.clock.now().Add(time.Hour)}
	_, err := s.Evaluate(t.Context(), alice(), library.Set, future)
	if invalid, is := errors.AsType[*guard.Invalid](err); !is || invalid.Errors[0].Pointer != "/at" {
		t.Errorf("the future: %v", err)
	}
	for name, trial := range map[string]library.Trial{"version": {Digest: "sha256:0", Input: json.RawMessage(`{}`)}, "path": {Digest: "../../x", Input: json.RawMessage(`{}`)}} {
		if _, err := s.Evaluate(t.Context(), alice(), library.Set, trial); err == nil || !errors.As(err, new(*guard.NotFound)) {
			t.Errorf("no such %s: %v", name, err)
		}
	}
}
