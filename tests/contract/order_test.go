package contract_test

import (
	"strings"
	"testing"

	"cordon/tests/program"
)

// big is a body over 256 KiB.
func big() string { return `{"reason":"` + strings.Repeat("x", 256<<10) + `"}` }

func TestChecksComeInTheirOrder(t *testing.T) { // docs/design.md 11, Order of checks
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		p.ask(t, "POST", "~/products/ORG-shop/block", `{"reason":"leak"}`, "Cordon-Actor: adam").want(t, 200)
		decider := p.with(p.key(t, `{"name":"decider","scopes":["decide"]}`))
		nobody := p.with("")
		const block, lost = "~/products/ORG-shop/block", "/v1/organizations/nowhere/products/nothing/block"
		for _, row := range []struct {
			name   string
			of     place
			path   string
			body   string
			header string
			status int
			code   string
		}{
			{"no token goes before all", nobody, lost, `{`, "Cordon-Actor: carl", 401, "unauthenticated"},
			{"a wrong token too", p.with("ck_aaaaaaaaaaaa_BBBB"), lost, `{`, "", 401, "unauthenticated"},
			{"scope before syntax", decider, lost, `{`, "", 403, "insufficient_scope"},
			{"scope before the type of content", decider, lost, `{}`, "Content-Type: text/plain", 403, "insufficient_scope"},
			{"scope before size", decider, lost, big(), "", 403, "insufficient_scope"},
			{"scope before the actor's rights", decider, block, `{"reason":"x"}`, "Cordon-Actor: carl", 403, "insufficient_scope"},
			{"syntax before what is unknown", p, lost, `{`, "Cordon-Actor: lena", 400, "invalid_body"},
			{"the type of content before what is unknown", p, lost, `{}`, "Content-Type: text/plain", 415, "unsupported_media_type"},
			{"size before what is unknown", p, lost, big(), "", 413, "body_too_large"},
			{"a member's value before what is unknown", p, lost, `{"reason":""}`, "", 400, "invalid_body"},
			{"unknown organization before the rules", p, lost, `{"reason":"x"}`, "", 404, "not_found"},
			{"unknown product before the rules", p, "~/products/nothing/block", `{"reason":"x"}`, "Cordon-Actor: carl", 404, "not_found"},
			{"a stranger learns nothing of the product", p, "~/products/nothing/block", `{"reason":"x"}`, "Cordon-Actor: mallory", 403, "denied"},
			{"a stranger learns nothing of the organization", p, lost, `{"reason":"x"}`, "Cordon-Actor: mallory", 403, "denied"},
			{"rules before conflicts", p, block, `{"reason":"x"}`, "Cordon-Actor: carl", 403, "denied"},
			{"conflicts come last", p, block, `{"reason":"x"}`, "Cordon-Actor: lena", 409, "already_blocked"},
		} {
			t.Run(row.name, func(t *testing.T) {
				a := row.of.ask(t, "POST", row.path, row.body, row.header).want(t, row.status, row.code)
				if strings.Contains(row.name, "stranger") {
					a.denied(t, "not_a_member")
				}
			})
		}
	})
}

func TestAStrangerToTheOrganizationIsTold403EverywhereAndNever404(t *testing.T) { // docs/design.md 11, Order of checks
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		const why = `{"justification":"because it is so"}`
		for _, org := range []string{"/v1/organizations/acme", "/v1/organizations/nowhere"} {
			for path, bodies := range map[string][2]string{
				"":                                    {"PUT", `{"name":"Mine","legal_representative":{"id":"m","name":"M","email":"m@m.example"}}`},
				"/users/nobody":                       {"PUT", `{"name":"N","email":"n@n.example","role":"client"}`},
				"/users/carl":                         {"DELETE", ""},
				"/users/ghost":                        {"DELETE", ""},
				"/products/new":                       {"PUT", `{"name":"N","kind":"domain"}`},
				"/products/ghost":                     {"DELETE", ""},
				"/products/acme-shop/block":           {"POST", `{"reason":"x"}`},
				"/products/ghost/unblock":             {"POST", `{}`},
				"/products/acme-mail/end-maintenance": {"POST", `{}`},
				"/products/ghost/start-maintenance":   {"POST", `{}`},
				"/users/carl/block":                   {"POST", why},
				"/users/ghost/unblock":                {"POST", why},
				"/users/ghost/secure":                 {"POST", why},
				"/support-codes":                      {"POST", `{}`},
			} {
				p.ask(t, bodies[0], org+path, bodies[1], "Cordon-Actor: mallory").denied(t, "not_a_member")
			}
		}
		// To delete an organization is the host's alone: the rules know no such act.
		p.ask(t, "DELETE", "~", "", "Cordon-Actor: mallory").want(t, 403, "denied")
		p.ask(t, "DELETE", "~", "", "Cordon-Actor: lena").want(t, 403, "denied")
	})
}
