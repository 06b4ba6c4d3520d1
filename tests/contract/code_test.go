package contract_test

import (
	"regexp"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cordon/tests/program"
)

// blocking asks for a block of carl with a code, as an agent or, where actor is set, as an admin.
func (p place) blocking(t *testing.T, verb, code, actor string) answer {
	t.Helper()
	who := "Cordon-Agent: sam"
	if actor != "" {
		who = "Cordon-Actor: " + actor
	}
	body := `{"justification":"long enough it is"`
	if code != "" {
		body += `,"support_code":"` + code + `"`
	}
	return p.ask(t, "POST", "~/users/carl/"+verb, body+"}", who)
}

func TestSupportCodes(t *testing.T) { // docs/design.md 11, Support codes; docs/domain.md U2
	onEach(t, func(t *testing.T, s *program.Server) {
		t.Run("shown once, for 15 minutes", func(t *testing.T) {
			p := settle(t, s, "acme")
			before := time.Now()
			a := p.ask(t, "POST", "~/support-codes", "{}", "Cordon-Actor: adam").want(t, 201).tells(t, "Cache-Control", "no-store")
			ends, err := time.Parse(time.RFC3339, a.at("expires_at"))
			if err != nil || ends.Before(before.Add(15*time.Minute-time.Second)) || ends.After(time.Now().Add(15*time.Minute+time.Second)) {
				t.Errorf("the code ends at %s, want in 15 minutes: %v", a.at("expires_at"), err)
			}
			if !regexp.MustCompile(`^[A-Z0-9-]{8,}$`).MatchString(a.at("code")) {
				t.Errorf("nobody can read %q out on a telephone", a.at("code"))
			}
			p.ask(t, "POST", "~/support-codes", "{}", "Cordon-Actor: carl").denied(t, "role_not_permitted")
			p.ask(t, "POST", "~/support-codes", "{}", "Cordon-Actor: mallory").denied(t, "not_a_member")
		})
		t.Run("a new one replaces its maker's old one", func(t *testing.T) {
			p := settle(t, s, "replaced")
			old, lenas := p.code(t, "adam"), p.code(t, "lena")
			fresh := p.code(t, "adam")
			p.blocking(t, "block", old, "").denied(t, "support_code_invalid")
			p.blocking(t, "block", fresh, "").want(t, 200)
			p.blocking(t, "unblock", lenas, "").want(t, 200)
			p.blocking(t, "block", fresh, "").denied(t, "support_code_invalid") // used
		})
		t.Run("neither a denial nor a conflict burns it", func(t *testing.T) {
			p := settle(t, s, "kept")
			code := p.code(t, "adam")
			p.ask(t, "POST", "~/users/carl/block", `{"support_code":"`+code+`"}`, "Cordon-Agent: sam").denied(t, "justification_required")
			p.blocking(t, "unblock", code, "").want(t, 409, "not_blocked")
			p.ask(t, "POST", "~/users/ghost/block", `{"justification":"long enough it is","support_code":"`+code+`"}`, "Cordon-Agent: sam").want(t, 404)
			p.ask(t, "POST", "~/users/carl/block", `{"justification":"short","support_code":"`+code+`"}`, "Cordon-Agent: sam").want(t, 400)
			p.blocking(t, "block", code, "").want(t, 200)
		})
		t.Run("it is typed as people type", func(t *testing.T) {
			p := settle(t, s, "typed")
			code := p.code(t, "adam")
			p.blocking(t, "block", " "+code[:4]+" "+code[4:], "").want(t, 200)
		})
		t.Run("an actor uses their own", func(t *testing.T) {
			p := settle(t, s, "own")
			lenas, adams := p.code(t, "lena"), p.code(t, "adam")
			p.blocking(t, "block", lenas, "adam").denied(t, "support_code_invalid")
			p.blocking(t, "block", adams, "carl").want(t, 403) // carl is no admin
			p.blocking(t, "block", adams, "adam").want(t, 200).has(t, "user.blocks.0.origin", "administrator")
			p.blocking(t, "unblock", p.code(t, "lena"), "lena").want(t, 200)
		})
		t.Run("an agent needs one to secure, an admin does not", func(t *testing.T) {
			p := settle(t, s, "secure")
			p.blocking(t, "secure", "", "").denied(t, "support_code_required")
			p.blocking(t, "secure", "", "adam").want(t, 200)
			p.blocking(t, "secure", p.code(t, "adam"), "").want(t, 200)
			p.ask(t, "POST", "~/users/carl/secure", `{}`, "Cordon-Actor: adam").denied(t, "justification_required")
			p.blocking(t, "secure", "", "cleo").denied(t, "role_not_permitted")
		})
		t.Run("a code whose maker is blocked, demoted or gone is none", func(t *testing.T) {
			p := settle(t, s, "orphan")
			code := p.code(t, "adam")
			p.ask(t, "POST", "~/users/adam/block", `{"justification":"long enough it is","support_code":"`+p.code(t, "lena")+`"}`, "Cordon-Agent: sam").want(t, 200)
			p.blocking(t, "block", code, "").denied(t, "support_code_invalid")
			p.ask(t, "POST", "~/users/adam/unblock", `{"justification":"long enough it is","support_code":"`+p.code(t, "lena")+`"}`, "Cordon-Agent: sam").want(t, 200)
			code = p.code(t, "adam")
			p.ask(t, "PUT", "~/users/adam", `{"name":"Adam","email":"a@a.example","role":"client"}`).want(t, 200)
			p.blocking(t, "block", code, "").denied(t, "support_code_invalid")
			p.ask(t, "PUT", "~/users/adam", `{"name":"Adam","email":"a@a.example","role":"administrator"}`).want(t, 200)
			code = p.code(t, "adam")
			p.ask(t, "DELETE", "~/users/adam", "").want(t, 200)
			p.blocking(t, "block", code, "").denied(t, "support_code_invalid")
		})
	})
}

