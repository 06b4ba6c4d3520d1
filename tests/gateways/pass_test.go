package gateways_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const panel = "https://panel.example.com"

func TestNginx(t *testing.T) { proves(t, newScene(t, startNginx), http.StatusInternalServerError) }
func TestCaddy(t *testing.T) { proves(t, newScene(t, startCaddy), http.StatusBadGateway) }

// proves has a gateway show all that it is there for; away is what it answers while Cordon does not.
func proves(t *testing.T, s *scene, away int) {
	t.Helper()
	anna, clio := s.issuer.token(t, "anna", panel), s.issuer.token(t, "clio", panel)
	const shop = "/organizations/acme/products/shop"
	for name, test := range map[string]struct {
		line    string
		headers []string
		status  int
		reason  string
	}{
		"an administrator":           {"GET " + shop, []string{anna}, 200, ""},
		"with a query of their own":  {"GET " + shop + "?code=500&action=x&a=/../b", []string{anna}, 200, ""},
		"with a body":                {"PUT " + shop, []string{anna, "\nthe whole of it"}, 200, ""},
		"the head":                   {"HEAD " + shop, []string{anna}, 200, ""},
		"all that is left":           {"GET /files/shop/a/b%20c.txt", []string{anna}, 200, ""},
		"a client who sees nothing":  {"GET " + shop, []string{clio}, 403, "not_granted"},
		"a client who changes":       {"PUT " + shop, []string{clio, "\nx"}, 403, "not_granted"},
		"a stranger":                 {"GET " + shop, []string{s.issuer.token(t, "mallory", panel)}, 403, "not_a_member"},
		"another's product":          {"GET /organizations/umbra/products/dark", []string{anna}, 403, "not_a_member"},
		"another's, within ours":     {"GET /organizations/acme/products/dark", []string{anna}, 403, "unknown_resource"},
		"nobody":                     {"GET " + shop, nil, 401, "unauthenticated"},
		"a token for something else": {"GET " + shop, []string{s.issuer.token(t, "anna", "cordon")}, 401, "unauthenticated"},
		"a token that is none":       {"GET " + shop, []string{"Authorization: Bearer undefined"}, 401, "unauthenticated"},
		"a key of Cordon's":          {"GET " + shop, []string{"Authorization: Bearer " + s.cordon.Key}, 401, "unauthenticated"},
		"no such route":              {"DELETE " + shop, []string{anna}, 403, "unknown_route"},
		"nor such a path":            {"GET /", []string{anna}, 403, "unknown_route"},
		"what the client forwards": {"DELETE /", []string{anna, "X-Forwarded-Method: GET", "X-Forwarded-Uri: " + shop, "X-Forwarded-Host: panel.example.com",
			"X-Original-URI: " + shop}, 403, "unknown_route"},
		"a key that the client sends":  {"GET " + shop, []string{anna, "Cordon-Key: ck_x_y"}, 200, ""},
		"a user that the client sends": {"GET " + shop, []string{anna, "X-Cordon-User: rita", "X-Cordon-Decision-Id: 1", "X-Cordon-Reason: fun", "x-cordon-user: ulf"}, 200, ""},
		"another method":               {"GET " + shop, []string{anna, "X-HTTP-Method-Override: DELETE"}, 403, "not_canonical"},
		"another request, to those who look there": {"GET " + shop, []string{anna, "X-Forwarded-Host: evil.example", "X-Forwarded-Uri: /evil", "X-Forwarded-Method: EVIL",
			"X-Forwarded-Prefix: /evil", "Forwarded: host=evil.example"}, 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s.upstream.took()
			got := s.ask(t, test.line, test.headers...)
			if got.StatusCode != test.status || got.Header.Get("X-Cordon-Reason") != test.reason {
				t.Errorf("got %d %q, want %d %q", got.StatusCode, got.Header.Get("X-Cordon-Reason"), test.status, test.reason)
			}
			if test.status == http.StatusUnauthorized && !strings.HasPrefix(got.Header.Get("WWW-Authenticate"), "Bearer ") {
				t.Errorf("got WWW-Authenticate %q", got.Header.Get("WWW-Authenticate"))
			}
			took := s.upstream.took()
			if test.status != http.StatusOK {
				if len(took) > 0 {
					t.Errorf("the upstream was asked %s", took[0].line)
				}
				return
			}
			if len(took) != 1 || took[0].line != test.line || took[0].host != "panel.example.com" {
				t.Fatalf("the upstream was asked %+v, want %s", took, test.line)
			}
			h := took[0].header
			if users := h.Values("X-Cordon-User"); len(users) != 1 || users[0] != "anna" || len(h.Values("X-Cordon-Decision-Id")) != 1 || len(h.Get("X-Cordon-Decision-Id")) != 36 {
				t.Errorf("the upstream is told %v", h)
			}
			if all := fmt.Sprint(h); strings.Contains(strings.ToLower(all), "evil") {
				t.Errorf("the upstream is told of another request than the one that was decided: %s", all)
			}
			if h.Get("Cordon-Key") != "" || h.Get("X-Cordon-Reason") != "" {
				t.Errorf("the upstream gets what is not for it: %v", h)
			}
			if name == "with a body" && took[0].body != "the whole of it" {
				t.Errorf("the upstream got the body %q", took[0].body)
			}
		})
	}
	attacked(t, s, anna, clio)
	t.Run("Cordon is away", func(t *testing.T) {
		s.cordon.Kill()
		s.upstream.took()
		if got := s.ask(t, "GET "+shop, anna); got.StatusCode != away {
			t.Errorf("got %d, want %d", got.StatusCode, away)
		}
		if took := s.upstream.took(); len(took) > 0 {
			t.Errorf("the upstream was asked %s", took[0].line)
		}
	})
}

