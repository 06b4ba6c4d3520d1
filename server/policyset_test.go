package server_test

import (
	"net/http"
	"strings"
	"testing"

	"cordon.example/client"
	"cordon/server"
)

// notes is a policy set in which people read their own notes, and editors all of their team.
func notes() client.PolicySetNew {
	return client.PolicySetNew{Set: "notes", Message: "the notes", Files: map[string]string{
		"notes.rego": `package authzen.notes

entities.subject.user := ["ann", "bob", "cid"]

entities.resource.note contains id if some id, _ in data.notes

entities.action := ["read", "edit"]

allow if {
	input.action.name == "read"
	data.notes[input.resource.id].owner == input.subject.id
}

allow if {
	input.action.name == "edit"
	input.subject.properties.team == input.resource.properties.team
}
`,
		"data.json": `{"notes": {"n1": {"owner": "ann"}, "n2": {"owner": "bob"}}}`,
	}}
}

// addSet adds a policy set.
func (w *world) addSet(t *testing.T, set client.PolicySetNew) client.PolicySetAdded {
	t.Helper()
	var made client.PolicySetAdded
	w.do(t, http.MethodPost, "/v1/policies", set, as("lena")).want(t, http.StatusCreated).into(t, &made)
	return made
}

const (
	annReadsHers = `{"subject":{"type":"user","id":"ann"},"action":{"name":"read"},"resource":{"type":"note","id":"n1"}}`
	annReadsBobs = `{"subject":{"type":"user","id":"ann"},"action":{"name":"read"},"resource":{"type":"note","id":"n2"}}`
	annEdits     = `{"subject":{"type":"user","id":"ann","properties":{"team":"red"}},"action":{"name":"edit"},"resource":{"type":"note","id":"n2","properties":{"team":"red"}}}`
)

// What callers say about the built-in domain changes no answer of a set (docs/design.md 14).
func TestHeadersOfTheBuiltInDomainChangeNoAnswerOfASet(t *testing.T) {
	w := newWorld(t, options{library: true})
	w.addSet(t, notes())
	for path, body := range map[string]string{
		"evaluation": annReadsHers, "evaluations": `{"evaluations":[` + annReadsHers + "," + annReadsBobs + "]}",
		"search/resource": `{"subject":{"type":"user","id":"ann"},"action":{"name":"read"},"resource":{"type":"note"}}`,
	} {
		path = "/p/notes/access/v1/" + path
		plain := w.do(t, http.MethodPost, path, body).want(t, http.StatusOK)
		for _, header := range []edit{
			set("Cordon-At-Least", "acme=99"), set("Cordon-At-Least", "nonsense"), set("Accept-Language", "fr"), set("Cordon-Explain", "user"), set("Cordon-Explain", "admin"),
		} {
			got := w.do(t, http.MethodPost, path, body, header).want(t, http.StatusOK)
			if got.body != plain.body || got.header.Get("Content-Language") != "" {
				t.Errorf("%s: got %s in %q, want %s", path, got.body, got.header.Get("Content-Language"), plain.body)
			}
		}
		w.do(t, http.MethodPost, path, body, set("Cordon-Explain", "nonsense")).refused(t, http.StatusBadRequest, "invalid_header")
	}
}

