package server_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cordon.example/client"
	"cordon/guard"
	"cordon/server"
)

const shopRoutes = `
gateways: [127.0.0.0/8, "::1/128"]
hosts: [panel.example]
routes:
  - {methods: [GET], path: "/organizations/{organization}/products/{product}", action: view, resource: {type: product, id: "{product}", organization: "{organization}"}}
  - {methods: [POST], path: "/organizations/{organization}/products/{product}/restart", action: manage, resource: {type: product, id: "{product}"}}
  - {methods: [GET], path: /admin/log, action: view_decisions, resource: {type: organization, id: acme}}
  - {hosts: ["*.example", "[::1]"], methods: [GET, POST], path: "/files/{rest...}", action: view, resource: {type: product, id: shop}}
  - {methods: [GET], path: /both, action: view, resource: {type: product, id: shop}}
  - {methods: [GET], path: /both/, action: view, resource: {type: product, id: shop}}
  - {hosts: [cdn.example], methods: [GET, POST], path: "/{first}/{second}", action: manage, resource: {type: product, id: shop}}
  - {methods: [GET], path: "/{product}/", action: view, resource: {type: product, id: "{product}"}}
`

func writeRoutes(t testing.TB, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "routes.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// newGateway makes a world with gateways whose users are named by a header, and gives the key of a gateway.
func newGateway(t testing.TB, routes string, with ...func(*server.Config)) (*world, edit) {
	t.Helper()
	name := writeRoutes(t, routes)
	w := newWorld(t, options{open: true, server: func(c *server.Config) {
		c.GatewayRoutes = name
		for _, change := range with {
			change(c)
		}
	}})
	w.acme(t)
	return w, set("Cordon-Key", w.makeKey(t, guard.PutKey{Name: "gateway", Scopes: []string{guard.ScopeDecide}}))
}

const byHeader = "subject: {header: X-User}\n" + shopRoutes

// forwarding is what a gateway sends beside its key.
func forwarding(method, host, uri string) edit {
	return func(r *http.Request) {
		r.Header.Del("Authorization")
		r.Header["X-Forwarded-Method"], r.Header["X-Forwarded-Host"], r.Header["X-Forwarded-Uri"] = []string{method}, []string{host}, []string{uri}
	}
}

func user(id string) edit { return set("X-User", id) }

func TestAGatewayIsToldWhatMayPass(t *testing.T) {
	w, key := newGateway(t, byHeader)
	for name, test := range map[string]struct {
		method, host, uri, user string
		status                  int
		reason                  string
	}{
		"a product of theirs":         {"GET", "panel.example", "/organizations/acme/products/shop", "anna", 200, ""},
		"with a query, as it came":    {"GET", "panel.example", "/organizations/acme/products/shop?action=delete&next=//x/../y;a%2e", "anna", 200, ""},
		"with a port":                 {"GET", "panel.example:8443", "/organizations/acme/products/shop", "anna", 200, ""},
		"its head":                    {"HEAD", "panel.example", "/organizations/acme/products/shop", "anna", 200, ""},
		"another action":              {"POST", "panel.example", "/organizations/acme/products/shop/restart", "anna", 200, ""},
		"a stranger":                  {"GET", "panel.example", "/organizations/acme/products/shop", "nobody", 403, "not_a_member"},
		"of another organization":     {"GET", "panel.example", "/organizations/umbra/products/shop", "anna", 403, "unknown_resource"},
		"no such product":             {"GET", "panel.example", "/organizations/acme/products/none", "anna", 403, "unknown_resource"},
		"an id that none can have":    {"GET", "panel.example", "/organizations/acme/products/%C3%A9%20x", "anna", 403, "unknown_resource"},
		"nobody":                      {"GET", "panel.example", "/organizations/acme/products/shop", "", 401, "unauthenticated"},
		"another method":              {"DELETE", "panel.example", "/organizations/acme/products/shop", "anna", 403, "unknown_route"},
		"a method in small letters":   {"get", "panel.example", "/organizations/acme/products/shop", "anna", 403, "unknown_route"},
		"another host":                {"GET", "evil.example.com", "/organizations/acme/products/shop", "anna", 403, "unknown_route"},
		"a host that ends so":         {"GET", "xpanel.example", "/organizations/acme/products/shop", "anna", 403, "unknown_route"},
		"another path":                {"GET", "panel.example", "/organizations/acme/products", "anna", 403, "unknown_route"},
		"a path that goes on":         {"GET", "panel.example", "/organizations/acme/products/shop/x", "anna", 403, "unknown_route"},
		"the root":                    {"GET", "panel.example", "/", "anna", 403, "unknown_route"},
		"any name before one":         {"GET", "cdn.example", "/files/a/b/c", "anna", 200, ""},
		"two names before one":        {"GET", "a.cdn.example", "/files/a", "anna", 403, "unknown_route"},
		"the name without one before": {"GET", "example", "/files/a", "anna", 403, "unknown_route"},
		"an address of version 6":     {"GET", "[::1]:80", "/files/a", "anna", 200, ""},
		"nothing of what is left":     {"GET", "cdn.example", "/files/", "anna", 403, "unknown_route"},
		"a slash that is a route's":   {"GET", "panel.example", "/shop/", "anna", 200, ""},
		"two that ask the same":       {"GET", "panel.example", "/both/", "anna", 200, ""},
		"another route's, but for it": {"GET", "cdn.example", "/FILES/x", "anna", 403, "unknown_route"},
		"and one that is missing":     {"GET", "panel.example", "/shop", "anna", 403, "unknown_route"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, path := range []string{"/gateway/nginx", "/gateway/forward"} {
				edits := []edit{key, forwarding(test.method, test.host, test.uri)}
				if test.user != "" {
					edits = append(edits, user(test.user))
				}
				got := w.do(t, http.MethodGet, path, nil, edits...).want(t, test.status)
				if reason := got.header.Get("X-Cordon-Reason"); reason != test.reason {
					t.Errorf("%s: got reason %q, want %q", path, reason, test.reason)
				}
				if test.status != http.StatusOK {
					continue
				}
				id := got.header.Get("X-Cordon-Decision-Id")
				if id == "" || id != got.header.Get(client.HeaderDecisionID) || got.header.Get("X-Cordon-User") != test.user || got.body != "" {
					t.Errorf("%s: got %v %q", path, got.header, got.body)
				}
			}
		})
	}
}

