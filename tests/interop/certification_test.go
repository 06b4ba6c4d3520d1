package interop_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"cordon.example/client"
	"cordon/tests/program"
)

// demand is one line of what a decision point is certified by.
type demand struct {
	exchange
	status []int                    // that are right; none: 200
	want   string                   // the answer, as JSON; "": anything
	check  func(*testing.T, answer) // of what is neither
	has    []string                 // texts of results that a search must have, among others
	header map[string]string        // of the answer
}

// plan is what is demanded of one endpoint.
type plan struct {
	endpoint func(client.Metadata) string
	example  string // a question that is answered, to be spoilt in the ways that all endpoints refuse
	demands  map[string]demand
}

// Each demand is a test, in each way of saying who asks.
func TestCertification(t *testing.T) {
	plans := map[string]plan{
		"evaluation": evaluationPlan(), "evaluations": evaluationsPlan(), "search subject": subjectPlan(), "search resource": resourcePlan(),
		"search action": actionPlan(),
	}
	for auth, authorize := range map[string]func(key string) func(*http.Request){
		"none": nil, "bearer": bearer, "basic": basic, "mtls": nil,
	} {
		t.Run(auth, func(t *testing.T) {
			t.Parallel()
			var flags []string
			switch auth {
			case "none":
				flags = []string{"--anonymous"}
			case "mtls":
				flags = []string{"--anonymous", "--tls-client-ca", program.AuthorityOfClients}
			}
			server := serve(t, []string{"certification"}, flags...)
			var credentials func(*http.Request)
			if authorize != nil {
				credentials = authorize(server.Key)
			}
			p := discover(t, server, "certification", credentials)
			for name, plan := range plans {
				t.Run(name, func(t *testing.T) {
					address := plan.endpoint(p.metadata)
					for demanded, d := range plan.demands {
						t.Run(demanded, func(t *testing.T) { p.meets(t, address, d) })
					}
					for demanded, d := range transport(plan.example) {
						t.Run(demanded, func(t *testing.T) { p.meets(t, address, d) })
					}
					if credentials != nil {
						t.Run("missing credentials", func(t *testing.T) {
							p.meets(t, address, demand{exchange: exchange{body: plan.example, bare: true}, status: []int{401}})
						})
						t.Run("a 401 challenges", func(t *testing.T) {
							if got := p.send(t, exchange{body: plan.example, bare: true}, address).header.Get("WWW-Authenticate"); got == "" {
								t.Error("it has no WWW-Authenticate")
							}
						})
					}
					t.Run("invalid credentials", func(t *testing.T) {
						p.meets(t, address, demand{exchange: exchange{body: plan.example, authorize: bearer("ck_nobody_nothing")}, status: []int{401}})
					})
					t.Run("the same question has the same answer", func(t *testing.T) {
						first := p.ask(t, address, plan.example)
						for range 2 {
							if again := p.ask(t, address, plan.example); string(again.body) != string(first.body) {
								t.Errorf("first %s, then %s", first.body, again.body)
							}
						}
					})
				})
			}
		})
	}
}

func (p *pdp) meets(t *testing.T, address string, d demand) {
	t.Helper()
	got := p.send(t, d.exchange, address)
	want := d.status
	if want == nil {
		want = []int{200}
	}
	if !slices.Contains(want, got.status) {
		t.Fatalf("%s\ngives %d %s, want %v", d.body, got.status, got.body, want)
	}
	for name, value := range d.header {
		if got.header.Get(name) != value {
			t.Errorf("%s is %q, want %q", name, got.header.Get(name), value)
		}
	}
	if got.status != http.StatusOK {
		if len(got.body) == 0 || strings.Contains(string(got.body), `"decision":true`) {
			t.Errorf("%d says %q", got.status, got.body)
		}
		return
	}
	if media := got.header.Get("Content-Type"); media != "application/json" {
		t.Errorf("it is %q", media)
	}
	if d.want != "" && compact(t, got.body) != compact(t, json.RawMessage(d.want)) {
		t.Errorf("%s\ngives %s, want %s", d.body, got.body, d.want)
	}
	if d.check != nil {
		d.check(t, got)
	}
	if d.has != nil {
		found := p.found(t, address, d.body)
		for _, one := range d.has {
			if !slices.Contains(found, one) {
				t.Errorf("%s\nfinds %v, without %s", d.body, found, one)
			}
		}
	}
}

