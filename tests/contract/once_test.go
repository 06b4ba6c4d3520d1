package contract_test

import (
	"strings"
	"sync"
	"testing"

	"cordon/tests/program"
)

func TestIdempotencyKeys(t *testing.T) { // docs/design.md 4 and 11, Idempotency-Key
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		const block, unblock = "~/products/ORG-shop/block", "~/products/ORG-shop/unblock"
		once := func(key, path, body, actor string) answer {
			return p.ask(t, "POST", path, body, "Idempotency-Key: "+key, "Cordon-Actor: "+actor)
		}
		same := func(a, b answer) {
			t.Helper()
			if a.status != b.status || a.body != b.body {
				t.Errorf("%s: a repeat is answered %d %s\nthe first was %d %s", b.asked, b.status, b.body, a.status, a.body)
			}
			for _, name := range []string{"Content-Type", "Cordon-Decision-Id", "Cordon-Policy", "Cordon-Revision"} {
				if a.header.Get(name) != b.header.Get(name) {
					t.Errorf("%s: a repeat has %s %q, the first had %q", b.asked, name, b.header.Get(name), a.header.Get(name))
				}
			}
		}
		first := once("k1", block, `{"reason":"x"}`, "adam").want(t, 200).tells(t, "Idempotency-Replayed", "")
		same(first, once("k1", block, `{"reason":"x"}`, "adam").tells(t, "Idempotency-Replayed", "true"))
		if got := p.revision(t); got != first.at("revision") {
			t.Errorf("a repeat changed the revision from %s to %s", first.at("revision"), got)
		}
		once("k1", block, `{"reason":"y"}`, "adam").want(t, 422)
		once("k1", block, `{"reason": "x"}`, "adam") // other bytes; either answer is the contract's
		// Even after the effect was undone the repeat does nothing.
		once("k1", unblock, `{}`, "adam").want(t, 200) // another path: another key
		same(first, once("k1", block, `{"reason":"x"}`, "adam"))
		p.ask(t, "GET", "~/products/ORG-shop", "").has(t, "blocked", "false")
		// Another caller's key is another key.
		other := p.with(p.key(t, `{"name":"other","scopes":["act"]}`))
		other.ask(t, "POST", block, `{"reason":"z"}`, "Idempotency-Key: k1", "Cordon-Actor: adam").want(t, 200).has(t, "product.blocks.0.reason", "z")

		// A conflict and a denial are repeated, even when they would not be one any more.
		conflict := once("k2", block, `{"reason":"x"}`, "adam").want(t, 409, "already_blocked")
		denied := once("k3", unblock, `{}`, "carl").denied(t, "role_not_permitted")
		once("k4", unblock, `{}`, "adam").want(t, 200)
		p.ask(t, "PUT", "~/users/carl", `{"name":"Carl","email":"c@c.example","role":"administrator"}`).want(t, 200)
		same(conflict, once("k2", block, `{"reason":"x"}`, "adam"))
		same(denied, once("k3", unblock, `{}`, "carl"))
		// What was not valid is not kept.
		once("k5", block, `{"reason":""}`, "adam").want(t, 400)
		once("k5", block, `{"reason":"x"}`, "adam").want(t, 200)
		// A secret is shown once.
		once("k6", "~/support-codes", `{}`, "adam").want(t, 201)
		once("k6", "~/support-codes", `{}`, "adam").want(t, 409, "already_shown")
		once("k6", "~/support-codes", `{} `, "adam").want(t, 422)
		made := p.ask(t, "POST", "/v1/keys", `{"name":"n","scopes":["decide"]}`, "Idempotency-Key: k7").want(t, 201)
		again := p.ask(t, "POST", "/v1/keys", `{"name":"n","scopes":["decide"]}`, "Idempotency-Key: k7").want(t, 409, "already_shown")
		if strings.Contains(again.body, made.at("key")) {
			t.Error("the key is shown twice")
		}
		for _, key := range []string{strings.Repeat("k", 256), "k\u00e9"} {
			once(key, block, `{"reason":"x"}`, "adam").want(t, 400)
		}
	})
}

