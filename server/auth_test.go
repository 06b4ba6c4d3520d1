package server_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"cordon.example/client"
	"cordon/datastore"
	"cordon/guard"
	"cordon/server"
)

func TestNothingIsOpenButTheProbesAndTheMetadata(t *testing.T) {
	w := newWorld(t)
	open := map[string]bool{
		"GET /livez": true, "HEAD /livez": true, "GET /readyz": true, "HEAD /readyz": true, "GET /.well-known/authzen-configuration": true,
		"GET /.well-known/oauth-protected-resource": true, "GET /health": true,
	}
	for _, r := range w.server.Routes() {
		path := strings.NewReplacer("{", "", "}", "").Replace(r.Path)
		got := w.do(t, r.Method, path, nil, noKey)
		if r.Path == "/.well-known/authzen-configuration/p/{set}" { // it is open, and there is no such set
			got.refused(t, http.StatusNotFound, "not_found")
			continue
		}
		if open[r.Method+" "+r.Path] {
			got.want(t, http.StatusOK)
			continue
		}
		if strings.HasPrefix(path, "/gateway/") { // 401 is what a user gets, and nothing else
			got.want(t, http.StatusForbidden)
			continue
		}
		if strings.HasPrefix(path, "/v1/data/") { // its errors are those of OPA
			got.want(t, http.StatusUnauthorized)
		} else {
			got.refused(t, http.StatusUnauthorized, "unauthenticated")
		}
		if challenge := got.header.Get("WWW-Authenticate"); challenge != `Bearer realm="cordon"` {
			t.Errorf("%s %s: got WWW-Authenticate %q", r.Method, r.Path, challenge)
		}
	}
}

func TestKeysThatAreNotValid(t *testing.T) {
	w := newWorld(t)
	id := strings.Split(w.key, "_")[1]
	for name, value := range map[string]string{
		"another scheme":  "Digest " + w.key,
		"no scheme":       w.key,
		"only a scheme":   "Bearer ",
		"wrong secret":    "Bearer ck_" + id + "_WRONG",
		"no secret":       "Bearer ck_" + id,
		"unknown id":      "Bearer ck_nobody_SECRET",
		"no key":          "Bearer undefined",
		"endless":         "Bearer ck_" + strings.Repeat("a", 5000) + "_b",
		"a token":         "Bearer eyJhbGciOiJub25lIn0.e30.",
		"two keys in one": "Bearer " + w.key + ", " + w.key,
	} {
		t.Run(name, func(t *testing.T) {
			got := w.do(t, http.MethodGet, "/v1/organizations", nil, set("Authorization", value))
			got.refused(t, http.StatusUnauthorized, "unauthenticated")
			if challenge := got.header.Get("WWW-Authenticate"); !strings.Contains(challenge, `error="invalid_token"`) {
				t.Errorf("got WWW-Authenticate %q", challenge)
			}
		})
	}
	w.do(t, http.MethodGet, "/v1/organizations", nil, add("Authorization", "Bearer "+w.key)).refused(t, http.StatusUnauthorized, "unauthenticated")
	w.do(t, http.MethodGet, "/v1/organizations", nil, set("Authorization", "bearer  "+w.key)).want(t, http.StatusOK)
}

