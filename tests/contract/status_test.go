package contract_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"cordon/tests/program"
)

func TestPutMakesAndReplaces(t *testing.T) { // docs/design.md 11, Statuses
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		settle(t, s, "other")

		// An organization is born with its legal representative.
		const made = `{"name":"New","legal_representative":{"id":"nina","name":"Nina","email":"nina@new.example"}}`
		p.ask(t, "PUT", "/v1/organizations/new", `{"name":"New"}`).want(t, 400).has(t, "errors.0.pointer", "/legal_representative")
		p.ask(t, "GET", "/v1/organizations/new", "").want(t, 404)
		p.ask(t, "PUT", "/v1/organizations/new", made).want(t, 201).has(t, "id", "new").has(t, "revision", "1").tells(t, "Cordon-Revision", "1")
		p.ask(t, "PUT", "/v1/organizations/new", made).want(t, 409, "organization_exists")
		p.ask(t, "PUT", "/v1/organizations/new", `{"name":"Newer"}`).want(t, 200).has(t, "name", "Newer").has(t, "revision", "2")
		p.ask(t, "PUT", "/v1/organizations/new", `{"name":"Newer"}`).want(t, 200).has(t, "revision", "2")
		p.ask(t, "GET", "/v1/organizations/new/users/nina", "").want(t, 200).has(t, "role", "legal_representative").has(t, "grants", "[]").
			has(t, "notify.product_events", "true").has(t, "blocked", "false").has(t, "blocks", "[]")

		// A user; what is absent in a second PUT is empty or the default.
		const erin = "~/users/erin"
		p.ask(t, "PUT", erin, `{"name":"Erin","email":"erin@acme.example","language":"fr","role":"collaborator","grants":["ORG-shop"],"notify":{"product_events":false}}`).
			want(t, 201).has(t, "id", "erin").has(t, "organization", "acme").has(t, "language", "fr").has(t, "grants", `["acme-shop"]`).has(t, "notify.product_events", "false")
		p.ask(t, "PUT", erin, `{"name":"Erin","email":"erin@acme.example","role":"client"}`).
			want(t, 200).has(t, "role", "client").has(t, "grants", "[]").has(t, "notify.product_events", "true").has(t, "language", "")
		p.ask(t, "PUT", erin, `{"name":"Erin","email":"erin@acme.example","role":"client","notify":{}}`).want(t, 200).has(t, "notify.product_events", "true")
		p.ask(t, "PUT", erin, `{"name":"E","email":"erin@acme.example","role":"client","grants":["ORG-shop","other-shop"]}`).
			want(t, 400).has(t, "errors.0.pointer", "/grants/1")
		p.ask(t, "PUT", erin, `{"name":"E","email":"erin@acme.example","role":"client","grants":["nothing"]}`).want(t, 400).has(t, "errors.0.pointer", "/grants/0")
		p.ask(t, "PUT", erin, `{"name":"E","email":"erin@acme.example","role":"boss"}`).want(t, 400).has(t, "errors.0.pointer", "/role")
		p.ask(t, "PUT", erin, `{"name":"E","email":"erin@acme.example"}`).want(t, 400).has(t, "errors.0.pointer", "/role")
		p.ask(t, "GET", erin, "").want(t, 200).has(t, "name", "Erin")

		// A product.
		p.ask(t, "PUT", "~/products/ORG-new", `{"name":"N","kind":"domain"}`).want(t, 201).has(t, "kind", "domain").has(t, "blocked", "false").
			has(t, "maintenance", "false").has(t, "blocks", "[]")
		p.ask(t, "PUT", "~/products/ORG-new", `{"name":"M","kind":"domain"}`).want(t, 200).has(t, "name", "M")
		p.ask(t, "PUT", "~/products/ORG-new", `{"name":"M","kind":"kdrive"}`).want(t, 409, "kind_is_fixed")
		p.ask(t, "PUT", "~/products/other-shop", `{"name":"M","kind":"web_hosting"}`).want(t, 409, "id_taken")
		p.ask(t, "PUT", "~/products/ORG-new", `{"name":"M"}`).want(t, 400).has(t, "errors.0.pointer", "/kind")
		p.ask(t, "GET", "~/products/other-shop", "").want(t, 404)
		p.ask(t, "GET", "/v1/products/other-shop", "").want(t, 200).has(t, "organization", "other")

		// What is deleted is gone, and gives the revision.
		at := p.revision(t)
		p.ask(t, "DELETE", "~/products/ORG-new", "").want(t, 200).has(t, "revision", next(t, at)).tells(t, "Cordon-Revision", next(t, at))
		p.ask(t, "DELETE", "~/products/ORG-new", "").want(t, 404)
		p.ask(t, "DELETE", erin, "").want(t, 200)
		p.ask(t, "DELETE", erin, "").want(t, 404)
		p.ask(t, "GET", erin, "").want(t, 404)
		p.ask(t, "DELETE", "/v1/organizations/new", "").want(t, 200)
		p.ask(t, "DELETE", "/v1/organizations/new", "").want(t, 404)
		p.ask(t, "GET", "/v1/organizations/new/users", "").want(t, 404)
	})
}

