package server_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// told is what there is in an answer of the Data API, but for what is another with each call, and for what only one of the two
// has a reason to tell.
func told(t *testing.T, body string) (shape map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), &shape); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	delete(shape, "warning") // OPA warns of an input that is missing; Cordon refuses it, and warns of a document that is
	if result, ok := shape["result"].(map[string]any); ok {
		delete(result, "entities") // what lies beside the verdict is not shown
	}
	if id, _ := shape["decision_id"].(string); id != "" {
		shape["decision_id"] = "an id"
	}
	if times, ok := shape["metrics"].(map[string]any); ok {
		maps.DeleteFunc(times, func(name string, _ any) bool {
			return !strings.HasPrefix(name, "timer_") || strings.Contains(name, "compile") || strings.Contains(name, "resolve")
		})
		shape["metrics"] = slices.Sorted(maps.Keys(times))
	}
	if by, ok := shape["provenance"].(map[string]any); ok {
		delete(by, "bundles") // OPA has a folder here
		shape["provenance"] = slices.Sorted(maps.Keys(by))
	}
	if events, ok := shape["explanation"].([]any); ok {
		var kinds []string
		for _, e := range events {
			switch e := e.(type) {
			case string:
				if strings.Contains(e, "notes.rego:") {
					kinds = append(kinds, e[strings.LastIndex(e, "notes.rego:"):])
				}
			case map[string]any:
				kinds = append(kinds, fmt.Sprint(e["op"], " ", e["type"], " ", slices.Sorted(maps.Keys(e))))
			}
		}
		shape["explanation"] = kinds
	}
	if shape["code"] != nil { // the sentences are each one's own
		message, _ := shape["message"].(string)
		where, _, _ := strings.Cut(message, ": ")
		shape["message"] = where
	}
	return shape
}

// The same policy, and the same question to a real OPA and to Cordon.
func TestCordonAnswersAsOPADoes(t *testing.T) { // docs/design.md 14
	w := newWorld(t, options{server: opened, library: true, open: true})
	added := notes()
	w.addSet(t, added)
	opa := startOPA(t, `{"decision_logs":{"console":true}}`, added.Files)
	exchange := func(method, path, body string, head http.Header) (ours, theirs answer) {
		t.Helper()
		ours = w.do(t, method, path, body, func(r *http.Request) { maps.Copy(r.Header, head) })
		request, err := http.NewRequestWithContext(t.Context(), method, "http://opa"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header = http.Header{"Content-Type": {"application/json"}}
		maps.Copy(request.Header, head)
		response, err := opa.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return ours, answer{status: response.StatusCode, header: response.Header, body: string(text)}
	}
	const allow = "/v1/data/authzen/notes/allow"
	zipped := http.Header{"Content-Encoding": {"gzip"}}
	in := func(question string) string { return "?input=" + url.QueryEscape(question) }
	for name, test := range map[string]struct {
		method, path, body string
		head               http.Header
	}{
		"true":                 {"POST", allow, input(annReadsHers), nil},
		"undefined":            {"POST", allow, input(annReadsBobs), nil},
		"properties":           {"POST", allow, input(annEdits), nil},
		"package":              {"POST", "/v1/data/authzen/notes", input(annReadsHers), nil},
		"package, undefined":   {"POST", "/v1/data/authzen/notes", input(annReadsBobs), nil},
		"a slash behind it":    {"POST", allow + "/", input(annReadsHers), nil},
		"get":                  {"GET", allow + in(annReadsHers), "", nil},
		"get, undefined":       {"GET", allow + in(annReadsBobs), "", nil},
		"get, the last counts": {"GET", allow + in(annReadsBobs) + "&input=" + url.QueryEscape(annReadsHers), "", nil},
		"pretty":               {"POST", allow + "?pretty", input(annReadsHers), nil},
		"pretty=true":          {"POST", allow + "?pretty=true", input(annReadsHers), nil},
		"pretty=TRUE":          {"POST", allow + "?pretty=TRUE&pretty=false", input(annReadsHers), nil},
		"pretty=1":             {"POST", allow + "?pretty=1", input(annReadsHers), nil},
		"metrics":              {"POST", allow + "?metrics", input(annReadsHers), nil},
		"provenance":           {"POST", allow + "?provenance", input(annReadsHers), nil},
		"unheard-of":           {"POST", allow + "?unheard=of", input(annReadsHers), nil},
		"packed":               {"POST", allow, packed(t, input(annReadsHers)), zipped},
		"a form":               {"POST", allow, input(annReadsHers), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}},
		"more members":         {"POST", allow, `{"more":[1],"input":` + annReadsHers + `}`, nil},
		"explain=off":          {"POST", allow + "?explain=off", input(annReadsHers), nil},
		"explain=else":         {"POST", allow + "?explain=else", input(annReadsHers), nil},
		"explain=full":         {"POST", allow + "?explain=full", input(annReadsHers), nil},
		"explain=full, lines":  {"POST", allow + "?explain=full&pretty", input(annReadsHers), nil},
		"explain=fails, lines": {"POST", allow + "?explain=fails&pretty", input(annReadsHers), nil},
		"explain=notes":        {"POST", allow + "?explain=notes", input(annReadsHers), nil},
		"explain=debug, lines": {"POST", allow + "?explain=debug&pretty", input(annReadsHers), nil},
		"no JSON":              {"POST", allow, "{", nil},
		"an array":             {"POST", allow, "[]", nil},
		"a string":             {"POST", allow, `"x"`, nil},
		"no UTF-16":            {"POST", allow, "\xff\xfe{", nil},
		"get, no JSON":         {"GET", allow + "?input=%7B", "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			ours, theirs := exchange(test.method, test.path, test.body, test.head)
			if ours.status != theirs.status || ours.header.Get("Content-Type") != theirs.header.Get("Content-Type") {
				t.Errorf("got %d %s, OPA says %d %s\n%s\n%s", ours.status, ours.header.Get("Content-Type"), theirs.status, theirs.header.Get("Content-Type"), ours.body, theirs.body)
			}
			if diff := cmp.Diff(told(t, ours.body), told(t, theirs.body)); diff != "" {
				t.Errorf("Cordon and OPA:\n%s", diff)
			}
			if lines := func(s string) int { return strings.Count(s, "\n") }; !strings.Contains(test.path, "explain") && !strings.Contains(test.path, "provenance") &&
				!strings.Contains(test.path, "metrics") && lines(ours.body) != lines(theirs.body) {
				t.Errorf("got %q, OPA says %q", ours.body, theirs.body)
			}
		})
	}
	ours, theirs := exchange("POST", "/v1/data/authzen/notes/nothing", input(annReadsHers), nil)
	if a, b := told(t, ours.body), told(t, theirs.body); ours.status != theirs.status || a["result"] != b["result"] || b["result"] != nil {
		t.Errorf("got %d %s, OPA says %d %s", ours.status, ours.body, theirs.status, theirs.body)
	}
	for _, path := range []string{"/health", "/health?bundles", "/health?plugins"} {
		if ours, theirs := exchange("GET", path, "", nil); ours.status != theirs.status || strings.TrimSpace(ours.body) != strings.TrimSpace(theirs.body) {
			t.Errorf("%s: got %d %q, OPA says %d %q", path, ours.status, ours.body, theirs.status, theirs.body)
		}
	}
}