func TestEachScopeOpensItsOwn(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	for _, test := range []struct{ method, path, scope string }{
		{http.MethodPost, "/access/v1/evaluation", guard.ScopeDecide},
		{http.MethodPost, "/access/v1/evaluations", guard.ScopeDecide},
		{http.MethodPost, "/logs", guard.ScopeDecide},
		{http.MethodPost, "/logs/blue", guard.ScopeDecide},
		{http.MethodGet, "/v1/organizations", guard.ScopeDirectory},
		{http.MethodGet, acmePath, guard.ScopeDirectory},
		{http.MethodPut, acmePath, guard.ScopeDirectory},
		{http.MethodDelete, acmePath, guard.ScopeDirectory},
		{http.MethodGet, acmePath + "/users", guard.ScopeDirectory},
		{http.MethodGet, shopPath, guard.ScopeDirectory},
		{http.MethodGet, "/v1/products/shop", guard.ScopeDirectory},
		{http.MethodPost, shopPath + "/block", guard.ScopeDirectory},
		{http.MethodPost, "/v1/import", guard.ScopeDirectory},
		{http.MethodGet, "/v1/keys", guard.ScopeAdmin},
		{http.MethodPost, "/v1/keys", guard.ScopeAdmin},
		{http.MethodDelete, "/v1/keys/x", guard.ScopeAdmin},
		{http.MethodGet, "/v1/decisions", guard.ScopeAudit},
		{http.MethodGet, "/v1/decisions/export", guard.ScopeAudit},
		{http.MethodGet, "/v1/decisions/x", guard.ScopeAudit},
	} {
		var others []string
		for _, scope := range guard.Scopes() {
			if scope != test.scope {
				others = append(others, scope)
			}
		}
		// 403 comes before 400: the body is none.
		got := w.do(t, test.method, test.path, "nonsense", w.scoped(t, others...))
		got.refused(t, http.StatusForbidden, "insufficient_scope")
		if want := `error="insufficient_scope", scope="` + test.scope + `"`; !strings.Contains(got.header.Get("WWW-Authenticate"), want) {
			t.Errorf("got WWW-Authenticate %q, want %s", got.header.Get("WWW-Authenticate"), want)
		}
		// What is refused now is refused for another reason.
		if got := w.do(t, test.method, test.path, "nonsense", w.scoped(t, test.scope), contentType("text/plain")); got.status == http.StatusForbidden || got.status == http.StatusUnauthorized {
			t.Errorf("%s %s with %s: got %d %s", test.method, test.path, test.scope, got.status, got.body)
		}
		if test.method == http.MethodDelete && test.path == acmePath {
			w.do(t, http.MethodDelete, "/v1/organizations/umbra", nil)
			w.acme(t)
		}
	}
}

func TestOnlyOneActsInARequest(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	path, body := shopPath+"/block", client.BlockRequest{Reason: "x"}
	w.do(t, http.MethodPost, path, body, as("anna"), agent("sam")).refused(t, http.StatusBadRequest, "invalid_header")
	w.do(t, http.MethodPost, path, body, as("anna"), add(client.HeaderActor, "anna")).refused(t, http.StatusBadRequest, "invalid_header")
	w.do(t, http.MethodPost, path, body, agent("sam"), add(client.HeaderAgent, "eve")).refused(t, http.StatusBadRequest, "invalid_header")
	w.do(t, http.MethodPost, path, body, as("")).refused(t, http.StatusBadRequest, "invalid_header")
	w.do(t, http.MethodPost, path, body, as("anna rita")).refused(t, http.StatusBadRequest, "invalid_header")
	w.do(t, http.MethodPost, path, body, as("anna,rita")).refused(t, http.StatusBadRequest, "invalid_header")
	w.do(t, http.MethodPost, path, body, w.scoped(t, guard.ScopeDirectory), agent("sam")).refused(t, http.StatusForbidden, "insufficient_scope")
	w.do(t, http.MethodPost, "/v1/import", "", as("anna")).refused(t, http.StatusBadRequest, "invalid_header")
}

// Who may not call at all is not told what is wrong with whom they name.
func TestAMissingScopeIsToldBeforeABadName(t *testing.T) { // docs/design.md 11, Order of checks
	w := newWorld(t, options{library: true})
	w.acme(t)
	for _, test := range []struct{ method, path, lacks, fits string }{
		{http.MethodPost, shopPath + "/block", guard.ScopeDirectory, guard.ScopeAct},
		{http.MethodPut, shopPath, guard.ScopeDirectory, guard.ScopeAct},
		{http.MethodGet, "/v1/decisions", guard.ScopeAct, guard.ScopeAct + " " + guard.ScopeAudit},
		{http.MethodPost, "/access/v1/evaluation", guard.ScopeDecide, guard.ScopeDecide + " " + guard.ScopeAct},
		{http.MethodGet, versions, guard.ScopeAct, guard.ScopeAudit},
		{http.MethodPost, versions, guard.ScopeApprove, guard.ScopeDraft},
	} {
		for _, name := range []string{"", "anna rita"} {
			w.do(t, test.method, test.path, "nonsense", w.scoped(t, test.lacks), as(name)).refused(t, http.StatusForbidden, "insufficient_scope")
			w.do(t, test.method, test.path, "nonsense", w.scoped(t, strings.Fields(test.fits)...), as(name)).refused(t, http.StatusBadRequest, "invalid_header")
		}
	}
	limited := bearer(w.makeKey(t, guard.PutKey{Name: "limited", Scopes: guard.Scopes(), Organization: "acme"}))
	w.do(t, http.MethodPost, versions, "nonsense", limited, as("anna rita")).refused(t, http.StatusForbidden, "organization_limit")
}

