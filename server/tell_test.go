package server_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"cordon.example/client"
	"cordon/guard"
)

func TestABlockIsPreviewed(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	before := revision(t, w)
	var p client.Preview
	w.do(t, http.MethodPost, shopPath+"/block?preview=true", client.BlockRequest{Reason: "leak"}, as("anna")).want(t, http.StatusOK).into(t, &p)
	var losers []string
	for _, l := range p.Losses {
		if l.Type != "product" || !slices.Equal(l.Resources, []string{"shop"}) || !slices.Contains(l.Actions, "manage") {
			t.Errorf("got loss %+v", l)
		}
		losers = append(losers, l.User)
	}
	slices.Sort(losers)
	if !slices.Equal(losers, []string{"anna", "carl", "rita"}) || !slices.Equal(p.Unblockers, []string{"anna", "rita"}) || p.DecisionID == "" {
		t.Errorf("got %+v", p)
	}
	if !slices.Equal(p.Mailed, []string{"anna", "carl", "clio", "rita"}) {
		t.Errorf("got mailed %v", p.Mailed)
	}
	if after := revision(t, w); after != before {
		t.Errorf("a preview changed the revision from %d to %d", before, after)
	}
	if r, _ := w.ask(t, "carl", "manage", "product", "shop"); !r.Decision {
		t.Error("a preview blocked")
	}
	w.do(t, http.MethodPost, shopPath+"/block?preview=true", client.BlockRequest{Reason: "leak"}, as("carl")).denied(t, "role_not_permitted")
	for _, query := range []string{"preview=perhaps", "preview=", "preview", "preview=true&preview=false"} {
		w.do(t, http.MethodPost, shopPath+"/block?"+query, client.BlockRequest{Reason: "leak"}, as("anna")).refused(t, http.StatusBadRequest, "invalid_query")
	}
	w.do(t, http.MethodPost, shopPath+"/unblock?preview=true", client.BlockRequest{}, as("anna")).refused(t, http.StatusBadRequest, "invalid_query")
}

func TestASecureProcedureIsFollowed(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	carl := acmePath + "/users/carl"
	w.do(t, http.MethodPost, carl+"/secure", client.SecureRequest{Justification: "odd log-ins at night"}, as("anna")).want(t, http.StatusOK)
	var list client.List[client.Procedure]
	w.do(t, http.MethodGet, carl+"/procedures", nil).want(t, http.StatusOK).into(t, &list)
	if len(list.Items) != 1 || list.Items[0].Done || len(list.Items[0].Steps) != 5 || list.Items[0].By != "anna" {
		t.Fatalf("got %+v", list)
	}
	step := carl + "/procedures/" + list.Items[0].ID + "/steps/"
	var p client.Procedure
	for _, s := range list.Items[0].Steps {
		w.do(t, http.MethodPost, step+s.Name, struct{}{}, as("carl")).want(t, http.StatusOK).into(t, &p)
	}
	if !p.Done {
		t.Errorf("got %+v after all steps", p)
	}
	w.do(t, http.MethodPost, step+"dance", struct{}{}, as("carl")).refused(t, http.StatusNotFound, "not_found")
	w.do(t, http.MethodPost, step+"password", struct{}{}, as("clio")).denied(t, "role_not_permitted")
	p404 := w.do(t, http.MethodGet, acmePath+"/users/nobody/procedures", nil).refused(t, http.StatusNotFound, "not_found")
	if p404.Detail != "no such user; check its id" {
		t.Errorf("got %q", p404.Detail)
	}
	w.do(t, http.MethodGet, "/v1/organizations/nowhere/users/carl/procedures", nil).refused(t, http.StatusNotFound, "not_found")
}

