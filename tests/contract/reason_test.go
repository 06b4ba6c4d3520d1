package contract_test

import (
	"strings"
	"testing"

	"cordon/tests/program"
)

func TestReasonsAreInOneLanguageAndExplainedOnRequest(t *testing.T) { // docs/design.md 11, Reasons
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		catalogue := p.ask(t, "GET", "/v1/reasons", "").want(t, 200)
		tag := catalogue.header.Get("ETag")
		if tag == "" || catalogue.at("items.0.code") == "" || catalogue.at("items.0.effect") != "deny" {
			t.Errorf("ETag %q, %s", tag, catalogue.body)
		}
		if again := p.ask(t, "GET", "/v1/reasons", "", "If-None-Match: "+tag).want(t, 304); again.body != "" || again.header.Get("ETag") != tag {
			t.Errorf("a second look: %v %q", again.header, again.body)
		}
		decider := p.with(p.key(t, `{"name":"decider","scopes":["decide","act"]}`))
		decider.ask(t, "GET", "/v1/reasons", "").want(t, 200)

		manage := func(user string) string { return question(user, "manage", "product", "ORG-shop") }
		block := `{"reason":"a leak"}`
		for _, row := range []struct {
			accept, language, allowed string
		}{
			{"", "en", "You may do this as an administrator of the organization."},
			{"fr-CH, de;q=0.5", "fr", "Vous y êtes autorisé en tant qu'administrateur de l'organisation."},
			{"it, de;q=0.1", "de", "Sie dürfen dies als Administrator der Organisation."},
			{"it", "en", ""},
		} {
			for _, a := range []answer{
				p.ask(t, "POST", "/access/v1/evaluation", manage("adam"), "Accept-Language: "+row.accept).want(t, 200),
				p.ask(t, "POST", "/access/v1/evaluation", manage("cleo"), "Accept-Language: "+row.accept).want(t, 200),
				p.ask(t, "POST", "/access/v1/evaluations", `{"evaluations":[`+manage("adam")+`,`+manage("cleo")+`]}`, "Accept-Language: "+row.accept).want(t, 200),
				p.ask(t, "POST", "~/products/ORG-shop/block", block, "Cordon-Actor: cleo", "Accept-Language: "+row.accept).want(t, 403, "denied"),
			} {
				if a.header.Get("Content-Language") != row.language || !strings.Contains(a.header.Get("Vary"), "Accept-Language") {
					t.Errorf("%s: Content-Language %q, Vary %q", a.asked, a.header.Get("Content-Language"), a.header.Get("Vary"))
				}
				if strings.Contains(a.body, "reason_user") || strings.Contains(a.body, "reason_admin") {
					t.Errorf("%s: explained without being asked: %s", a.asked, a.body)
				}
			}
			a := p.ask(t, "POST", "/access/v1/evaluation", manage("adam"), "Accept-Language: "+row.accept)
			if message := a.at("context.reasons.0.message"); row.allowed != "" && message != row.allowed {
				t.Errorf("%s: %q, want %q", a.asked, message, row.allowed)
			}
		}

		for _, row := range []struct{ user, reader, member, other string }{
			{"adam", "user", "reason_user", "reason_admin"}, {"cleo", "user", "reason_user", "reason_admin"},
			{"adam", "admin", "reason_admin", "reason_user"}, {"cleo", "admin", "reason_admin", "reason_user"},
		} {
			explain := "Cordon-Explain: " + row.reader
			one := p.ask(t, "POST", "/access/v1/evaluation", manage(row.user), explain).want(t, 200)
			many := p.ask(t, "POST", "/access/v1/evaluations", `{"evaluations":[`+manage(row.user)+`]}`, explain).want(t, 200)
			for path, a := range map[string]answer{"context.": one, "evaluations.0.context.": many} {
				for _, language := range []string{"en", "fr", "de"} {
					if a.at(path+row.member+"."+language) == "" || a.at(path+row.other) != "" {
						t.Errorf("%s: %s", a.asked, a.body)
					}
				}
			}
		}
		act := p.ask(t, "POST", "~/products/ORG-shop/block", block, "Cordon-Actor: cleo", "Cordon-Explain: admin", "Accept-Language: fr").want(t, 403, "denied")
		if !strings.Contains(act.at("reason_admin.de"), "[rules: role_not_permitted; policy: sha256:") || act.at("reason_user") != "" {
			t.Errorf("%s: %s", act.asked, act.body)
		}

		decider.ask(t, "POST", "/access/v1/evaluation", manage("adam"), "Cordon-Explain: user").want(t, 200)
		decider.ask(t, "POST", "/access/v1/evaluation", manage("adam"), "Cordon-Explain: admin").want(t, 403, "insufficient_scope")
		decider.ask(t, "POST", "~/products/ORG-shop/block", block, "Cordon-Actor: cleo", "Cordon-Explain: admin").want(t, 403, "insufficient_scope")
		for _, value := range []string{"both", "Admin", "user, admin"} {
			p.ask(t, "POST", "/access/v1/evaluation", manage("adam"), "Cordon-Explain: "+value).want(t, 400, "invalid_header")
		}
	})
}