// next is the revision after one.
func next(t *testing.T, revision string) string {
	t.Helper()
	var n int64
	if _, err := fmt.Sscan(revision, &n); err != nil {
		t.Fatalf("revision %q: %v", revision, err)
	}
	return fmt.Sprint(n + 1)
}

func TestConflictsSayWhatStands(t *testing.T) { // docs/design.md 11, Statuses
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		for _, row := range []struct {
			path, actor, body string
			status            int
			code              string
		}{
			{"~/products/ORG-shop/unblock", "lena", `{}`, 409, "not_blocked"},
			{"~/products/ORG-shop/block", "lena", `{"reason":"x"}`, 200, ""},
			{"~/products/ORG-shop/block", "adam", `{"reason":"x"}`, 409, "already_blocked"},
			{"~/products/ORG-shop/unblock", "", `{}`, 409, "not_blocked"}, // of the host
			{"~/products/ORG-shop/block", "", `{"reason":"unpaid"}`, 200, ""},
			{"~/products/ORG-shop/block", "", `{"reason":"unpaid"}`, 409, "already_blocked"},
			{"~/products/ORG-shop/unblock", "adam", `{"reason":"x"}`, 200, ""},
			{"~/products/ORG-shop/unblock", "adam", `{}`, 403, "denied"},
			{"~/products/ORG-shop/unblock", "", `{}`, 200, ""},
			{"~/products/ORG-shop/unblock", "", `{}`, 409, "not_blocked"},
			{"~/products/ORG-mail/end-maintenance", "lena", `{}`, 409, "not_in_maintenance"},
			{"~/products/ORG-mail/start-maintenance", "lena", `{}`, 200, ""},
			{"~/products/ORG-mail/start-maintenance", "adam", `{}`, 409, "already_in_maintenance"},
			{"~/products/ORG-mail/end-maintenance", "adam", `{}`, 200, ""},
		} {
			a := p.ask(t, "POST", row.path, row.body, "Cordon-Actor: "+row.actor)
			if row.status == 200 {
				a.want(t, 200)
			} else {
				a.want(t, row.status, row.code)
			}
			if a.status != 200 && a.header.Get("Cordon-Decision-Id") == "" {
				t.Errorf("%s: %d without Cordon-Decision-Id, though it was decided", a.asked, a.status)
			}
		}
	})
}

