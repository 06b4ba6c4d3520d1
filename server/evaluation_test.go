package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"cordon.example/client"
	"cordon/guard"
)

const (
	single = "/access/v1/evaluation"
	many   = "/access/v1/evaluations"
)

func TestAQuestionIsAnsweredOnRecord(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	for _, test := range []struct {
		user, action, kind, id string
		decision               bool
		reasons                string
	}{
		{"anna", "manage", "product", "shop", true, "administrator"},
		{"rita", "manage", "product", "shop", true, "legal_representative"},
		{"carl", "manage", "product", "shop", true, "granted"},
		{"clio", "manage", "product", "shop", false, "not_granted"},
		{"ulf", "manage", "product", "shop", false, "not_a_member"},
		{"carl", "block", "product", "shop", false, "role_not_permitted"},
		{"anna", "block", "product", "mail", false, "mail_service_not_blockable"},
		{"anna", "dance", "product", "shop", false, "unknown_action"},
		{"anna", "manage", "product", "nothing", false, "unknown_resource"},
		{"anna", "manage", "spaceship", "shop", false, "unknown_resource"},
		{"anna", "view", "organization", "acme", true, "member"},
		{"anna", "view", "organization", "nobody", false, "unknown_resource"},
		{"no such/ID ever", "manage", "product", "shop", false, "not_a_member"},
		{"anna", "manage", "product", "é \u0000 \"x\"", false, "unknown_resource"},
	} {
		got, answer := w.ask(t, test.user, test.action, test.kind, test.id)
		if got.Decision != test.decision || codes(got.Context.Reasons) != test.reasons {
			t.Errorf("%+v: got %v %s", test, got.Decision, codes(got.Context.Reasons))
		}
		if answer.header.Get("Content-Type") != "application/json" || answer.header.Get(client.HeaderDecisionID) == "" ||
			!strings.HasPrefix(answer.header.Get(client.HeaderPolicy), "sha256:") {
			t.Errorf("got headers %v", answer.header)
		}
	}
}

