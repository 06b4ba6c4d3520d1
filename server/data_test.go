package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cordon.example/client"
	"cordon/guard"
	"cordon/server"
)

// opened are the packages that callers of Open Policy Agent may ask for in these tests.
func opened(c *server.Config) { c.OPAPackages = []string{"cordon", "authzen.notes", "authzen.lost"} }

// data is an answer in OPA's shape.
type data struct {
	ID          string `json:"decision_id"`
	Result      any
	Explanation []any
	Metrics     map[string]int64
	Provenance  *struct {
		Version   string
		Commit    string `json:"build_commit"`
		Timestamp string `json:"build_timestamp"`
		Hostname  string `json:"build_hostname"`
		Bundles   map[string]struct{ Revision string }
	}
	Warning       *struct{ Code, Message string }
	Code, Message string
}

func input(question string) string { return `{"input":` + question + `}` }

func (w *world) data(t testing.TB, path, body string, edits ...edit) (data, answer) {
	t.Helper()
	got := w.do(t, http.MethodPost, "/v1/data/"+path, body, edits...)
	var d data
	got.into(t, &d)
	return d, got
}

func TestCallersOfOPAAreAnswered(t *testing.T) { // docs/design.md 14
	w := newWorld(t, options{server: opened})
	w.acme(t)
	reasons := func(code, message string) []any { return []any{map[string]any{"code": code, "message": message}} }
	told, _ := w.ask(t, "anna", "manage", "product", "shop")
	yes := reasons("administrator", told.Context.Reasons[0].Message)
	denied := strings.Replace(plainQuestion, "anna", "clio", 1)
	for _, test := range []struct {
		path, question string
		want           any
	}{
		{"cordon/allow", plainQuestion, true},
		{"cordon/allow", denied, false},
		{"cordon%2Fallow", plainQuestion, true},
		{"cordon/decision", plainQuestion, map[string]any{"allow": true, "reasons": yes}},
		{"cordon", plainQuestion, map[string]any{"allow": true, "decision": map[string]any{"allow": true, "reasons": yes}}},
		{"cordon/decision/allow", denied, false},
		{"cordon/decision/reasons/0/code", denied, "not_granted"},
		{"cordon/decision/reasons/1", denied, nil},
		{"cordon/decision/reasons/-1", denied, nil},
		{"cordon/decision/reasons/first", denied, nil},
		{"cordon/allow/more", plainQuestion, nil},
		{"cordon/allow/", plainQuestion, nil},
	} {
		d, got := w.data(t, test.path, input(test.question))
		got.want(t, http.StatusOK)
		if diff := cmp.Diff(d.Result, test.want); diff != "" {
			t.Errorf("%s of %s: got, want:\n%s", test.path, test.question, diff)
		}
		if d.ID == "" || d.ID != got.header.Get(client.HeaderDecisionID) || !strings.HasPrefix(got.header.Get(client.HeaderPolicy), "sha256:") {
			t.Errorf("%s: it is not on record: %s %v", test.path, got.body, got.header)
		}
		if _, told := strings.CutPrefix(got.body, `{"decision_id":`); !told || !strings.HasSuffix(got.body, "}\n") || got.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: got %q", test.path, got.body)
		}
	}
	d, _ := w.data(t, "cordon/allow", input(denied))
	if r := w.record(t, d.ID); !strings.Contains(r.body, `"kind":"decision"`) || !strings.Contains(r.body, `"clio"`) || !strings.Contains(r.body, `"decision":false`) {
		t.Errorf("got %s", r.body)
	}
	got := w.do(t, http.MethodGet, "/v1/data/cordon/allow?input="+url.QueryEscape(plainQuestion), nil).want(t, http.StatusOK)
	if !strings.Contains(got.body, `"result":true`) {
		t.Errorf("got %s", got.body)
	}
	d, got = w.data(t, "cordon/decision", input(denied), set("Accept-Language", "fr"), set("Cordon-Explain", "user"))
	if told, _ := d.Result.(map[string]any); told["reason_user"] == nil || got.header.Get("Content-Language") != "fr" {
		t.Errorf("got %s in %q", got.body, got.header.Get("Content-Language"))
	}
}