// Envoy sends the method and, behind our path, the path and the host as they came.
func TestEnvoyAsksWithTheRequestItself(t *testing.T) {
	w, key := newGateway(t, byHeader)
	ask := func(method, uri, host string, edits ...edit) answer {
		t.Helper()
		req := httptest.NewRequest(method, "http://127.0.0.1/", nil)
		req.RemoteAddr, req.RequestURI, req.Host = "127.0.0.1:5", uri, host
		path, query, _ := strings.Cut(uri, "?")
		req.URL.Path, req.URL.RawPath, req.URL.RawQuery = path, path, query
		for _, edit := range append([]edit{key, user("anna")}, edits...) {
			edit(req)
		}
		res := httptest.NewRecorder()
		w.server.Handler().ServeHTTP(res, req)
		return answer{status: res.Code, header: res.Header(), body: res.Body.String()}
	}
	const good = "/gateway/envoy/organizations/acme/products/shop"
	for _, method := range []string{"GET", "HEAD"} {
		ask(method, good+"?x=1", "panel.example:8443").want(t, http.StatusOK)
	}
	ask("POST", good+"/restart", "panel.example").want(t, http.StatusOK)
	for name, test := range map[string]struct{ method, uri, host, reason string }{
		"another method": {"DELETE", good, "panel.example", "unknown_route"},
		"another host":   {"GET", good, "evil.example.com", "unknown_route"},
		"no path":        {"GET", "/gateway/envoy/", "panel.example", "unknown_route"},
		"two slashes":    {"GET", "/gateway/envoy//organizations/acme/products/shop", "panel.example", "not_canonical"},
		"dots":           {"GET", "/gateway/envoy/files/../x", "panel.example", "not_canonical"},
		"dots, encoded":  {"GET", "/gateway/envoy/files/%2e%2e/x", "panel.example", "not_canonical"},
		"out of it":      {"GET", "/gateway/envoy/../forward", "panel.example", "not_canonical"},
		"a host of dots": {"GET", good, "panel.example.", "not_canonical"},
	} {
		t.Run(name, func(t *testing.T) {
			// What the headers say that the others send is nothing to it.
			got := ask(test.method, test.uri, test.host, forwarding("GET", "panel.example", "/shop/")).want(t, http.StatusForbidden)
			if reason := got.header.Get("X-Cordon-Reason"); reason != test.reason {
				t.Errorf("got reason %q, want %q: %s", reason, test.reason, got.body)
			}
		})
	}
	ask("PROPFIND", good, "panel.example").want(t, http.StatusForbidden)
	// Other headers with underscores are nothing to us.
	ask("GET", good, "panel.example", set("X_Trace", "1")).want(t, http.StatusOK)
}

