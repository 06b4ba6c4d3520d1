package contract_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"cordon/tests/program"
)

func TestScopes(t *testing.T) { // docs/design.md 4 and 11, Callers
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		with := map[string]place{}
		for _, scope := range []string{"decide", "directory", "act", "support", "audit", "policy", "admin"} {
			with[scope] = p.with(p.key(t, `{"name":"`+scope+`","scopes":["`+scope+`"]}`))
		}
		const actor, agent, host = "Cordon-Actor: adam", "Cordon-Agent: sam", ""
		user := `{"name":"Erin","email":"e@e.example","role":"client"}`
		why := `{"justification":"long enough it is"}`
		for _, row := range []struct {
			method, path, body, as string
			may                    map[string]int // by scope; others: 403 insufficient_scope
		}{
			{"POST", "/access/v1/evaluation", question("adam", "view", "product", "ORG-shop"), host, map[string]int{"decide": 200}},
			{"POST", "/access/v1/evaluations", question("adam", "view", "product", "ORG-shop"), host, map[string]int{"decide": 200}},
			{"GET", "/v1/organizations", "", host, map[string]int{"directory": 200}},
			{"GET", "~", "", host, map[string]int{"directory": 200}},
			{"GET", "~/users", "", host, map[string]int{"directory": 200}},
			{"GET", "~/users/carl", "", host, map[string]int{"directory": 200}},
			{"GET", "~/products", "", host, map[string]int{"directory": 200}},
			{"GET", "/v1/products/ORG-shop", "", host, map[string]int{"directory": 200}},
			{"GET", "~/users/carl", "", actor, map[string]int{}}, // reading the directory needs directory, and an actor needs act
			{"PUT", "~/users/erin", user, host, map[string]int{"directory": 201}},
			{"PUT", "~/users/erin", user, actor, map[string]int{"act": 200}},
			{"PUT", "~/products/ORG-x", `{"name":"X","kind":"domain"}`, actor, map[string]int{"act": 201}},
			{"DELETE", "~/products/ORG-x", "", actor, map[string]int{"act": 200}},
			{"DELETE", "~/users/erin", "", actor, map[string]int{"act": 200}},
			{"PUT", "~", `{"name":"Acme"}`, actor, map[string]int{"act": 200}},
			{"POST", "~/products/ORG-shop/block", `{"reason":"x"}`, host, map[string]int{"directory": 200}},
			{"POST", "~/products/ORG-shop/unblock", `{}`, host, map[string]int{"directory": 200}},
			{"POST", "~/products/ORG-shop/block", `{"reason":"x"}`, actor, map[string]int{"act": 200}},
			{"POST", "~/products/ORG-shop/unblock", `{}`, actor, map[string]int{"act": 200}},
			{"POST", "~/products/ORG-shop/block", `{"reason":"x"}`, agent, map[string]int{"support": 403}},
			{"POST", "~/products/ORG-mail/start-maintenance", `{}`, actor, map[string]int{"act": 200}},
			{"POST", "~/products/ORG-mail/end-maintenance", `{}`, actor, map[string]int{"act": 200}},
			{"POST", "~/support-codes", `{}`, actor, map[string]int{"act": 201}},
			{"POST", "~/users/carl/block", why, actor, map[string]int{"act": 403}},
			{"POST", "~/users/carl/block", why, agent, map[string]int{"support": 403}},
			{"POST", "~/users/carl/secure", why, actor, map[string]int{"act": 200}},
			{"POST", "~/users/carl/secure", why, agent, map[string]int{"support": 403}},
			{"GET", "/v1/decisions", "", host, map[string]int{"audit": 200}},
			{"GET", "/v1/decisions/export", "", host, map[string]int{"audit": 200}},
			{"GET", "/v1/keys", "", host, map[string]int{"admin": 200}},
			{"POST", "/v1/import", "", "Content-Type: application/x-ndjson", map[string]int{"directory": 200}},
		} {
			for scope, of := range with {
				a := of.ask(t, row.method, row.path, row.body, row.as)
				status, may := row.may[scope]
				if may {
					a.want(t, status)
					if status == 403 {
						a.want(t, 403, "denied")
					}
					continue
				}
				a.want(t, 403, "insufficient_scope")
			}
		}
		// The scopes do not add up across who acts: act alone is no way to read the log of others.
		p.with(p.key(t, `{"name":"both","scopes":["act","audit"]}`)).ask(t, "GET", "/v1/decisions?organization=acme", "", "Cordon-Actor: carl").denied(t, "role_not_permitted")
	})
}