// transport is what every endpoint has in common (AuthZEN 10): a question in the wrong dress is refused.
func transport(example string) map[string]demand {
	refused := []int{http.StatusBadRequest}
	method := func(name string) demand {
		return demand{exchange: exchange{method: name, body: example}, status: []int{http.StatusMethodNotAllowed}, header: map[string]string{"Allow": "POST"}}
	}
	id := "a request, with: any; text=" + strings.Repeat("x", 40)
	return map[string]demand{
		"GET is refused":                          method(http.MethodGet),
		"PUT is refused":                          method(http.MethodPut),
		"DELETE is refused":                       method(http.MethodDelete),
		"an array is refused":                     {exchange: exchange{body: "[" + example + "]"}, status: refused},
		"text/plain is refused":                   {exchange: exchange{body: example, contentType: "text/plain"}, status: refused},
		"a charset is accepted":                   {exchange: exchange{body: example, contentType: "application/json; charset=utf-8"}},
		"malformed JSON is refused":               {exchange: exchange{body: example[:len(example)-1]}, status: refused},
		"an empty body is refused":                {exchange: exchange{}, status: refused},
		"what follows the object is refused":      {exchange: exchange{body: example + "{}"}, status: refused},
		"a member twice is refused":               {exchange: exchange{body: strings.Replace(example, `{`, `{"subject":{"type":"user","id":"bob"},`, 1)}, status: refused},
		"X-Request-ID is echoed":                  {exchange: exchange{body: example, header: http.Header{"X-Request-Id": {id}}}, header: map[string]string{"X-Request-Id": id}},
		"X-Request-ID is echoed with an error":    {exchange: exchange{body: "{", header: http.Header{"X-Request-Id": {id}}}, status: refused, header: map[string]string{"X-Request-Id": id}},
		"an unknown member is ignored":            {exchange: exchange{body: strings.Replace(example, `{`, `{"future":[1,{"a":null}],`, 1)}},
		"a member null is absent":                 {exchange: exchange{body: strings.Replace(example, `{`, `{"context":null,`, 1)}},
		"context is accepted and changes nothing": {exchange: exchange{body: strings.Replace(example, `{`, `{"context":{"time":"2026-01-01T00:00:00Z","ip":"::1"},`, 1)}},
	}
}

// found asks a search for all of its pages, and gives the texts of the results.
func (p *pdp) found(t *testing.T, address, body string) []string {
	t.Helper()
	var asked map[string]any
	if err := json.Unmarshal([]byte(body), &asked); err != nil {
		t.Fatal(err)
	}
	var found []string
	for range 100 {
		text, err := json.Marshal(asked)
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			Page *struct {
				NextToken string `json:"next_token"`
				Count     int    `json:"count"`
			} `json:"page"`
			Results []json.RawMessage `json:"results"`
		}
		p.ask(t, address, string(text)).read(t, &got)
		for _, one := range got.Results {
			found = append(found, compact(t, one))
		}
		if got.Page == nil || got.Page.NextToken == "" {
			return found
		}
		asked["page"] = map[string]any{"token": got.Page.NextToken}
	}
	t.Fatalf("%s: it has no end in 100 pages", body)
	return nil
}

const (
	alice    = `{"type":"user","id":"alice"}`
	bob      = `{"type":"user","id":"bob"}`
	active   = `{"type":"record","id":"record-1"}`
	archived = `{"type":"record","id":"record-2"}`
	yes      = `{"decision":true}`
	no       = `{"decision":false}`
)

// question is a body of the members that are not empty.
func question(subject, action, resource string) string {
	var members []string
	for name, value := range map[string]string{"subject": subject, "action": action, "resource": resource} {
		if value != "" {
			members = append(members, fmt.Sprintf("%q:%s", name, value))
		}
	}
	slices.Sort(members)
	return "{" + strings.Join(members, ",") + "}"
}

func named(action string) string { return fmt.Sprintf(`{"name":%q}`, action) }
