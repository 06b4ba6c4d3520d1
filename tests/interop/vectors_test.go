package interop_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"
)

// vector is one question of the working group, and the answer.
type vector struct {
	Request  json.RawMessage `json:"request"`
	Expected json.RawMessage `json:"expected"`
}

// vectors reads a file of them: lists by the name of their endpoint.
func vectors(t *testing.T, name string) map[string][]vector {
	t.Helper()
	text, err := os.ReadFile("vectors/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var all map[string][]vector
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// The rules of comparison are those of the working group's own harnesses: of a single evaluation the decision, of a batch the
// whole array by its text, of a search the set of its results, each by its text.
func TestTheOfficialVectorsPass(t *testing.T) {
	server := serve(t, []string{"todo", "gateway", "records"})
	passed := 0
	for _, scenario := range []struct {
		set, file string
		counts    map[string]int
		search    string
	}{
		{"todo", "todo-1_0-02.json", map[string]int{"evaluation": 40, "evaluations": 3}, ""},
		{"gateway", "gateway.json", map[string]int{"evaluation": 25}, ""},
		{"records", "search-subject.json", map[string]int{"evaluation": 60}, "subject"},
		{"records", "search-resource.json", map[string]int{"evaluation": 18}, "resource"},
		{"records", "search-action.json", map[string]int{"evaluation": 120}, "action"},
		{"records", "idp.json", map[string]int{"search": 6}, "resource"},
	} {
		p := discover(t, server, scenario.set, bearer(server.Key))
		for kind, list := range vectors(t, scenario.file) {
			if len(list) != scenario.counts[kind] {
				t.Errorf("%s has %d of %s, want %d", scenario.file, len(list), kind, scenario.counts[kind])
			}
			for i, v := range list {
				t.Run(fmt.Sprintf("%s/%s/%d", scenario.file, kind, i), func(t *testing.T) {
					switch {
					case scenario.search != "":
						p.search(t, scenario.search, v)
					case kind == "evaluation":
						p.evaluation(t, v)
					default:
						p.evaluations(t, v)
					}
				})
				passed++
			}
		}
	}
	if passed != 272 {
		t.Errorf("%d vectors were asked, want 272", passed)
	}
}

func (p *pdp) evaluation(t *testing.T, v vector) {
	t.Helper()
	var got struct {
		Decision *bool `json:"decision"`
	}
	p.ask(t, p.metadata.AccessEvaluationEndpoint, string(v.Request)).read(t, &got)
	if got.Decision == nil || fmt.Sprint(*got.Decision) != string(v.Expected) {
		t.Errorf("%s\ngives %+v, want %s", v.Request, got, v.Expected)
	}
}

func (p *pdp) evaluations(t *testing.T, v vector) {
	t.Helper()
	var got struct {
		Evaluations json.RawMessage `json:"evaluations"`
	}
	p.ask(t, p.metadata.AccessEvaluationsEndpoint, string(v.Request)).read(t, &got)
	if is, want := compact(t, got.Evaluations), compact(t, v.Expected); is != want {
		t.Errorf("%s\ngives %s, want %s", v.Request, is, want)
	}
}

func (p *pdp) search(t *testing.T, find string, v vector) {
	t.Helper()
	endpoint := map[string]string{
		"subject": p.metadata.SearchSubjectEndpoint, "resource": p.metadata.SearchResourceEndpoint, "action": p.metadata.SearchActionEndpoint,
	}[find]
	type results struct {
		Results []json.RawMessage `json:"results"`
		Page    any               `json:"page,omitempty"`
	}
	var got, want results
	p.ask(t, endpoint, string(v.Request)).read(t, &got)
	if err := json.Unmarshal(v.Expected, &want); err != nil {
		t.Fatal(err)
	}
	if is, should := sorted(t, got.Results), sorted(t, want.Results); !slices.Equal(is, should) {
		t.Errorf("%s\ngives %v, want %v", v.Request, is, should)
	}
}

// sorted gives the texts of what was found, in an order.
func sorted(t *testing.T, found []json.RawMessage) []string {
	t.Helper()
	texts := make([]string, len(found))
	for i := range found {
		texts[i] = compact(t, found[i])
	}
	slices.Sort(texts)
	return texts
}

func compact(t *testing.T, text json.RawMessage) string {
	t.Helper()
	var short bytes.Buffer
	if err := json.Compact(&short, text); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return short.String()
}