func TestAPolicySetIsAddedAndAnswers(t *testing.T) {
	w := newWorld(t, options{library: true})
	made := w.addSet(t, notes())
	if made.Set != "notes" || made.Activation != 1 || made.Version.State != "active" || made.Version.Author != "lena" {
		t.Errorf("got %+v", made)
	}
	for question, want := range map[string]string{
		annReadsHers: `{"decision":true}`, annReadsBobs: `{"decision":false}`, annEdits: `{"decision":true}`,
	} {
		got := w.do(t, http.MethodPost, "/p/notes/access/v1/evaluation", question).want(t, http.StatusOK)
		if string(got.body) != want || got.header.Get(client.HeaderPolicy) != made.Version.Digest || got.header.Get(client.HeaderDecisionID) == "" {
			t.Errorf("%s: got %s, %v", question, got.body, got.header)
		}
	}
	batch := `{"subject":{"type":"user","id":"ann"},"action":{"name":"read"},"context":null,"evaluations":[{"resource":{"type":"note","id":"n1"}},{"resource":{"type":"note","id":"n2"}},{"resource":{"type":"note"}},7]}`
	got := w.do(t, http.MethodPost, "/p/notes/access/v1/evaluations", batch).want(t, http.StatusOK)
	if !strings.HasPrefix(string(got.body), `{"evaluations":[{"decision":true},{"decision":false},{"decision":false,"context":{"error":{"status":400,`) || got.header.Get(client.HeaderBatchID) == "" {
		t.Errorf("got %s", got.body)
	}
	if got := w.do(t, http.MethodPost, "/p/notes/access/v1/evaluations", annReadsHers).want(t, http.StatusOK); string(got.body) != `{"decision":true}` {
		t.Errorf("without items: %s", got.body)
	}
	if got := w.do(t, http.MethodPost, "/v1/policies", notes(), as("lena")).want(t, http.StatusConflict); !strings.Contains(string(got.body), `"set_exists"`) {
		t.Errorf("twice: %s", got.body)
	}
	w.do(t, http.MethodPost, "/p/others/access/v1/evaluation", annReadsHers).want(t, http.StatusNotFound)
	w.do(t, http.MethodPost, "/p/cordon/access/v1/evaluation", annReadsHers).want(t, http.StatusNotFound)
	w.do(t, http.MethodDelete, "/v1/policies/notes", nil, as("lena")).want(t, http.StatusOK)
	w.do(t, http.MethodPost, "/p/notes/access/v1/evaluation", annReadsHers).want(t, http.StatusNotFound)
	w.do(t, http.MethodDelete, "/v1/policies/cordon", nil, as("lena")).want(t, http.StatusConflict)
	if again := w.addSet(t, notes()); again.Activation != 3 || again.Version.Digest != made.Version.Digest {
		t.Errorf("again: %+v", again)
	}
	w.do(t, http.MethodPost, "/p/notes/access/v1/evaluation", annReadsHers).want(t, http.StatusOK)
}

func TestAPolicySetThatIsNoneIsRefusedWithItsPlaces(t *testing.T) {
	w := newWorld(t, options{library: true})
	wrong := notes()
	wrong.Files["notes.rego"] = "package authzen.notes\n\nallow if input.subjct.id == \"ann\"\n"
	got := w.do(t, http.MethodPost, "/v1/policies", wrong, as("lena")).want(t, http.StatusUnprocessableEntity)
	if !strings.Contains(string(got.body), `"path":"notes.rego","row":3,"col":10`) {
		t.Errorf("got %s", got.body)
	}
	wrong = notes()
	wrong.Files["notes_test.rego"] = "package authzen.notes_test\n\nimport data.authzen.notes\n\ntest_all if notes.allow\n"
	if got := w.do(t, http.MethodPost, "/v1/policies", wrong, as("lena")).want(t, http.StatusConflict); !strings.Contains(string(got.body), `"gates_open"`) || !strings.Contains(string(got.body), "1 tests fail") {
		t.Errorf("got %s", got.body)
	}
	wrong = notes()
	wrong.Set = "cordon"
	if got := w.do(t, http.MethodPost, "/v1/policies", `{"set":"cordon","files":{"a.rego":"package authzen.cordon"}}`, as("lena")).want(t, http.StatusBadRequest); !strings.Contains(string(got.body), `"/set"`) {
		t.Errorf("got %s", got.body)
	}
	w.do(t, http.MethodPost, "/p/notes/access/v1/evaluation", annReadsHers).want(t, http.StatusNotFound)
}

