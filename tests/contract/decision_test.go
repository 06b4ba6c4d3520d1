package contract_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"cordon/tests/program"
)

func TestWhatIsUnknownIsDenied(t *testing.T) { // docs/design.md 11, Decisions; docs/domain.md, What each action asks
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		p.ask(t, "PUT", "/v1/organizations/third", `{"name":"Third","legal_representative":{"id":"tom","name":"Tom","email":"tom@third.example"}}`).want(t, 201)
		long := strings.Repeat("x", 129)
		for _, row := range []struct{ subject, action, resource, want string }{
			{`{"type":"user","id":"adam"}`, `{"name":"manage"}`, `{"type":"product","id":"acme-shop"}`, "true: administrator"},
			{`{"type":"user","id":"lena"}`, `{"name":"manage"}`, `{"type":"product","id":"acme-shop"}`, "true: legal_representative"},
			{`{"type":"user","id":"carl"}`, `{"name":"manage"}`, `{"type":"product","id":"acme-shop"}`, "true: granted"},
			{`{"type":"user","id":"../etc"}`, `{"name":"manage"}`, `{"type":"product","id":"acme-shop"}`, "false: not_a_member"},
			{`{"type":"user","id":"` + long + `"}`, `{"name":"manage"}`, `{"type":"product","id":"acme-shop"}`, "false: not_a_member"},
			{`{"type":"user","id":"ADAM"}`, `{"name":"manage"}`, `{"type":"product","id":"acme-shop"}`, "false: not_a_member"},
			{`{"type":"user","id":"adam "}`, `{"name":"manage"}`, `{"type":"product","id":"acme-shop"}`, "false: not_a_member"},
			{`{"type":"User","id":"adam"}`, `{"name":"manage"}`, `{"type":"product","id":"acme-shop"}`, "false: not_a_member"},
			{`{"type":"agent","id":"adam"}`, `{"name":"manage"}`, `{"type":"product","id":"acme-shop"}`, "false: not_a_member"},
			{`{"type":"host","id":"adam"}`, `{"name":"manage"}`, `{"type":"product","id":"acme-shop"}`, "false: not_a_member"},
			{`{"type":"user","id":"adam"}`, `{"name":"manage"}`, `{"type":"product","id":"a/b c"}`, "false: unknown_resource"},
			{`{"type":"user","id":"adam"}`, `{"name":"manage"}`, `{"type":"Product","id":"acme-shop"}`, "false: unknown_resource"},
			{`{"type":"user","id":"adam"}`, `{"name":"Manage"}`, `{"type":"product","id":"acme-shop"}`, "false: unknown_action"},
			{`{"type":"user","id":"adam"}`, `{"name":"fly"}`, `{"type":"product","id":"nothing"}`, "false: unknown_action"},
			{`{"type":"user","id":"mallory"}`, `{"name":"fly"}`, `{"type":"product","id":"acme-shop"}`, "false: unknown_action"},
			{`{"type":"user","id":"mallory"}`, `{"name":"manage"}`, `{"type":"product","id":"nothing"}`, "false: unknown_resource"},
			{`{"type":"user","id":"adam"}`, `{"name":"manage"}`, `{"type":"organization","id":"acme"}`, "false: unknown_action"},
			{`{"type":"user","id":"adam"}`, `{"name":"use"}`, `{"type":"product","id":"acme-shop"}`, "false: unknown_action"},
			{`{"type":"user","id":"adam"}`, `{"name":"view"}`, `{"type":"spaceship","id":"acme"}`, "false: unknown_resource"},
			{`{"type":"user","id":"adam"}`, `{"name":"view"}`, `{"type":"organization","id":"nowhere"}`, "false: unknown_resource"},
			{`{"type":"user","id":"cleo"}`, `{"name":"view"}`, `{"type":"organization","id":"acme"}`, "true: member"},
			{`{"type":"user","id":"adam"}`, `{"name":"remove"}`, `{"type":"user","id":"carl"}`, "false: unknown_resource"},
			{`{"type":"user","id":"adam"}`, `{"name":"remove"}`, `{"type":"user","id":"carl","properties":{"organization":"acme"}}`, "true: administrator"},
			{`{"type":"user","id":"adam"}`, `{"name":"remove"}`, `{"type":"user","id":"ghost","properties":{"organization":"acme"}}`, "false: unknown_resource"},
			{`{"type":"user","id":"adam"}`, `{"name":"use"}`, `{"type":"channel","id":"imap"}`, "false: unknown_resource"},
			{`{"type":"user","id":"adam"}`, `{"name":"use"}`, `{"type":"channel","id":"imap","properties":{"organization":"acme"}}`, "true: member"},
			{`{"type":"user","id":"adam"}`, `{"name":"use"}`, `{"type":"channel","id":"pigeon","properties":{"organization":"acme"}}`, "false: unknown_resource"},
			{`{"type":"user","id":"adam"}`, `{"name":"use"}`, `{"type":"channel","id":"imap","properties":{"organization":"third"}}`, "false: not_a_member"},
			// Facts come from the store: who says that he is an administrator is none.
			{`{"type":"user","id":"cleo","properties":{"role":"administrator","grants":["acme-shop"]}}`, `{"name":"manage"}`, `{"type":"product","id":"acme-shop"}`, "false: not_granted"},
			{`{"type":"user","id":"adam"}`, `{"name":"manage"}`, `{"type":"product","id":"acme-shop","properties":{"blocked":true,"kind":"mail_service"}}`, "true: administrator"},
			{`{"type":"user","id":"adam"}`, `{"name":"block"}`, `{"type":"product","id":"acme-mail","properties":{"kind":"domain"}}`, "false: mail_service_not_blockable"},
			{`{"type":"user","id":"carl"}`, `{"name":"start_maintenance"}`, `{"type":"product","id":"acme-shop"}`, "false: not_a_mail_service, role_not_permitted"},
			// change_role without a role means collaborator.
			{`{"type":"user","id":"lena"}`, `{"name":"change_role"}`, `{"type":"user","id":"lena","properties":{"organization":"acme"}}`, "false: last_legal_representative"},
			{`{"type":"user","id":"adam"}`, `{"name":"change_role","properties":{"role":"legal_representative"}}`, `{"type":"user","id":"carl","properties":{"organization":"acme"}}`, "false: legal_representative_only"},
		} {
			a := p.ask(t, "POST", "/access/v1/evaluation", `{"subject":`+row.subject+`,"action":`+row.action+`,"resource":`+row.resource+`}`).want(t, 200)
			if got := a.at("decision") + ": " + strings.Join(contextReasons(a), ", "); got != row.want {
				t.Errorf("%s\n got %s\nwant %s", a.asked, got, row.want)
			}
			if a.header.Get("Cordon-Decision-Id") == "" || !strings.HasPrefix(a.header.Get("Cordon-Policy"), "sha256:") {
				t.Errorf("%s: Cordon-Decision-Id %q, Cordon-Policy %q", a.asked, a.header.Get("Cordon-Decision-Id"), a.header.Get("Cordon-Policy"))
			}
		}
	})
}

