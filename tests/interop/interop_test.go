// Package interop_test asks Cordon what the AuthZEN working group asks any decision point: the vectors of its interop
// scenarios, and each demand of its certification scenario.
//
// The policies are sets of an operator (sets/), loaded as an operator loads them and asked over TLS. The vectors (vectors/)
// are those of github.com/openid/authzen, unchanged; vectors/LICENSE is theirs.
package interop_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"cordon.example/client"
	"cordon/tests/program"
)

func TestMain(m *testing.M) { program.Main(m) }

// serve starts a server that is asked over TLS, with the sets that are named.
func serve(t *testing.T, sets []string, flags ...string) *program.Secure {
	t.Helper()
	place := program.Embedded(t)
	server := program.ServeTLS(t, place, program.FirstKey(t, place), flags...)
	for _, name := range sets {
		out, errs, code := server.CLI("policy-set", "add", name, "sets/"+name, "--as", "operator", "-m", "the scenario "+name)
		if code != 0 {
			t.Fatalf("cordon policy-set add %s: exit %d\n%s%s", name, code, out, errs)
		}
		if !strings.HasPrefix(errs, "tests: ") || !strings.Contains(errs, "coverage 100.0 %") {
			t.Errorf("the examples leave something to remark: %s:\n%s", name, errs)
		}
	}
	return server
}

// pdp is a decision point as one that asks it sees it.
type pdp struct {
	web       *http.Client
	metadata  client.Metadata
	authorize func(*http.Request) // nil: it is asked without credentials
}

// discover finds the decision point of a set by its metadata (AuthZEN 9): all that is asked later is asked there.
func discover(t *testing.T, server *program.Secure, set string, authorize func(*http.Request)) *pdp {
	t.Helper()
	p := &pdp{web: server.Web, authorize: authorize}
	got := p.send(t, exchange{method: http.MethodGet, bare: true}, server.URL+"/.well-known/authzen-configuration/p/"+set)
	if got.status != http.StatusOK {
		t.Fatalf("the metadata of %s: %d %s", set, got.status, got.body)
	}
	if err := json.Unmarshal(got.body, &p.metadata); err != nil {
		t.Fatal(err)
	}
	return p
}

// exchange is what is sent, where it differs from a POST of JSON.
type exchange struct {
	method      string
	contentType string
	body        string
	header      http.Header
	host        string // instead of the server's
	authorize   func(*http.Request)
	bare        bool // without credentials
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

func (p *pdp) send(t *testing.T, e exchange, address string) answer {
	t.Helper()
	if e.method == "" {
		e.method = http.MethodPost
	}
	request, err := http.NewRequestWithContext(t.Context(), e.method, address, strings.NewReader(e.body))
	if err != nil {
		t.Fatal(err)
	}
	if e.contentType == "" {
		e.contentType = "application/json"
	}
	request.Host = e.host
	request.Header.Set("Content-Type", e.contentType)
	for name, values := range e.header {
		request.Header[name] = values
	}
	switch {
	case e.bare:
	case e.authorize != nil:
		e.authorize(request)
	case p.authorize != nil:
		p.authorize(request)
	}
	response, err := p.web.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, body}
}

// ask sends a body, and gives the answer of 200 in JSON.
func (p *pdp) ask(t *testing.T, address, body string) answer {
	t.Helper()
	got := p.send(t, exchange{body: body}, address)
	if got.status != http.StatusOK || got.header.Get("Content-Type") != "application/json" {
		t.Fatalf("%s\n%s\ngives %d %s: %s", address, body, got.status, got.header.Get("Content-Type"), got.body)
	}
	return got
}

// read reads a body into something; members that it has not are an error.
func (a answer) read(t *testing.T, into any) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(a.body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		t.Fatalf("%s: %v", a.body, err)
	}
}

func bearer(key string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+key) }
}

func basic(key string) func(*http.Request) {
	_, rest, _ := strings.Cut(key, "_")
	id, secret, _ := strings.Cut(rest, "_")
	return func(r *http.Request) { r.SetBasicAuth(id, secret) }
}