func TestAGatewayComesWithItsKeyFromItsAddress(t *testing.T) {
	w, key := newGateway(t, byHeader)
	good := forwarding("GET", "panel.example", "/organizations/acme/products/shop")
	for name, edits := range map[string][]edit{
		"no key":                {good},
		"two keys":              {key, good, func(r *http.Request) { r.Header.Add("Cordon-Key", r.Header.Get("Cordon-Key")) }},
		"a wrong one":           {set("Cordon-Key", "ck_x_y"), good},
		"one of another kind":   {set("Cordon-Key", "secret"), good},
		"one without the scope": {set("Cordon-Key", w.makeKey(t, guard.PutKey{Name: "x", Scopes: []string{"audit"}})), good},
		"one in the place of a user's": {good, func(r *http.Request) {
			r.Header.Set("Authorization", "Bearer "+w.key)
		}},
		"no method":   {key, good, without("X-Forwarded-Method")},
		"no host":     {key, good, without("X-Forwarded-Host")},
		"no path":     {key, good, without("X-Forwarded-Uri")},
		"two paths":   {key, good, add("X-Forwarded-Uri", "/")},
		"two hosts":   {key, good, add("X-Forwarded-Host", "panel.example")},
		"two methods": {key, good, add("X-Forwarded-Method", "GET")},
	} {
		t.Run(name, func(t *testing.T) {
			for _, path := range []string{"/gateway/nginx", "/gateway/forward"} {
				got := w.do(t, http.MethodGet, path, nil, append(edits, user("anna"))...)
				got.refused(t, http.StatusForbidden, "gateway_refused")
				if got.header.Get("X-Cordon-Reason") != "gateway_refused" || got.header.Get("WWW-Authenticate") != "" {
					t.Errorf("got %v", got.header)
				}
			}
		})
	}
	if log := w.logged(); !strings.Contains(log, `"cause":"the key in Cordon-Key is unknown`) {
		t.Errorf("the log does not say why a gateway is not let in: %s", log)
	}
	elsewhere, key := newGateway(t, strings.Replace(byHeader, `[127.0.0.0/8, "::1/128"]`, "[10.1.0.0/16]", 1))
	p := elsewhere.do(t, http.MethodGet, "/gateway/nginx", nil, key, good, user("anna"), set("X-Forwarded-For", "10.1.2.3")).refused(t, http.StatusForbidden, "gateway_refused")
	if !strings.Contains(p.Detail, "address") {
		t.Errorf("got %q", p.Detail)
	}
	none := newWorld(t)
	none.do(t, http.MethodGet, "/gateway/nginx", nil, set("Cordon-Key", none.key), good).refused(t, http.StatusForbidden, "gateway_refused")
}

func TestWhoGuessesKeysOfGatewaysIsSlowedDown(t *testing.T) {
	w, key := newGateway(t, byHeader)
	if err := w.server.Reload(server.RateLimit{PerSecond: 1e-9, Burst: 1}); err != nil {
		t.Fatal(err)
	}
	good := forwarding("GET", "panel.example", "/organizations/acme/products/shop")
	guess := set("Cordon-Key", "ck_guess_WRONG")
	w.do(t, http.MethodGet, "/gateway/forward", nil, guess, good, user("anna")).refused(t, http.StatusForbidden, "gateway_refused")
	w.do(t, http.MethodGet, "/gateway/forward", nil, guess, good, user("anna")).want(t, http.StatusTooManyRequests)
	w.do(t, http.MethodGet, "/gateway/forward", nil, key, good, user("anna")).want(t, http.StatusOK)
}