// What callers send of facts counts as little as anywhere, and so does what they forget.
func TestCallersOfOPAAreDecidedOnTheFactsOfTheStore(t *testing.T) {
	w := newWorld(t, options{server: opened})
	w.acme(t)
	raw := `{"subject":{"type":"user","id":"clio","properties":{"role":"administrator"}},"role":"administrator","member":true,"allow":true,"action":{"name":"manage"},"resource":{"type":"product","id":"shop"}}`
	if d, _ := w.data(t, "cordon/allow", input(raw)); d.Result != false {
		t.Errorf("got %v", d.Result)
	}
	limited := bearer(w.makeKey(t, guard.PutKey{Name: "acme", Scopes: []string{guard.ScopeDecide}, Organization: "acme"}))
	if d, _ := w.data(t, "cordon/allow", input(strings.Replace(plainQuestion, "shop", "dark", 1)), limited); d.Result != false {
		t.Errorf("got %v", d.Result)
	}
	d, got := w.data(t, "cordon/allow", input(strings.Replace(plainQuestion, `"id":"shop"`, `"id":"shop","properties":{"organization":"umbra"}`, 1)), limited)
	if got.status != http.StatusForbidden || d.Code != "unauthorized" {
		t.Errorf("got %d %s", got.status, got.body)
	}
	d, got = w.data(t, "cordon/allow", input(plainQuestion), atLeast("acme=99"))
	if got.status != http.StatusServiceUnavailable || d.Code != "internal_error" || d.Message == "" || got.header.Get("Retry-After") == "" {
		t.Errorf("got %d %s", got.status, got.body)
	}
}

func TestADocumentThatThereIsNotIsUndefined(t *testing.T) {
	w := newWorld(t, options{server: opened})
	w.acme(t)
	for _, path := range []string{"cordon/alow", "cordon//allow", "cordon/", "cordon/rules", "cordon/denials", "cordon/settings"} {
		d, got := w.data(t, path, input(plainQuestion))
		got.want(t, http.StatusOK)
		if d.Result != nil || strings.Contains(got.body, "result") || d.ID != "" || d.Warning == nil || !strings.Contains(d.Warning.Message, "allow and decision") {
			t.Errorf("%s: got %s", path, got.body)
		}
	}
	for _, path := range []string{"authzen/todo/allow", "authzen/lost/allow", "authzen", "system/main", "cordonx", "%20"} {
		d, got := w.data(t, path, input(plainQuestion))
		if got.status != http.StatusNotFound || d.Code != "resource_not_found" || d.Message == "" {
			t.Errorf("%s: got %d %s", path, got.status, got.body)
		}
	}
	closed := newWorld(t)
	if d, got := closed.data(t, "cordon/allow", input(plainQuestion)); got.status != http.StatusNotFound || d.Code != "resource_not_found" || !strings.Contains(d.Message, "--opa-packages") {
		t.Errorf("got %d %s", got.status, got.body)
	}
}

