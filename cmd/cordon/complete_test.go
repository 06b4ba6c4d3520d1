package main_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// offered is what the shell is told when the last word of a line is completed, and whether it may go on with files.
func offered(t *testing.T, c command, line string) (words []string, files bool) {
	t.Helper()
	got := c.run(t, append([]string{"__complete"}, strings.Split(line, " ")...)...)
	if got.code != 0 || strings.Contains(got.err, "rror") {
		t.Errorf("%s: exit code %d, standard error\n%s", line, got.code, got.err)
	}
	lines := strings.Split(strings.TrimSpace(got.out), "\n")
	return lines[:len(lines)-1], lines[len(lines)-1] == ":0"
}

func TestCompletionOffersValues(t *testing.T) {
	for line, want := range map[string]string{
		"check bob manage x --type ":              "product user organization channel",
		"check bob start":                         "start_maintenance",
		"check --type user bob change_":           "change_profile change_role change_grants",
		"check --type channel bob use i":          "imap",
		"check bob change_role carol --role c":    "collaborator client",
		"check bob read_mail m --channel ":        "mail_web imap smtp",
		"check bob read_mail m --explain ":        "user admin",
		"check bob read_mail m -o ":               "table json",
		"user block carol --channels imap,s":      "imap,smtp imap,ssh",
		"keys create --scopes decide,a":           "decide,act decide,audit decide,admin decide,all",
		"log --why would":                         "would_lock_out_organization",
		"log --kind ":                             "decision change read gap",
		"log --decision ":                         "allowed denied",
		"log --action start":                      "start_maintenance",
		"log -o ":                                 "table json ndjson csv parquet opa",
		"messages --state ":                       "pending leased done dead",
		"messages --decision ":                    "",
		"serve --journal-sync ":                   "always interval",
		"serve --log-level ":                      "debug info warn error",
		"serve --metrics-listen ":                 "off",
		"block web-1 --reason ":                   "",
		"block web-1 --as ":                       "",
		"show product ":                           "",
		"support-code unlock --organization acme": "",
	} {
		words, files := offered(t, command{}, line)
		if diff := cmp.Diff(strings.Fields(want), words, cmp.Transformer("", func(s []string) string { return strings.Join(s, " ") })); diff != "" || files {
			t.Errorf("%s (-want +got), files %v:\n%s", line, files, diff)
		}
	}
	for _, line := range []string{"serve --tls-cert ", "import ", "check a b c --key-file "} {
		if words, files := offered(t, command{}, line); len(words) != 0 || !files {
			t.Errorf("%s: got %q, files %v; want files", line, words, files)
		}
	}
}

func TestCompletionAsksTheServerForIDs(t *testing.T) {
	s := serve(t, map[string]string{
		"GET /v1/organizations":                 `200 {"items":[{"id":"acme","name":"Acme"},{"id":"bakery","name":"Bakery\tof\u001b[31m Bob"}],"next_cursor":""}`,
		"GET /v1/organizations/acme/products":   `200 {"items":[{"id":"mail-1","name":"Mail"},{"id":"web-1","name":"Shop"}],"next_cursor":""}`,
		"GET /v1/organizations/bakery/products": `200 {"items":[{"id":"web-2","name":"Blog"}],"next_cursor":""}`,
		"GET /v1/organizations/acme/users":      `200 {"items":[{"id":"bob","name":"Bob"},{"id":"carol","name":"Carol"}],"next_cursor":""}`,
		"GET /v1/products/web-1":                `200 ` + webOfAcme,
		"GET /v1/keys":                          `200 {"items":[{"id":"k1","name":"shop"}],"next_cursor":""}`,
		"GET /v1/holds":                         `200 {"items":[{"id":"hold-1","reason":"court"}],"next_cursor":""}`,
	})
	for line, want := range map[string]string{
		"show organization ":                      "acme\tAcme|bakery\tBakery of [31m Bob",
		"show users --organization b":             "bakery\tBakery of [31m Bob",
		"block web":                               "web-1\tShop|web-2\tBlog",
		"block --organization acme web":           "web-1\tShop",
		"block web-1 --as ":                       "bob\tBob|carol\tCarol",
		"user block c":                            "carol\tCarol",
		"user block --organization acme b":        "bob\tBob",
		"check bob manage w":                      "web-1\tShop|web-2\tBlog",
		"check --type user bob change_role ca":    "carol\tCarol",
		"check --type organization bob add_user ": "acme\tAcme|bakery\tBakery of [31m Bob",
		"keys revoke ":                            "k1\tshop",
		"hold remove ":                            "hold-1\tcourt",
		"show product none":                       "",
		"log --organization acme --subject ":      "bob\tBob|carol\tCarol",
	} {
		words, files := offered(t, s.command(), line)
		if got := strings.Join(words, "|"); got != want || files {
			t.Errorf("%s: got %q, want %q; files %v", line, got, want, files)
		}
	}
	for _, asked := range s.asked {
		if !strings.HasPrefix(asked, "GET ") || strings.Contains(asked, "Cordon-Actor") {
			t.Errorf("a completion asked %s", asked)
		}
	}
}

// A key that lacks a scope, a server that is not there and one that says nothing leave the shell without words, and
// without an error.
func TestCompletionIsNeverAnError(t *testing.T) {
	refusing := serve(t, map[string]string{"GET /v1/organizations": `403 {"status":403,"code":"scope","detail":"no"}`})
	gone := serve(t, nil)
	gone.Close()
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(silent.Close)
	env := map[string]string{"CORDON_URL": silent.URL, "CORDON_KEY": "ck_test_secret"}
	bad := map[string]string{"CORDON_URL": "not a url", "CORDON_KEY": "k", "CORDON_CONFIG": "/nowhere/at/all"}
	for name, c := range map[string]command{"refusing": refusing.command(), "gone": gone.command(), "silent": {env: env}, "wrong": {env: bad}} {
		if words, files := offered(t, c, "show organization "); len(words) != 0 || files {
			t.Errorf("%s: got %q, files %v", name, words, files)
		}
	}
}