// One line for each MUST of the standard's checklist.
func TestWhatAuthZENAsksOfOneQuestion(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	replace := func(old, by string) string { return strings.Replace(plainQuestion, old, by, 1) }
	for name, test := range map[string]struct {
		body    string
		edits   []edit
		status  int
		allowed bool
	}{
		"permit":                      {body: plainQuestion, status: 200, allowed: true},
		"deny is 200":                 {body: replace("anna", "clio"), status: 200},
		"optional context":            {body: replace(`{"subject"`, `{"context":{"time":"now"},"subject"`), status: 200, allowed: true},
		"additional properties":       {body: replace(`"id":"anna"`, `"id":"anna","properties":{"role":"client","blocked":true}`), status: 200, allowed: true},
		"roles come from the store":   {body: replace(`"id":"anna"`, `"id":"clio","properties":{"role":"administrator"}`), status: 200},
		"missing subject":             {body: `{"action":{"name":"a"},"resource":{"type":"t","id":"i"}}`, status: 400},
		"missing action":              {body: `{"subject":{"type":"t","id":"i"},"resource":{"type":"t","id":"i"}}`, status: 400},
		"missing resource":            {body: `{"subject":{"type":"t","id":"i"},"action":{"name":"a"}}`, status: 400},
		"subject missing type":        {body: replace(`"type":"user",`, ``), status: 400},
		"subject missing id":          {body: replace(`,"id":"anna"`, ``), status: 400},
		"action missing name":         {body: replace(`"name":"manage"`, ``), status: 400},
		"resource missing type":       {body: replace(`"type":"product",`, ``), status: 400},
		"resource missing id":         {body: replace(`,"id":"shop"`, ``), status: 400},
		"subject is a string":         {body: replace(`{"type":"user","id":"anna"}`, `"anna"`), status: 400},
		"action.name is a number":     {body: replace(`"manage"`, `5`), status: 400},
		"unknown at top":              {body: replace(`{"subject"`, `{"foo":{"bar":[1]},"subject"`), status: 200, allowed: true},
		"unknown in subject":          {body: replace(`"id":"anna"`, `"id":"anna","foo":1`), status: 200, allowed: true},
		"unknown in resource":         {body: replace(`"id":"shop"`, `"id":"shop","foo":1`), status: 200, allowed: true},
		"unknown in action":           {body: replace(`"name":"manage"`, `"name":"manage","foo":1`), status: 200, allowed: true},
		"top-level array":             {body: `[` + plainQuestion + `]`, status: 400},
		"text/plain":                  {body: plainQuestion, edits: []edit{contentType("text/plain")}, status: 400},
		"no content type":             {body: plainQuestion, edits: []edit{without("Content-Type")}, status: 400},
		"charset":                     {body: plainQuestion, edits: []edit{contentType("application/json; charset=utf-8")}, status: 200, allowed: true},
		"another charset":             {body: plainQuestion, edits: []edit{contentType("application/json; charset=utf-16")}, status: 400},
		"compressed":                  {body: plainQuestion, edits: []edit{set("Content-Encoding", "gzip")}, status: 400},
		"malformed":                   {body: plainQuestion[1:], status: 400},
		"empty body":                  {body: ``, status: 400},
		"trailing data":               {body: plainQuestion + "{}", status: 400},
		"duplicate":                   {body: replace(`{"subject"`, `{"subject":{"type":"user","id":"clio"},"subject"`), status: 400},
		"another case is unknown":     {body: replace(`{"subject"`, `{"Subject":{"type":"user","id":"clio"},"subject"`), status: 200, allowed: true},
		"empty id":                    {body: replace(`"anna"`, `""`), status: 400},
		"missing credentials":         {body: plainQuestion, edits: []edit{noKey}, status: 401},
		"invalid credentials":         {body: plainQuestion, edits: []edit{bearer("nonsense")}, status: 401},
		"query parameters are passed": {body: plainQuestion, status: 200, allowed: true},
	} {
		t.Run(name, func(t *testing.T) {
			got := w.do(t, http.MethodPost, single, test.body, test.edits...).want(t, test.status)
			var r client.EvaluationResponse
			if test.status == http.StatusOK {
				got.into(t, &r)
			} else if got.header.Get("Content-Type") != client.ProblemType {
				t.Errorf("got %v", got.header)
			}
			if test.status == http.StatusBadRequest {
				var p client.Problem
				if got.into(t, &p); len(p.Errors) == 0 {
					t.Errorf("a 400 of a body that does not say where: %s", got.body)
				}
			}
			if r.Decision != test.allowed {
				t.Errorf("got %s", got.body)
			}
		})
	}
	for _, path := range []string{single, many} {
		for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodOptions, http.MethodHead, "PURGE"} {
			got := w.do(t, method, path, nil)
			if got.status != http.StatusMethodNotAllowed || got.header.Get("Allow") != http.MethodPost {
				t.Errorf("%s %s: got %d, Allow %q", method, path, got.status, got.header.Get("Allow"))
			}
		}
	}
}

func TestEqualQuestionsHaveEqualAnswers(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	batch := fmt.Sprintf(`{"evaluations":[%s,%s]}`, plainQuestion, strings.Replace(plainQuestion, "anna", "clio", 1))
	for path, body := range map[string]string{single: plainQuestion, many: batch} {
		first := w.do(t, http.MethodPost, path, body).want(t, http.StatusOK)
		for range 2 {
			if again := w.do(t, http.MethodPost, path, body).want(t, http.StatusOK); again.body != first.body {
				t.Errorf("got %s and %s", first.body, again.body)
			}
		}
	}
}

