package contract_test

import (
	"strconv"
	"strings"
	"testing"

	"cordon/tests/program"
)

// TestWhatActorsMayWrite goes through the directory's writes as users' own acts.
func TestWhatActorsMayWrite(t *testing.T) { // docs/domain.md, What each action asks; R5
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		carl := func(role, grants, email string) string {
			return `{"name":"Carl","email":"` + email + `","language":"de","role":"` + role + `","grants":[` + grants + `]}`
		}
		const both = `"ORG-mail","ORG-shop"`
		for _, row := range []struct {
			name, method, path, body, actor string
			status                          int
			reasons                         string
		}{
			{"one's own profile", "PUT", "~/users/carl", carl("collaborator", both, "new@acme.example"), "carl", 200, ""},
			{"one's own grants", "PUT", "~/users/cleo", `{"name":"Cleo","email":"cleo@acme.example","role":"client","grants":["ORG-shop"]}`, "cleo", 403, "role_not_permitted"},
			{"one's own role", "PUT", "~/users/carl", carl("administrator", both, "new@acme.example"), "carl", 403, "role_not_permitted"},
			{"one's own profile with a grant more", "PUT", "~/users/carl", carl("collaborator", both+`,"ORG-shop"`, "newer@acme.example"), "carl", 200, ""},
			{"somebody else's profile", "PUT", "~/users/cleo", `{"name":"Cleo","email":"mine@acme.example","role":"client"}`, "carl", 403, "role_not_permitted"},
			{"to add a user", "PUT", "~/users/new", `{"name":"N","email":"n@n.example","role":"client"}`, "carl", 403, "role_not_permitted"},
			{"to remove a user", "DELETE", "~/users/cleo", "", "carl", 403, "role_not_permitted"},
			{"to remove oneself", "DELETE", "~/users/carl", "", "carl", 403, "role_not_permitted"},
			{"to add a product", "PUT", "~/products/ORG-new", `{"name":"N","kind":"domain"}`, "carl", 403, "role_not_permitted"},
			{"to rename a product", "PUT", "~/products/ORG-shop", `{"name":"N","kind":"web_hosting"}`, "carl", 403, "role_not_permitted"},
			{"to rename the organization", "PUT", "~", `{"name":"N"}`, "carl", 403, "role_not_permitted"},
			{"an admin adds a user", "PUT", "~/users/new", `{"name":"N","email":"n@n.example","role":"client"}`, "adam", 201, ""},
			{"an admin adds an admin", "PUT", "~/users/new2", `{"name":"N","email":"n@n.example","role":"administrator"}`, "adam", 201, ""},
			{"an admin adds a legal representative", "PUT", "~/users/new3", `{"name":"N","email":"n@n.example","role":"legal_representative"}`, "adam", 403, "legal_representative_only"},
			{"a legal representative adds another", "PUT", "~/users/new4", `{"name":"N","email":"n@n.example","role":"legal_representative"}`, "lena", 201, ""},
			{"an admin removes a legal representative", "DELETE", "~/users/new4", "", "adam", 403, "legal_representative_only"},
			{"an admin demotes a legal representative", "PUT", "~/users/new4", `{"name":"N","email":"n@n.example","role":"client"}`, "adam", 403, "legal_representative_only"},
			{"an admin changes the profile of one", "PUT", "~/users/new4", `{"name":"M","email":"n@n.example","role":"legal_representative"}`, "adam", 200, ""},
			{"a legal representative removes another", "DELETE", "~/users/new4", "", "lena", 200, ""},
			{"an admin demotes an admin", "PUT", "~/users/new2", `{"name":"N","email":"n@n.example","role":"client"}`, "adam", 200, ""},
			{"an admin demotes themself", "PUT", "~/users/adam", `{"name":"Adam","email":"a@a.example","role":"client"}`, "adam", 200, ""},
			{"and is no admin then", "PUT", "~/users/adam", `{"name":"Adam","email":"a@a.example","role":"administrator"}`, "adam", 403, "role_not_permitted"},
		} {
			t.Run(row.name, func(t *testing.T) {
				before := p.revision(t)
				a := p.ask(t, row.method, row.path, row.body, "Cordon-Actor: "+row.actor)
				if row.status != 403 {
					a.want(t, row.status)
					return
				}
				a.denied(t, row.reasons)
				if got := p.revision(t); got != before {
					t.Errorf("a denied write took the revision from %s to %s", before, got)
				}
			})
		}
		p.ask(t, "GET", "~/users/cleo", "").has(t, "email", "cleo@acme.example")
		// A blocked user writes nothing, not even their own profile.
		p.ask(t, "POST", "~/users/carl/block", `{"justification":"long enough it is","support_code":"`+p.code(t, "lena")+`"}`, "Cordon-Agent: sam").want(t, 200)
		p.ask(t, "PUT", "~/users/carl", carl("collaborator", both, "again@acme.example"), "Cordon-Actor: carl").denied(t, "user_blocked")
	})
}

