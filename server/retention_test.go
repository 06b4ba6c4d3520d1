package server_test

import (
	"net/http"
	"strings"
	"testing"

	"cordon.example/client"
	"cordon/guard"

	"github.com/google/go-cmp/cmp"
)

const retentionPath = "/v1/retention"

func TestRetentionIsReadAndReplacedByItsTag(t *testing.T) { // docs/design.md 13
	w := newWorld(t)
	var rules client.Retention
	first := w.do(t, http.MethodGet, retentionPath, nil).want(t, http.StatusOK)
	first.into(t, &rules)
	want := client.Retention{
		Classes:       map[string]string{"decisions": "forever", "changes": "forever", "reads": "forever", "messages": "30d", "procedures": "400d"},
		Organizations: map[string]map[string]string{},
	}
	if diff := cmp.Diff(rules, want); diff != "" {
		t.Errorf("-got +want:\n%s", diff)
	}
	tag := first.header.Get("ETag")
	w.do(t, http.MethodGet, retentionPath, nil, set("If-None-Match", tag)).want(t, http.StatusNotModified)
	// What was read may be put again, and is no change.
	if got := w.do(t, http.MethodPut, retentionPath, rules, set("If-Match", tag)).want(t, http.StatusOK).header.Get("ETag"); got != tag {
		t.Errorf("the tag is %s, was %s", got, tag)
	}
	rules.Classes["decisions"], rules.Organizations["acme"] = "400d", map[string]string{"decisions": "10y"}
	put := w.do(t, http.MethodPut, retentionPath, rules, set("If-Match", tag)).want(t, http.StatusOK)
	var now client.Retention
	put.into(t, &now)
	if diff := cmp.Diff(now, rules); diff != "" || put.header.Get("ETag") == tag {
		t.Errorf("-got +want:\n%s", diff)
	}
	if got := w.do(t, http.MethodGet, retentionPath, nil).want(t, http.StatusOK).header.Get("ETag"); got != put.header.Get("ETag") {
		t.Errorf("it is read with the tag %s and was put with %s", got, put.header.Get("ETag"))
	}
	w.do(t, http.MethodPut, retentionPath, rules, set("If-Match", tag)).refused(t, http.StatusPreconditionFailed, "precondition_failed")
	w.do(t, http.MethodPut, retentionPath, rules, set("If-None-Match", "*")).refused(t, http.StatusPreconditionFailed, "precondition_failed")
	w.record(t, put.header.Get(client.HeaderDecisionID))
}

func TestRetentionThatCannotBeMeantIsRefusedByItsMember(t *testing.T) {
	w := newWorld(t)
	for body, pointer := range map[string]string{
		`{"classes":{"decisions":"1h"}}`:                              "/classes/decisions",
		`{"classes":{"decisions":"0d"}}`:                              "/classes/decisions",
		`{"classes":{"decisions":"101y"}}`:                            "/classes/decisions",
		`{"classes":{"decisions":400}}`:                               "/classes/decisions",
		`{"classes":{"gaps":"1d"}}`:                                   "/classes/gaps",
		`{"organizations":{"acme":{"all":"1d"}}}`:                     "/organizations/acme/all",
		`{"organizations":{"not an id":{"reads":"1d"}}}`:              "/organizations/not an id",
		`{"organizations":{"acme":"1d"}}`:                             "/organizations/acme",
		`{"decisions":"400d"}`:                                        "/decisions",
		`{"classes":{"reads":"1d","reads":"2d"}}`:                     "/classes/reads",
		`{"organizations":{"a":{"reads":"1d"},"a":{"changes":"1d"}}}`: "/organizations/a",
		`{"Classes":{"reads":"1d"}}`:                                  "/Classes",
	} {
		w.do(t, http.MethodPut, retentionPath, body, contentType("application/json")).pointer(t, pointer)
	}
	for body, pointer := range map[string]string{
		`{}`: "/reason", `{"reason":""}`: "/reason", `{"reason":"x","class":"gaps"}`: "/class", `{"reason":"x","organization":""}`: "/organization",
		`{"reason":"x","class":""}`: "/class", `{"reason":"x","organization":"a b"}`: "/organization", `{"reason":"x","until":"2030-01-01T00:00:00Z"}`: "/until",
		`{"reason":"` + strings.Repeat("x", 501) + `"}`: "/reason",
	} {
		w.do(t, http.MethodPost, "/v1/holds", body, contentType("application/json")).pointer(t, pointer)
	}
}