func TestErrorsHaveTheShapeOfOPA(t *testing.T) {
	w := newWorld(t, options{server: opened, open: true})
	w.acme(t)
	long := `{"pad":"` + strings.Repeat("x", 256<<10) + `","input":` + plainQuestion + "}"
	const wrong = "body contains malformed input document: "
	for name, test := range map[string]struct {
		body    string
		edits   []edit
		status  int
		code    string
		message string
	}{
		"empty":              {"", nil, 400, "invalid_parameter", wrong + "input is empty"},
		"no JSON":            {"{", nil, 400, "invalid_parameter", wrong + "input ends too early"},
		"an array":           {"[]", nil, 400, "invalid_parameter", wrong + "input must be a JSON object"},
		"no input":           {"{}", nil, 400, "invalid_parameter", wrong + "input is missing"},
		"input null":         {`{"input":null}`, nil, 400, "invalid_parameter", wrong + "input is missing"},
		"input in capitals":  {`{"Input":` + plainQuestion + "}", nil, 400, "invalid_parameter", wrong + "input is missing"},
		"input a string":     {`{"input":"x"}`, nil, 400, "invalid_parameter", "must be an object"},
		"input twice":        {`{"input":` + plainQuestion + `,"input":` + plainQuestion + "}", nil, 400, "invalid_parameter", wrong + "input is there twice"},
		"a member twice":     {input(strings.Replace(plainQuestion, `"id":"anna"`, `"id":"clio","id":"anna"`, 1)), nil, 400, "invalid_parameter", wrong + "input/subject/id is there twice"},
		"no subject":         {input(`{"action":{"name":"a"},"resource":{"type":"t","id":"i"}}`), nil, 400, "invalid_parameter", wrong + "input/subject is required"},
		"two things wrong":   {input(`{"action":{"name":"a"},"resource":{"type":"t"}}`), nil, 400, "invalid_parameter", "input/subject is required; input/resource/id is required"},
		"YAML":               {"input: {}", []edit{contentType("application/yaml")}, 400, "invalid_parameter", "YAML"},
		"packed, and is not": {input(plainQuestion), []edit{set("Content-Encoding", "gzip")}, 400, "invalid_parameter", "gzip"},
		"packed otherwise":   {input(plainQuestion), []edit{set("Content-Encoding", "br")}, 400, "invalid_parameter", "gzip"},
		"cut off":            {packed(t, input(plainQuestion))[:40], []edit{set("Content-Encoding", "gzip")}, 400, "invalid_parameter", "not whole"},
		"too long":           {long, nil, 400, "invalid_parameter", "262144 bytes"},
		"too long, packed":   {packed(t, long), []edit{set("Content-Encoding", "gzip")}, 400, "invalid_parameter", "262144 bytes"},
		"no key":             {input(plainQuestion), []edit{noKey}, 401, "unauthorized", "Authorization"},
		"no scope":           {input(plainQuestion), []edit{w.scoped(t, guard.ScopeAudit)}, 403, "unauthorized", "decide"},
	} {
		t.Run(name, func(t *testing.T) {
			d, got := w.data(t, "cordon/allow", test.body, test.edits...)
			if got.status != test.status || d.Code != test.code || !strings.Contains(d.Message, test.message) {
				t.Errorf("got %d %s, want %d %s %q", got.status, got.body, test.status, test.code, test.message)
			}
			if got.header.Get("Content-Type") != "application/json" || !strings.HasPrefix(got.body, "{\n  \"code\": ") || strings.Contains(got.body, "result") {
				t.Errorf("got %q, %s", got.body, got.header.Get("Content-Type"))
			}
			if test.status == http.StatusUnauthorized && got.header.Get("WWW-Authenticate") == "" {
				t.Error("a 401 without WWW-Authenticate")
			}
		})
	}
	for query, message := range map[string]string{
		"":                        "parameter contains malformed input document: input is missing",
		"?input=":                 "parameter contains malformed input document: input is empty",
		"?input=%7B":              "parameter contains malformed input document: input ends too early",
		"?input=%7B%22a%22:1%7D":  "input/subject is required",
		"?input=%7B%7D&input=%5B": "parameter contains malformed input document: input must be a JSON object",
	} {
		got := w.do(t, http.MethodGet, "/v1/data/cordon/allow"+query, nil)
		var d data
		if got.into(t, &d); got.status != http.StatusBadRequest || d.Code != "invalid_parameter" || !strings.Contains(d.Message, message) {
			t.Errorf("%s: got %d %s", query, got.status, got.body)
		}
	}
	for _, method := range []string{http.MethodPut, http.MethodPatch, http.MethodDelete} {
		got := w.do(t, method, "/v1/data/cordon/allow", "true")
		var d data
		if got.into(t, &d); got.status != http.StatusMethodNotAllowed || d.Code != "invalid_operation" || got.header.Get("Allow") != "GET, POST" {
			t.Errorf("%s: got %d %s %v", method, got.status, got.body, got.header)
		}
	}
}

