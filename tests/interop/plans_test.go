package interop_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"cordon.example/client"
)

func evaluationPlan() plan {
	asks := func(subject, action, resource, want string) demand {
		return demand{exchange: exchange{body: question(subject, action, resource)}, want: want}
	}
	refuses := func(subject, action, resource string) demand {
		return demand{exchange: exchange{body: question(subject, action, resource)}, status: []int{http.StatusBadRequest}}
	}
	read, write := named("read"), named("write")
	return plan{
		endpoint: func(m client.Metadata) string { return m.AccessEvaluationEndpoint },
		example:  question(alice, read, active),
		demands: map[string]demand{
			"1: alice reads":                           asks(alice, read, active, yes),
			"2: alice writes":                          asks(alice, write, active, yes),
			"3: bob reads":                             asks(bob, read, active, yes),
			"4: bob does not write, with 200":          asks(bob, write, active, no),
			"5: nobody but admins writes the archived": asks(alice, write, `{"type":"record","id":"record-1","properties":{"status":"archived"}}`, no),
			"6: an admin writes the archived":          asks(`{"type":"user","id":"carol","properties":{"role":"admin"}}`, write, `{"type":"record","id":"record-1","properties":{"status":"archived"}}`, yes),
			"7: a soft deletion":                       asks(alice, `{"name":"delete","properties":{"soft":true}}`, active, yes),
			"8: no other deletion":                     asks(alice, `{"name":"delete","properties":{"soft":false}}`, active, no),
			"more properties change nothing":           asks(`{"type":"user","id":"alice","properties":{"role":"manager","n":[1]}}`, read, active, yes),
			"alice reads the archived":                 asks(alice, read, archived, yes),
			"an unknown subject is denied":             asks(`{"type":"user","id":"mallory"}`, read, active, no),
			"an unknown type is denied":                asks(`{"type":"robot","id":"alice"}`, read, active, no),
			"unknown in the subject":                   asks(`{"type":"user","id":"alice","future":1}`, read, active, yes),
			"unknown in the resource":                  asks(alice, read, `{"type":"record","id":"record-1","future":1}`, yes),
			"unknown in the action":                    asks(alice, `{"name":"read","future":1}`, active, yes),
			"no subject":                               refuses("", read, active),
			"no action":                                refuses(alice, "", active),
			"no resource":                              refuses(alice, read, ""),
			"a subject without type":                   refuses(`{"id":"alice"}`, read, active),
			"a subject without id":                     refuses(`{"type":"user"}`, read, active),
			"an action without name":                   refuses(alice, `{}`, active),
			"a resource without type":                  refuses(alice, read, `{"id":"record-1"}`),
			"a resource without id":                    refuses(alice, read, `{"type":"record"}`),
			"a subject that is a string":               refuses(`"alice"`, read, active),
			"a name that is a number":                  refuses(alice, `{"name":1}`, active),
			"a subject that is null":                   refuses("null", read, active),
			"an empty id":                              refuses(`{"type":"user","id":""}`, read, active),
			"properties that are an array":             refuses(`{"type":"user","id":"alice","properties":[]}`, read, active),
			"a member in another case is unknown":      refuses("", read, active+`,"Subject":`+alice),
		},
	}
}

