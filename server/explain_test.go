package server_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"cordon/client"
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
