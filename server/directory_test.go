package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cordon.example/client"
	"cordon/guard"
)

func TestAnOrganizationIsBornWithItsLegalRepresentative(t *testing.T) {
	w := newWorld(t)
	body := client.OrganizationBody{Name: "Acme", LegalRepresentative: &client.LegalRepresentative{ID: "rita", Email: "rita@acme.example", Name: "Rita"}}

	w.do(t, http.MethodPut, acmePath, client.OrganizationBody{Name: "Acme"}).pointer(t, "/legal_representative")
	w.do(t, http.MethodGet, acmePath, nil).refused(t, http.StatusNotFound, "not_found")

	var made, read client.Organization
	created := w.do(t, http.MethodPut, acmePath, body).want(t, http.StatusCreated)
	created.into(t, &made)
	if made.ID != "acme" || made.Name != "Acme" || made.Revision != 1 || made.CreatedAt.IsZero() {
		t.Errorf("got %+v", made)
	}
	if created.header.Get(client.HeaderRevision) != "1" {
		t.Errorf("got %s %q", client.HeaderRevision, created.header.Get(client.HeaderRevision))
	}
	w.do(t, http.MethodGet, acmePath, nil).want(t, http.StatusOK).into(t, &read)
	if diff := cmp.Diff(read, made); diff != "" {
		t.Errorf("read, made:\n%s", diff)
	}
	var rita client.User
	w.do(t, http.MethodGet, acmePath+"/users/rita", nil).want(t, http.StatusOK).into(t, &rita)
	if rita.Role != client.RoleLegalRepresentative || rita.Email != "rita@acme.example" || !rita.Notify.ProductEvents || rita.Revision != 1 {
		t.Errorf("got %+v", rita)
	}

	w.do(t, http.MethodPut, acmePath, body).refused(t, http.StatusConflict, "organization_exists")
	w.do(t, http.MethodPut, acmePath, client.OrganizationBody{Name: "Acme & Co"}).want(t, http.StatusOK).into(t, &made)
	if made.Name != "Acme & Co" || made.Revision != 2 {
		t.Errorf("got %+v", made)
	}
	// What has no effect changes no revision.
	w.do(t, http.MethodPut, acmePath, client.OrganizationBody{Name: "Acme & Co"}).want(t, http.StatusOK).into(t, &made)
	if made.Revision != 2 {
		t.Errorf("got revision %d, want 2", made.Revision)
	}

	var gone client.Revision
	w.do(t, http.MethodDelete, acmePath, nil).want(t, http.StatusOK).into(t, &gone)
	if gone.Revision != 3 {
		t.Errorf("got revision %d, want 3", gone.Revision)
	}
	w.do(t, http.MethodDelete, acmePath, nil).refused(t, http.StatusNotFound, "not_found")
}

func TestPutReplacesAUser(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	off := false
	path := acmePath + "/users/dora"
	var got client.User
	w.do(t, http.MethodPut, path, client.UserBody{
		Name: "Dora", Email: "dora@acme.example", Language: "fr", Role: client.RoleClient, Grants: []string{"shop", "mail", "shop"},
		Notify: &client.NotifyBody{ProductEvents: &off},
	}).want(t, http.StatusCreated).into(t, &got)
	want := client.User{
		ID: "dora", Organization: "acme", Name: "Dora", Email: "dora@acme.example", Language: "fr", Role: client.RoleClient,
		Grants: []string{"mail", "shop"}, Blocks: []client.UserBlock{}, Revision: got.Revision,
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("got, want:\n%s", diff)
	}
	// An absent member means empty or default.
	var next client.User
	w.do(t, http.MethodPut, path, `{"role":"collaborator"}`).want(t, http.StatusOK).into(t, &next)
	want = client.User{
		ID: "dora", Organization: "acme", Role: client.RoleCollaborator, Grants: []string{}, Notify: client.Notify{ProductEvents: true},
		Blocks: []client.UserBlock{}, Revision: got.Revision + 1,
	}
	if diff := cmp.Diff(next, want); diff != "" {
		t.Errorf("got, want:\n%s", diff)
	}
	var read client.User
	w.do(t, http.MethodGet, path, nil).want(t, http.StatusOK).into(t, &read)
	if diff := cmp.Diff(read, want); diff != "" {
		t.Errorf("read, want:\n%s", diff)
	}
	var gone client.Revision
	w.do(t, http.MethodDelete, path, nil).want(t, http.StatusOK).into(t, &gone)
	if gone.Revision != want.Revision+1 {
		t.Errorf("got revision %d", gone.Revision)
	}
	w.do(t, http.MethodGet, path, nil).refused(t, http.StatusNotFound, "not_found")
}

