package server_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"

	"cordon.example/client"
	"cordon/guard"
	"cordon/ledger"
	"cordon/library"
	"cordon/policies"
)

func asked(user, action, product string) *client.EvaluationRequest {
	return &client.EvaluationRequest{
		Subject: client.Subject{Type: "user", ID: user}, Action: client.Action{Name: action}, Resource: client.Resource{Type: "product", ID: product},
	}
}

func TestAQuestionIsTriedOnAPolicy(t *testing.T) { // docs/design.md 12, Playground
	w := newWorld(t, options{library: true})
	w.acme(t)
	w.do(t, http.MethodPost, shopPath+"/block", client.BlockRequest{Reason: "leak"}, as("anna")).want(t, http.StatusOK)
	var e client.PolicyEvaluation
	try := func(body any) client.PolicyEvaluation {
		t.Helper()
		e = client.PolicyEvaluation{}
		w.do(t, http.MethodPost, setPath+"/evaluate", body, as("lena")).want(t, http.StatusOK).into(t, &e)
		return e
	}
	got := try(client.PolicyTrial{Question: asked("carl", "manage", "shop")})
	if got.Decision || got.Reasons[0].Code != "product_blocked" || got.ReasonUser["fr"] == "" || len(got.Rules) == 0 || got.Rules[0].Row == 0 || len(got.Trace) == 0 ||
		got.Digest != policies.Builtin().Digest() || got.Undecided != "" {
		t.Errorf("got %+v", got)
	}
	if len(got.WhyNot) == 0 || got.WhyNot[0].Answer != client.EffectAllow || len(got.WhyNot[0].Changes) == 0 {
		t.Errorf("what turns it: %+v", got.WhyNot)
	}
	if again := try(client.PolicyTrial{Input: got.Input}); again.Decision || again.Reasons[0].Code != "product_blocked" {
		t.Errorf("its input: %+v", again.Reasons)
	}
	if turned := try(client.PolicyTrial{Input: got.WhyNot[0].Input}); !turned.Decision {
		t.Errorf("what would turn it does not: %+v", turned.Reasons)
	}
	if what := try(client.PolicyTrial{Question: asked("carl", "manage", "shop"), Facts: json.RawMessage(`{"resource":{"blocks":null}}`)}); !what.Decision {
		t.Errorf("without the block: %+v", what.Reasons)
	}
	for body, pointer := range map[string]string{
		`{}`: "", `{"question":{"subject":{"type":"user"}}}`: "/question/subject/id", `{"question":7}`: "/question", `{"input":{"subject":{"rol":"x"}}}`: "/input",
		`{"input":[]}`: "/input", `{"input":{},"facts":{"subject":7}}`: "/facts", `{"input":{},"more":1}`: "/more", `{"at":"tomorrow","input":{}}`: "/at",
	} {
		p := w.do(t, http.MethodPost, setPath+"/evaluate", body, as("lena")).refused(t, http.StatusBadRequest, "invalid_body")
		if len(p.Errors) == 0 || p.Errors[0].Pointer != pointer {
			t.Errorf("%s: got %+v", body, p)
		}
	}
	w.do(t, http.MethodPost, setPath+"/evaluate", client.PolicyTrial{Digest: "sha256:0", Input: json.RawMessage(`{}`)}).refused(t, http.StatusNotFound, "not_found")
	w.do(t, http.MethodPost, "/v1/policies/other/evaluate", client.PolicyTrial{Input: json.RawMessage(`{}`)}).refused(t, http.StatusNotFound, "not_found")
	for _, scope := range guard.Scopes() {
		got := w.do(t, http.MethodPost, setPath+"/evaluate", "nonsense", w.scoped(t, scope))
		may := scope == guard.ScopeAudit || strings.HasPrefix(scope, guard.ScopePolicy)
		if let := got.status != http.StatusForbidden; let != may {
			t.Errorf("with %s: %d", scope, got.status)
		}
	}
}