func evaluationsPlan() plan {
	read, write := named("read"), named("write")
	batch := func(defaults, items string) demand {
		return demand{exchange: exchange{body: strings.TrimSuffix(defaults, "}") + `,"evaluations":` + items + "}"}}
	}
	gives := func(d demand, decisions ...string) demand {
		d.want = `{"evaluations":[` + strings.Join(decisions, ",") + `]}`
		return d
	}
	semantic := func(name string) string {
		return strings.TrimSuffix(question(alice, "", ""), "}") + `,"options":{"evaluations_semantic":"` + name + `","other":1}}`
	}
	item := func(members ...string) string { return "{" + strings.Join(members, ",") + "}" }
	three := `[` + strings.Join([]string{
		question("", read, active), question(bob, write, active), question("", write, active),
	}, ",") + `]`
	allow := `[` + strings.Join([]string{question(bob, write, active), question("", read, active), question("", write, active)}, ",") + `]`
	return plan{
		endpoint: func(m client.Metadata) string { return m.AccessEvaluationsEndpoint },
		example:  strings.TrimSuffix(question(alice, read, active), "}") + `,"evaluations":[{},{"resource":` + archived + `}]}`,
		demands: map[string]demand{
			"decisions in order":          gives(batch(question(alice, "", ""), three), yes, no, yes),
			"each item whole":             gives(demand{exchange: exchange{body: `{"evaluations":[` + question(alice, read, active) + `,` + question(bob, write, active) + `]}`}}, yes, no),
			"context is inherited":        gives(demand{exchange: exchange{body: `{"context":{"a":1},"evaluations":[` + question(alice, read, active) + `]}`}}, yes),
			"an item inherits all":        gives(batch(question(alice, read, active), `[{}]`), yes),
			"an item overrides":           gives(batch(question(alice, write, active), `[{"subject":`+bob+`},{}]`), no, yes),
			"an item replaces the whole":  failing(batch(question(alice, read, active), `[{"resource":{"id":"record-2"}},{}]`), 400, 0),
			"an item in error is denied":  failing(batch(question(alice, read, ""), `[{"resource":`+active+`},{"resource":{"type":"record"}},{"resource":`+archived+`}]`), 0, 400, 0),
			"no subject anywhere":         failing(demand{exchange: exchange{body: `{"evaluations":[` + question("", read, active) + `]}`}}, 400),
			"an item that is no object":   failing(batch(question(alice, read, active), `[1,{}]`), 400, 0),
			"an error ends deny_on_first": failing(batch(semantic("deny_on_first_deny"), `[{"resource":1},`+question("", read, active)+`]`), 400),
			"null inherits":               gives(batch(question(alice, read, active), `[{"resource":null}]`), yes),
			"properties of an item":       gives(batch(question(alice, write, ""), `[{"resource":{"type":"record","id":"record-1","properties":{"status":"archived"}}},{"resource":`+active+`}]`), no, yes),
			"properties of the subject":   gives(batch(question("", write, `{"type":"record","id":"record-1","properties":{"status":"archived"}}`), `[{"subject":{"type":"user","id":"eve","properties":{"role":"admin"}}},{"subject":`+alice+`}]`), yes, no),
			"no array is one question":    {exchange: exchange{body: question(alice, read, active)}, want: yes},
			"an empty array is one, too":  batchIs(batch(question(bob, write, active), `[]`), no),
			"and needs its members":       {exchange: batch(question(alice, read, ""), `[]`).exchange, status: []int{http.StatusBadRequest}},
			"evaluations is no array":     {exchange: batch(question(alice, read, active), `{}`).exchange, status: []int{http.StatusBadRequest}},
			"all items, by default":       gives(batch(question(alice, "", ""), three), yes, no, yes),
			"execute_all":                 gives(batch(semantic("execute_all"), three), yes, no, yes),
			"deny_on_first_deny":          gives(batch(semantic("deny_on_first_deny"), three), yes, no),
			"permit_on_first_permit":      gives(batch(semantic("permit_on_first_permit"), allow), no, yes),
			"an unknown semantic":         {exchange: batch(semantic("best_effort"), three).exchange, status: []int{http.StatusBadRequest}},
			"unknown members of an item":  gives(batch(question(alice, read, active), `[`+item(`"future":1`)+`]`), yes),
			"a default that is broken":    {exchange: exchange{body: `{"subject":"alice","evaluations":[` + question(alice, read, active) + `]}`}, status: []int{http.StatusBadRequest}},
		},
	}
}

// failing wants a batch in which the items with a status are denied for that error, and those with 0 are allowed.
func failing(d demand, statuses ...int) demand {
	d.check = func(t *testing.T, got answer) {
		t.Helper()
		var batch struct {
			Evaluations []struct {
				Decision bool `json:"decision"`
				Context  struct {
					Error struct {
						Status  int    `json:"status"`
						Message string `json:"message"`
					} `json:"error"`
				} `json:"context"`
			} `json:"evaluations"`
		}
		got.read(t, &batch)
		var is []int
		for _, item := range batch.Evaluations {
			failed := item.Context.Error
			if item.Decision == (failed.Status != 0) || (failed.Status != 0) == (failed.Message == "") {
				t.Errorf("an item is %+v", item)
			}
			is = append(is, failed.Status)
		}
		if !slices.Equal(is, statuses) {
			t.Errorf("%s\ngives %s, want %v", d.body, got.body, statuses)
		}
	}
	return d
}

func batchIs(d demand, want string) demand {
	d.want = want
	return d
}

// looking is what the three searches have in common: what is looked for has no id, the other members are whole.
func looking(example, missing, invalid []string) map[string]demand {
	demands := map[string]demand{}
	for i, body := range missing {
		demands[fmt.Sprintf("missing %d", i)] = demand{exchange: exchange{body: body}, status: []int{http.StatusBadRequest}}
	}
	for i, body := range invalid {
		demands[fmt.Sprintf("invalid %d", i)] = demand{exchange: exchange{body: body}, status: []int{http.StatusBadRequest}}
	}
	paged := func(page string) exchange {
		return exchange{body: strings.TrimSuffix(example[0], "}") + `,"page":` + page + "}"}
	}
	demands["one by one"] = demand{exchange: paged(`{"limit":1}`), has: example[1:]}
	demands["unknown members of page"] = demand{exchange: paged(`{"limit":50,"future":{"a":1},"properties":{"sort":"id"}}`), has: example[1:]}
	demands["a token of nobody"] = demand{exchange: paged(`{"token":"nonsense"}`), status: []int{http.StatusBadRequest}}
	demands["a limit below 0"] = demand{exchange: paged(`{"limit":-1}`), status: []int{http.StatusBadRequest}}
	demands["a limit that is a string"] = demand{exchange: paged(`{"limit":"1"}`), status: []int{http.StatusBadRequest}}
	demands["found"] = demand{exchange: exchange{body: example[0]}, has: example[1:]}
	return demands
}

