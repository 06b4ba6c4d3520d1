package server_test

import (
	"net/http"
	"strings"
	"testing"
)

// What each of these is read as depends on who reads it.
func TestARequestThatIsNotInCanonicalFormDoesNotPass(t *testing.T) {
	w, key := newGateway(t, byHeader)
	const good = "/organizations/acme/products/shop"
	for name, uri := range map[string]string{
		"two slashes":               "/organizations//acme/products/shop",
		"two slashes first":         "//organizations/acme/products/shop",
		"two slashes last":          good + "//",
		"a dot":                     "/organizations/./acme/products/shop",
		"two dots":                  "/files/../organizations/acme/products/shop",
		"two dots last":             "/files/x/..",
		"a dot last":                good + "/.",
		"dots, encoded":             "/files/%2e%2e/organizations/acme/products/shop",
		"dots, one encoded":         "/files/.%2E/organizations/acme/products/shop",
		"dots, encoded twice":       "/files/%252e%252e/organizations/acme/products/shop",
		"a slash, encoded":          "/files%2F..%2Forganizations/acme/products/shop",
		"a slash, encoded small":    "/organizations/acme%2fproducts/shop",
		"a backslash":               `/files\..\organizations`,
		"a backslash, encoded":      "/files/..%5Corganizations",
		"parameters":                "/files/..;/organizations/acme/products/shop",
		"parameters of a session":   good + ";jsessionid=1",
		"parameters, encoded":       good + "%3Bx=1",
		"a letter, encoded":         "/organizations/acme/products/sho%70",
		"a zero":                    good + "%00",
		"a zero before an ending":   good + "%00.css",
		"a new line":                good + "%0A",
		"a question mark, encoded":  good + "%3Fx=1",
		"a hash":                    good + "#x",
		"a hash, encoded":           good + "%23",
		"hex in small letters":      "/files/%c3%a9",
		"half an escape":            good + "%4",
		"no escape":                 good + "%zz",
		"a letter cut in two":       "/files/%C3",
		"too long a letter":         "/files/%C0%AE%C0%AE/x",
		"a wide letter, as it is":   "/files/é",
		"a space":                   "/files/a b",
		"a tab":                     "/files/a\tb",
		"braces":                    "/files/{x}",
		"a pipe":                    "/files/a|b",
		"an address":                "http://panel.example" + good,
		"no slash":                  "organizations/acme/products/shop",
		"a star":                    "*",
		"a query alone":             "?x",
		"no end":                    "/files/" + strings.Repeat("a", 4<<10),
		"percent-encoded unicode":   "/files/%u002e%u002e/x",
		"a UTF-7 dot":               "/files/\x80",
		"an encoded percent":        "/files/100%25",
		"capitals":                  "/ADMIN/log",
		"capitals within":           "/organizations/acme/Products/shop",
		"a slash more":              "/admin/log/",
		"a slash more, and letters": "/Admin/Log/",
	} {
		t.Run(name, func(t *testing.T) {
			got := w.do(t, http.MethodGet, "/gateway/nginx", nil, key, forwarding("GET", "panel.example", uri), user("lena")).want(t, http.StatusForbidden)
			want := "not_canonical"
			if strings.HasPrefix(name, "capitals") || strings.HasPrefix(name, "a slash more") { // canonical, and yet not to be told apart by all
				want = "unknown_route"
			}
			if reason := got.header.Get("X-Cordon-Reason"); reason != want {
				t.Errorf("got reason %q, want %q: %s", reason, want, got.body)
			}
		})
	}
	for name, host := range map[string]string{
		"capitals": "Panel.example", "a dot at its end": "panel.example.", "two dots": "panel..example", "a user": "a@panel.example",
		"a port that is none": "panel.example:http", "an empty port": "panel.example:", "two": "panel.example, evil.example", "a space": "panel example",
		"a path": "panel.example/x", "a wide letter": "pänel.example", "a hyphen first": "-panel.example", "a zero": "panel.example:0",
	} {
		t.Run("host: "+name, func(t *testing.T) {
			got := w.do(t, http.MethodGet, "/gateway/forward", nil, key, forwarding("GET", host, good), user("anna")).want(t, http.StatusForbidden)
			if reason := got.header.Get("X-Cordon-Reason"); reason != "not_canonical" {
				t.Errorf("got reason %q: %s", reason, got.body)
			}
		})
	}
	for _, header := range []string{
		"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Original-URL", "X-Rewrite-URL",
		// What CGI reads as one of these, or as what the gateway alone says.
		"X_HTTP_Method_Override", "X-Original_URL", "X_Cordon_User", "x_cordon-decision_id", "Cordon_Key", "X_Forwarded_Host", "X_User",
	} {
		t.Run(header, func(t *testing.T) {
			got := w.do(t, http.MethodGet, "/gateway/nginx", nil, key, forwarding("GET", "panel.example", good), user("anna"),
				func(r *http.Request) { r.Header.Set(header, "x") }).want(t, http.StatusForbidden)
			if reason := got.header.Get("X-Cordon-Reason"); reason != "not_canonical" {
				t.Errorf("got reason %q: %s", reason, got.body)
			}
		})
	}
}