// contextReasons are the codes of a decision's reasons.
func contextReasons(a answer) []string {
	var codes []string
	for i := 0; a.at(fmt.Sprintf("context.reasons.%d", i)) != ""; i++ {
		codes = append(codes, a.at(fmt.Sprintf("context.reasons.%d.code", i)))
	}
	return codes
}

func TestQuestionsThatAreNone(t *testing.T) { // docs/design.md 11, Decisions; AuthZEN 1.0
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		const user, act, thing = `{"type":"user","id":"adam"}`, `{"name":"manage"}`, `{"type":"product","id":"ORG-shop"}`
		for _, row := range []struct{ subject, action, resource, pointer string }{
			{``, act, thing, "/subject"},
			{user, ``, thing, "/action"},
			{user, act, ``, "/resource"},
			{`"adam"`, act, thing, "/subject"},
			{`[]`, act, thing, "/subject"},
			{`null`, act, thing, "/subject"},
			{`{"type":"user"}`, act, thing, "/subject/id"},
			{`{"id":"adam"}`, act, thing, "/subject/type"},
			{`{"type":"user","id":""}`, act, thing, "/subject/id"},
			{`{"type":"","id":"adam"}`, act, thing, "/subject/type"},
			{`{"type":"user","id":7}`, act, thing, "/subject/id"},
			{user, `{"name":""}`, thing, "/action/name"},
			{user, `{"name":1}`, thing, "/action/name"},
			{user, `{}`, thing, "/action/name"},
			{user, act, `{"type":"product","id":""}`, "/resource/id"},
			{user, act, `{"type":"product"}`, "/resource/id"},
			{user, act, `{"id":"acme-shop"}`, "/resource/type"},
			{user, act, `{"type":"product","id":"acme-shop","properties":[]}`, "/resource/properties"},
			{`{"type":"user","id":"adam","properties":"x"}`, act, thing, "/subject/properties"},
			{`{"type":"user","id":"adam","id":"lena"}`, act, thing, "/subject/id"},
		} {
			var members []string
			for name, value := range map[string]string{"subject": row.subject, "action": row.action, "resource": row.resource} {
				if value != "" {
					members = append(members, `"`+name+`":`+value)
				}
			}
			p.ask(t, "POST", "/access/v1/evaluation", "{"+strings.Join(members, ",")+"}").want(t, 400, "invalid_body").has(t, "errors.0.pointer", row.pointer)
		}
		p.ask(t, "POST", "/access/v1/evaluation", `{"subject":`+user+`,"action":`+act+`,"resource":`+thing+`,"context":[]}`).want(t, 400).has(t, "errors.0.pointer", "/context")
		// What the standard does not know is passed over.
		p.ask(t, "POST", "/access/v1/evaluation", `{"colour":"red","subject":{"type":"user","id":"adam","colour":1},"action":`+act+`,"resource":`+thing+`}`).want(t, 200).has(t, "decision", "true")
	})
}

