package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"cordon.example/client"
)

func timeOf(at time.Time) string { return url.QueryEscape(at.UTC().Format(time.RFC3339Nano)) }

// An auditor is told how an organization was, what would have been answered, and who had set it so (docs/design.md 13).
func TestAnOrganizationIsShownAsItWas(t *testing.T) {
	w := newWorld(t)
	if err := w.guard.KeepPolicy(t.Context()); err != nil {
		t.Fatal(err)
	}
	early := time.Now()
	w.acme(t)
	w.do(t, http.MethodPost, shopPath+"/block", client.BlockRequest{Reason: "leak", Ticket: "T-1"}, as("anna")).want(t, http.StatusOK)
	w.do(t, http.MethodPost, mailPath+"/start-maintenance", client.BlockRequest{Reason: "move"}, as("anna")).want(t, http.StatusOK)
	blocked := time.Now()
	w.do(t, http.MethodPost, shopPath+"/unblock", client.BlockRequest{}, as("anna")).want(t, http.StatusOK)
	w.do(t, http.MethodDelete, acmePath+"/users/carl", nil).want(t, http.StatusOK)
	var d client.Directory
	got := w.do(t, http.MethodGet, acmePath+"/at?time="+timeOf(blocked), nil).want(t, http.StatusOK)
	got.into(t, &d)
	carl := d.Users[1]
	shop, mail := d.Products[1], d.Products[0]
	if d.Organization.ID != "acme" || d.Organization.SetBy == nil || d.Revision != 8 || d.Policy == nil || d.Policy.SetBy == nil || d.Policy.Digest != w.guard.Policy().Digest() ||
		carl.ID != "carl" || carl.Name != "Carl" || carl.Role != client.RoleCollaborator || carl.SetBy == nil || len(carl.Grants) != 2 || carl.Grants[0].SetBy == nil ||
		!shop.Blocked || shop.Blocks[0].SetBy == nil || shop.Blocks[0].SetBy.By != "anna" || shop.Blocks[0].Reason != "leak" || shop.Blocks[0].Ticket != "T-1" ||
		mail.Maintenance == nil || mail.Maintenance.By != "anna" || mail.Maintenance.SetBy == nil {
		t.Errorf("got %s", got.body)
	}
	question := func(user, action, product string) client.EvaluationRequest {
		return client.EvaluationRequest{
			Subject: client.Subject{Type: "user", ID: user}, Action: client.Action{Name: action}, Resource: client.Resource{Type: "product", ID: product},
		}
	}
	var p client.PastDecision
	got = w.do(t, http.MethodPost, "/v1/decisions/at?time="+timeOf(blocked), question("carl", "manage", "shop")).want(t, http.StatusOK)
	got.into(t, &p)
	facts := map[string]string{}
	for _, f := range p.Facts {
		if f.SetBy == nil {
			t.Errorf("%+v is set by nothing", f)
		}
		facts[f.Fact] = f.Value
	}
	if p.Decision || len(p.Reasons) != 1 || p.Reasons[0].Code != "product_blocked" || p.Reasons[0].ReasonAdmin["fr"] == "" || len(p.Rules) == 0 || p.Organization != "acme" ||
		p.Revision != 8 || facts["role"] != client.RoleCollaborator || facts["grant"] != "shop" || facts["block"] != "administrator" || p.Policy.SetBy == nil {
		t.Errorf("got %s", got.body)
	}
	w.do(t, http.MethodPost, "/v1/decisions/at?time="+timeOf(time.Now()), question("carl", "view", "shop")).want(t, http.StatusOK).into(t, &p)
	if p.Decision || p.Reasons[0].Code != "not_a_member" {
		t.Errorf("today: got %+v", p)
	}
	// What it was before it was made is not there; what is to come, or no time, is not to be told.
	w.do(t, http.MethodGet, acmePath+"/at?time="+timeOf(early), nil).refused(t, http.StatusNotFound, "not_found")
	for _, query := range []string{"", "?time=", "?time=yesterday", "?time=" + timeOf(time.Now().Add(time.Hour)), "?time=2026-01-31T12:00:00Z&limit=1"} {
		w.do(t, http.MethodGet, acmePath+"/at"+query, nil).refused(t, http.StatusBadRequest, "invalid_query")
		w.do(t, http.MethodPost, "/v1/decisions/at"+query, question("carl", "view", "shop")).refused(t, http.StatusBadRequest, "invalid_query")
	}
	w.do(t, http.MethodPost, "/v1/decisions/at?time="+timeOf(blocked), map[string]any{"subject": "carl"}).refused(t, http.StatusBadRequest, "invalid_body")
	w.do(t, http.MethodGet, acmePath+"/at?time="+timeOf(blocked), nil, w.scoped(t, "directory")).refused(t, http.StatusForbidden, "insufficient_scope")
	w.do(t, http.MethodGet, acmePath+"/at?time="+timeOf(blocked), nil, as("clio")).denied(t, "role_not_permitted")
	problem := w.do(t, http.MethodPost, "/v1/decisions/at?time=2001-01-01T00:00:00Z", question("carl", "view", "shop")).refused(t, http.StatusNotFound, "not_on_record")
	if !strings.Contains(problem.Detail, "policy") {
		t.Errorf("got %+v", problem)
	}
}