// The user of a token is its subject, whatever the gateway's key may do.
func TestAGatewaysUserComesWithAToken(t *testing.T) {
	i := newIssuer(t)
	routes := strings.Replace(shopRoutes, "hosts:", "subject: {audience: https://panel.example}\nhosts:", 1)
	w, key := newGateway(t, routes, func(c *server.Config) {
		c.Now, c.Issuer = i.time, &server.Issuer{Name: issuerName, Audience: audience, KeysURL: i.web.URL, OrganizationClaim: "org"}
	})
	theirs := func(change map[string]any) edit {
		all := map[string]any{"aud": "https://panel.example", "org": "acme", "scope": nil}
		for name, value := range change {
			all[name] = value
		}
		return i.token(t, "", all)
	}
	asking := forwarding("GET", "panel.example", "/organizations/acme/products/shop")
	got := w.do(t, http.MethodGet, "/gateway/nginx", nil, key, asking, theirs(nil)).want(t, http.StatusOK)
	if got.header.Get("X-Cordon-User") != "anna" {
		t.Errorf("got %v", got.header)
	}
	for name, test := range map[string]struct {
		token  edit
		status int
		reason string
	}{
		"none":                     {noKey, 401, "unauthenticated"},
		"one for our own audience": {theirs(map[string]any{"aud": audience}), 401, "unauthenticated"},
		"expired":                  {theirs(map[string]any{"exp": i.time().Add(-1)}), 401, "unauthenticated"},
		"an API key":               {bearer(w.key), 401, "unauthenticated"},
		"basic":                    {set("Authorization", "Basic YTpi"), 401, "unauthenticated"},
		"a stranger's":             {theirs(map[string]any{"sub": "mallory"}), 403, "not_a_member"},
		"for another organization": {theirs(map[string]any{"org": "umbra"}), 403, "organization_limit"},
		"of whom an id is odd":     {theirs(map[string]any{"sub": "é|5"}), 403, "not_a_member"},
	} {
		t.Run(name, func(t *testing.T) {
			got := w.do(t, http.MethodGet, "/gateway/nginx", nil, key, asking, test.token).want(t, test.status)
			if reason := got.header.Get("X-Cordon-Reason"); reason != test.reason {
				t.Errorf("got reason %q, want %q: %s", reason, test.reason, got.body)
			}
			challenge := got.header.Get("WWW-Authenticate")
			if (test.status == http.StatusUnauthorized) != strings.HasPrefix(challenge, `Bearer realm="cordon"`) || strings.Contains(challenge, "resource_metadata") {
				t.Errorf("got WWW-Authenticate %q", challenge)
			}
		})
	}
	// The keys of the issuer cannot be had: nobody knows whether it is a good one. nginx is told the one thing it understands.
	i.down.Store(true)
	i.rotate(t, "two")
	i.pass(11e9)
	w.do(t, http.MethodGet, "/gateway/forward", nil, key, asking, theirs(nil)).refused(t, http.StatusServiceUnavailable, "unavailable")
	if got := w.do(t, http.MethodGet, "/gateway/nginx", nil, key, asking, theirs(nil)).want(t, http.StatusForbidden); got.header.Get("X-Cordon-Reason") != "unavailable" {
		t.Errorf("got %v", got.header)
	}
}

// Whatever is wrong with us, nginx gets an answer that it can hand on.
func TestNginxGetsNothingButWhatItUnderstands(t *testing.T) {
	w, key := newGateway(t, byHeader)
	asking := []edit{key, forwarding("GET", "panel.example", "/organizations/acme/products/shop"), user("anna")}
	w.store.fail(errors.New("away"))
	defer w.store.fail(nil)
	got := w.do(t, http.MethodGet, "/gateway/nginx", nil, append(asking, set("Cordon-Key", "ck_new_key"))...).want(t, http.StatusForbidden)
	if got.header.Get("X-Cordon-Reason") == "" {
		t.Errorf("got %v", got.header)
	}
	for _, method := range []string{http.MethodPost, http.MethodOptions, http.MethodDelete} {
		w.do(t, method, "/gateway/nginx", nil, asking...).want(t, http.StatusForbidden)
	}
}

func TestWhatAGatewayIsToldIsOnRecord(t *testing.T) {
	w, key := newGateway(t, byHeader)
	for who, allowed := range map[string]bool{"anna": true, "nobody": false} {
		got := w.do(t, http.MethodGet, "/gateway/forward", nil, key, forwarding("GET", "panel.example", "/organizations/acme/products/shop"), user(who))
		id := got.header.Get("X-Cordon-Decision-Id")
		var r client.Record
		w.record(t, id).into(t, &r)
		if r.Kind != "decision" || r.Decision != allowed || r.Question.Subject.ID != who || r.Question.Action.Name != "view" || r.Question.Resource.ID != "shop" {
			t.Errorf("got %+v", r)
		}
		if allowed {
			continue
		}
		var p client.Problem
		got.into(t, &p)
		if p.Code != "denied" || p.DecisionID != id || codes(p.Reasons) != "not_a_member" {
			t.Errorf("got %s", got.body)
		}
	}
}