func TestAPolicySetFindsWhatItWouldAllow(t *testing.T) {
	w := newWorld(t, options{library: true})
	made := w.addSet(t, notes())
	for name, test := range map[string]struct{ find, body, want string }{
		"who":         {"subject", `{"subject":{"type":"user","id":"zoe"},"action":{"name":"read"},"resource":{"type":"note","id":"n2"}}`, `{"page":{"next_token":"","count":1},"results":[{"type":"user","id":"bob"}]}`},
		"what":        {"resource", `{"subject":{"type":"user","id":"ann"},"action":{"name":"read"},"resource":{"type":"note"}}`, `{"page":{"next_token":"","count":1},"results":[{"type":"note","id":"n1"}]}`},
		"actions":     {"action", `{"subject":{"type":"user","id":"ann","properties":{"team":"red"}},"action":{"name":"x"},"resource":{"type":"note","id":"n1","properties":{"team":"red"}}}`, `{"page":{"next_token":"","count":2},"results":[{"name":"edit"},{"name":"read"}]}`},
		"no such":     {"subject", `{"subject":{"type":"spaceship"},"action":{"name":"read"},"resource":{"type":"note","id":"n2"}}`, `{"page":{"next_token":"","count":0},"results":[]}`},
		"its own":     {"resource", `{"subject":{"type":"user","id":"ann","properties":{"team":"red"}},"action":{"name":"edit"},"resource":{"type":"note","properties":{"team":"red"}}}`, `{"page":{"next_token":"","count":0},"results":[]}`},
		"with a page": {"subject", `{"subject":{"type":"user"},"action":{"name":"edit","properties":{"x":1}},"resource":{"type":"note","id":"n2"},"page":{"limit":7,"color":"red"},"context":{"a":1}}`, `{"page":{"next_token":"","count":0},"results":[]}`},
	} {
		got := w.do(t, http.MethodPost, "/p/notes/access/v1/search/"+test.find, test.body).want(t, http.StatusOK)
		if string(got.body) != test.want || got.header.Get(client.HeaderPolicy) != made.Version.Digest {
			t.Errorf("%s: got %s", name, got.body)
		}
	}
	// What is about organizations is passed over, as it is by an evaluation.
	for path, body := range map[string]string{"evaluation": annReadsHers, "evaluations": annReadsHers, "search/subject": annReadsHers} {
		w.do(t, http.MethodPost, "/p/notes/access/v1/"+path, body, set(client.HeaderAtLeast, "notes")).want(t, http.StatusOK)
	}
	w.do(t, http.MethodPost, "/p/others/access/v1/search/subject", `{"subject":{"type":"user"},"action":{"name":"read"},"resource":{"type":"note","id":"n2"}}`).want(t, http.StatusNotFound)
}

// All that a set finds is on its pages, once, whatever their size, and a token is of its set and of what was asked.
func TestThePagesOfASetHoldAllThatItFinds(t *testing.T) {
	w := newWorld(t, options{library: true})
	many := notes()
	many.Files = map[string]string{"notes.rego": "package authzen.notes\n\nentities.resource.note contains format_int(n, 10) if some n in numbers.range(1, 45)\n\nallow if to_number(input.resource.id) % 3 == 0\n"}
	w.addSet(t, many)
	other := client.PolicySetNew{Set: "other", Files: map[string]string{"a.rego": "package authzen.other\n\nentities.resource.note := [\"1\"]\n\nallow := true\n"}}
	w.addSet(t, other)
	body := func(page string) string {
		return `{"subject":{"type":"user","id":"ann"},"action":{"name":"read"},"resource":{"type":"note"},"page":` + page + `}`
	}
	for _, limit := range []string{"1", "4", "15"} {
		seen, token := map[string]bool{}, ""
		for page := 0; page == 0 || token != ""; page++ {
			if page > 20 {
				t.Fatal("there is no end")
			}
			ask := body(`{"limit":` + limit + `}`)
			if token != "" {
				ask = body(`{"token":"` + token + `"}`)
			}
			var found client.SearchResponse[client.Resource]
			w.do(t, http.MethodPost, "/p/notes/access/v1/search/resource", ask).want(t, http.StatusOK).into(t, &found)
			for _, e := range found.Results {
				if seen[e.ID] {
					t.Errorf("%s is found twice", e.ID)
				}
				seen[e.ID] = true
			}
			token = found.Page.NextToken
		}
		if len(seen) != 15 {
			t.Errorf("pages of %s: %d are found", limit, len(seen))
		}
	}
	got := w.do(t, http.MethodPost, "/p/notes/access/v1/search/resource", body(`{"limit":1}`)).want(t, http.StatusOK)
	_, token, _ := strings.Cut(string(got.body), `"next_token":"`)
	token, _, _ = strings.Cut(token, `"`)
	for path, ask := range map[string]string{
		"/p/other/access/v1/search/resource": body(`{"token":"` + token + `"}`),
		"/access/v1/search/resource":         body(`{"token":"` + token + `"}`),
		"/p/notes/access/v1/search/resource": strings.Replace(body(`{"token":"`+token+`"}`), "ann", "bob", 1),
	} {
		w.do(t, http.MethodPost, path, ask).want(t, http.StatusBadRequest)
	}
}