func TestWhoActs(t *testing.T) { // docs/design.md 4 and 11, Callers
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		why := `{"justification":"long enough it is","support_code":"ABCD-EFGH-IJKL"}`
		for _, row := range []struct {
			name, method, path, body string
			headers                  []string
		}{
			{"both in an act", "POST", "~/users/carl/block", why, []string{"Cordon-Actor: adam", "Cordon-Agent: sam"}},
			{"both in a question", "POST", "/access/v1/evaluation", question("adam", "view", "product", "ORG-shop"), []string{"Cordon-Actor: adam", "Cordon-Agent: sam"}},
			{"both in a reading", "GET", "~/users", "", []string{"Cordon-Actor: adam", "Cordon-Agent: sam"}},
			{"an agent puts an organization", "PUT", "~", `{"name":"A"}`, []string{"Cordon-Agent: sam"}},
			{"an agent deletes an organization", "DELETE", "~", "", []string{"Cordon-Agent: sam"}},
			{"an agent puts a user", "PUT", "~/users/erin", `{"name":"E","email":"e@e.example","role":"client"}`, []string{"Cordon-Agent: sam"}},
			{"an agent deletes a user", "DELETE", "~/users/carl", "", []string{"Cordon-Agent: sam"}},
			{"an agent puts a product", "PUT", "~/products/ORG-shop", `{"name":"E","kind":"web_hosting"}`, []string{"Cordon-Agent: sam"}},
			{"an agent deletes a product", "DELETE", "~/products/ORG-shop", "", []string{"Cordon-Agent: sam"}},
			{"an agent imports", "POST", "/v1/import", "", []string{"Cordon-Agent: sam", "Content-Type: application/x-ndjson"}},
			{"nobody blocks a user", "POST", "~/users/carl/block", why, nil},
			{"nobody unblocks a user", "POST", "~/users/carl/unblock", why, nil},
			{"nobody secures a user", "POST", "~/users/carl/secure", why, nil},
			{"nobody starts maintenance", "POST", "~/products/ORG-mail/start-maintenance", `{}`, nil},
			{"nobody ends maintenance", "POST", "~/products/ORG-mail/end-maintenance", `{}`, nil},
			{"nobody makes a code", "POST", "~/support-codes", `{}`, nil},
			{"an agent makes a code", "POST", "~/support-codes", `{}`, []string{"Cordon-Agent: sam"}},
			{"an actor that is no id", "POST", "~/products/ORG-shop/block", `{"reason":"x"}`, []string{"Cordon-Actor: a b"}},
			{"an agent that is no id", "POST", "~/users/carl/block", why, []string{"Cordon-Agent: /sam"}},
		} {
			t.Run(row.name, func(t *testing.T) { p.ask(t, row.method, row.path, row.body, row.headers...).want(t, 400) })
		}
		p.ask(t, "POST", "~/support-codes", `{}`, "Cordon-Agent: sam").has(t, "detail", "the body cannot say who makes a support code: name the acting user in Cordon-Actor")
		// An empty organization is no organization, and no key for all of them.
		p.ask(t, "POST", "/v1/keys", `{"name":"n","scopes":["decide"],"organization":""}`).want(t, 400).has(t, "errors.0.pointer", "/organization")
		// Nothing of it happened.
		p.ask(t, "GET", "~", "").want(t, 200).has(t, "revision", "1")
		// On products an agent may do nothing; on a mail service neither.
		p.ask(t, "POST", "~/products/ORG-shop/block", `{"reason":"x"}`, "Cordon-Agent: sam").denied(t, "role_not_permitted")
		p.ask(t, "POST", "~/products/ORG-mail/start-maintenance", `{}`, "Cordon-Agent: sam").denied(t, "role_not_permitted")
		p.ask(t, "POST", "~/products/ORG-mail/block", `{"reason":"x"}`, "Cordon-Agent: sam").denied(t, "mail_service_not_blockable, role_not_permitted")
	})
}