// nothing wants an empty list, and no null.
func nothing(body string) demand {
	return demand{exchange: exchange{body: body}, check: func(t *testing.T, got answer) {
		t.Helper()
		var empty struct {
			Results []any `json:"results"`
			Page    any   `json:"page"`
		}
		got.read(t, &empty)
		if empty.Results == nil || len(empty.Results) > 0 {
			t.Errorf("%s\ngives %s, want no results", body, got.body)
		}
	}}
}

const (
	users   = `{"type":"user"}`
	records = `{"type":"record"}`
)

func subjectPlan() plan {
	read := named("read")
	demands := looking([]string{question(users, read, active), alice, bob},
		[]string{question("", read, active), question(users, "", active), question(users, read, "")},
		[]string{question(`{}`, read, active), question(users, `{}`, active), question(users, read, records), question(users, read, `{"id":"record-1"}`), question(`"user"`, read, active), question(users, read, `"record-1"`)})
	demands["S1: who reads"] = demand{exchange: exchange{body: question(users, read, active)}, has: []string{alice, bob}}
	demands["S4: what is stored of bob counts"] = demand{exchange: exchange{body: question(users, named("write"), `{"type":"record","id":"record-2","properties":{"status":"archived"}}`)}, has: []string{bob}}
	demands["a stray id is ignored"] = demand{exchange: exchange{body: question(bob, read, active)}, has: []string{alice, bob}}
	demands["an unknown type of subject"] = nothing(question(`{"type":"spaceship"}`, read, active))
	demands["an unknown resource"] = nothing(question(users, read, `{"type":"record","id":"record-9"}`))
	demands["an unknown type of resource"] = nothing(question(users, read, `{"type":"spaceship","id":"record-1"}`))
	return plan{func(m client.Metadata) string { return m.SearchSubjectEndpoint }, question(users, read, active), demands}
}

func resourcePlan() plan {
	read, write := named("read"), named("write")
	demands := looking([]string{question(alice, read, records), active, archived},
		[]string{question("", read, records), question(alice, "", records), question(alice, read, "")},
		[]string{question(alice, read, `{}`), question(alice, `{}`, records), question(users, read, records), question(`{"id":"alice"}`, read, records), question(alice, read, `"record"`)})
	demands["S2: what alice reads"] = demand{exchange: exchange{body: question(alice, read, records)}, has: []string{active}}
	demands["S5: what an admin writes"] = demand{exchange: exchange{body: question(`{"type":"user","id":"bob","properties":{"role":"admin"}}`, write, records)}, has: []string{archived}}
	demands["a stray id is ignored"] = demand{exchange: exchange{body: question(alice, read, active)}, has: []string{active, archived}}
	demands["an unknown type of resource"] = nothing(question(alice, read, `{"type":"spaceship"}`))
	demands["an unknown subject"] = nothing(question(`{"type":"user","id":"mallory"}`, read, records))
	return plan{func(m client.Metadata) string { return m.SearchResourceEndpoint }, question(alice, read, records), demands}
}

func actionPlan() plan {
	demands := looking([]string{question(alice, "", active), named("read"), named("write")},
		[]string{question("", "", active), question(alice, "", "")},
		[]string{question(users, "", active), question(`{"id":"alice"}`, "", active), question(alice, "", records), question(alice, "", `{"id":"record-1"}`), question(`"alice"`, "", active)})
	demands["S3: what alice may do"] = demand{exchange: exchange{body: question(alice, "", active)}, has: []string{named("read"), named("write")}}
	demands["S6: what an admin may do"] = demand{exchange: exchange{body: question(`{"type":"user","id":"bob","properties":{"role":"admin"}}`, "", `{"type":"record","id":"record-2","properties":{"status":"archived"}}`)}, has: []string{named("write")}}
	demands["a stray action is ignored"] = demand{exchange: exchange{body: question(alice, named("write"), active)}, has: []string{named("read"), named("write")}}
	demands["an unknown subject"] = nothing(question(`{"type":"user","id":"mallory"}`, "", active))
	demands["an unknown type of resource"] = nothing(question(alice, "", `{"type":"spaceship","id":"1"}`))
	return plan{func(m client.Metadata) string { return m.SearchActionEndpoint }, question(alice, "", active), demands}
}