func TestHoldsAreAddedListedAndRemoved(t *testing.T) {
	w := newWorld(t)
	var hold, again client.Hold
	w.do(t, http.MethodPost, "/v1/holds", client.HoldRequest{Organization: "acme", Reason: "court order"}, once("h1"), as("lena")).want(t, http.StatusCreated).into(t, &hold)
	w.do(t, http.MethodPost, "/v1/holds", client.HoldRequest{Organization: "acme", Reason: "court order"}, once("h1"), as("lena")).want(t, http.StatusCreated).into(t, &again)
	if hold != again || hold.By != "lena" || hold.Organization != "acme" || hold.Class != "" || hold.Since.IsZero() {
		t.Errorf("got %+v, and again %+v", hold, again)
	}
	w.do(t, http.MethodPost, "/v1/holds", client.HoldRequest{Reason: "all"}).want(t, http.StatusCreated)
	var page client.List[client.Hold]
	first := w.do(t, http.MethodGet, "/v1/holds?limit=1", nil, w.scoped(t, guard.ScopeAudit)).want(t, http.StatusOK)
	if first.into(t, &page); len(page.Items) != 1 || page.Items[0] != hold || page.NextCursor == "" {
		t.Errorf("got %+v", page)
	}
	w.do(t, http.MethodGet, "/v1/holds?cursor="+page.NextCursor, nil).want(t, http.StatusOK).into(t, &page)
	if len(page.Items) != 1 || page.Items[0].Reason != "all" || page.NextCursor != "" {
		t.Errorf("got %+v", page)
	}
	// Somebody of an organization does not learn that there is a hold.
	w.do(t, http.MethodGet, "/v1/holds", nil, w.scoped(t, guard.ScopeAudit, guard.ScopeAct), as("lena")).refused(t, http.StatusBadRequest, "invalid_header")
	w.do(t, http.MethodDelete, "/v1/holds/"+hold.ID, nil).want(t, http.StatusOK)
	w.do(t, http.MethodDelete, "/v1/holds/"+hold.ID, nil).refused(t, http.StatusNotFound, "not_found")
	w.do(t, http.MethodDelete, "/v1/holds/..%2F", nil).refused(t, http.StatusBadRequest, "invalid_id")
}

func TestRetentionNeedsAnAdminOfAllOrganizations(t *testing.T) {
	w := newWorld(t)
	limited := bearer(w.makeKey(t, guard.PutKey{Name: "limited", Scopes: guard.Scopes(), Organization: "acme"}))
	others := w.scoped(t, guard.ScopeAudit, guard.ScopeDirectory, guard.ScopeAct, guard.ScopeSupport, guard.ScopePolicy, guard.ScopeDecide)
	for _, c := range []struct {
		method, path string
		body         any
	}{
		{http.MethodGet, retentionPath, nil},
		{http.MethodPut, retentionPath, client.Retention{}},
		{http.MethodPost, "/v1/holds", client.HoldRequest{Reason: "x"}},
		{http.MethodDelete, "/v1/holds/hold-1", nil},
	} {
		w.do(t, c.method, c.path, c.body, others).refused(t, http.StatusForbidden, "insufficient_scope")
		w.do(t, c.method, c.path, c.body, limited).refused(t, http.StatusForbidden, "organization_limit")
	}
	w.do(t, http.MethodGet, "/v1/holds", nil, limited).refused(t, http.StatusForbidden, "organization_limit")
}