func TestKeysOfOneOrganization(t *testing.T) { // docs/design.md 11, Callers
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		settle(t, s, "other")
		p.check(t, "carl", "view", "product", "other-shop")
		p.check(t, "carl", "view", "product", "acme-shop")
		all := `["decide","directory","act","support","audit","admin"]`
		limited := p.with(p.key(t, `{"name":"limited","scopes":`+all+`,"organization":"acme"}`))

		// A question that names another organization is refused, whether there is one or not; in a batch that
		// item alone.
		for _, body := range []string{
			`{"subject":{"type":"user","id":"carl"},"action":{"name":"view"},"resource":{"type":"product","id":"acme-shop","properties":{"organization":"other"}}}`,
			`{"subject":{"type":"user","id":"carl"},"action":{"name":"view"},"resource":{"type":"product","id":"acme-shop","properties":{"organization":"nowhere"}}}`,
			`{"subject":{"type":"user","id":"carl"},"action":{"name":"view"},"resource":{"type":"organization","id":"other"}}`,
			`{"subject":{"type":"user","id":"carl"},"action":{"name":"view"},"resource":{"type":"organization","id":"nowhere"}}`,
			`{"subject":{"type":"user","id":"carl"},"action":{"name":"use"},"resource":{"type":"channel","id":"imap","properties":{"organization":"other"}}}`,
			`{"subject":{"type":"user","id":"adam"},"action":{"name":"remove"},"resource":{"type":"user","id":"carl","properties":{"organization":"other"}}}`,
		} {
			limited.ask(t, "POST", "/access/v1/evaluation", body).want(t, 403, "organization_limit")
		}
		a := limited.ask(t, "POST", "/access/v1/evaluations", `{"subject":{"type":"user","id":"carl"},"action":{"name":"view"},"evaluations":[
			{"resource":{"type":"product","id":"acme-shop"}},{"resource":{"type":"organization","id":"other"}},{"resource":{"type":"organization","id":"nowhere"}},
			{"resource":{"type":"product","id":"other-shop"}},{"resource":{"type":"product","id":"nothing"}},{"resource":{"type":"product","id":"acme-mail"}}]}`).want(t, 200)
		if got := strings.Join(batch(t, a), " "); got != "true 403 403 false false true" {
			t.Errorf("%s\n got %s\nwant true 403 403 false false true", a.asked, got)
		}
		if got := limited.check(t, "carl", "view", "product", "ORG-shop"); got != "allowed: granted" {
			t.Errorf("about its own organization: %s", got)
		}

		// It reads and changes nothing of another.
		for _, row := range []struct{ method, path, body, as string }{
			{"GET", "/v1/organizations/other", "", ""},
			{"GET", "/v1/organizations/other/users", "", ""},
			{"GET", "/v1/organizations/other/users/carl", "", ""},
			{"GET", "/v1/organizations/other/products", "", ""},
			{"GET", "/v1/organizations/other/products/other-shop", "", ""},
			{"PUT", "/v1/organizations/other", `{"name":"Mine"}`, ""},
			{"PUT", "/v1/organizations/fresh", `{"name":"Mine","legal_representative":{"id":"m","name":"M","email":"m@m.example"}}`, ""},
			{"DELETE", "/v1/organizations/other", "", ""},
			{"PUT", "/v1/organizations/other/users/erin", `{"name":"E","email":"e@e.example","role":"client"}`, ""},
			{"DELETE", "/v1/organizations/other/users/carl", "", ""},
			{"PUT", "/v1/organizations/other/products/other-new", `{"name":"E","kind":"domain"}`, ""},
			{"POST", "/v1/organizations/other/products/other-shop/block", `{"reason":"x"}`, ""},
			{"POST", "/v1/organizations/other/products/other-shop/block", `{"reason":"x"}`, "Cordon-Actor: adam"},
			{"POST", "/v1/organizations/other/products/other-mail/start-maintenance", `{}`, "Cordon-Actor: adam"},
			{"POST", "/v1/organizations/other/users/carl/block", `{"justification":"long enough it is"}`, "Cordon-Agent: sam"},
			{"POST", "/v1/organizations/other/support-codes", `{}`, "Cordon-Actor: adam"},
			{"GET", "/v1/decisions?organization=other", "", ""},
			{"GET", "/v1/decisions/export?organization=other", "", ""},
			{"POST", "/v1/keys", `{"name":"n","scopes":["decide"],"organization":"other"}`, ""},
			{"POST", "/v1/keys", `{"name":"n","scopes":["decide"]}`, ""},
		} {
			limited.ask(t, row.method, row.path, row.body, row.as).want(t, 403, "organization_limit")
		}
		// Lists and the log show only its own.
		limited.ask(t, "GET", "/v1/organizations", "").want(t, 200).has(t, "items.#", "1").has(t, "items.0.id", "acme")
		limited.awaitRecords(t, "subject=carl&kind=decision", 4)
		theirs := p.awaitRecords(t, "organization=other&kind=decision", 1).at("items.0.id")
		limited.ask(t, "GET", "/v1/decisions/"+theirs, "").want(t, 404)
		limited.awaitRecords(t, "id="+theirs, 0)
		if export := limited.ask(t, "GET", "/v1/decisions/export", "").want(t, 200); strings.Contains(export.body, `"other"`) {
			t.Errorf("the export of a limited key tells of another organization: %s", export.body)
		}
		// It makes keys of its organization, within its scopes, and sees and revokes no others.
		made := limited.ask(t, "POST", "/v1/keys", `{"name":"n","scopes":["decide"],"organization":"acme"}`).want(t, 201)
		limited.ask(t, "POST", "/v1/keys", `{"name":"n","scopes":["decide","policy"],"organization":"acme"}`).want(t, 403, "insufficient_scope")
		limited.ask(t, "GET", "/v1/keys", "").want(t, 200).has(t, "items.#", "2")
		first := p.ask(t, "GET", "/v1/keys", "").want(t, 200).has(t, "items.#", "3")
		for i := range 3 {
			if id := first.at(fmt.Sprintf("items.%d.id", i)); first.at(fmt.Sprintf("items.%d.organization", i)) == "" {
				limited.ask(t, "DELETE", "/v1/keys/"+id, "").want(t, 404)
			}
		}
		limited.ask(t, "DELETE", "/v1/keys/"+made.at("id"), "").want(t, 200)
		// An import's lines of others are refused.
		limited.ask(t, "POST", "/v1/import", `{"product":{"organization":"other","id":"other-p","name":"P","kind":"domain"}}
{"product":{"organization":"acme","id":"acme-p","name":"P","kind":"domain"}}`, "Content-Type: application/x-ndjson").want(t, 200).
			has(t, "products", "1").has(t, "refused.0.line", "1").has(t, "refused.0.code", "organization_limit")
	})
}

