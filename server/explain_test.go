package server_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"cordon.example/client"
	"cordon/guard"
	"cordon/ledger/batch"
	"cordon/ledger/record"
)

// The explanation has the members of the contract and no other, and so has the record (docs/design.md 13).
func TestADecisionIsExplained(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	w.do(t, http.MethodPost, shopPath+"/block", client.BlockRequest{Reason: "leak"}, as("anna")).want(t, http.StatusOK)
	_, got := w.ask(t, "carl", "manage", "product", "shop")
	id := got.header.Get(client.HeaderDecisionID)
	var r client.Record
	w.record(t, id).into(t, &r)
	for _, part := range []string{"product_blocked", got.header.Get(client.HeaderPolicy), "blk-"} {
		if !strings.Contains(r.ReasonAdmin["en"], part) || r.ReasonAdmin["de"] == "" {
			t.Errorf("reason_admin lacks %s: %v", part, r.ReasonAdmin)
		}
	}
	answer := w.do(t, http.MethodGet, "/v1/decisions/"+id+"/explain", nil).want(t, http.StatusOK)
	var members map[string]json.RawMessage
	answer.into(t, &members)
	if got := slices.Sorted(maps.Keys(members)); !slices.Equal(got, []string{"decision", "reasons", "reproduced", "rules", "trace", "who_can_change_it"}) {
		t.Errorf("got members %v", got)
	}
	var x client.Explanation
	answer.into(t, &x)
	if !x.Reproduced || x.Decision || x.Reasons[0].Code != "product_blocked" || x.Reasons[0].Message == "" || x.Reasons[0].ReasonUser["fr"] == "" ||
		x.Reasons[0].ReasonAdmin["fr"] == "" || len(x.Trace) == 0 || x.Rules[0].Effect != client.EffectDeny || x.Rules[0].Row == 0 ||
		x.Rules[0].Path != "cordon/rules/product_blocked/product_blocked.rego" || !x.Rules[0].Said {
		t.Errorf("got %s", answer.body)
	}
	c := x.WhoCanChangeIt[0]
	if c.Action != "unblock" || c.Effect != client.ChangeAllows || len(c.People) != 2 || c.People[0].Name != "Anna" || c.Set[0].By != "anna" {
		t.Errorf("got %+v", c)
	}
	w.do(t, http.MethodGet, "/v1/decisions/nothing/explain", nil).refused(t, http.StatusNotFound, "not_found")
	w.do(t, http.MethodGet, "/v1/decisions/"+id+"/explain", nil, w.scoped(t, "directory")).want(t, http.StatusForbidden)
	w.do(t, http.MethodGet, "/v1/decisions/"+id+"/explain?deep=1", nil).want(t, http.StatusBadRequest)
}

// A record shows names as they were when it was decided, to those who see names.
func TestARecordShowsNamesAsTheyWere(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	_, got := w.ask(t, "carl", "manage", "product", "shop")
	_, strange := w.ask(t, "mallory", "manage", "product", "shop")
	w.do(t, http.MethodPatch, acmePath+"/users/carl", map[string]any{"name": "Carla"}, set("Content-Type", "application/merge-patch+json")).want(t, http.StatusOK)
	w.do(t, http.MethodPatch, acmePath, map[string]any{"name": "Apex"}, set("Content-Type", "application/merge-patch+json")).want(t, http.StatusOK)
	w.do(t, http.MethodDelete, shopPath, nil).want(t, http.StatusOK)
	w.do(t, http.MethodPut, acmePath+"/users/mallory", client.UserBody{Name: "Mallory", Role: client.RoleClient}).want(t, http.StatusCreated)
	limited := w.makeKey(t, guard.PutKey{Name: "limited", Scopes: []string{"audit"}, Organization: "acme"})
	for _, test := range []struct {
		got   answer
		edits []edit
		want  client.RecordNames
	}{
		{got, nil, client.RecordNames{Subject: "Carl", Resource: "Shop", Organization: "Acme"}},
		{got, []edit{set("Authorization", "Bearer "+limited)}, client.RecordNames{Subject: "***", Resource: "Shop", Organization: "Acme"}},
		{strange, nil, client.RecordNames{Resource: "Shop", Organization: "Acme"}},
	} {
		var r client.Record
		id := test.got.header.Get(client.HeaderDecisionID)
		w.record(t, id)
		w.do(t, http.MethodGet, "/v1/decisions/"+id, nil, test.edits...).want(t, http.StatusOK).into(t, &r)
		if r.Names == nil || *r.Names != test.want {
			t.Errorf("got %+v, want %+v", r.Names, test.want)
		}
	}
}

// A record whose policy is not kept is shown, with what it says of itself, and what cannot be done is said.
func TestARecordOfAnUnknownPolicyIsShownAllTheSame(t *testing.T) {
	w := newWorld(t)
	now := time.Now()
	id := record.NewID(now)
	packed, err := batch.Pack([]record.Record{{
		ID: id, Time: now, Replica: "former", Sequence: 1, Caller: "k", Kind: record.KindDecision, Decision: true, Policy: "sha256:former",
		Input: json.RawMessage(`{}`), Reasons: json.RawMessage(`[{"code":"granted","message":"It is granted."}]`),
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.store.Ship(t.Context(), packed); err != nil {
		t.Fatal(err)
	}
	var r client.Record
	w.record(t, id).into(t, &r)
	if got := r.ReasonAdmin["en"]; got != "It is granted. [rules: granted; policy: sha256:former]" {
		t.Errorf("got %q", got)
	}
	var x client.Explanation
	w.do(t, http.MethodGet, "/v1/decisions/"+id+"/explain", nil).want(t, http.StatusOK).into(t, &x)
	if x.Reproduced || !strings.Contains(x.WhyNot, "sha256:former is not kept") || !x.Decision || x.Reasons[0].Code != "granted" || x.Rules == nil || x.Trace == nil {
		t.Errorf("got %+v", x)
	}
}