func TestRequestIDsAreGivenBack(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	id := func(value string) edit { return set("X-Request-Id", value) }
	const strange = `any thing; "quoted", é`
	for _, path := range []string{single, many} {
		if got := w.do(t, http.MethodPost, path, plainQuestion, id(strange)).want(t, http.StatusOK); got.header.Get("X-Request-ID") != strange {
			t.Errorf("got %q, want %q", got.header.Get("X-Request-ID"), strange)
		}
		if got := w.do(t, http.MethodPost, path, `[]`, id(strange)).want(t, http.StatusBadRequest); got.header.Get("X-Request-ID") != strange {
			t.Errorf("got %q, want %q", got.header.Get("X-Request-ID"), strange)
		}
		if got := w.do(t, http.MethodPost, path, plainQuestion, id("x"), noKey).want(t, http.StatusUnauthorized); got.header.Get("X-Request-ID") != "x" {
			t.Errorf("got %q, want x", got.header.Get("X-Request-ID"))
		}
		if got := w.do(t, http.MethodPut, path, plainQuestion, id("x")).want(t, http.StatusMethodNotAllowed); got.header.Get("X-Request-ID") != "x" {
			t.Errorf("got %q, want x", got.header.Get("X-Request-ID"))
		}
	}
	if got := w.do(t, http.MethodGet, "/.well-known/authzen-configuration", nil, id("x")).want(t, http.StatusOK); got.header.Get("X-Request-ID") != "x" {
		t.Errorf("got %q, want x", got.header.Get("X-Request-ID"))
	}
	// Elsewhere they go into logs, and have to look like ids.
	for given, kept := range map[string]bool{
		"abcd1234": true, strings.Repeat("a", 64): true, "A_b-C123": true,
		"short": false, strings.Repeat("a", 65): false, "with space": false, strange: false,
	} {
		got := w.do(t, http.MethodGet, "/v1/organizations", nil, id(given)).want(t, http.StatusOK)
		if (got.header.Get("X-Request-ID") == given) != kept {
			t.Errorf("%q: got %q", given, got.header.Get("X-Request-ID"))
		}
	}
	if a, b := w.do(t, http.MethodGet, "/livez", nil), w.do(t, http.MethodGet, "/livez", nil); a.header.Get("X-Request-ID") == b.header.Get("X-Request-ID") {
		t.Error("two requests have the same id")
	}
}

func TestBatches(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	item := func(user string) string {
		return fmt.Sprintf(`{"subject":{"type":"user","id":"%s"}}`, user)
	}
	batch := func(semantic string, items ...string) string {
		options := ""
		if semantic != "" {
			options = `"options":{"evaluations_semantic":"` + semantic + `","other":1},`
		}
		return `{"action":{"name":"manage"},"resource":{"type":"product","id":"shop"},` + options + `"evaluations":[` + strings.Join(items, ",") + `]}`
	}
	anna, clio, broken := item("anna"), item("clio"), `{"subject":{"type":"user"}}`
	for name, test := range map[string]struct{ body, want string }{
		"all":                     {batch("", anna, clio, anna), "true false true"},
		"execute_all":             {batch("execute_all", clio, anna), "false true"},
		"deny_on_first_deny":      {batch("deny_on_first_deny", anna, clio, anna), "true false"},
		"no deny":                 {batch("deny_on_first_deny", anna, anna), "true true"},
		"an error counts as deny": {batch("deny_on_first_deny", anna, broken, anna), "true 400"},
		"permit_on_first_permit":  {batch("permit_on_first_permit", clio, broken, anna, clio), "false 400 true"},
		"no permit":               {batch("permit_on_first_permit", clio, clio), "false false"},
		"errors stay with items":  {batch("", broken, anna, `5`, `{"subject":"x"}`, clio), "400 true 400 400 false"},
		"no subject anywhere":     {batch("", `{}`), "400"},
		"overrides are whole":     {batch("", `{"subject":{"type":"user","id":"anna"},"resource":{"id":"mail"}}`), "400"},
		"fully specified":         {`{"evaluations":[` + plainQuestion + `]}`, "true"},
		"unknown at top":          {`{"foo":{},"evaluations":[` + plainQuestion + `]}`, "true"},
		"null overrides nothing":  {`{"subject":{"type":"user","id":"anna"},` + batch("", `{"subject":null,"action":null,"context":null}`)[1:], "true"},
	} {
		t.Run(name, func(t *testing.T) {
			got := w.do(t, http.MethodPost, many, test.body).want(t, http.StatusOK)
			var r client.EvaluationsResponse
			got.into(t, &r)
			var list []string
			for _, e := range r.Evaluations {
				if e.Context.Error != nil {
					list = append(list, fmt.Sprint(e.Context.Error.Status))
					if e.Decision || e.Context.Error.Message == "" {
						t.Errorf("got %+v", e)
					}
				} else {
					list = append(list, fmt.Sprint(e.Decision))
				}
			}
			if strings.Join(list, " ") != test.want {
				t.Errorf("got %q, want %q", list, test.want)
			}
			if got.header.Get(client.HeaderBatchID) == "" || got.header.Get(client.HeaderDecisionID) != "" {
				t.Errorf("got headers %v", got.header)
			}
		})
	}
}