// attacked tries requests that somebody on the way might read in another way. clio may see nothing, so whatever came to the
// upstream would have come past Cordon. Of anna's only what Cordon was asked about may come: a gateway that mends what it
// gets mends it for both.
func attacked(t *testing.T, s *scene, anna, clio string) {
	t.Helper()
	t.Run("headers that end on the way", func(t *testing.T) { // RFC 9110, 7.6.1
		s.upstream.took()
		s.ask(t, "GET /organizations/acme/products/shop", anna, "X-Cordon-User: rita", "Connection: X-Cordon-User, X-Cordon-Decision-Id, Cordon-Key, X-Forwarded-Uri")
		if took := s.upstream.took(); len(took) != 1 || took[0].header.Get("X-Cordon-User") != "anna" || took[0].header.Get("X-Cordon-Decision-Id") == "" {
			t.Errorf("the upstream was asked %+v", took)
		}
	})
	t.Run("a user, with underscores", func(t *testing.T) {
		s.upstream.took()
		s.ask(t, "GET /organizations/acme/products/shop", anna, "X_Cordon_User: rita", "X_HTTP_Method_Override: DELETE")
		for _, took := range s.upstream.took() { // nginx leaves such headers away
			for header := range took.header {
				if strings.Contains(header, "_") {
					t.Errorf("the upstream gets %s", header)
				}
			}
		}
	})
	for name, line := range map[string]string{
		"two slashes":          "GET //organizations/acme/products/shop",
		"two slashes within":   "GET /organizations/acme//products/shop",
		"dots":                 "GET /files/shop/../../organizations/acme/products/shop",
		"dots over the root":   "GET /../organizations/acme/products/shop",
		"a dot":                "GET /organizations/acme/./products/shop",
		"dots, encoded":        "GET /files/shop/%2e%2e/%2e%2e/organizations/acme/products/shop",
		"dots, half encoded":   "GET /files/shop/.%2e/x",
		"dots, encoded twice":  "GET /files/shop/%252e%252e/x",
		"a slash, encoded":     "GET /organizations/acme%2Fproducts/shop",
		"a slash within an id": "GET /organizations/acme/products/shop%2F..%2Fdark",
		"a backslash":          `GET /files/shop\..\x`,
		"a backslash, encoded": "GET /files/shop/..%5C..%5Cx",
		"parameters":           "GET /files/shop/..;/x",
		"parameters of an id":  "GET /organizations/acme/products/shop;x=1",
		"capitals":             "GET /ORGANIZATIONS/acme/products/shop",
		"a slash at the end":   "GET /organizations/acme/products/shop/",
		"a letter, encoded":    "GET /organizations/acme/products/sho%70",
		"a zero":               "GET /organizations/acme/products/shop%00",
		"a new line":           "GET /organizations/acme/products/shop%0d%0aX-Cordon-User:%20rita",
		"a question, encoded":  "GET /organizations/acme/products/shop%3Fx",
		"a hash":               "GET /organizations/acme/products/shop#x",
		"another's address":    "GET http://evil.example/organizations/acme/products/shop",
		"a wide dot":           "GET /files/shop/%C0%AE%C0%AE/x",
		"half an escape":       "GET /organizations/acme/products/shop%",
		"a method in small":    "get /organizations/acme/products/shop",
		"the door itself":      "GET /_cordon",
		"Cordon's own path":    "GET /gateway/nginx",
		"a star":               "OPTIONS *",
		"a host in capitals":   "GET /organizations/acme/products/shop|Host: PANEL.example.com",
		"a host with a dot":    "GET /organizations/acme/products/shop|Host: panel.example.com.",
		"a host of others":     "GET /organizations/acme/products/shop|Host: evil.example",
		"a host with a user":   "GET /organizations/acme/products/shop|Host: panel.example.com@evil.example",
		"two hosts":            "GET /organizations/acme/products/shop|Host: panel.example.com|Host: evil.example",
	} {
		t.Run(name, func(t *testing.T) {
			parts := strings.Split(line, "|")
			for _, who := range []string{anna, clio} {
				s.upstream.took()
				s.ask(t, parts[0], append(parts[1:len(parts):len(parts)], who)...)
				for _, took := range s.upstream.took() {
					if who == clio || took.line != "GET /organizations/acme/products/shop" || took.host != "panel.example.com" {
						t.Errorf("the upstream was asked %s of %s", took.line, took.host)
					}
				}
			}
		})
	}
}

