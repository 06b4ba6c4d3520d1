package interfaces_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"cordon/tests/program"
)

// overHTTP asks with plain requests.
type overHTTP struct {
	s   *program.Server
	org string
}

func openHTTP(s *program.Server, org string) door { return overHTTP{s, org} }

// answer is what any of the calls may answer.
type answer struct {
	Decision bool
	Context  struct{ Reasons []struct{ Code string } }
	Reasons  []struct{ Code string }
	Code     string
}

func (d overHTTP) post(t *testing.T, by who, path string, body any) (int, answer) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.s.URL+path, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+d.s.Key)
	request.Header.Set("Content-Type", "application/json")
	if agent, ok := by.agent(); ok {
		request.Header.Set("Cordon-Agent", agent)
	} else if by != "" {
		request.Header.Set("Cordon-Actor", string(by))
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var a answer
	if err := json.NewDecoder(response.Body).Decode(&a); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return response.StatusCode, a
}

func codesOf(reasons []struct{ Code string }) string {
	var codes []string
	for _, r := range reasons {
		codes = append(codes, r.Code)
	}
	return strings.Join(codes, ", ")
}

func outcome(status int, a answer) string {
	switch {
	case status == http.StatusOK:
		return "done"
	case status == http.StatusForbidden && a.Code == "denied":
		return "denied: " + codesOf(a.Reasons)
	case status == http.StatusConflict:
		return "conflict: " + a.Code
	}
	return http.StatusText(status) + ": " + a.Code
}

func (d overHTTP) check(t *testing.T, q question) string {
	t.Helper()
	kind := q.kind
	if kind == "" {
		kind = "product"
	}
	action := map[string]any{"name": q.action}
	properties := map[string]string{}
	if q.channel != "" {
		properties["channel"] = q.channel
	}
	if q.role != "" {
		properties["role"] = q.role
	}
	action["properties"] = properties
	status, a := d.post(t, "", "/access/v1/evaluation", map[string]any{
		"subject":  map[string]any{"type": "user", "id": q.user},
		"action":   action,
		"resource": map[string]any{"type": kind, "id": q.resource, "properties": map[string]any{"organization": d.org}},
	})
	if status != http.StatusOK {
		return outcome(status, a)
	}
	if a.Decision {
		return "allowed: " + codesOf(a.Context.Reasons)
	}
	return "denied: " + codesOf(a.Context.Reasons)
}

func (d overHTTP) act(t *testing.T, by who, verb, product string) string {
	t.Helper()
	path := map[string]string{"block": "block", "unblock": "unblock", "start": "start-maintenance", "end": "end-maintenance"}[verb]
	return outcome(d.post(t, by, "/v1/organizations/"+d.org+"/products/"+product+"/"+path, map[string]any{"reason": "test"}))
}

func (d overHTTP) code(t *testing.T, by who) string {
	t.Helper()
	c, err := d.s.Client(nil).As(string(by)).CreateSupportCode(t.Context(), d.org)
	if err != nil {
		t.Fatal(err)
	}
	return c.Code
}

// presented gives the code that an act presents.
func presented(t *testing.T, d door, a userAct) string {
	t.Helper()
	switch a.codeOf {
	case "":
		return ""
	case "-":
		return "WRON-GWRO-NGWR"
	}
	return d.code(t, who(a.codeOf))
}

func (d overHTTP) user(t *testing.T, by who, verb, user string, a userAct) string {
	t.Helper()
	body := map[string]any{}
	if a.justification != "" {
		body["justification"] = a.justification
	}
	if code := presented(t, d, a); code != "" {
		body["support_code"] = code
	}
	if a.channels != nil {
		body["channels"] = a.channels
	}
	return outcome(d.post(t, by, "/v1/organizations/"+d.org+"/users/"+user+"/"+verb, body))
}