func TestKeysAreMadeListedAndRevoked(t *testing.T) {
	w := newWorld(t)
	var made client.NewKey
	ends := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	got := w.do(t, http.MethodPost, "/v1/keys", client.KeyRequest{Name: "shop", Scopes: []string{"decide", "audit"}, ExpiresAt: ends}).want(t, http.StatusCreated)
	got.into(t, &made)
	if !strings.HasPrefix(made.Key, "ck_"+made.ID+"_") || got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("got %+v, %v", made, got.header)
	}
	w.do(t, http.MethodGet, "/v1/decisions", nil, bearer(made.Key)).want(t, http.StatusOK)

	listed := w.do(t, http.MethodGet, "/v1/keys", nil).want(t, http.StatusOK)
	if secret := strings.TrimPrefix(made.Key, "ck_"+made.ID+"_"); strings.Contains(listed.body, secret) || strings.Contains(listed.body, "hash") {
		t.Errorf("the list shows a secret: %s", listed.body)
	}
	var list client.List[client.Key]
	listed.into(t, &list)
	var found *client.Key
	for i := range list.Items {
		if list.Items[i].ID == made.ID {
			found = &list.Items[i]
		}
	}
	if found == nil || found.Name != "shop" || strings.Join(found.Scopes, " ") != "audit decide" || !found.ExpiresAt.Equal(ends) {
		t.Errorf("got %+v", found)
	}

	w.do(t, http.MethodDelete, "/v1/keys/"+made.ID, nil).want(t, http.StatusOK)
	w.do(t, http.MethodGet, "/v1/decisions", nil, bearer(made.Key)).refused(t, http.StatusUnauthorized, "unauthenticated")
	w.do(t, http.MethodDelete, "/v1/keys/"+made.ID, nil).refused(t, http.StatusNotFound, "not_found")
	if strings.Contains(w.logged(), made.Key) {
		t.Error("the log has the key")
	}
}

func TestBodiesOfKeys(t *testing.T) {
	w := newWorld(t)
	for name, test := range map[string]struct{ body, pointer string }{
		"no name":       {`{"scopes":["decide"]}`, "/name"},
		"no scopes":     {`{"name":"x"}`, "/scopes"},
		"unknown scope": {`{"name":"x","scopes":["decide","king"]}`, "/scopes/1"},
		"in the past":   {`{"name":"x","scopes":["decide"],"expires_at":"2020-01-01T00:00:00Z"}`, "/expires_at"},
		"bad id":        {`{"name":"x","scopes":["decide"],"organization":"a b"}`, "/organization"},
		"unknown":       {`{"name":"x","scopes":["decide"],"key":"ck_x_y"}`, "/key"},
	} {
		t.Run(name, func(t *testing.T) { w.do(t, http.MethodPost, "/v1/keys", test.body).pointer(t, test.pointer) })
	}
}