func TestProductsKeepTheirKindAndTheirOrganization(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	var got client.Product
	w.do(t, http.MethodGet, "/v1/products/shop", nil).want(t, http.StatusOK).into(t, &got)
	want := client.Product{ID: "shop", Organization: "acme", Name: "Shop", Kind: "web_hosting", Blocks: []client.Block{}, Revision: got.Revision}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Errorf("got, want:\n%s", diff)
	}
	w.do(t, http.MethodPut, shopPath, client.ProductBody{Name: "Shop", Kind: "domain"}).refused(t, http.StatusConflict, "kind_is_fixed")
	w.do(t, http.MethodPut, "/v1/organizations/umbra/products/shop", client.ProductBody{Name: "Mine", Kind: "domain"}).
		refused(t, http.StatusConflict, "id_taken")
	w.do(t, http.MethodPut, shopPath, client.ProductBody{Name: "The shop", Kind: "web_hosting"}).want(t, http.StatusOK)
	w.do(t, http.MethodGet, "/v1/organizations/umbra/products/shop", nil).refused(t, http.StatusNotFound, "not_found")
	w.do(t, http.MethodGet, "/v1/products/nothing", nil).refused(t, http.StatusNotFound, "not_found")
	w.do(t, http.MethodDelete, shopPath, nil).want(t, http.StatusOK)
	var carl client.User
	w.do(t, http.MethodGet, acmePath+"/users/carl", nil).want(t, http.StatusOK).into(t, &carl)
	if diff := cmp.Diff(carl.Grants, []string{"mail"}); diff != "" {
		t.Errorf("grants after the product is gone:\n%s", diff)
	}
}

// Malformed bodies change nothing, and name the member.
func TestDirectoryBodiesAreHeldToTheContract(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	user, organization := acmePath+"/users/dora", "/v1/organizations/new"
	for name, test := range map[string]struct{ path, body, pointer string }{
		"unknown member":         {user, `{"role":"client","age":5}`, "/age"},
		"duplicate member":       {user, `{"role":"client","role":"administrator"}`, "/role"},
		"wrong case":             {user, `{"Role":"client"}`, "/Role"},
		"wrong type":             {user, `{"role":"client","grants":"shop"}`, "/grants"},
		"no role":                {user, `{"name":"Dora"}`, "/role"},
		"unknown role":           {user, `{"role":"king"}`, "/role"},
		"bad id in grants":       {user, `{"role":"client","grants":["shop","../x"]}`, "/grants/1"},
		"foreign grant":          {user, `{"role":"client","grants":["shop","dark"]}`, "/grants/1"},
		"grant to nothing":       {user, `{"role":"client","grants":["nothing"]}`, "/grants/0"},
		"no e-mail address":      {user, `{"role":"client","email":"x y"}`, "/email"},
		"trailing data":          {user, `{"role":"client"} {}`, ""},
		"empty body":             {user, ``, ""},
		"an array":               {user, `[]`, ""},
		"no kind":                {acmePath + "/products/new", `{"name":"New"}`, "/kind"},
		"bad representative":     {organization, `{"name":"New","legal_representative":{"id":"a b"}}`, "/legal_representative/id"},
		"unknown in represented": {organization, `{"name":"New","legal_representative":{"id":"a","role":"x"}}`, "/legal_representative/role"},
	} {
		t.Run(name, func(t *testing.T) {
			w.do(t, http.MethodPut, test.path, test.body).pointer(t, test.pointer)
			w.do(t, http.MethodGet, test.path, nil).refused(t, http.StatusNotFound, "not_found")
		})
	}
	var p client.Problem
	if w.do(t, http.MethodPut, user, `{"name":"Dora"}`).into(t, &p); p.Detail != "/role is required" {
		t.Errorf("without a role: got %q", p.Detail)
	}
}