// TestChannelsOfStackedBlocks adds and lifts blocks that name different channels.
func TestChannelsOfStackedBlocks(t *testing.T) { // docs/domain.md U3, U4, Whose block it is
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		closed := func() string {
			var names []string
			for _, name := range []string{"database", "ftp", "imap", "kdrive_web", "mail_web", "manager", "smtp", "ssh"} {
				switch got := p.check(t, "carl", "use", "channel", name); got {
				case "denied: user_blocked":
					names = append(names, name)
				case "allowed: member":
				default:
					t.Errorf("%s: %s", name, got)
				}
			}
			return strings.Join(names, " ")
		}
		act := func(verb, maker, as, channels string) answer {
			return p.ask(t, "POST", "~/users/carl/"+verb, `{"justification":"long enough it is","support_code":"`+p.code(t, maker)+`"`+channels+`}`, as).want(t, 200)
		}
		for _, step := range []struct{ verb, maker, as, channels, want string }{
			{"block", "adam", "Cordon-Actor: adam", `,"channels":["imap","imap","manager"]`, "imap kdrive_web mail_web manager"},
			{"block", "lena", "Cordon-Agent: sam", `,"channels":["ssh","imap"]`, "imap kdrive_web mail_web manager ssh"},
			{"unblock", "lena", "Cordon-Actor: lena", "", "imap kdrive_web mail_web manager ssh"},
			{"block", "lena", "Cordon-Actor: lena", `,"channels":["database"]`, "database imap kdrive_web mail_web manager ssh"},
			{"unblock", "lena", "Cordon-Agent: sam", "", "database kdrive_web mail_web manager"},
			{"unblock", "adam", "Cordon-Actor: adam", "", ""},
		} {
			act(step.verb, step.maker, step.as, step.channels)
			if got := closed(); got != step.want {
				t.Errorf("after %s %s %s: %q is closed, want %q", step.as, step.verb, step.channels, got, step.want)
			}
		}
	})
}

// TestPreviews asks what a block would do: nothing of it happens.
func TestPreviews(t *testing.T) { // issue: Preview
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		code := p.code(t, "lena")
		body := `{"justification":"long enough it is","support_code":"` + code + `","channels":["imap"]}`
		a := p.ask(t, "POST", "~/users/carl/block?preview=true", body, "Cordon-Agent: sam", "Idempotency-Key: k").want(t, 200).
			has(t, "mailed", `["adam","lena"]`).has(t, "unblockers", `["adam","lena"]`)
		p.record(t, a.at("decision_id")).has(t, "kind", "decision").has(t, "decision", "true")
		for _, want := range []string{`"imap"`, `"manager"`, `"kdrive_web"`, `"mail_web"`, `"acme-shop"`} {
			if !strings.Contains(a.at("losses"), want) {
				t.Errorf("the losses of carl have no %s: %s", want, a.at("losses"))
			}
		}
		if strings.Contains(a.at("losses"), `"ssh"`) || strings.Contains(a.at("losses"), "receive_mail") {
			t.Errorf("carl would not lose this: %s", a.at("losses"))
		}
		p.ask(t, "POST", "~/products/ORG-shop/block?preview=true", `{"reason":"x"}`, "Cordon-Actor: adam").want(t, 200).
			has(t, "mailed", `["adam","carl","cleo","lena"]`).has(t, "unblockers", `["adam","lena"]`)
		if got := p.revision(t); got != "1" {
			t.Errorf("revision %s after two previews", got)
		}
		p.ask(t, "GET", "~/users/carl", "").has(t, "blocked", "false")
		p.ask(t, "GET", "~/products/ORG-shop", "").has(t, "blocked", "false")
		// What would be refused is refused.
		p.ask(t, "POST", "~/products/ORG-shop/block?preview=true", `{"reason":"x"}`, "Cordon-Actor: carl").denied(t, "role_not_permitted")
		// A reason or a justification is for the act: there is none to give for a look. What is given keeps its limits.
		p.ask(t, "POST", "~/products/ORG-shop/block?preview=true", `{}`, "Cordon-Actor: adam").want(t, 200)
		p.ask(t, "POST", "~/products/ORG-shop/block", `{}`, "Cordon-Actor: adam").want(t, 400)
		p.ask(t, "POST", "~/users/carl/block?preview=true", `{"support_code":"`+code+`"}`, "Cordon-Agent: sam").want(t, 200).
			has(t, "unblockers", `["adam","lena"]`)
		p.ask(t, "POST", "~/users/carl/block?preview=true", `{"support_code":"`+code+`","justification":"short"}`, "Cordon-Agent: sam").want(t, 400)
		p.ask(t, "POST", "~/users/carl/block", `{"support_code":"`+code+`"}`, "Cordon-Agent: sam").denied(t, "justification_required")
		p.ask(t, "POST", "~/users/carl/block?preview=true", `{}`, "Cordon-Agent: sam").denied(t, "support_code_required")
		// The start of maintenance is previewed alike, and its end undoes it.
		m := p.ask(t, "POST", "~/products/ORG-mail/start-maintenance?preview=true", `{}`, "Cordon-Actor: adam").want(t, 200).
			has(t, "unblockers", `["adam","lena"]`)
		if !strings.Contains(m.at("losses"), `"read_mail"`) || strings.Contains(m.at("losses"), "receive_mail") {
			t.Errorf("nobody loses what maintenance takes: %s", m.at("losses"))
		}
		p.ask(t, "GET", "~/products/ORG-mail", "").has(t, "maintenance", "false")
		p.ask(t, "POST", "~/products/ORG-mail/start-maintenance?preview=true", `{}`, "Cordon-Actor: carl").denied(t, "role_not_permitted")
		p.ask(t, "POST", "~/users/lena/block?preview=true", `{"justification":"long enough it is","support_code":"`+p.code(t, "adam")+`"}`, "Cordon-Actor: adam").want(t, 200)
		for _, query := range []string{"?preview", "?preview=", "?preview=yes", "?preview=true&preview=false", "?Preview=true"} {
			p.ask(t, "POST", "~/products/ORG-shop/block"+query, `{"reason":"x"}`, "Cordon-Actor: adam").want(t, 400)
		}
		p.ask(t, "POST", "~/products/ORG-shop/unblock?preview=true", `{}`, "Cordon-Actor: adam").want(t, 400)
		// The code is as good as before, and so is the key of idempotency.
		p.ask(t, "POST", "~/users/carl/block?preview=false", body, "Cordon-Agent: sam", "Idempotency-Key: k").want(t, 200).has(t, "user.blocked", "true")
		p.ask(t, "POST", "~/users/carl/block?preview=true", body, "Cordon-Agent: sam").denied(t, "support_code_invalid")
	})
}