// Callers of OPA say that a body is a form (curl -d), or nothing, and may pack it.
func TestBodiesOfCallersOfOPA(t *testing.T) {
	w := newWorld(t, options{server: opened, open: true})
	w.acme(t)
	for name, test := range map[string]struct {
		body  string
		edits []edit
	}{
		"curl -d":      {input(plainQuestion), []edit{contentType("application/x-www-form-urlencoded")}},
		"no type":      {input(plainQuestion), []edit{without("Content-Type")}},
		"packed":       {packed(t, input(plainQuestion)), []edit{set("Content-Encoding", "gzip")}},
		"more members": {`{"labels":{"a":1},"input":` + plainQuestion + `,"unknowns":[]}`, nil},
	} {
		if d, got := w.data(t, "cordon/allow", test.body, test.edits...); got.status != http.StatusOK || d.Result != true {
			t.Errorf("%s: got %d %s", name, got.status, got.body)
		}
	}
}

func TestWhatElseOPATells(t *testing.T) {
	w := newWorld(t, options{server: opened})
	w.acme(t)
	decide := w.scoped(t, guard.ScopeDecide)
	d, got := w.data(t, "cordon/allow?metrics&provenance=true&pretty", input(plainQuestion), decide)
	for _, name := range []string{"timer_rego_input_parse_ns", "timer_rego_query_eval_ns", "timer_server_handler_ns"} {
		if d.Metrics[name] <= 0 {
			t.Errorf("got %v, want %s", d.Metrics, name)
		}
	}
	if d.Provenance == nil || d.Provenance.Version != "test" || d.Provenance.Bundles["cordon"].Revision != got.header.Get(client.HeaderPolicy) {
		t.Errorf("got %s", got.body)
	}
	if !strings.HasPrefix(got.body, "{\n  \"decision_id\": ") || d.Explanation != nil {
		t.Errorf("got %s", got.body)
	}
	if d, got = w.data(t, "cordon/allow?metrics=false&pretty=no&explain=off&unheard=of", input(plainQuestion), decide); d.Metrics != nil || d.Provenance != nil || strings.Contains(got.body, "\n ") {
		t.Errorf("got %s", got.body)
	}
	for _, scope := range []string{guard.ScopeAudit, guard.ScopePolicy} {
		may := w.scoped(t, guard.ScopeDecide, scope)
		d, _ = w.data(t, "cordon/allow?explain=full", input(plainQuestion), may)
		if event, _ := d.Explanation[0].(map[string]any); event["op"] != "enter" || event["type"] == nil || event["node"] == nil {
			t.Errorf("got %v", d.Explanation[0])
		}
		d, _ = w.data(t, "cordon/allow?explain=full&pretty", input(plainQuestion), may)
		if line := fmt.Sprint(d.Explanation...); !strings.Contains(line, "Enter data.cordon.decision") || !strings.Contains(line, "administrator") {
			t.Errorf("got %s", line)
		}
	}
	limited := bearer(w.makeKey(t, guard.PutKey{Name: "limited", Organization: "acme", Scopes: []string{guard.ScopeDecide, guard.ScopeAudit}}))
	if d, got = w.data(t, "cordon/allow?explain=full", input(plainQuestion), limited); got.status != http.StatusForbidden || d.Explanation != nil || !strings.Contains(d.Message, "all organizations") {
		t.Errorf("got %d %s", got.status, got.body)
	}
	if d, got = w.data(t, "cordon/allow", input(plainQuestion), limited); d.Result != true {
		t.Errorf("got %d %s", got.status, got.body)
	}
	d, got = w.data(t, "cordon/allow?explain=notes", input(plainQuestion), decide)
	if got.status != http.StatusForbidden || d.Code != "unauthorized" || !strings.Contains(d.Message, "audit or policy") {
		t.Errorf("got %d %s", got.status, got.body)
	}
}

