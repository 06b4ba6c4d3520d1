package server_test

import (
	"net/http"
	"strings"
	"testing"

	"cordon.example/client"
	"cordon/guard"
	"cordon/server"
)

// A route may ask a policy set of an operator, which sees the request in the context.
func TestARouteMayAskAPolicySet(t *testing.T) {
	i := newIssuer(t)
	routes := writeRoutes(t, `
hosts: [notes.example]
routes:
  - {methods: [GET, DELETE], path: "/notes/{note}", set: notes, action: read, resource: {type: note, id: "{note}", organization: acme}}
  - {methods: [GET], path: "/gone", set: gone, action: read, resource: {type: note, id: n1}}
  - {methods: [GET], path: "/x", set: cordon, action: view, resource: {type: product, id: shop}}
`)
	w := newWorld(t, options{open: true, library: true, server: func(c *server.Config) {
		c.GatewayRoutes, c.Now, c.Issuer = routes, i.time, &server.Issuer{Name: issuerName, Audience: audience, KeysURL: i.web.URL}
	}})
	w.addSet(t, client.PolicySetNew{Set: "notes", Message: "the notes", Files: map[string]string{"notes.rego": `package authzen.notes

allow if {
	input.action.name == "read"
	input.resource.id == input.subject.id
	input.resource.properties.organization == "acme"
	input.context.method == "GET"
	input.context.host == "notes.example"
	input.context.path == ["notes", input.context.segments.note]
}
`}})
	key := set("Cordon-Key", w.makeKey(t, guard.PutKey{Name: "gateway", Scopes: []string{guard.ScopeDecide}}))
	limited := set("Cordon-Key", w.makeKey(t, guard.PutKey{Name: "gateway", Scopes: []string{guard.ScopeDecide}, Organization: "acme"}))
	for name, test := range map[string]struct {
		key            edit
		method, uri    string
		nginx, forward int
		reason         string
	}{
		"allowed":            {key, "GET", "/notes/anna", 200, 200, ""},
		"denied":             {key, "GET", "/notes/carl", 403, 403, "denied"},
		"by its method":      {key, "DELETE", "/notes/anna", 403, 403, "denied"},
		"no such set":        {key, "GET", "/gone", 403, 403, "not_found"},
		"a limited gateway":  {limited, "GET", "/notes/anna", 403, 403, "organization_limit"},
		"the built-in rules": {key, "GET", "/x", 403, 403, "unknown_resource"},
	} {
		t.Run(name, func(t *testing.T) {
			for path, status := range map[string]int{"/gateway/nginx": test.nginx, "/gateway/forward": test.forward} {
				got := w.do(t, http.MethodGet, path, nil, test.key, forwarding(test.method, "notes.example", test.uri), i.token(t, "", nil)).want(t, status)
				if reason := got.header.Get("X-Cordon-Reason"); reason != test.reason {
					t.Errorf("got reason %q, want %q: %s", reason, test.reason, got.body)
				}
				id := got.header.Get("X-Cordon-Decision-Id")
				if name != "allowed" && name != "denied" {
					continue
				}
				if record := w.record(t, id).body; !strings.Contains(record, `"set":"notes"`) || !strings.Contains(record, `"segments":{"note":`) || got.header.Get(client.HeaderPolicy) == "" {
					t.Errorf("on record is %s", record)
				}
			}
		})
	}
}