func TestWrongTriesAreCounted(t *testing.T) { // docs/design.md 11, Support codes
	onEach(t, func(t *testing.T, s *program.Server) {
		p, q := settle(t, s, "acme"), settle(t, s, "other")
		used := p.code(t, "adam")
		p.blocking(t, "block", used, "").want(t, 200)
		foreign := q.code(t, "lena")
		live := p.code(t, "lena")
		for range 8 { // a missing one is no try
			p.blocking(t, "unblock", "", "").denied(t, "support_code_required")
			p.blocking(t, "unblock", "  ", "").denied(t, "support_code_required")
		}
		for _, wrong := range []string{used, foreign, "AAAA-AAAA-AAAA", "x"} {
			p.blocking(t, "unblock", wrong, "").denied(t, "support_code_invalid")
		}
		// The fifth burns what is live, and until the hour is over no code is good, not even a new one.
		p.blocking(t, "unblock", "BBBB-BBBB-BBBB", "").denied(t, "support_code_invalid")
		locked := p.blocking(t, "unblock", live, "").denied(t, "support_code_invalid").at("locked_until")
		until, err := time.Parse(time.RFC3339, locked)
		if left := time.Until(until); err != nil || left > time.Hour || left < 50*time.Minute {
			t.Errorf("locked until %q: %v", locked, err)
		}
		p.ask(t, "POST", "~/support-codes", "{}", "Cordon-Actor: lena").want(t, 409, "support_codes_locked").has(t, "locked_until", locked)
		p.ask(t, "GET", "~/users/carl", "").has(t, "blocked", "true")
		// The tries were counted on the organization in the path: the other one is as before.
		q.blocking(t, "block", foreign, "").want(t, 200)
	})
}

func TestNobodyLocksSupportOutWhoMayNotActAnyway(t *testing.T) { // docs/design.md 11, Support codes
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		code := p.code(t, "adam")
		for range 6 {
			for _, who := range []string{"cleo", "carl", "mallory"} {
				if a := p.blocking(t, "block", "AAAA-AAAA-AAAA", who).want(t, 403, "denied"); a.at("locked_until") != "" {
					t.Errorf("%s: %s", a.asked, a.body)
				}
				p.blocking(t, "secure", "AAAA-AAAA-AAAA", who).want(t, 403, "denied")
			}
			p.ask(t, "POST", "~/users/carl/block", `{"support_code":"AAAA-AAAA-AAAA"}`, "Cordon-Agent: sam").denied(t, "support_code_invalid, justification_required")
		}
		p.blocking(t, "block", code, "").want(t, 200)
	})
}

