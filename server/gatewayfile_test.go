package server_test

import (
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"

	"cordon/server"
)

func TestRoutesThatAreWrongAreRefusedByLine(t *testing.T) {
	w := newWorld(t)
	const one = `{methods: [GET], path: /x, action: view, resource: {type: product, id: shop}}`
	head := "subject: {header: X-User}\nhosts: [a.example]\nroutes:\n- " + one + "\n"
	for name, test := range map[string]struct{ text, why string }{
		"empty":                           {"", "it is empty"},
		"no YAML":                         {"a: [", "did not find expected"},
		"two documents":                   {head + "---\na: b\n", "more than one document"},
		"unknown":                         {head + "route: []\n", "line 5: field route not found"},
		"twice":                           {head + "hosts: [b]\n", "already defined"},
		"no routes":                       {"subject: {header: X-User}\nhosts: [a]\n", "there are none"},
		"no issuer":                       {"hosts: [a]\nroutes: [" + one + "]\n", "--jwt-issuer"},
		"both":                            {"subject: {header: X-User, audience: x}\nroutes: [" + one + "]\n", "not by both"},
		"a header of ours":                {"subject: {header: cordon-key}\nroutes: [" + one + "]\n", "none in which"},
		"a header of the gateway":         {"subject: {header: x-forwarded-host}\nroutes: [" + one + "]\n", "none in which"},
		"everybody is a gateway":          {"gateways: [0.0.0.0/0]\n" + head, "everybody's"},
		"no network":                      {"gateways: [gateway.local]\n" + head, "no network"},
		"no host":                         {"subject: {header: X-User}\nroutes:\n- " + one + "\n", "line 3: hosts: name those"},
		"a host in capitals":              {head + `- {hosts: [A.example], methods: [GET], path: /y, action: view, resource: {type: product, id: shop}}`, "line 5: hosts:"},
		"a host with a port":              {head + `- {hosts: ["a.example:80"], methods: [GET], path: /y, action: view, resource: {type: product, id: shop}}`, "line 5: hosts:"},
		"no method":                       {head + `- {path: /y, action: view, resource: {type: product, id: shop}}`, "line 5: methods: name those"},
		"a method in small":               {head + `- {methods: [get], path: /y, action: view, resource: {type: product, id: shop}}`, "line 5: methods:"},
		"no path":                         {head + `- {methods: [GET], action: view, resource: {type: product, id: shop}}`, "line 5: path:"},
		"a path with dots":                {head + `- {methods: [GET], path: /a/../b, action: view, resource: {type: product, id: shop}}`, "line 5: path:"},
		"a path with two slashes":         {head + `- {methods: [GET], path: /a//b, action: view, resource: {type: product, id: shop}}`, "line 5: path:"},
		"a name in the midst":             {head + `- {methods: [GET], path: "/a{b}", action: view, resource: {type: product, id: shop}}`, "line 5: path:"},
		"a name twice":                    {head + `- {methods: [GET], path: "/{b}/{b}", action: view, resource: {type: product, id: shop}}`, "line 5: path: {b} is there twice"},
		"all that is left, first":         {head + `- {methods: [GET], path: "/{b...}/c", action: view, resource: {type: product, id: shop}}`, "line 5: path:"},
		"no action":                       {head + `- {methods: [GET], path: /y, resource: {type: product, id: shop}}`, "line 5: a route asks"},
		"no id":                           {head + `- {methods: [GET], path: /y, action: view, resource: {type: product}}`, "line 5: a route asks"},
		"a segment there is not":          {head + `- {methods: [GET], path: "/{a}", action: view, resource: {type: product, id: "{b}"}}`, "line 5: resource: the path has no segment {b}"},
		"half a brace":                    {head + `- {methods: [GET], path: "/{a}", action: view, resource: {type: product, id: "{a}}"}}`, "line 5: resource:"},
		"a set that is none":              {head + `- {methods: [GET], path: /y, set: A-b, action: view, resource: {type: product, id: shop}}`, "line 5: set:"},
		"unknown in a route":              {head + `- {methods: [GET], path: /y, action: view, resource: {type: product, id: shop}, allow: true}`, "line 5: field allow not found"},
		"never reached":                   {head + "- " + one, "line 5: the route is never reached: that of line 4"},
		"never reached, but for capitals": {head + "- {methods: [GET], path: /X/, action: manage, resource: {type: product, id: shop}}", "line 5: the route is never reached"},
		"never reached, by a name":        {head + "- {methods: [GET], path: \"/a/{b...}\", action: view, resource: {type: product, id: shop}}\n- {methods: [HEAD], path: \"/a/b/c\", action: view, resource: {type: product, id: shop}}", "line 6: the route is never reached"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := server.New(server.Config{Guard: w.guard, GatewayRoutes: writeRoutes(t, test.text)})
			if err == nil || !strings.Contains(err.Error(), test.why) {
				t.Errorf("got %v, want %q in it", err, test.why)
			}
		})
	}
	if _, err := server.New(server.Config{Guard: w.guard, GatewayRoutes: writeRoutes(t, strings.Repeat("#", 1<<20+1))}); err == nil || !strings.Contains(err.Error(), "mebibyte") {
		t.Errorf("got %v", err)
	}
	if _, err := server.New(server.Config{Guard: w.guard, GatewayRoutes: "nowhere.yaml"}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// Routes are read again when a server is told to; where they are wrong, those before stay in force.
func TestRoutesAreReadAgain(t *testing.T) {
	name := ""
	w, key := newGateway(t, byHeader, func(c *server.Config) { name = c.GatewayRoutes })
	asking := []edit{key, forwarding("GET", "panel.example", "/new"), user("anna")}
	w.do(t, http.MethodGet, "/gateway/nginx", nil, asking...).want(t, http.StatusForbidden)
	more := strings.Replace(byHeader, "routes:\n", "routes:\n  - {methods: [GET], path: /new, action: view, resource: {type: product, id: shop}}\n", 1)
	for _, text := range []string{more, "nonsense"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := w.server.Reload(server.RateLimit{}); err != nil {
			t.Fatal(err)
		}
		w.do(t, http.MethodGet, "/gateway/nginx", nil, asking...).want(t, http.StatusOK)
	}
	if !strings.Contains(w.logged(), "the routes of gateways are not read again") {
		t.Error("nobody is told")
	}
}