func TestBatches(t *testing.T) { // AuthZEN 1.0, 7; docs/design.md 11, Decisions
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		q := settle(t, s, "other")
		const head = `{"subject":{"type":"user","id":"carl"},"action":{"name":"manage"},"resource":{"type":"product","id":"ORG-shop"},`
		const yes, no, wrong = `{}`, `{"resource":{"type":"product","id":"ORG-none"}}`, `{"subject":{"type":"user"}}`
		for _, row := range []struct{ name, items, semantic, want string }{
			{"each item answers for itself", yes + "," + no + "," + wrong + "," + yes, "", "true false 400 true"},
			{"execute_all is the default", yes + "," + no + "," + yes, "execute_all", "true false true"},
			{"deny_on_first_deny ends with a denial", yes + "," + yes + "," + no + "," + yes, "deny_on_first_deny", "true true false"},
			{"deny_on_first_deny ends with an error", yes + "," + wrong + "," + yes, "deny_on_first_deny", "true 400"},
			{"deny_on_first_deny answers all where nothing is denied", yes + "," + yes, "deny_on_first_deny", "true true"},
			{"permit_on_first_permit ends with a permit", no + "," + wrong + "," + yes + "," + no, "permit_on_first_permit", "false 400 true"},
			{"permit_on_first_permit answers all where nothing is permitted", no + "," + no, "permit_on_first_permit", "false false"},
			{"an item's entity replaces the whole default", `{"resource":{"id":"ORG-shop"}},{"resource":{"type":"product"}},{"action":{}},{"subject":null}`, "", "400 400 400 true"},
			{"items that are none", `1,null,"x",[],{}`, "", "400 400 400 400 true"},
		} {
			t.Run(row.name, func(t *testing.T) {
				options := ""
				if row.semantic != "" {
					options = `"options":{"evaluations_semantic":"` + row.semantic + `"},`
				}
				a := p.ask(t, "POST", "/access/v1/evaluations", head+options+`"evaluations":[`+row.items+`]}`).want(t, 200)
				if got := strings.Join(batch(t, a), " "); got != row.want {
					t.Errorf("%s\n got %s\nwant %s\n%s", a.asked, got, row.want, a.body)
				}
				if a.at("decision") != "" {
					t.Errorf("%s: the answer of a batch has a decision of its own: %s", a.asked, a.body)
				}
				// Each item that was decided has a record, which carries the batch's id.
				decided := 0
				for _, word := range strings.Fields(row.want) {
					if word != "400" {
						decided++
					}
				}
				id := a.header.Get("Cordon-Batch-Id")
				if id == "" {
					t.Fatalf("%s: no Cordon-Batch-Id", a.asked)
				}
				p.awaitRecords(t, "batch="+id, decided)
			})
		}

		// No item at all: one question, answered as one.
		for _, body := range []string{head + `"evaluations":[]}`, head + `"evaluations":null}`, strings.TrimSuffix(head, ",") + "}"} {
			a := p.ask(t, "POST", "/access/v1/evaluations", body).want(t, 200).has(t, "decision", "true").has(t, "context.reasons.0.code", "granted")
			if a.at("evaluations") != "" || a.header.Get("Cordon-Decision-Id") == "" {
				t.Errorf("%s: Cordon-Decision-Id %q, %s", a.asked, a.header.Get("Cordon-Decision-Id"), a.body)
			}
		}
		p.ask(t, "POST", "/access/v1/evaluations", `{"evaluations":[]}`).want(t, 400)
		// Defaults may be missing where each item brings its own; without, it is the item that fails.
		a := p.ask(t, "POST", "/access/v1/evaluations", `{"evaluations":[{},`+question("adam", "view", "product", "ORG-shop")+`]}`).want(t, 200)
		if got := strings.Join(batch(t, a), " "); got != "400 true" {
			t.Errorf("%s\n got %s", a.asked, got)
		}
		// The whole is refused where it cannot be read.
		for body, pointer := range map[string]string{
			head + `"evaluations":{}}`: "/evaluations",
			head + `"options":{"evaluations_semantic":"first"},"evaluations":[{}]}`:                     "/options/evaluations_semantic",
			head + `"options":{"evaluations_semantic":1},"evaluations":[{}]}`:                           "/options/evaluations_semantic",
			head + `"options":[],"evaluations":[{}]}`:                                                   "/options",
			`{"subject":"carl","evaluations":[{}]}`:                                                     "/subject",
			head + `"evaluations":[{"subject":{"type":"user","id":"a","id":"b"}}]}`:                     "/evaluations/0/subject/id",
			head + `"evaluations":[{},{"action":{"name":"view","properties":{"a":{"b":1,"b":2}}}},{}]}`: "/evaluations/1/action/properties/a/b",
		} {
			p.ask(t, "POST", "/access/v1/evaluations", body).want(t, 400, "invalid_body").has(t, "errors.0.pointer", pointer)
		}

		// The revision stands on a batch when all of its items are of one organization.
		both := `{"subject":{"type":"user","id":"carl"},"action":{"name":"view"},"evaluations":[{"resource":{"type":"product","id":"acme-shop"}},{"resource":{"type":"product","id":"%s"}}]}`
		p.ask(t, "POST", "/access/v1/evaluations", fmt.Sprintf(both, "acme-mail")).want(t, 200).tells(t, "Cordon-Revision", p.revision(t))
		p.ask(t, "POST", "/access/v1/evaluations", fmt.Sprintf(both, "other-mail")).want(t, 200).tells(t, "Cordon-Revision", "")
		_ = q
	})
}