func TestTheHostLiftsTheLock(t *testing.T) { // docs/design.md 11, Support codes
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		for range 6 {
			p.blocking(t, "block", "AAAA-AAAA-AAAA", "").denied(t, "support_code_invalid")
		}
		p.ask(t, "DELETE", "~/support-codes", "", "Cordon-Actor: lena").want(t, 400)
		p.ask(t, "DELETE", "~/support-codes", "", "Cordon-Agent: sam").want(t, 400)
		p.with(p.key(t, `{"name":"n","scopes":["support","act"]}`)).ask(t, "DELETE", "~/support-codes", "").want(t, 403, "insufficient_scope")
		p.ask(t, "DELETE", "/v1/organizations/nowhere/support-codes", "").want(t, 404)
		p.ask(t, "POST", "~/support-codes", "{}", "Cordon-Actor: lena").want(t, 409, "support_codes_locked")
		before := p.revision(t)
		a := p.ask(t, "DELETE", "~/support-codes", "").want(t, 200).has(t, "revision", before)
		if p.revision(t) != before {
			t.Errorf("lifting the lock took the revision from %s to %s", before, p.revision(t))
		}
		p.record(t, a.header.Get("Cordon-Decision-Id")).has(t, "kind", "change").has(t, "question.action.name", "unlock_support_codes").has(t, "organization", "acme")
		p.blocking(t, "block", p.code(t, "lena"), "").want(t, 200)
		p.ask(t, "DELETE", "~/support-codes", "").want(t, 200).has(t, "revision", p.revision(t)) // no lock: no effect
	})
}

func TestACodeIsUsedOnce(t *testing.T) { // docs/domain.md U2
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		for i := range 100 {
			p.ask(t, "PUT", "~/users/u"+string(rune('a'+i/26))+string(rune('a'+i%26)), `{"name":"U","email":"u@u.example","role":"client"}`).want(t, 201)
		}
		body := `{"justification":"long enough it is","support_code":"` + p.code(t, "adam") + `"}`
		var won atomic.Int32
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				a := p.ask(t, "POST", "~/users/u"+string(rune('a'+i/26))+string(rune('a'+i%26))+"/block", body, "Cordon-Agent: sam")
				switch a.status {
				case 200:
					won.Add(1)
				case 403:
					a.denied(t, "support_code_invalid")
				default:
					a.want(t, 403)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 {
			t.Errorf("one code, 100 uses at once: %d won", won.Load())
		}
	})
}

func TestNobodyLocksTheOrganizationOut(t *testing.T) { // docs/domain.md R4
	onEach(t, func(t *testing.T, s *program.Server) {
		for round := range 5 {
			p := settle(t, s, "race"+string(rune('a'+round)))
			// The last two block each other at once: one is refused.
			bodies := map[string]string{}
			for _, who := range []string{"lena", "adam"} {
				bodies[who] = `{"justification":"long enough it is","support_code":"` + p.code(t, who) + `"}`
			}
			answers := make(chan answer, 2)
			for _, pair := range [][2]string{{"lena", "adam"}, {"adam", "lena"}} {
				go func() {
					answers <- p.ask(t, "POST", "~/users/"+pair[1]+"/block", bodies[pair[0]], "Cordon-Actor: "+pair[0])
				}()
			}
			won := 0
			for range 2 {
				if a := <-answers; a.status == 200 {
					won++
				} else {
					a.want(t, 403, "denied")
				}
			}
			if won != 1 {
				t.Errorf("of two who block each other %d won", won)
			}
		}
		p := settle(t, s, "acme")
		p.ask(t, "POST", "~/users/lena/block", `{"justification":"long enough it is","support_code":"`+p.code(t, "adam")+`"}`, "Cordon-Agent: sam").want(t, 200)
		p.ask(t, "POST", "~/users/adam/block", `{"justification":"long enough it is","support_code":"`+p.code(t, "adam")+`"}`, "Cordon-Agent: sam").denied(t, "would_lock_out_organization")
		p.ask(t, "DELETE", "~/users/adam", "").denied(t, "would_lock_out_organization")
		p.ask(t, "PUT", "~/users/adam", `{"name":"A","email":"a@a.example","role":"client"}`).denied(t, "would_lock_out_organization")
		p.ask(t, "PUT", "~/users/adam", `{"name":"A","email":"a@a.example","role":"client"}`, "Cordon-Actor: adam").denied(t, "would_lock_out_organization")
		// The same by an import.
		p.ask(t, "POST", "/v1/import", `{"user":{"organization":"ORG","id":"adam","name":"A","email":"a@a.example","role":"client"}}`, "Content-Type: application/x-ndjson").
			want(t, 200).has(t, "refused.0.code", "denied")
		p.ask(t, "GET", "~/users/adam", "").has(t, "role", "administrator")
	})
}