func TestTheHostIsBoundByR4AndR5(t *testing.T) { // docs/design.md 4 and 11, Statuses
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		p.ask(t, "DELETE", "~/users/lena", "").denied(t, "last_legal_representative")
		p.ask(t, "PUT", "~/users/lena", `{"name":"Lena","email":"lena@acme.example","role":"administrator"}`).denied(t, "last_legal_representative")
		p.ask(t, "DELETE", "~/users/adam", "").want(t, 200)
		p.ask(t, "DELETE", "~/users/lena", "").denied(t, "would_lock_out_organization, last_legal_representative")
		// The host may make a legal representative, which an administrator may not.
		p.ask(t, "PUT", "~/users/cleo", `{"name":"Cleo","email":"cleo@acme.example","role":"administrator"}`).want(t, 200)
		p.ask(t, "PUT", "~/users/carl", `{"name":"Carl","email":"carl@acme.example","role":"legal_representative"}`, "Cordon-Actor: cleo").denied(t, "legal_representative_only")
		p.ask(t, "PUT", "~/users/carl", `{"name":"Carl","email":"carl@acme.example","role":"legal_representative"}`).want(t, 200)
		p.ask(t, "DELETE", "~/users/lena", "").want(t, 200)
	})
}

func TestBodiesAreReadStrictly(t *testing.T) { // docs/design.md 4, 9 and 11
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		const block, put = "~/products/ORG-shop/block", "~/users/erin"
		long := strings.Repeat("é", 2000)
		past := time.Now().Add(-time.Second).UTC().Format(time.RFC3339)
		for _, row := range []struct {
			name, method, path, body, pointer string
		}{
			{"empty", "POST", block, " ", ""},
			{"no JSON", "POST", block, `reason`, ""},
			{"an array", "POST", block, `[]`, ""},
			{"cut off", "POST", block, `{"reason":"x"`, "*"},
			{"trailing data", "POST", block, `{"reason":"x"}{}`, ""},
			{"trailing text", "POST", block, `{"reason":"x"} x`, ""},
			{"no UTF-8", "POST", block, "{\"reason\":\"\xff\"}", "*"},
			{"unknown member", "POST", block, `{"reason":"x","colour":"red"}`, "/colour"},
			{"unknown member within", "PUT", put, `{"name":"E","email":"e@e.example","role":"client","notify":{"colour":true}}`, "/notify/colour"},
			{"twice", "POST", block, `{"reason":"x","reason":"y"}`, "/reason"},
			{"twice by an escape", "POST", block, `{"reason":"x","\u0072eason":"y"}`, "/reason"},
			{"twice within", "PUT", put, `{"name":"E","email":"e@e.example","role":"client","notify":{"product_events":true,"product_events":false}}`, "/notify/product_events"},
			{"wrong case", "POST", block, `{"Reason":"x"}`, "/Reason"},
			{"a number", "POST", block, `{"reason":1}`, "/reason"},
			{"null", "POST", block, `{"reason":null}`, "/reason"},
			{"a text that is no time", "POST", block, `{"reason":"x","expires_at":"tomorrow"}`, "/expires_at"},
			{"a time that is over", "POST", block, `{"reason":"x","expires_at":"` + past + `"}`, "/expires_at"},
			{"no reason", "POST", block, `{}`, "/reason"},
			{"empty reason", "POST", block, `{"reason":""}`, "/reason"},
			{"reason of 2,001 characters", "POST", block, `{"reason":"` + long + `x"}`, "/reason"},
			{"grants that are no list", "PUT", put, `{"name":"E","email":"e@e.example","role":"client","grants":"ORG-shop"}`, "/grants"},
			{"a grant that is no text", "PUT", put, `{"name":"E","email":"e@e.example","role":"client","grants":[1]}`, "/grants/0"},
			{"no address", "PUT", put, `{"name":"E","email":"nobody","role":"client"}`, "/email"},
			{"an address with a line break", "PUT", put, `{"name":"E","email":"e@e.example\r\nBcc: x@x.example","role":"client"}`, "/email"},
			{"bad id of a representative", "PUT", "/v1/organizations/n", `{"name":"N","legal_representative":{"id":"..","name":"N","email":"n@n.example"}}`, "/legal_representative/id"},
			{"scopes that nobody knows", "POST", "/v1/keys", `{"name":"n","scopes":["decide","root"]}`, "/scopes/1"},
			{"no scopes", "POST", "/v1/keys", `{"name":"n","scopes":[]}`, "/scopes"},
			{"a key that is over", "POST", "/v1/keys", `{"name":"n","scopes":["decide"],"expires_at":"` + past + `"}`, "/expires_at"},
			{"unknown member of nothing", "POST", "~/support-codes", `{"ttl":60}`, "/ttl"},
			{"a channel that is none", "POST", "~/users/carl/block", `{"justification":"long enough it is","channels":["imap","pigeon"]}`, "/channels/1"},
			{"a justification of 9 characters", "POST", "~/users/carl/block", `{"justification":"too short","support_code":"x"}`, "/justification"},
			{"a justification of 2,001 characters", "POST", "~/users/carl/block", `{"justification":"` + long + `x"}`, "/justification"},
			{"a user block that is over", "POST", "~/users/carl/block", `{"justification":"long enough it is","expires_at":"` + past + `"}`, "/expires_at"},
			{"secure knows no channels", "POST", "~/users/carl/secure", `{"justification":"long enough it is","channels":["imap"]}`, "/channels"},
			{"maintenance that is over", "POST", "~/products/ORG-mail/start-maintenance", `{"expires_at":"` + past + `"}`, "/expires_at"},
		} {
			t.Run(row.name, func(t *testing.T) {
				actor := "Cordon-Actor: adam"
				if row.path == "/v1/keys" {
					actor = "Cordon-Actor:"
				}
				a := p.ask(t, row.method, row.path, row.body, actor).want(t, 400, "invalid_body")
				if a.at("errors.0.detail") == "" {
					t.Errorf("%s: a 400 of a body without errors: %s", a.asked, a.body)
				}
				if row.pointer != "*" {
					a.has(t, "errors.0.pointer", row.pointer)
				}
			})
		}
		p.ask(t, "GET", "~/products/ORG-shop", "").has(t, "blocked", "false")
		p.ask(t, "POST", block, `{"reason":"`+long+`"}`, "Cordon-Actor: adam").want(t, 200)
	})
}