// batch gives the outcome of each item: true, false, or the status of its error.
func batch(t *testing.T, a answer) []string {
	t.Helper()
	var outcomes []string
	for i := 0; a.at(fmt.Sprintf("evaluations.%d", i)) != ""; i++ {
		at := func(path string) string { return a.at(fmt.Sprintf("evaluations.%d.%s", i, path)) }
		switch status := at("context.error.status"); {
		case status == "":
			outcomes = append(outcomes, at("decision"))
			if at("context.reasons.0.code") == "" || at("context.reasons.0.message") == "" {
				t.Errorf("%s: item %d has no reason: %s", a.asked, i, a.body)
			}
		case at("decision") != "false" || at("context.error.message") == "":
			t.Errorf("%s: item %d is an error and not false with a message: %s", a.asked, i, a.body)
		default:
			outcomes = append(outcomes, status)
		}
	}
	return outcomes
}

func TestAtLeast(t *testing.T) { // docs/design.md 4 and 11, Revisions
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		q := settle(t, s, "other")
		mine, theirs := p.revision(t), q.revision(t)
		ended := settle(t, s, "gone").ask(t, "DELETE", "~", "").want(t, 200).at("revision")
		body := question("adam", "manage", "product", "ORG-shop")
		for _, path := range []string{"/access/v1/evaluation", "/access/v1/evaluations"} {
			if strings.HasSuffix(path, "s") {
				body = strings.TrimSuffix(body, "}") + `,"evaluations":[{},{}]}`
			}
			for _, row := range []struct {
				header string
				status int
				code   string
			}{
				{"acme=" + mine, 200, ""},
				{"acme=0", 200, ""},
				{"acme=" + mine + ",other=" + theirs, 200, ""},
				{" acme=" + mine + " , other=" + theirs, 200, ""},
				{"acme=" + next(t, mine), 503, "too_stale"},
				{"acme=" + mine + ",other=" + next(t, theirs), 503, "too_stale"},
				{"nowhere=1", 503, "too_stale"},
				{"acme=" + mine + ",gone=" + ended, 200, ""}, // it ended at that revision
				{"gone=" + next(t, ended), 503, "too_stale"},
				{"acme", 400, "invalid_header"},
				{"acme=", 400, "invalid_header"},
				{"=1", 400, "invalid_header"},
				{"acme=x", 400, "invalid_header"},
				{"acme=-1", 400, "invalid_header"},
				{"acme=+1", 400, "invalid_header"},
				{"acme=1.0", 400, "invalid_header"},
				{"acme=99999999999999999999", 400, "invalid_header"},
				{"acme=1,", 400, "invalid_header"},
				{"acme=1;other=1", 400, "invalid_header"},
				{"a b=1", 400, "invalid_header"},
			} {
				a := p.ask(t, "POST", path, body, "Cordon-At-Least: "+row.header)
				if row.code == "" {
					a.want(t, row.status)
				} else {
					a.want(t, row.status, row.code)
				}
				if row.status == 503 && a.header.Get("Retry-After") == "" {
					t.Errorf("%s: 503 without Retry-After", a.asked)
				}
			}
		}
		// What was changed is seen at once where it was changed.
		for range 20 {
			for _, verb := range []string{"block", "unblock"} {
				at := p.ask(t, "POST", "~/products/ORG-shop/"+verb, `{"reason":"x"}`, "Cordon-Actor: lena").want(t, 200).at("revision")
				want := map[string]string{"block": "denied: product_blocked", "unblock": "allowed: administrator"}[verb]
				if got := p.check(t, "adam", "manage", "product", "ORG-shop", "Cordon-At-Least: acme="+at); got != want {
					t.Errorf("at least %s: %s, want %s", at, got, want)
				}
			}
		}
	})
}