// The memory of one batch is that of the next: nothing of what the one asked, was told or has on record is in the other.
func TestABatchLeavesNothingToTheNext(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	w.do(t, http.MethodPost, shopPath+"/block", client.BlockRequest{Reason: "leak"}).want(t, http.StatusOK)
	const shop, broken = `{"subject":{"type":"user","id":"anna"},"action":{"name":"manage"},"resource":{"type":"product","id":"shop"}}`, `{"subject":{"type":"user"},"context":{}}`
	for range 20 { // the memory may be another's, or new
		w.do(t, http.MethodPost, many, `{"evaluations":[`+strings.Repeat(shop+",", 9)+broken+`]}`, set("Traceparent", "00-"+strings.Repeat("a", 32)+"-"+strings.Repeat("b", 16)+"-01")).want(t, http.StatusOK)
		got := w.do(t, http.MethodPost, many, `{"subject":{"type":"user","id":"ulf"},"evaluations":[{},{"action":{"name":"manage"},"resource":{"type":"product","id":"dark"}},{"action":{"name":"manage"}}]}`).want(t, http.StatusOK)
		var r client.EvaluationsResponse
		got.into(t, &r)
		if len(r.Evaluations) != 3 || r.Evaluations[0].Context.Error == nil || !r.Evaluations[1].Decision || r.Evaluations[2].Context.Error == nil {
			t.Errorf("answered %s", got.body)
		}
		if err := w.journal.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		records := w.records(t, "batch="+got.header.Get(client.HeaderBatchID))
		if len(records) != 1 {
			t.Fatalf("on record: %+v", records)
		}
		if r := records[0]; r.Question.Subject.ID != "ulf" || r.Organization != "umbra" || r.TraceID != "" || r.Details != nil {
			t.Errorf("on record: %+v", r)
		}
	}
}

// A long answer says how long it is, too: no client need put chunks together.
func TestAnswersSayTheirLength(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	url, _ := w.running(t, nil)
	for _, items := range []int{1, 200} {
		body := plainQuestion[:len(plainQuestion)-1] + `,"evaluations":[{}` + strings.Repeat(`,{}`, items-1) + `]}`
		request := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
			many, w.key, len(body), body)
		res, _ := dial(t, url, request)
		if res.StatusCode != http.StatusOK || res.ContentLength <= 0 {
			t.Errorf("a batch of %d: got %d and a length of %d", items, res.StatusCode, res.ContentLength)
		}
	}
}

func TestABatchWithoutItemsIsOneQuestion(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	for _, items := range []string{``, `,"evaluations":[]`, `,"evaluations":null`} {
		got := w.do(t, http.MethodPost, many, plainQuestion[:len(plainQuestion)-1]+items+"}").want(t, http.StatusOK)
		var r client.EvaluationResponse
		got.into(t, &r)
		if !r.Decision || got.header.Get(client.HeaderDecisionID) == "" || got.header.Get(client.HeaderBatchID) != "" {
			t.Errorf("got %s %v", got.body, got.header)
		}
	}
	w.do(t, http.MethodPost, many, `{"evaluations":[]}`).pointer(t, "/subject")
	w.do(t, http.MethodPost, many, `{"evaluations":{}}`).pointer(t, "/evaluations")
	w.do(t, http.MethodPost, many, `{"evaluations":[{}],"options":{"evaluations_semantic":"perhaps"}}`).pointer(t, "/options/evaluations_semantic")
}

