package server_test

import (
	"net/http"
	"strings"
	"testing"

	"cordon.example/client"
	"cordon/policies"
)

func accept(media string) edit { return set("Accept", media) }

func TestADifferenceIsReadInTheFormThatIsAskedFor(t *testing.T) { // docs/design.md 12
	w := newWorld(t, options{library: true})
	files := policies.Builtin().Files
	files["cordon/settings.json"] += "\n" // which decides nothing, and is told in no time
	digest := w.push(t, files)
	path := versions + "/" + digest + "/diff"

	var d client.PolicyDiff
	got := w.do(t, http.MethodGet, path, nil, as("lena")).want(t, http.StatusOK)
	got.into(t, &d)
	if got.header.Get("Vary") != "Accept" || len(d.Files) != 1 || d.Files[0].Path != "cordon/settings.json" || d.Files[0].Change != "changed" || !strings.Contains(d.Files[0].Diff, "+\n") {
		t.Errorf("%+v", d.Files)
	}
	if d.Table.From != policies.Builtin().Digest() || d.Table.To != digest || d.Table.Changed != 0 {
		t.Errorf("%+v", d.Table)
	}
	for media, want := range map[string][]string{
		"text/plain":                      {"text/plain; charset=utf-8", "from " + d.Table.From},
		"text/html,application/xhtml+xml": {"text/html; charset=utf-8", "<!doctype html>"},
		"text/*;q=0.5, application/json":  {"application/json", `"files"`},
		"text/html;q=0.2, text/*;q=0.9":   {"text/plain; charset=utf-8", "\nFiles\n"},
		"image/png":                       {"application/json", `"files"`},
		"*/*":                             {"application/json", `"files"`},
		"application/json;q=0,text/html":  {"text/html; charset=utf-8", "cordon/settings.json"},
	} {
		got := w.do(t, http.MethodGet, path+"?against="+d.Table.From, nil, accept(media)).want(t, http.StatusOK)
		if got.header.Get("Content-Type") != want[0] || !strings.Contains(string(got.body), want[1]) {
			t.Errorf("%s: got %s %.80s", media, got.header.Get("Content-Type"), got.body)
		}
		if page := strings.HasPrefix(want[0], "text/html"); page != strings.HasPrefix(got.header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s: the page may %q", media, got.header.Get("Content-Security-Policy"))
		}
	}
	w.do(t, http.MethodGet, path+"?against=nothing", nil).refused(t, http.StatusNotFound, "not_found")
	w.do(t, http.MethodGet, path+"?since=x", nil).refused(t, http.StatusBadRequest, "invalid_query")
	w.do(t, http.MethodGet, versions+"/sha256:none/diff", nil).refused(t, http.StatusBadRequest, "invalid_id")
}