// A decision of a set is on record with its whole input, and is decided again by its own version. It is none of the built-in
// policy's: a replay leaves it out.
func TestADecisionOfAPolicySetIsOnRecord(t *testing.T) {
	w := newWorld(t, options{library: true})
	set := notes()
	set.Files["notes.rego"] = "package authzen.notes\n\ndecision := {\"decision\": input.subject.id == \"ann\", \"context\": {\"why\": input.context.hour}}\n\ndecision := {\"decision\": \"yes\"} if not input.context\n"
	made := w.addSet(t, set)
	question := `{"subject":{"type":"user","id":"ann","properties":{"n":12345678901234567890},"more":1},"action":{"name":"read"},"resource":{"type":"note","id":"n1"},"context":{"hour":11}}`
	got := w.do(t, http.MethodPost, "/p/notes/access/v1/evaluation", question).want(t, http.StatusOK)
	if string(got.body) != `{"decision":true,"context":{"why":11}}` {
		t.Errorf("got %s", got.body)
	}
	failed := w.do(t, http.MethodPost, "/p/notes/access/v1/evaluation", annReadsHers).want(t, http.StatusInternalServerError)
	if !strings.Contains(string(failed.body), `"policy_failed"`) || strings.Contains(string(failed.body), "yes") {
		t.Errorf("got %s", failed.body)
	}
	item := w.do(t, http.MethodPost, "/p/notes/access/v1/evaluations", strings.Replace(annReadsHers, `{`, `{"evaluations":[{},{"context":{"hour":1}}],`, 1)).want(t, http.StatusOK)
	if !strings.HasPrefix(string(item.body), `{"evaluations":[{"decision":false,"context":{"error":{"status":500,`) || !strings.HasSuffix(string(item.body), `,{"decision":true,"context":{"why":1}}]}`) {
		t.Errorf("got %s", item.body)
	}
	if err := w.journal.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		id, input, details string
		decision           bool
	}{
		{got.header.Get(client.HeaderDecisionID), strings.Replace(question, `,"more":1`, "", 1), `{"context":{"why":11},"set":"notes"}`, true},
		{failed.header.Get(client.HeaderDecisionID), annReadsHers, `{"error":"policy gave no usable result: decision.decision is a string, and not true or false","set":"notes"}`, false},
	} {
		var r client.Record
		w.do(t, http.MethodGet, "/v1/decisions/"+test.id, nil).want(t, http.StatusOK).into(t, &r)
		if string(r.Input) != test.input || r.Decision != test.decision || r.Policy != made.Version.Digest || string(r.Details) != test.details || r.Kind != "decision" || len(r.Reasons) != 0 {
			t.Errorf("got %+v\n%s\n%s", r, r.Input, r.Details)
		}
		var x client.Explanation
		w.do(t, http.MethodGet, "/v1/decisions/"+test.id+"/explain", nil).want(t, http.StatusOK).into(t, &x)
		if !x.Reproduced || x.Decision != test.decision || len(x.Trace) == 0 {
			t.Errorf("explained: %+v", x)
		}
	}
}