func TestABatchIsBounded(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	body := func(n int) string {
		return plainQuestion[:len(plainQuestion)-1] + `,"evaluations":[{}` + strings.Repeat(`,{}`, n-1) + `]}`
	}
	got := w.do(t, http.MethodPost, many, body(1000)).want(t, http.StatusOK)
	var r client.EvaluationsResponse
	got.into(t, &r)
	if len(r.Evaluations) != 1000 || got.header.Get(client.HeaderRevision) == "" {
		t.Errorf("got %d answers, %s %q", len(r.Evaluations), client.HeaderRevision, got.header.Get(client.HeaderRevision))
	}
	w.do(t, http.MethodPost, many, body(1001)).refused(t, http.StatusRequestEntityTooLarge, "batch_too_large")
}

func TestTheRevisionStandsOnABatchOfOneOrganization(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	about := func(ids ...string) string {
		var items []string
		for _, id := range ids {
			items = append(items, `{"resource":{"type":"product","id":"`+id+`"}}`)
		}
		return `{"subject":{"type":"user","id":"anna"},"action":{"name":"manage"},"evaluations":[` + strings.Join(items, ",") + `]}`
	}
	for _, test := range []struct {
		body string
		want bool
	}{
		{about("shop", "mail"), true}, {about("shop", "dark"), false}, {about("shop", "nothing"), false}, {about("nothing"), false},
	} {
		got := w.do(t, http.MethodPost, many, test.body).want(t, http.StatusOK)
		if (got.header.Get(client.HeaderRevision) != "") != test.want {
			t.Errorf("%s: got %s %q", test.body, client.HeaderRevision, got.header.Get(client.HeaderRevision))
		}
	}
}

func TestAtLeast(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	now := revision(t, w)
	ok := fmt.Sprintf("acme=%d", now)
	limited := bearer(w.makeKey(t, guard.PutKey{Name: "acme", Scopes: guard.Scopes(), Organization: "acme"}))
	for _, path := range []string{single, many} {
		for _, value := range []string{ok, "acme=0", ok + ", umbra=1", "umbra=1," + ok} {
			w.do(t, http.MethodPost, path, plainQuestion, atLeast(value)).want(t, http.StatusOK)
		}
		w.do(t, http.MethodPost, path, plainQuestion, atLeast(ok), add(client.HeaderAtLeast, "umbra=1")).want(t, http.StatusOK)
		for _, value := range []string{fmt.Sprintf("acme=%d", now+1), "nobody=1", ok + ",umbra=99"} {
			w.do(t, http.MethodPost, path, plainQuestion, atLeast(value)).refused(t, http.StatusServiceUnavailable, "too_stale")
		}
		most := strings.Repeat(ok+",", 15) + ok
		w.do(t, http.MethodPost, path, plainQuestion, atLeast(most)).want(t, http.StatusOK)
		w.do(t, http.MethodPost, path, plainQuestion, atLeast(most+","+ok)).refused(t, http.StatusBadRequest, "invalid_header")
		for _, value := range []string{"umbra=1", "umbra=99", "nobody=1", ok + ",nobody=1"} {
			w.do(t, http.MethodPost, path, plainQuestion, atLeast(value), limited).refused(t, http.StatusForbidden, "organization_limit")
		}
		w.do(t, http.MethodPost, path, plainQuestion, atLeast(ok), limited).want(t, http.StatusOK)
		for _, value := range []string{"", "acme", "acme=", "=5", "acme=x", "acme=-1", "acme=+1", "acme=1.5", ok + ",", "a b=1", "acme=99999999999999999999", "acme = 1"} {
			w.do(t, http.MethodPost, path, plainQuestion, atLeast(value)).refused(t, http.StatusBadRequest, "invalid_header")
		}
	}
}

func TestWhoActsOnAQuestionIsOnRecord(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	w.do(t, http.MethodPost, single, plainQuestion, w.scoped(t, guard.ScopeDecide), as("anna")).refused(t, http.StatusForbidden, "insufficient_scope")
	_, got := w.ask(t, "anna", "manage", "product", "shop", as("anna"), set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"))
	var record client.Record
	w.record(t, got.header.Get(client.HeaderDecisionID)).into(t, &record)
	if record.Actor != "anna" || record.TraceID != "0af7651916cd43dd8448eb211c80319c" || record.RequestID != got.header.Get("X-Request-ID") {
		t.Errorf("got %+v", record)
	}
}
