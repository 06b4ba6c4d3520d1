// Package contract_test tries the contract of the real server to the letter, as a stranger does who has
// nothing but HTTP, a mailbox and a stop watch; and it tells what must not happen over a whole run:
// that a secret gets out, a mail is lost, a block is seen late, or an end is missed.
package contract_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"cordon/tests/program"
)

func TestMain(m *testing.M) { program.Main(m) }

// directory is the organization ORG: lena (legal representative), adam (administrator), carl
// (collaborator, granted shop and mail), cleo (client without grants).
const directory = `{"organization":{"id":"ORG","name":"Acme","legal_representative":{"id":"lena","name":"Lena","email":"lena@ORG.example","language":"en"}}}
{"product":{"organization":"ORG","id":"ORG-shop","name":"Shop","kind":"web_hosting"}}
{"product":{"organization":"ORG","id":"ORG-mail","name":"Mail","kind":"mail_service"}}
{"user":{"organization":"ORG","id":"adam","name":"Adam","email":"adam@ORG.example","language":"fr","role":"administrator"}}
{"user":{"organization":"ORG","id":"carl","name":"Carl","email":"carl@ORG.example","language":"de","role":"collaborator","grants":["ORG-shop","ORG-mail"]}}
{"user":{"organization":"ORG","id":"cleo","name":"Cleo","email":"cleo@ORG.example","role":"client"}}
`

// place is one organization on a server, for a test of its own.
type place struct {
	*program.Server
	org  string
	tape *tape // of what it was answered; nil: nobody listens
}

// settle puts an organization in place.
func settle(t *testing.T, s *program.Server, org string) place {
	t.Helper()
	p := place{Server: s, org: org}
	p.ask(t, "POST", "/v1/import", strings.ReplaceAll(directory, "ORG", org), "Content-Type: application/x-ndjson").
		want(t, 200).has(t, "refused", "[]")
	return p
}

// answer is what a request was answered.
type answer struct {
	asked  string
	status int
	header http.Header
	body   string
}

// named puts the organization in where ORG stands by itself: a code or an id may have these letters, too.
func (p place) named(text string) string { return placeholder.ReplaceAllString(text, p.org) }

var placeholder = regexp.MustCompile(`\bORG\b`)

