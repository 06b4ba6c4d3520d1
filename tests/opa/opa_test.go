// Package opa_test asks Cordon with the client that Open Policy Agent's project publishes, of npm.
package opa_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"cordon/tests/program"
)

func TestMain(m *testing.M) { program.Main(m) }

// answers runs the client, and gives what it printed by name.
func answers(t *testing.T, url, key string) map[string]json.RawMessage {
	t.Helper()
	node := program.Node(t, "ask.mjs")
	node.Env = append(os.Environ(), "CORDON_URL="+url, "CORDON_KEY="+key)
	var wrong strings.Builder
	node.Stderr = &wrong
	out, err := node.Output()
	if err != nil {
		t.Fatalf("ask: %v\n%s%s", err, out, wrong.String())
	}
	told := map[string]json.RawMessage{}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		var line map[string]json.RawMessage
		var name string
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil || json.Unmarshal(line["name"], &name) != nil {
			t.Fatalf("%s: %v", lines.Text(), err)
		}
		delete(line, "name")
		if told[name], err = json.Marshal(line); err != nil {
			t.Fatal(err)
		}
	}
	return told
}

const directory = `{"organization":{"id":"acme","name":"Acme","legal_representative":{"id":"rita","name":"Rita"}}}
{"product":{"organization":"acme","id":"shop","name":"Shop","kind":"web_hosting"}}
{"user":{"organization":"acme","id":"anna","name":"Anna","role":"administrator"}}
{"user":{"organization":"acme","id":"clio","name":"Clio","role":"client"}}
`

const notes = `{"set":"notes","message":"the notes","files":{
	"notes.rego":"package authzen.notes\n\nallow if data.notes[input.resource.id].owner == input.subject.id\n",
	"data.json":"{\"notes\": {\"n1\": {\"owner\": \"ann\"}, \"n2\": {\"owner\": \"bob\"}}}"}}`

func TestOPAsOwnClient(t *testing.T) { // docs/design.md 14
	where := program.Embedded(t)
	key := program.FirstKey(t, where)
	s := program.Serve(t, where, key, "--opa-packages", "cordon,authzen.notes")
	send := func(path, media, body string, status int) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header = http.Header{"Authorization": {"Bearer " + key}, "Content-Type": {media}, "Cordon-Actor": {"lena"}}
		if path == "/v1/import" {
			request.Header.Del("Cordon-Actor")
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if text, err := io.ReadAll(response.Body); err != nil || response.StatusCode != status {
			t.Fatalf("%s: got %d %s %v", path, response.StatusCode, text, err)
		}
	}
	send("/v1/import", "application/x-ndjson", directory, http.StatusOK)
	send("/v1/policies", "application/json", notes, http.StatusCreated)
	told := answers(t, s.URL, key)
	for name, want := range map[string]string{
		"allowed":          `{"answer":true,"undefined":false}`,
		"denied":           `{"answer":false,"undefined":false}`,
		"decision":         `{"answer":["not_granted"],"undefined":false}`,
		"package":          `{"answer":true,"undefined":false}`,
		"set":              `{"answer":true,"undefined":false}`,
		"set, undefined":   `{"undefined":true}`,
		"no such document": `{"undefined":true}`,
		"no such package":  `{"error":"SDKError","message":"API error occurred: Status 404`,
		"no input":         `{"error":"ClientError","message":"parameter contains malformed input document: input is missing`,
		"no question":      `{"error":"ClientError","message":"body contains malformed input document: input/subject is required; input/action is required`,
		"batch":            `{"answer":{"one":true,"two":false},"undefined":false}`,
	} {
		if !strings.HasPrefix(string(told[name]), want) {
			t.Errorf("%s: got %s, want %s", name, told[name], want)
		}
		delete(told, name)
	}
	if len(told) > 0 {
		t.Errorf("nobody looks at %s", told)
	}
}