func TestEveryAnswerNamesItsRequest(t *testing.T) { // docs/design.md 4; AuthZEN 1.0, X-Request-ID
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		body := question("adam", "manage", "product", "ORG-shop")
		for _, id := range []string{"bfe9eb29-ab87-4ca3-be83-a1d5d8305716", "x", "a b/c:d?e#f", strings.Repeat("y", 1000)} {
			for _, of := range []place{p, p.with("")} {
				of.ask(t, "POST", "/access/v1/evaluation", body, "X-Request-ID: "+id).tells(t, "X-Request-ID", id)
				of.ask(t, "POST", "/access/v1/evaluation", "{", "X-Request-ID: "+id).tells(t, "X-Request-ID", id)
				of.ask(t, "GET", "/access/v1/evaluation", "", "X-Request-ID: "+id).tells(t, "X-Request-ID", id)
				of.ask(t, "GET", "/.well-known/authzen-configuration", "", "X-Request-ID: "+id).want(t, 200).tells(t, "X-Request-ID", id)
			}
		}
		a := p.ask(t, "GET", "/v1/organizations/nowhere", "", "X-Request-ID: request-0001").want(t, 404).tells(t, "X-Request-ID", "request-0001").has(t, "request_id", "request-0001")
		b := p.ask(t, "GET", "/v1/organizations/nowhere", "").want(t, 404)
		b.has(t, "request_id", b.header.Get("X-Request-ID"))
		if a.header.Get("X-Request-ID") == b.header.Get("X-Request-ID") {
			t.Error("two requests have the same id")
		}
		decided := p.ask(t, "POST", "/access/v1/evaluation", body, "X-Request-ID: request-0002", "Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
		record := p.record(t, decided.header.Get("Cordon-Decision-Id")).has(t, "request_id", "request-0002").has(t, "trace_id", "4bf92f3577b34da6a3ce929d0e0e4736")
		for _, name := range []string{"id", "time", "replica", "sequence", "caller", "kind", "question", "input", "decision", "reasons", "policy", "organization", "revision", "duration_us"} {
			if record.at(name) == "" {
				t.Errorf("a record without %s: %s", name, record.body)
			}
		}
	})
}