func TestADecisionBecomesATestOfADraft(t *testing.T) { // docs/design.md 12, Tests from life
	w := newWorld(t, options{library: true})
	w.acme(t)
	decided := w.do(t, http.MethodPost, "/access/v1/evaluation", asked("carl", "manage", "shop")).want(t, http.StatusOK)
	id := decided.header.Get(client.HeaderDecisionID)
	if err := w.journal.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	tests := versions + "/" + policies.Builtin().Digest() + "/tests"
	var seen, made client.PolicyTestMade
	w.do(t, http.MethodPost, tests+"?preview=true", client.PolicyTestOf{From: id}, as("lena")).want(t, http.StatusOK).into(t, &seen)
	if seen.Version != nil || !strings.Contains(seen.Text, "\tdecision.allowed\n") {
		t.Errorf("got %+v", seen)
	}
	w.do(t, http.MethodPost, tests, client.PolicyTestOf{From: id, Message: "as it was"}, as("lena")).want(t, http.StatusCreated).into(t, &made)
	if made.Version == nil || made.Version.Author != "lena" || made.Version.Message != "as it was" || made.Text != seen.Text || made.Path != seen.Path {
		t.Errorf("got %+v", made)
	}
	var files map[string]string
	w.do(t, http.MethodGet, versions+"/"+made.Version.Digest+"/files", nil).want(t, http.StatusOK).into(t, &files)
	if files[made.Path] != made.Text {
		t.Error("the version does not have it")
	}
	w.do(t, http.MethodPost, tests, client.PolicyTestOf{From: id}, as("lena")).want(t, http.StatusOK) // is there
	w.do(t, http.MethodPost, tests, client.PolicyTestOf{From: id}, as("lena"), w.scoped(t, guard.ScopeDraft)).refused(t, http.StatusForbidden, "insufficient_scope")
	w.do(t, http.MethodPost, tests+"?preview=true", client.PolicyTestOf{From: id}, as("lena"), w.scoped(t, guard.ScopePolicy)).
		refused(t, http.StatusForbidden, "insufficient_scope")
	w.do(t, http.MethodPost, tests, client.PolicyTestOf{From: id}, as("lena"), w.scoped(t, guard.ScopeDraft, guard.ScopeAudit)).want(t, http.StatusOK)
	no := false
	w.do(t, http.MethodPost, tests+"?preview=true", client.PolicyTestOf{Question: asked("carl", "manage", "shop"), Decision: &no}, as("lena")).want(t, http.StatusOK).into(t, &seen)
	if !strings.Contains(seen.Text, "\tnot decision.allowed\n}") {
		t.Errorf("got %s", seen.Text)
	}
	w.do(t, http.MethodPost, tests, client.PolicyTestOf{From: "01990b6c-2f4e-7b3e-9a55-0d3a1f6f7a10"}, as("lena")).refused(t, http.StatusNotFound, "not_found")
	w.do(t, http.MethodPost, tests, client.PolicyTestOf{}, as("lena")).refused(t, http.StatusBadRequest, "invalid_body")
	w.do(t, http.MethodPost, tests, client.PolicyTestOf{From: id}).refused(t, http.StatusBadRequest, "invalid_header")
	w.do(t, http.MethodPost, tests+"?preview=perhaps", client.PolicyTestOf{From: id}, as("lena")).refused(t, http.StatusBadRequest, "invalid_query")
	w.do(t, http.MethodPost, tests, client.PolicyTestOf{From: id}, as("lena"), w.scoped(t, guard.ScopeApprove)).refused(t, http.StatusForbidden, "insufficient_scope")
}

// The test may be in a version that is there already and that nobody has checked: one that a release offers.
func TestATestThatAnUncheckedVersionHasIsThere(t *testing.T) {
	w := newWorld(t, options{library: true})
	w.acme(t)
	of := client.PolicyTestOf{Question: asked("carl", "manage", "shop")}
	tests := versions + "/" + policies.Builtin().Digest() + "/tests"
	var seen, made client.PolicyTestMade
	w.do(t, http.MethodPost, tests+"?preview=true", of, as("lena")).want(t, http.StatusOK).into(t, &seen)
	offered := policies.Source{Files: maps.Clone(policies.Builtin().Files)}
	offered.Files[seen.Path] = seen.Text
	book, err := ledger.New(ledger.Config{Store: w.store})
	if err != nil {
		t.Fatal(err)
	}
	newer, err := library.New(library.Config{Store: w.store, Guard: w.guard, Ledger: book, Shipped: offered, Release: "newer"})
	if err == nil {
		err = newer.Start(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	w.do(t, http.MethodPost, tests, of, as("lena")).want(t, http.StatusOK).into(t, &made)
	if made.Version == nil || made.Version.Digest != offered.Digest() || made.Report != nil {
		t.Errorf("got %+v", made)
	}
}