func TestWebhooksAreMadeRotatedAndEnded(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	hooks := acmePath + "/webhooks"
	var made, rotated client.Webhook
	w.do(t, http.MethodPost, hooks, client.WebhookRequest{URL: "https://example.org/hook", Events: []string{"product.blocked"}}, as("anna")).
		want(t, http.StatusCreated).into(t, &made)
	if !strings.HasPrefix(made.Secret, "whsec_") {
		t.Errorf("got %+v", made)
	}
	w.do(t, http.MethodPost, hooks, client.WebhookRequest{URL: "https://example.org/hook", Events: []string{"party"}}, as("anna")).
		refused(t, http.StatusBadRequest, "invalid_body")
	w.do(t, http.MethodPost, hooks, client.WebhookRequest{URL: "https://example.org/hook"}, as("carl")).denied(t, "role_not_permitted")
	var list client.List[client.Webhook]
	w.do(t, http.MethodGet, hooks, nil).want(t, http.StatusOK).into(t, &list)
	if len(list.Items) != 1 || list.Items[0].Secret != "" {
		t.Errorf("got %+v", list)
	}
	w.do(t, http.MethodPost, hooks+"/"+made.ID+"/rotate", struct{}{}, as("anna")).want(t, http.StatusOK).into(t, &rotated)
	if rotated.Secret == made.Secret {
		t.Error("the secret stays")
	}
	w.do(t, http.MethodGet, hooks+"/"+made.ID+"/deliveries", nil).want(t, http.StatusOK)
	w.do(t, http.MethodDelete, hooks+"/"+made.ID, nil, as("anna")).want(t, http.StatusOK)
	w.do(t, http.MethodDelete, hooks+"/"+made.ID, nil, as("anna")).refused(t, http.StatusNotFound, "not_found")
	p := w.do(t, http.MethodGet, hooks+"/"+made.ID+"/deliveries", nil).refused(t, http.StatusNotFound, "not_found")
	if p.Detail != "no such webhook; check its id" {
		t.Errorf("got %q", p.Detail)
	}
	w.do(t, http.MethodGet, "/v1/organizations/umbra/webhooks/"+made.ID+"/deliveries", nil).refused(t, http.StatusNotFound, "not_found")
	w.do(t, http.MethodGet, "/v1/organizations/nowhere/webhooks/"+made.ID+"/deliveries", nil).refused(t, http.StatusNotFound, "not_found")
}

// Who was told of a decision is an auditor's question, and a limited key's only of its own organization.
func TestMessagesOfADecision(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	var made client.ProductAnswer
	w.do(t, http.MethodPost, shopPath+"/block", client.BlockRequest{Reason: "leak"}, as("anna")).want(t, http.StatusOK).into(t, &made)
	w.do(t, http.MethodPost, shopPath+"/unblock", map[string]string{}, as("anna")).want(t, http.StatusOK)
	path := "/v1/messages?decision=" + made.DecisionID
	for name, c := range map[string]struct {
		key  edit
		want int
	}{
		"an auditor":                     {bearer(w.makeKey(t, guard.PutKey{Name: "a", Scopes: []string{"audit"}})), 1},
		"an auditor of the organization": {bearer(w.makeKey(t, guard.PutKey{Name: "b", Scopes: []string{"audit"}, Organization: "acme"})), 1},
		"an auditor of another":          {bearer(w.makeKey(t, guard.PutKey{Name: "c", Scopes: []string{"audit"}, Organization: "umbra"})), 0},
	} {
		var list client.List[client.Message]
		answer := w.do(t, http.MethodGet, path, nil, c.key).want(t, http.StatusOK)
		answer.into(t, &list)
		if len(list.Items) != c.want {
			t.Errorf("%s: got %+v, want %d", name, list, c.want)
		}
		for _, m := range list.Items {
			if m.Decision != made.DecisionID || m.Event != "product.blocked" {
				t.Errorf("%s: got %+v", name, m)
			}
		}
	}
	w.do(t, http.MethodGet, path, nil, w.scoped(t, "directory")).refused(t, http.StatusForbidden, "insufficient_scope")
	var all client.List[client.Message]
	w.do(t, http.MethodGet, "/v1/messages", nil).want(t, http.StatusOK).into(t, &all)
	if len(all.Items) != 2 || all.Items[0].Event != "product.unblocked" {
		t.Errorf("got %+v, want the newest first", all.Items)
	}
}

func TestMessagesAreListedAndOnlyTheDeadSentAgain(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	w.do(t, http.MethodPost, shopPath+"/block", client.BlockRequest{Reason: "leak"}, as("anna")).want(t, http.StatusOK)
	var list client.List[client.Message]
	w.do(t, http.MethodGet, "/v1/messages?kind=event&organization=acme", nil).want(t, http.StatusOK).into(t, &list)
	if len(list.Items) != 1 || list.Items[0].Event != "product.blocked" || list.Items[0].State != "pending" {
		t.Fatalf("got %+v", list)
	}
	w.do(t, http.MethodPost, "/v1/messages/retry", map[string]string{"id": list.Items[0].ID}).refused(t, http.StatusConflict, "not_dead")
	w.do(t, http.MethodPost, "/v1/messages/retry", map[string]string{"id": "evt-none"}).refused(t, http.StatusNotFound, "not_found")
	w.do(t, http.MethodGet, "/v1/messages?state=lost", nil).refused(t, http.StatusBadRequest, "invalid_query")
}