// TestAnIDLivesAgain deletes organizations and products and makes others of their ids.
func TestAnIDLivesAgain(t *testing.T) { // docs/domain.md, What each action asks; docs/design.md 11, Revisions
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		p.ask(t, "PUT", "/v1/organizations/third", `{"name":"Third","legal_representative":{"id":"tom","name":"Tom","email":"t@t.example"}}`).want(t, 201)
		ask := func(user, want string) {
			t.Helper()
			if got := p.check(t, user, "manage", "product", "acme-shop"); got != want {
				t.Errorf("%s: %s, want %s", user, got, want)
			}
		}
		ask("carl", "allowed: granted")
		ask("tom", "denied: not_a_member")
		// Another organization takes the id of a product that is gone.
		p.ask(t, "DELETE", "~/products/ORG-shop", "").want(t, 200)
		p.ask(t, "POST", "/access/v1/evaluation", `{"subject":{"type":"user","id":"carl"},"action":{"name":"manage"},"resource":{"type":"product","id":"acme-shop"}}`).want(t, 200).has(t, "context.reasons.0.code", "unknown_resource")
		p.ask(t, "PUT", "/v1/organizations/third/products/acme-shop", `{"name":"S","kind":"domain"}`).want(t, 201)
		bare := func(user, want string) {
			t.Helper()
			a := p.ask(t, "POST", "/access/v1/evaluation", `{"subject":{"type":"user","id":"`+user+`"},"action":{"name":"manage"},"resource":{"type":"product","id":"acme-shop"}}`).want(t, 200)
			if got := strings.Join(contextReasons(a), ", "); got != want {
				t.Errorf("%s: %s, want %s", user, got, want)
			}
		}
		bare("carl", "not_a_member")
		bare("tom", "legal_representative")
		p.ask(t, "GET", "/v1/products/acme-shop", "").has(t, "organization", "third").has(t, "kind", "domain")

		// An organization is deleted with all that is in it, and made again: nobody of old is in it.
		p.ask(t, "POST", "~/users/carl/block", `{"justification":"long enough it is","support_code":"`+p.code(t, "lena")+`"}`, "Cordon-Agent: sam").want(t, 200)
		code := p.code(t, "lena")
		gone, err := strconv.Atoi(p.ask(t, "DELETE", "~", "").want(t, 200).at("revision"))
		if err != nil {
			t.Fatal(err)
		}
		if got := p.check(t, "adam", "view", "organization", "acme"); got != "denied: unknown_resource" {
			t.Error(got)
		}
		p.ask(t, "PUT", "~", `{"name":"Acme again","legal_representative":{"id":"lena","name":"Lena","email":"l@l.example"}}`).want(t, 201).has(t, "revision", strconv.Itoa(gone+1)) // docs/design.md 11, Revisions: it goes on
		for user, want := range map[string]string{"adam": "denied: not_a_member", "carl": "denied: not_a_member", "lena": "allowed: member"} {
			if got := p.check(t, user, "view", "organization", "acme"); got != want {
				t.Errorf("%s: %s, want %s", user, got, want)
			}
		}
		p.ask(t, "GET", "~/users", "").has(t, "items.#", "1")
		p.ask(t, "GET", "~/products", "").has(t, "items", "[]")
		p.ask(t, "PUT", "~/users/carl", `{"name":"Carl","email":"c@c.example","role":"client"}`).want(t, 201).has(t, "blocked", "false")
		p.blocking(t, "block", code, "").denied(t, "support_code_invalid")
		// What was asked of the old one is still on record.
		p.awaitRecords(t, "organization=acme&subject=carl&resource=acme-shop", 1)
	})
}