func TestARepeatWaitsForTheFirst(t *testing.T) { // docs/design.md 11, Idempotency-Key
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		before := p.revision(t)
		for _, verb := range []string{"block", "unblock", "block", "unblock"} {
			answers := make([]answer, 16)
			var all sync.WaitGroup
			for i := range answers {
				all.Go(func() {
					answers[i] = p.ask(t, "POST", "~/products/ORG-shop/"+verb, `{"reason":"x"}`, "Cordon-Actor: adam", "Idempotency-Key: "+verb+before)
				})
			}
			all.Wait()
			for _, a := range answers {
				if a.want(t, 200); a.body != answers[0].body {
					t.Errorf("two answers to one key: %s and %s", a.body, answers[0].body)
				}
			}
			if got := p.revision(t); got != next(t, before) {
				t.Errorf("16 calls with one key took the revision from %s to %s", before, got)
			}
			before = next(t, before)
		}
	})
}

func TestRevisions(t *testing.T) { // docs/design.md 4 and 11, Revisions
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		const shop, mail, carl = "~/products/ORG-shop", "~/products/ORG-mail", "~/users/carl"
		code := func() string { return p.code(t, "lena") }
		act := func(justification string) string {
			return `{"justification":"` + justification + `","support_code":"` + code() + `"}`
		}
		for _, row := range []struct {
			name, method, path, body, header string
			status, more                     int
		}{
			{"a block", "POST", shop + "/block", `{"reason":"x"}`, "Cordon-Actor: adam", 200, 1},
			{"blocked already", "POST", shop + "/block", `{"reason":"x"}`, "Cordon-Actor: adam", 409, 0},
			{"a denial", "POST", shop + "/block", `{"reason":"x"}`, "Cordon-Actor: carl", 403, 0},
			{"an unblock", "POST", shop + "/unblock", `{}`, "Cordon-Actor: adam", 200, 1},
			{"maintenance", "POST", mail + "/start-maintenance", `{}`, "Cordon-Actor: adam", 200, 1},
			{"its end", "POST", mail + "/end-maintenance", `{}`, "Cordon-Actor: adam", 200, 1},
			{"a new code", "POST", "~/support-codes", `{}`, "Cordon-Actor: adam", 201, 0},
			{"a wrong try", "POST", carl + "/block", `{"justification":"long enough it is","support_code":"WRONG"}`, "Cordon-Agent: sam", 403, 0},
			{"a user block", "POST", carl + "/block", act("long enough it is"), "Cordon-Agent: sam", 200, 1},
			{"its lifting", "POST", carl + "/unblock", "code", "Cordon-Agent: sam", 200, 1},
			{"secure", "POST", carl + "/secure", `{"justification":"long enough it is"}`, "Cordon-Actor: adam", 200, 1},
			{"a rename", "PUT", "~", `{"name":"Acme 2"}`, "", 200, 1},
			{"a rename to the same", "PUT", "~", `{"name":"Acme 2"}`, "", 200, 0},
			{"a profile", "PUT", carl, `{"name":"Carl C","email":"carl@acme.example","role":"collaborator","grants":["ORG-shop"]}`, "", 200, 1},
			{"the same profile", "PUT", carl, `{"name":"Carl C","email":"carl@acme.example","role":"collaborator","grants":["ORG-shop","ORG-shop"]}`, "", 200, 0},
			{"a profile, grants and role at once", "PUT", carl, `{"name":"Carl","email":"carl@acme.example","role":"client","grants":["ORG-mail"]}`, "Cordon-Actor: adam", 200, 1},
			{"a new product", "PUT", "~/products/ORG-new", `{"name":"N","kind":"domain"}`, "Cordon-Actor: adam", 201, 1},
			{"its removal", "DELETE", "~/products/ORG-new", "", "Cordon-Actor: adam", 200, 1},
			{"a removal that is denied", "DELETE", "~/users/lena", "", "", 403, 0},
			{"a question", "POST", "/access/v1/evaluation", question("carl", "view", "product", "ORG-mail"), "", 200, 0},
		} {
			if row.body == "code" {
				row.body = act("long enough it is")
			}
			before := p.revision(t)
			a := p.ask(t, row.method, row.path, row.body, row.header).want(t, row.status)
			after := before
			if row.more > 0 {
				after = next(t, before)
			}
			if got := p.revision(t); got != after {
				t.Errorf("%s takes the revision from %s to %s, want %s", row.name, before, got, after)
			}
			a.tells(t, "Cordon-Revision", after)
			if row.status == 200 && row.method != "POST" || a.at("revision") != "" {
				a.has(t, "revision", after)
			}
			if id := a.header.Get("Cordon-Decision-Id"); id == "" {
				t.Errorf("%s: no Cordon-Decision-Id", row.name)
			} else {
				kind := "decision"
				if row.more > 0 || row.name == "a new code" {
					kind = "change"
				}
				p.record(t, id).has(t, "revision", after).has(t, "kind", kind)
			}
		}
	})
}