// What items inherit is theirs, and goes on record with each: a batch that would come to too much that way is refused.
func TestABatchThatComesToTooMuchWithWhatItsItemsInheritIsRefused(t *testing.T) {
	w := newWorld(t, options{library: true})
	w.addSet(t, notes())
	large := `{"subject":{"type":"user","id":"ann","properties":{"x":"` + strings.Repeat("x", 100_000) + `"}},"action":{"name":"read"},"resource":{"type":"note","id":"n1"},"evaluations":[`
	if got := w.do(t, http.MethodPost, "/p/notes/access/v1/evaluations", large+strings.Repeat("{},", 49)+"{}]}").want(t, http.StatusRequestEntityTooLarge); !strings.Contains(string(got.body), "4 MiB") {
		t.Errorf("got %s", got.body)
	}
	w.do(t, http.MethodPost, "/p/notes/access/v1/evaluations", large+"{},{}]}").want(t, http.StatusOK)
}

func TestAPolicySetHasMetadataOfItsOwn(t *testing.T) {
	w := newWorld(t, options{library: true, server: func(c *server.Config) { c.PublicURL = "https://pdp.example/base" }})
	w.addSet(t, notes())
	var got client.Metadata
	w.do(t, http.MethodGet, "/.well-known/authzen-configuration/p/notes", nil).want(t, http.StatusOK).into(t, &got)
	if got.PolicyDecisionPoint != "https://pdp.example/base/p/notes" || got.AccessEvaluationEndpoint != got.PolicyDecisionPoint+"/access/v1/evaluation" || got.SearchActionEndpoint != got.PolicyDecisionPoint+"/access/v1/search/action" {
		t.Errorf("got %+v", got)
	}
	w.do(t, http.MethodGet, "/.well-known/authzen-configuration/p/others", nil).want(t, http.StatusNotFound)
	w.do(t, http.MethodGet, "/.well-known/authzen-configuration/p/cordon", nil).want(t, http.StatusNotFound)
}

func TestAVersionOfAPolicySetIsTried(t *testing.T) {
	w := newWorld(t, options{library: true})
	w.addSet(t, notes())
	files := notes().Files
	files["notes.rego"] = "package authzen.notes\n\ndecision := {\"decision\": input.subject.id == \"bob\", \"context\": {\"to\": input.subject.id}} if {\n\tprint(\"asked by\", input.subject.id)\n}\n"
	var draft client.PolicyPushed
	w.do(t, http.MethodPost, "/v1/policies/notes/versions", client.PolicyPush{Message: "bob", Files: files}, as("lena")).want(t, http.StatusCreated).into(t, &draft)
	for name, test := range map[string]struct {
		body, context string
		decision      bool
		printed       int
	}{
		"in force":              {`{"question":` + annReadsHers + `}`, "", true, 0},
		"an input":              {`{"input":` + annReadsBobs + `}`, "", false, 0},
		"with facts":            {`{"input":` + annReadsBobs + `,"facts":{"resource":{"id":"n1"}}}`, "", true, 0},
		"a draft":               {`{"digest":"` + draft.Version.Digest + `","question":` + annReadsHers + `}`, `{"to":"ann"}`, false, 1},
		"a draft with facts":    {`{"digest":"` + draft.Version.Digest + `","question":` + annReadsHers + `,"facts":{"subject":{"id":"bob"}}}`, `{"to":"bob"}`, true, 1},
		"properties are passed": {`{"question":` + annEdits + `}`, "", true, 0},
	} {
		var got client.PolicyEvaluation
		w.do(t, http.MethodPost, "/v1/policies/notes/evaluate", test.body).want(t, http.StatusOK).into(t, &got)
		if got.Decision != test.decision || string(got.Context) != test.context || len(got.Printed) != test.printed || len(got.Trace) == 0 || got.Undecided != "" {
			t.Errorf("%s: got %+v", name, got)
		}
	}
	for _, body := range []string{`{}`, `{"input":{"subject":{}}}`, `{"input":` + annReadsHers + `,"at":"2026-01-01T00:00:00Z"}`, `{"input":` + annReadsHers + `,"question":` + annReadsHers + `}`} {
		w.do(t, http.MethodPost, "/v1/policies/notes/evaluate", body).want(t, http.StatusBadRequest)
	}
	w.do(t, http.MethodPost, "/v1/policies/others/evaluate", `{"input":`+annReadsHers+`}`).want(t, http.StatusNotFound)
}