func TestJustification(t *testing.T) { // docs/design.md 11, Statuses; docs/domain.md U2
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		code := p.code(t, "lena")
		for _, body := range []string{`{"support_code":"CODE"}`, `{"support_code":"CODE","justification":""}`, `{"support_code":"CODE","justification":" \t\n   "}`} {
			a := p.ask(t, "POST", "~/users/carl/block", strings.ReplaceAll(body, "CODE", code), "Cordon-Agent: sam").denied(t, "justification_required")
			p.record(t, a.at("decision_id")).has(t, "decision", "false").has(t, "agent", "sam")
		}
		// The shortest and the longest; the refusals above have not burnt the code.
		p.ask(t, "POST", "~/users/carl/block", `{"justification":"0123456789","support_code":"`+code+`"}`, "Cordon-Agent: sam").want(t, 200)
		p.ask(t, "POST", "~/users/carl/unblock", `{"justification":"`+strings.Repeat("ü", 2000)+`","support_code":"`+p.code(t, "lena")+`"}`, "Cordon-Agent: sam").want(t, 200)
	})
}

// record reads a record once it is there, which is soon.
func (p place) record(t *testing.T, id string) answer {
	t.Helper()
	for asked := time.Now(); ; {
		a := p.ask(t, "GET", "/v1/decisions/"+id, "")
		if a.status == 200 {
			return a
		}
		if time.Since(asked) > 2*time.Second {
			t.Errorf("record %s is not found by GET within 2 s of its answer: %d %s", id, a.status, a.body)
			return a
		}
	}
}