// TestAProductOfAnotherOrganizationLooksLikeNone compares all that a limited key is told of the one and of
// the other: status, headers and body, but for what differs between any two answers.
func TestAProductOfAnotherOrganizationLooksLikeNone(t *testing.T) { // docs/design.md 11, Callers
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		settle(t, s, "other")
		limited := p.with(p.key(t, `{"name":"limited","scopes":["decide","directory","act","audit"],"organization":"acme"}`))
		ids := regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}`)
		said := func(method, path, body, product, header string) string {
			ask := func(q place) answer {
				return q.ask(t, method, strings.ReplaceAll(path, "PRODUCT", product), strings.ReplaceAll(body, "PRODUCT", product), header)
			}
			ask(p) // so that what others may know is in the cache
			ask(limited)
			a := ask(limited)
			for _, name := range []string{"Date", "X-Request-Id", "Cordon-Decision-Id", "Cordon-Batch-Id", "Content-Length", "Ratelimit", "Ratelimit-Policy"} {
				if a.header.Get(name) != "" {
					a.header.Set(name, "some")
				}
			}
			return strings.ReplaceAll(ids.ReplaceAllString(fmt.Sprint(a.status, " ", a.header, " ", a.body), "ID"), product, "PRODUCT")
		}
		const ask = `{"subject":{"type":"user","id":"USER"},"action":{"name":"manage"},"resource":{"type":"product","id":"PRODUCT"}}`
		for _, row := range []struct{ method, path, body, header string }{
			{"POST", "/access/v1/evaluation", strings.ReplaceAll(ask, "USER", "lena"), ""}, // of both organizations
			{"POST", "/access/v1/evaluation", strings.ReplaceAll(ask, "USER", "nobody"), ""},
			{"POST", "/access/v1/evaluation", strings.ReplaceAll(ask, "USER", "lena"), "Cordon-At-Least: acme=1"},
			{"POST", "/access/v1/evaluation", strings.Replace(strings.ReplaceAll(ask, "USER", "lena"), `"PRODUCT"`, `"PRODUCT","properties":{"organization":"ORG"}`, 1), ""},
			{"POST", "/access/v1/evaluations", `{"evaluations":[` + strings.ReplaceAll(ask, "USER", "lena") + `]}`, ""},
			{"GET", "/v1/products/PRODUCT", "", ""},
			{"GET", "~/products/PRODUCT", "", ""},
			{"DELETE", "~/products/PRODUCT", "", "Cordon-Actor: lena"},
			{"DELETE", "~/products/PRODUCT", "", ""},
			{"POST", "~/products/PRODUCT/block", `{"reason":"x"}`, "Cordon-Actor: lena"},
			{"POST", "~/products/PRODUCT/block", `{"reason":"x"}`, ""},
			{"POST", "~/products/PRODUCT/block?preview=true", `{"reason":"x"}`, "Cordon-Actor: lena"},
			{"POST", "~/products/PRODUCT/start-maintenance", `{}`, "Cordon-Actor: lena"},
			{"POST", "~/products/PRODUCT/block", `{"reason":"x"}`, "Cordon-Actor: mallory"},
			{"PUT", "~/users/erin", `{"name":"E","email":"e@e.example","role":"client","grants":["PRODUCT"]}`, ""},
			{"GET", "/v1/decisions?resource=PRODUCT&action=manage", "", ""},
		} {
			theirs, none := said(row.method, row.path, row.body, "other-shop", row.header), said(row.method, row.path, row.body, "never-shop", row.header)
			if theirs != none {
				t.Errorf("%s %s %s\n of theirs %s\n of none   %s", row.method, row.path, row.header, theirs, none)
			}
		}
		// A product's id is unique over all organizations, so whoever asks for a taken one is told so, and no more.
		a := limited.ask(t, "PUT", "~/products/other-shop", `{"name":"Mine","kind":"web_hosting"}`).want(t, 409, "id_taken")
		if strings.Contains(strings.ReplaceAll(a.body, "another organization", ""), "other") {
			t.Errorf("it tells whose: %s", a.body)
		}
	})
}

func TestKeysEnd(t *testing.T) { // docs/design.md 11, Callers
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		made := p.ask(t, "POST", "/v1/keys", `{"name":"n","scopes":["decide"]}`).want(t, 201).tells(t, "Cache-Control", "no-store")
		key := p.with(made.at("key"))
		if got := key.check(t, "adam", "view", "product", "ORG-shop"); got != "allowed: administrator" {
			t.Error(got)
		}
		if list := p.ask(t, "GET", "/v1/keys", "").want(t, 200); strings.Contains(list.body, made.at("key")) || strings.Contains(list.body, "hash") {
			t.Errorf("the list of keys shows a secret: %s", list.body)
		}
		// A key of another secret, or another id, is none.
		p.with(made.at("key")+"X").ask(t, "GET", "/v1/keys", "").want(t, 401)
		p.with(strings.ToLower(made.at("key"))).ask(t, "GET", "/v1/keys", "").want(t, 401)
		p.ask(t, "DELETE", "/v1/keys/"+made.at("id"), "").want(t, 200)
		for range 20 { // at once
			key.ask(t, "POST", "/access/v1/evaluation", question("adam", "view", "product", "ORG-shop")).want(t, 401)
		}
		p.ask(t, "DELETE", "/v1/keys/"+made.at("id"), "").want(t, 404)

		// A key ends by the clock, at its instant.
		end := time.Now().Add(1500 * time.Millisecond)
		short := p.with(p.key(t, `{"name":"short","scopes":["decide"],"expires_at":"`+end.UTC().Format(time.RFC3339Nano)+`"}`))
		for {
			sent := time.Now()
			a := short.ask(t, "POST", "/access/v1/evaluation", question("adam", "view", "product", "ORG-shop"))
			if time.Now().Before(end) {
				a.want(t, 200)
			} else if !sent.Before(end) {
				a.want(t, 401)
				break
			}
		}
	})
}

func TestAKeyEndsNoLaterThanItsMaker(t *testing.T) { // docs/design.md 11, Callers
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		end := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
		at := func(end time.Time) string { return `,"expires_at":"` + end.Format(time.RFC3339) + `"` }
		maker := p.with(p.key(t, `{"name":"maker","scopes":["admin","decide"]`+at(end)+`}`))
		for _, until := range []string{"", `,"expires_at":null`, at(end.Add(time.Second))} {
			maker.ask(t, "POST", "/v1/keys", `{"name":"n","scopes":["decide"]`+until+`}`).want(t, 403, "outlives_maker")
		}
		maker.ask(t, "POST", "/v1/keys", `{"name":"n","scopes":["decide"]`+at(end)+`}`).want(t, 201)
	})
}

func TestTheLastAdminKeyStays(t *testing.T) { // docs/design.md 11, Callers
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		first := strings.Split(p.Key, "_")[1]
		p.ask(t, "POST", "/v1/keys", `{"name":"limited","scopes":["admin"],"organization":"acme"}`).want(t, 201)
		soon := p.ask(t, "POST", "/v1/keys", `{"name":"soon","scopes":["admin"],"expires_at":"`+time.Now().Add(time.Second).UTC().Format(time.RFC3339Nano)+`"}`).want(t, 201)
		for p.with(soon.at("key")).ask(t, "GET", "/v1/keys", "").status != 401 { // until it has ended
		}
		p.ask(t, "DELETE", "/v1/keys/"+first, "").want(t, 409, "last_admin_key")
		p.ask(t, "DELETE", "/v1/keys/"+soon.at("id"), "").want(t, 200)
		p.awaitRecords(t, "action=revoke_key&kind=decision", 1) // the refusal
		hour := p.ask(t, "POST", "/v1/keys", `{"name":"hour","scopes":["admin"],"expires_at":"`+time.Now().Add(time.Hour).UTC().Format(time.RFC3339)+`"}`).want(t, 201)
		p.ask(t, "DELETE", "/v1/keys/"+first, "").want(t, 409, "last_admin_key") // in an hour nobody could make one
		p.ask(t, "DELETE", "/v1/keys/"+hour.at("id"), "").want(t, 200)
		second := p.ask(t, "POST", "/v1/keys", `{"name":"second","scopes":["admin"]}`).want(t, 201)
		for range 2 {
			// Each revokes the other at once: one stays.
			other := p.with(second.at("key"))
			answers := make(chan answer, 2)
			go func() { answers <- p.ask(t, "DELETE", "/v1/keys/"+second.at("id"), "") }()
			go func() { answers <- other.ask(t, "DELETE", "/v1/keys/"+first, "") }()
			gone := 0
			for range 2 {
				switch a := <-answers; a.status {
				case 200:
					gone++
				case 401: // the other was faster
				default:
					a.want(t, 409, "last_admin_key")
				}
			}
			if gone != 1 {
				t.Fatalf("of two keys that revoke one another %d are gone", gone)
			}
			if p.ask(t, "GET", "/v1/keys", "").status == 401 {
				p, first = other, second.at("id")
			}
			second = p.ask(t, "POST", "/v1/keys", `{"name":"another","scopes":["admin"]}`).want(t, 201)
		}
	})
}

func TestKeysTellWhoMadeThemAndWhenTheyWereUsed(t *testing.T) { // docs/design.md 11, Callers
	program.EachPlace(t, func(t *testing.T, where program.Place) {
		first := program.FirstKey(t, where)
		s := program.Serve(t, where, first, "--log-level", "warn")
		p := settle(t, s, "acme")
		made := p.ask(t, "POST", "/v1/keys", `{"name":"used","scopes":["directory"]}`, "Cordon-Actor: adam").want(t, 201)
		p.ask(t, "POST", "/v1/keys", `{"name":"unused","scopes":["directory"]}`).want(t, 201)
		before := time.Now().Add(-time.Second)
		p.with(made.at("key")).ask(t, "GET", "~", "").want(t, 200)
		if err := s.Stop(); err != nil { // which writes what is noted
			t.Fatal(err)
		}
		s = program.Serve(t, where, first, "--log-level", "warn")
		list := place{Server: s, org: "acme"}.ask(t, "GET", "/v1/keys", "").want(t, 200).has(t, "items.#", "3")
		for i := range 3 {
			at := func(name string) string { return list.at(fmt.Sprintf("items.%d.%s", i, name)) }
			used, err := time.Parse(time.RFC3339, at("last_used_at"))
			switch at("name") {
			case "used":
				if at("created_by") != "adam" || err != nil || used.Before(before) || used.After(time.Now()) {
					t.Errorf("made by %q and used at %q, want adam and after %s", at("created_by"), at("last_used_at"), before)
				}
			case "unused":
				if at("created_by") != strings.Split(first, "_")[1] || at("last_used_at") != "" {
					t.Errorf("made by %q and used at %q, want the first key and never", at("created_by"), at("last_used_at"))
				}
			}
		}
	})
}

func TestTheLogOfAnActingUser(t *testing.T) { // docs/design.md 11, Callers
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		p.ask(t, "PUT", "/v1/organizations/third", `{"name":"Third","legal_representative":{"id":"tom","name":"Tom","email":"t@t.example"}}`).want(t, 201)
		p.ask(t, "PUT", "/v1/organizations/third/users/adam", `{"name":"Adam","email":"a@t.example","role":"client"}`).want(t, 201)
		p.ask(t, "POST", "~/products/ORG-shop/block", `{"reason":"x"}`, "Cordon-Actor: lena").want(t, 200)
		id := p.awaitRecords(t, "organization=acme&action=block", 1).at("items.0.id")
		theirs := p.awaitRecords(t, "organization=third&kind=change", 2).at("items.0.id")

		p.ask(t, "GET", "/v1/decisions?organization=acme&action=block", "", "Cordon-Actor: adam").want(t, 200).has(t, "items.#", "1")
		p.ask(t, "GET", "/v1/decisions?action=block", "", "Cordon-Actor: adam").want(t, 200).has(t, "items.#", "1")
		p.ask(t, "GET", "/v1/decisions/"+id, "", "Cordon-Actor: adam").want(t, 200)
		p.ask(t, "GET", "/v1/decisions?organization=third", "", "Cordon-Actor: adam").denied(t, "role_not_permitted")
		p.ask(t, "GET", "/v1/decisions/"+theirs, "", "Cordon-Actor: adam").want(t, 404)
		if all := p.ask(t, "GET", "/v1/decisions/export", "", "Cordon-Actor: adam").want(t, 200); strings.Contains(all.body, `"organization":"third"`) && strings.Contains(all.body, "tom") {
			t.Errorf("the export of an acting user tells of an organization whose log is not theirs: %s", all.body)
		}
		for _, who := range []string{"carl", "cleo"} {
			p.ask(t, "GET", "/v1/decisions?organization=acme", "", "Cordon-Actor: "+who).denied(t, "role_not_permitted")
			p.ask(t, "GET", "/v1/decisions", "", "Cordon-Actor: "+who).want(t, 200).has(t, "items", "[]")
		}
		p.ask(t, "GET", "/v1/decisions?organization=acme", "", "Cordon-Actor: mallory").denied(t, "not_a_member")
		p.ask(t, "GET", "/v1/decisions?organization=nowhere", "", "Cordon-Actor: mallory").want(t, 403)
		// The reading is on record.
		p.awaitRecords(t, "kind=read&actor=adam", 4)
	})
}