func TestProbesNeedNoToken(t *testing.T) { // docs/design.md 11, Callers
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme").with("")
		for _, path := range []string{"/livez", "/readyz"} {
			for _, method := range []string{"GET", "HEAD"} {
				if a := p.ask(t, method, path, "").want(t, 200); method == "HEAD" && a.body != "" {
					t.Errorf("%s: a body of %q", a.asked, a.body)
				}
				p.ask(t, method, path, "", "Authorization: Bearer nonsense").want(t, 200)
			}
		}
		a := p.ask(t, "GET", "/.well-known/authzen-configuration", "").want(t, 200).tells(t, "Content-Type", "application/json")
		a.has(t, "access_evaluation_endpoint", a.at("policy_decision_point")+"/access/v1/evaluation")
		b := p.ask(t, "GET", "/.well-known/authzen-configuration", "", "Host: evil.example", "X-Forwarded-Host: evil.example").want(t, 200)
		if b.body != a.body {
			t.Errorf("the metadata say what the request says: %s", b.body)
		}
		for path, methods := range paths {
			if slices.Contains([]string{"/livez", "/readyz", "/.well-known/authzen-configuration"}, path) {
				continue
			}
			for _, method := range methods {
				for _, given := range []string{"", "Bearer", "Bearer ", "Bearer x", "Basic eDp5", "Bearer ck_", "Bearer ck_x_y", "Bearer ck__"} {
					if a := p.ask(t, method, path, "", "Authorization: "+given).want(t, 401, "unauthenticated"); !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer") {
						t.Errorf("%s: 401 with WWW-Authenticate %q", a.asked, a.header.Get("WWW-Authenticate"))
					}
				}
			}
		}
	})
}