func TestIDsInPathsAreHeldToTheirPattern(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	for _, id := range []string{"-a", "a%20b", "a%2Fb", "%00", strings.Repeat("a", 129), "_x", "%C3%A9", "a%", "a%zz"} {
		if strings.HasSuffix(id, "%") || strings.HasSuffix(id, "%zz") {
			continue // no HTTP client sends them
		}
		w.do(t, http.MethodGet, "/v1/organizations/"+id, nil).refused(t, http.StatusBadRequest, "invalid_id")
		w.do(t, http.MethodGet, acmePath+"/users/"+id, nil).refused(t, http.StatusBadRequest, "invalid_id")
	}
	w.do(t, http.MethodPut, acmePath+"/users/d@x.example", client.UserBody{Role: client.RoleClient}).want(t, http.StatusCreated)
	w.do(t, http.MethodGet, acmePath+"/users/d%40x.example", nil).want(t, http.StatusOK)
	w.do(t, http.MethodGet, "/v1/organizations/"+strings.Repeat("a", 128), nil).refused(t, http.StatusNotFound, "not_found")
}

func TestUnknownThingsAre404(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	for _, path := range []string{
		"/v1/organizations/nobody", "/v1/organizations/nobody/users", "/v1/organizations/nobody/products/shop",
		acmePath + "/users/nobody", acmePath + "/products/nothing",
	} {
		w.do(t, http.MethodGet, path, nil).refused(t, http.StatusNotFound, "not_found")
	}
	w.do(t, http.MethodDelete, acmePath+"/users/nobody", nil).refused(t, http.StatusNotFound, "not_found")
	w.do(t, http.MethodPut, "/v1/organizations/nobody/users/x", client.UserBody{Role: client.RoleClient}).refused(t, http.StatusNotFound, "not_found")
	w.do(t, http.MethodPost, acmePath+"/products/nothing/block", client.BlockRequest{Reason: "x"}).refused(t, http.StatusNotFound, "not_found")
	// To a stranger nothing is unknown: they are told only that they do not belong.
	w.do(t, http.MethodPost, acmePath+"/products/nothing/block", client.BlockRequest{Reason: "x"}, as("ulf")).denied(t, "not_a_member")
	w.do(t, http.MethodPost, "/v1/organizations/nobody/products/x/block", client.BlockRequest{Reason: "x"}, as("ulf")).denied(t, "not_a_member")
}

// Directory writes with an actor are that user's acts (docs/domain.md R4, R5); without one the host's.
func TestDirectoryWritesWithAnActorAreDecided(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	act := w.scoped(t, guard.ScopeAct)
	dora := client.UserBody{Name: "Dora", Role: client.RoleClient}
	w.do(t, http.MethodPut, acmePath+"/users/dora", dora, act, as("carl")).denied(t, "role_not_permitted")
	w.do(t, http.MethodPut, acmePath+"/users/dora", dora, act, as("ulf")).denied(t, "not_a_member")
	got := w.do(t, http.MethodPut, acmePath+"/users/dora", dora, act, as("anna")).want(t, http.StatusCreated)
	if got.header.Get(client.HeaderDecisionID) == "" || got.header.Get(client.HeaderPolicy) == "" || got.header.Get(client.HeaderRevision) == "" {
		t.Errorf("a decided write without its decision: %v", got.header)
	}
	w.do(t, http.MethodPut, acmePath+"/users/rita", client.UserBody{Role: client.RoleClient}, act, as("anna")).
		denied(t, "last_legal_representative", "legal_representative_only")
	w.do(t, http.MethodDelete, acmePath, nil, act, as("rita")).refused(t, http.StatusForbidden, "denied")
	w.do(t, http.MethodPut, acmePath, client.OrganizationBody{Name: "New name"}, act, as("anna")).want(t, http.StatusOK)
	w.do(t, http.MethodPut, acmePath+"/products/blog", client.ProductBody{Name: "Blog", Kind: "web_hosting"}, act, as("anna")).want(t, http.StatusCreated)
	w.do(t, http.MethodDelete, acmePath+"/products/blog", nil, act, as("anna")).want(t, http.StatusOK)
	// R4 and R5 bind the host as well.
	w.do(t, http.MethodDelete, acmePath+"/users/rita", nil).denied(t, "last_legal_representative")
	w.do(t, http.MethodPut, acmePath+"/users/rita", client.UserBody{Role: client.RoleAdministrator}).denied(t, "last_legal_representative")
	// An agent changes no directory.
	support := w.scoped(t, guard.ScopeSupport)
	w.do(t, http.MethodPut, acmePath+"/users/dora", dora, support, agent("sam")).refused(t, http.StatusBadRequest, "invalid_header")
	w.do(t, http.MethodDelete, acmePath, nil, agent("sam")).refused(t, http.StatusBadRequest, "invalid_header")
}