func TestAKeyMakesNoKeyBeyondItself(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	narrow := bearer(w.makeKey(t, guard.PutKey{Name: "narrow", Scopes: []string{"admin", "decide"}, Organization: "acme"}))
	w.do(t, http.MethodPost, "/v1/keys", client.KeyRequest{Name: "x", Scopes: []string{"audit"}, Organization: "acme"}, narrow).
		refused(t, http.StatusForbidden, "insufficient_scope")
	w.do(t, http.MethodPost, "/v1/keys", client.KeyRequest{Name: "x", Scopes: []string{"decide"}}, narrow).refused(t, http.StatusForbidden, "organization_limit")
	w.do(t, http.MethodPost, "/v1/keys", client.KeyRequest{Name: "x", Scopes: []string{"decide"}, Organization: "umbra"}, narrow).
		refused(t, http.StatusForbidden, "organization_limit")
	w.do(t, http.MethodPost, "/v1/keys", client.KeyRequest{Name: "x", Scopes: []string{"decide"}, Organization: "acme"}, narrow).want(t, http.StatusCreated)
	var list client.List[client.Key]
	w.do(t, http.MethodGet, "/v1/keys", nil, narrow).want(t, http.StatusOK).into(t, &list)
	if len(list.Items) != 2 {
		t.Errorf("a limited caller sees %d keys, want its own organization's 2", len(list.Items))
	}
}

func TestALimitedCallerSeesItsOrganizationAlone(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	limited := bearer(w.makeKey(t, guard.PutKey{Name: "acme", Scopes: guard.Scopes(), Organization: "acme"}))
	w.ask(t, "anna", "manage", "product", "shop", limited)
	const code = "organization_limit"
	for _, product := range []string{"dark", "nothing"} { // of another organization, and none at all
		got := w.do(t, http.MethodPost, "/access/v1/evaluation", strings.Replace(plainQuestion, "shop", product, 1), limited).want(t, http.StatusOK)
		if !strings.Contains(got.body, `"decision":false`) || !strings.Contains(got.body, "unknown_resource") || got.header.Get("Cordon-Revision") != "" {
			t.Errorf("%s: got %v %s", product, got.header, got.body)
		}
		w.do(t, http.MethodGet, "/v1/products/"+product, nil, limited).refused(t, http.StatusNotFound, "not_found")
	}
	w.do(t, http.MethodGet, "/v1/organizations/umbra", nil, limited).refused(t, http.StatusForbidden, code)
	w.do(t, http.MethodPut, "/v1/organizations/umbra", client.OrganizationBody{Name: "Mine"}, limited).refused(t, http.StatusForbidden, code)
	w.do(t, http.MethodPost, "/v1/organizations/umbra/products/dark/block", client.BlockRequest{Reason: "x"}, limited).refused(t, http.StatusForbidden, code)
	w.do(t, http.MethodGet, "/v1/decisions?organization=umbra", nil, limited).refused(t, http.StatusForbidden, code)
	var list client.List[client.Organization]
	w.do(t, http.MethodGet, "/v1/organizations", nil, limited).want(t, http.StatusOK).into(t, &list)
	if len(list.Items) != 1 || list.Items[0].ID != "acme" {
		t.Errorf("got %+v", list.Items)
	}
	got := w.do(t, http.MethodPost, "/access/v1/evaluations", `{"subject":{"type":"user","id":"anna"},"action":{"name":"manage"},"evaluations":[
		{"resource":{"type":"product","id":"shop"}},{"resource":{"type":"organization","id":"umbra"}}]}`, limited).want(t, http.StatusOK)
	var batch client.EvaluationsResponse
	got.into(t, &batch)
	if len(batch.Evaluations) != 2 || !batch.Evaluations[0].Decision || batch.Evaluations[1].Decision || batch.Evaluations[1].Context.Error.Status != 403 {
		t.Errorf("got %s", got.body)
	}
}

func TestNobodyIsServedWithoutCallers(t *testing.T) {
	w := newWorld(t)
	id := strings.Split(w.key, "_")[1]
	gone := func(ctx context.Context, tx datastore.Tx) error { return tx.Delete(ctx, datastore.APIKey{ID: id}) }
	if err := w.store.Update(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	if err := w.server.Run(context.Background()); err != server.ErrNoCallers { //nolint:errorlint // exactly this
		t.Errorf("got %v, want %v", err, server.ErrNoCallers)
	}
}
