package server_test

import (
	"net/http"
	"strings"
	"testing"

	"cordon.example/client"
)

// notes is a policy set in which people read their own notes, and editors all of their team.
func notes() client.PolicySetNew {
	return client.PolicySetNew{Set: "notes", Message: "the notes", Files: map[string]string{
		"notes.rego": `package authzen.notes

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