// ask sends a request. In path ~ is the organization's path and in path and body ORG its id; a header
// without a value is left out, as the key and the type of content can be.
func (p place) ask(t *testing.T, method, path, body string, headers ...string) answer {
	t.Helper()
	path = p.named(strings.Replace(path, "~", "/v1/organizations/ORG", 1))
	body = p.named(body)
	request, err := http.NewRequestWithContext(t.Context(), method, p.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if p.Key != "" {
		request.Header.Set("Authorization", "Bearer "+p.Key)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ":")
		if value = strings.TrimSpace(value); value == "" {
			request.Header.Del(name)
		} else {
			request.Header.Set(name, p.named(value))
		}
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	shown := body
	if len(shown) > 200 {
		shown = shown[:200] + "..."
	}
	if p.tape != nil {
		p.tape.add(method+" "+path, fmt.Sprint(response.StatusCode, response.Header, string(content)))
	}
	return answer{strings.TrimSpace(method + " " + path + " " + strings.Join(headers, ", ") + " " + shown), response.StatusCode, response.Header, string(content)}
}

// with is the place, asked with another key.
func (p place) with(key string) place {
	s := *p.Server
	s.Key = key
	p.Server = &s
	return p
}

// want asks for a status, and for the code of a problem where one is given; and for what every answer has.
func (a answer) want(t *testing.T, status int, code ...string) answer {
	t.Helper()
	if a.status != status || len(code) > 0 && a.at("code") != code[0] {
		t.Errorf("%s\n got %d %s\nwant %d %s", a.asked, a.status, a.body, status, strings.Join(code, " "))
	}
	id := a.header.Get("X-Request-ID")
	if id == "" {
		t.Errorf("%s: no X-Request-ID", a.asked)
	}
	if a.status >= http.StatusBadRequest && !strings.HasPrefix(a.asked, "HEAD ") {
		if got := a.header.Get("Content-Type"); got != "application/problem+json" {
			t.Errorf("%s: %d is %q, want application/problem+json", a.asked, a.status, got)
		}
		for _, name := range []string{"type", "title", "detail", "code"} {
			if a.at(name) == "" {
				t.Errorf("%s: the problem has no %s: %s", a.asked, name, a.body)
			}
		}
		if a.at("status") != strconv.Itoa(a.status) {
			t.Errorf("%s: the problem of a %d says %s", a.asked, a.status, a.at("status"))
		}
	}
	return a
}

// has asks for a member of the body, named as names and numbers with dots between; # counts.
func (a answer) has(t *testing.T, path, value string) answer {
	t.Helper()
	if got := a.at(path); got != value {
		t.Errorf("%s: %s is %q, want %q in\n%d %s", a.asked, path, got, value, a.status, a.body)
	}
	return a
}

// tells asks for a header of the answer; an empty value for none.
func (a answer) tells(t *testing.T, name, value string) answer {
	t.Helper()
	if got := a.header.Get(name); got != value {
		t.Errorf("%s: %d with %s %q, want %q", a.asked, a.status, name, got, value)
	}
	return a
}

// reasons are the codes of a decision or of a denied mutation.
func (a answer) reasons(t *testing.T) string {
	t.Helper()
	var body struct {
		Reasons []struct{ Code, Message string }
		Context struct {
			Reasons []struct{ Code, Message string }
		}
	}
	if err := json.Unmarshal([]byte(a.body), &body); err != nil {
		t.Fatalf("%s: %v in %s", a.asked, err, a.body)
	}
	var codes []string
	for _, r := range append(body.Reasons, body.Context.Reasons...) {
		if r.Message == "" {
			t.Errorf("%s: the reason %s has no message", a.asked, r.Code)
		}
		codes = append(codes, r.Code)
	}
	return strings.Join(codes, ", ")
}

// denied asks for a 403 of the rules, with its reasons and its record.
func (a answer) denied(t *testing.T, reasons string) answer {
	t.Helper()
	a.want(t, http.StatusForbidden, "denied")
	if got := a.reasons(t); got != reasons {
		t.Errorf("%s: denied for %q, want %q", a.asked, got, reasons)
	}
	if a.at("decision_id") == "" || a.at("decision_id") != a.header.Get("Cordon-Decision-Id") {
		t.Errorf("%s: decision_id %q, Cordon-Decision-Id %q", a.asked, a.at("decision_id"), a.header.Get("Cordon-Decision-Id"))
	}
	return a
}

// at gives a member of the body, "" where there is none.
func (a answer) at(path string) string {
	var value any
	if err := json.Unmarshal([]byte(a.body), &value); err != nil {
		return ""
	}
	for name := range strings.SplitSeq(path, ".") {
		switch v := value.(type) {
		case map[string]any:
			inner, ok := v[name]
			if !ok {
				return ""
			}
			value = inner
		case []any:
			i, err := strconv.Atoi(name)
			switch {
			case name == "#":
				value = len(v)
			case err != nil || i >= len(v):
				return ""
			default:
				value = v[i]
			}
		default:
			return ""
		}
	}
	if text, ok := value.(string); ok {
		return text
	}
	text, err := json.Marshal(value)
	if err != nil {
		return ""
	}
	return string(text)
}

// check asks a question and gives the answer as "allowed: reasons" or "denied: reasons".
func (p place) check(t *testing.T, user, action, kind, id string, headers ...string) string {
	t.Helper()
	a := p.ask(t, "POST", "/access/v1/evaluation", question(user, action, kind, id), headers...).want(t, 200)
	if a.at("decision") == "true" {
		return "allowed: " + a.reasons(t)
	}
	return "denied: " + a.reasons(t)
}

// question is the body of a question about something in the organization.
func question(user, action, kind, id string) string {
	return `{"subject":{"type":"user","id":"` + user + `"},"action":{"name":"` + action + `"},"resource":{"type":"` + kind + `","id":"` + id +
		`","properties":{"organization":"ORG"}}}`
}

// revision is the organization's.
func (p place) revision(t *testing.T) string {
	t.Helper()
	return p.ask(t, "GET", "~", "").want(t, 200).at("revision")
}

// code makes a support code.
func (p place) code(t *testing.T, maker string) string {
	t.Helper()
	return p.ask(t, "POST", "~/support-codes", "{}", "Cordon-Actor: "+maker).want(t, 201).at("code")
}

// key makes an API key.
func (p place) key(t *testing.T, body string) string {
	t.Helper()
	a := p.ask(t, "POST", "/v1/keys", body).want(t, 201)
	if a.status != 201 {
		t.FailNow()
	}
	return a.at("key")
}

// onEach runs a test against a server on each kind of store.
func onEach(t *testing.T, test func(t *testing.T, s *program.Server)) {
	t.Helper()
	program.EachPlace(t, func(t *testing.T, where program.Place) {
		test(t, program.Serve(t, where, program.FirstKey(t, where), "--log-level", "warn"))
	})
}

// metrics gives the page of the server's figures.
func (p place) metrics(t *testing.T) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.Metrics, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("metrics: %d %v", response.StatusCode, err)
	}
	return string(page)
}

// awaitMetric waits until a line is among the figures. It rests between two looks: without that it takes the
// processor away from the server that it waits for.
func (p place) awaitMetric(t *testing.T, line string) {
	t.Helper()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	page := ""
	for begun := time.Now(); time.Since(begun) < time.Minute; <-again.C {
		if page = p.metrics(t); strings.Contains(page, "\n"+line+"\n") {
			return
		}
	}
	t.Fatalf("never saw %s in\n%s", line, page)
}

func sorted(list []string) []string {
	slices.Sort(list)
	return list
}