func TestCallersOfOPAAskPolicySets(t *testing.T) {
	w := newWorld(t, options{server: opened, library: true})
	made := w.addSet(t, notes())
	for _, test := range []struct {
		path, question string
		want           any
		allowed        bool
	}{
		{"authzen/notes/allow", annReadsHers, true, true},
		{"authzen/notes/allow", annReadsBobs, nil, false}, // the rules say nothing
		{"authzen/notes", annEdits, map[string]any{"allow": true}, true},
		{"authzen/notes", annReadsBobs, map[string]any{}, false},
	} {
		d, got := w.data(t, test.path, input(test.question))
		if diff := cmp.Diff(d.Result, test.want); diff != "" || d.ID == "" || got.header.Get(client.HeaderPolicy) != made.Version.Digest {
			t.Errorf("%s of %s: got %s\n%s", test.path, test.question, got.body, diff)
		}
		if r := w.record(t, d.ID); !strings.Contains(r.body, `"set":"notes"`) || !strings.Contains(r.body, fmt.Sprintf(`"decision":%v`, test.allowed)) {
			t.Errorf("%s of %s: got %s", test.path, test.question, r.body)
		}
	}
	d, got := w.data(t, "authzen/notes/decision", input(annReadsHers))
	if d.Result != nil || d.ID != "" || d.Warning == nil {
		t.Errorf("got %s", got.body)
	}
	if d, got = w.data(t, "authzen/notes/allow?explain=full&pretty&provenance", input(annReadsHers)); !strings.Contains(fmt.Sprint(d.Explanation...), "data.authzen.notes.allow") || d.Provenance.Bundles["notes"].Revision != made.Version.Digest {
		t.Errorf("got %s", got.body)
	}
	limited := bearer(w.makeKey(t, guard.PutKey{Name: "acme", Scopes: []string{guard.ScopeDecide}, Organization: "acme"}))
	if d, got = w.data(t, "authzen/notes/allow", input(annReadsHers), limited); got.status != http.StatusForbidden || d.Code != "unauthorized" {
		t.Errorf("got %d %s", got.status, got.body)
	}
	set := client.PolicySetNew{Set: "lost", Message: "decides in words", Files: map[string]string{"lost.rego": "package authzen.lost\n\ndecision := {\"decision\": input.subject.id == \"ann\", \"context\": {\"why\": [input.action.name]}}\n"}}
	w.addSet(t, set)
	d, _ = w.data(t, "authzen/lost/decision/context/why/0", input(annReadsHers))
	if d.Result != "read" {
		t.Errorf("got %v", d.Result)
	}
	d, _ = w.data(t, "authzen/lost", input(annReadsHers))
	if diff := cmp.Diff(d.Result, any(map[string]any{"decision": map[string]any{"decision": true, "context": map[string]any{"why": []any{"read"}}}})); diff != "" {
		t.Error(diff)
	}
}

func TestHealthAsOPATellsIt(t *testing.T) {
	w := newWorld(t)
	for _, query := range []string{"", "?bundles", "?plugins=true", "?bundles=false", "?exclude-plugin=x&exclude-plugin=y"} {
		if got := w.do(t, http.MethodGet, "/health"+query, nil, noKey).want(t, http.StatusOK); got.body != "{}" {
			t.Errorf("%s: got %s", query, got.body)
		}
	}
	w.store.fail(guard.ErrUnavailable)
	w.do(t, http.MethodGet, "/health", nil, noKey).want(t, http.StatusOK)
	got := w.do(t, http.MethodGet, "/health?bundles", nil, noKey).want(t, http.StatusInternalServerError)
	var told struct{ Error string }
	if got.into(t, &told); told.Error == "" {
		t.Errorf("got %s", got.body)
	}
	w.store.fail(nil)
}