// TestAnImportLocksNobodyOut takes in, in one go, an administrator whose block has outlived their
// membership, and lines that rest on them.
func TestAnImportLocksNobodyOut(t *testing.T) { // docs/domain.md R4; docs/design.md 4: R4 and R5 bind the host, too
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		block := func(user string) {
			p.ask(t, "POST", "~/users/"+user+"/block", `{"justification":"long enough it is","support_code":"`+p.code(t, "lena")+`"}`, "Cordon-Agent: sam").want(t, 200)
		}
		p.ask(t, "PUT", "~/users/leo", `{"name":"Leo","email":"leo@acme.example","role":"legal_representative"}`).want(t, 201)
		block("leo")
		block("adam")
		p.ask(t, "DELETE", "~/users/adam", "").want(t, 200)
		p.ask(t, "POST", "/v1/import", `{"user":{"organization":"ORG","id":"adam","name":"Adam","email":"adam@acme.example","role":"administrator"}}
{"user":{"organization":"ORG","id":"lena","name":"Lena","email":"lena@acme.example","role":"client"}}`, "Content-Type: application/x-ndjson").
			want(t, 200).has(t, "users", "1").has(t, "refused.0.line", "2").has(t, "refused.0.code", "denied")
		p.ask(t, "GET", "~/users/adam", "").has(t, "blocked", "true")
		p.ask(t, "GET", "~/users/lena", "").has(t, "role", "legal_representative")
		// She may become an administrator, for she can unblock as one, and Leo is a legal representative still.
		p.ask(t, "PUT", "~/users/lena", `{"name":"Lena","email":"lena@acme.example","role":"administrator"}`).want(t, 200)
		p.ask(t, "DELETE", "~/users/leo", "").denied(t, "last_legal_representative")
	})
}

func TestBlocksStandSideBySide(t *testing.T) { // docs/domain.md, Whose block it is; U1
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		p.blocking(t, "block", p.code(t, "lena"), "lena").want(t, 200).has(t, "user.blocks.#", "1").has(t, "user.blocks.0.by", "lena")
		p.blocking(t, "block", p.code(t, "lena"), "").want(t, 200).has(t, "user.blocks.#", "2")
		p.blocking(t, "block", p.code(t, "lena"), "").want(t, 409, "already_blocked")
		p.blocking(t, "block", p.code(t, "adam"), "adam").want(t, 409, "already_blocked")
		p.blocking(t, "unblock", p.code(t, "adam"), "adam").want(t, 200).has(t, "user.blocks.#", "1").has(t, "user.blocks.0.origin", "support").has(t, "user.blocked", "true")
		p.blocking(t, "unblock", p.code(t, "adam"), "adam").denied(t, "block_held_by_support")
		// A block is of (organization, user): it survives that the user is removed and added again.
		p.ask(t, "DELETE", "~/users/carl", "").want(t, 200)
		p.blocking(t, "unblock", p.code(t, "lena"), "").want(t, 404)
		p.ask(t, "PUT", "~/users/carl", `{"name":"Carl","email":"c@c.example","role":"collaborator","grants":["ORG-shop"]}`).want(t, 201).has(t, "blocked", "true")
		if got := p.check(t, "carl", "manage", "product", "ORG-shop"); got != "denied: user_blocked" {
			t.Error(got)
		}
		p.blocking(t, "unblock", p.code(t, "lena"), "").want(t, 200).has(t, "user.blocked", "false").has(t, "user.blocks", "[]")
		if got := p.check(t, "carl", "manage", "product", "ORG-shop"); got != "allowed: granted" {
			t.Error(got)
		}
		// Grants go with their product, and do not return with its id.
		p.ask(t, "DELETE", "~/products/ORG-shop", "").want(t, 200)
		p.ask(t, "PUT", "~/products/ORG-shop", `{"name":"Shop","kind":"web_hosting"}`).want(t, 201)
		p.ask(t, "GET", "~/users/carl", "").has(t, "grants", "[]")
		// A blocked product is removed by the host alone.
		p.ask(t, "POST", "~/products/ORG-shop/block", `{"reason":"x"}`, "Cordon-Actor: adam").want(t, 200)
		p.ask(t, "PUT", "~/products/ORG-shop", `{"name":"Shop 2","kind":"web_hosting"}`, "Cordon-Actor: adam").denied(t, "product_blocked")
		p.ask(t, "DELETE", "~/products/ORG-shop", "", "Cordon-Actor: adam").denied(t, "product_blocked")
		p.ask(t, "DELETE", "~/products/ORG-shop", "").want(t, 200)
	})
}