// Of Traefik and Envoy there is no program in Debian: their examples are read, and say what we answer to.
func TestTheOtherExamplesSayWhatWeAnswerTo(t *testing.T) {
	for name, wanted := range map[string][]string{
		"traefik/dynamic.yaml": {
			"http.middlewares.cordon.forwardAuth.address=http://127.0.0.1:8080/gateway/forward", "http.middlewares.cordon.forwardAuth.trustForwardHeader=false",
			"http.routers.panel.middlewares=[cordon-key cordon cordon-clean]", "http.middlewares.cordon-clean.headers.customRequestHeaders.Cordon-Key=",
			"http.middlewares.cordon-clean.headers.customRequestHeaders.X-Forwarded-Prefix=", "http.middlewares.cordon-clean.headers.customRequestHeaders.Forwarded=",
			"http.middlewares.cordon.forwardAuth.authResponseHeaders=[X-Cordon-User X-Cordon-Decision-Id]",
		},
		"envoy/envoy.yaml": {"path_prefix=/gateway/envoy", "failure_mode_allow=false", "normalize_path=false", "merge_slashes=false", "key=cordon-key",
			"headers_with_underscores_action=DROP_HEADER",
			"request_headers_to_remove=[cordon-key x-cordon-reason x-forwarded-host x-forwarded-method x-forwarded-uri x-forwarded-prefix forwarded]"},
	} {
		text, err := os.ReadFile(examples + name)
		if err != nil {
			t.Fatal(err)
		}
		var document map[string]any
		if err := yaml.Unmarshal(text, &document); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		said := map[string]bool{}
		flatten("", document, said)
		for _, want := range wanted {
			found := said[want]
			for line := range said {
				found = found || strings.HasSuffix(line, "."+want)
			}
			if !found {
				t.Errorf("%s does not say %s", name, want)
			}
		}
	}
}

// flatten writes each value of a document as path=value.
func flatten(path string, value any, into map[string]bool) {
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			flatten(strings.TrimPrefix(path+"."+name, "."), member, into)
		}
	case []any:
		for _, member := range v {
			flatten(path, member, into)
		}
		into[path+"="+fmt.Sprint(v)] = true
	case nil:
		into[path+"="] = true
	default:
		into[path+"="+fmt.Sprint(v)] = true
	}
}
