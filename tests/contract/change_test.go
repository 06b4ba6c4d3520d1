package contract_test

import (
	"slices"
	"strings"
	"testing"

	"cordon/tests/program"
)

// docs/design.md 7: a change is on record with its values before and after, and readers without a right to the
// directory see that an address changed, but not which.
func TestChangesAreOnRecordBeforeAndAfter(t *testing.T) {
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		p.ask(t, "PUT", "~/users/carl", `{"name":"Carl One","email":"one@example.org","language":"en","role":"collaborator","grants":["ORG-shop"]}`).want(t, 200)
		put := `{"name":"Carl Two","email":"two@evil.example","language":"fr","role":"client","grants":[]}`
		p.ask(t, "PUT", "~/users/carl", put, "Cordon-Actor: lena").want(t, 200)
		whole := p.awaitRecords(t, "organization=acme&resource=carl&actor=lena&kind=change", 1)
		for path, want := range map[string]string{
			"noun": "user", "id": "carl",
			"set.email.from": "one@example.org", "set.email.to": "two@evil.example", "set.name.from": "Carl One", "set.name.to": "Carl Two",
			"set.language.from": "en", "set.language.to": "fr", "set.role.from": "collaborator", "set.role.to": "client", "set.grants.from.0": "acme-shop",
		} {
			whole.has(t, "items.0.details.changes.0."+path, want)
		}
		for scopes, masked := range map[string]bool{`"audit"`: true, `"audit","directory"`: false, `"audit","act"`: true} {
			limited := p.with(p.key(t, `{"name":"limited","scopes":[`+scopes+`],"organization":"ORG"}`))
			for _, path := range []string{"/v1/decisions?actor=lena&kind=change", "/v1/decisions/" + whole.at("items.0.id"), "/v1/decisions/export?actor=lena", "/v1/decisions/export?actor=lena&format=csv"} {
				a := limited.ask(t, "GET", path, "").want(t, 200)
				if seen := strings.Contains(a.body, "evil.example") || strings.Contains(a.body, "Carl Two"); seen == masked {
					t.Errorf("%s with %s: the address is seen: %v\n%s", path, scopes, seen, a.body)
				}
				if masked && !strings.Contains(a.body, "***") || !strings.Contains(a.body, "collaborator") {
					t.Errorf("%s with %s: that it changed is not seen:\n%s", path, scopes, a.body)
				}
			}
			if strings.Contains(scopes, "act") { // for an administrator it reads what they may see
				limited.ask(t, "GET", "/v1/decisions?actor=lena&kind=change&organization=ORG", "", "Cordon-Actor: adam").want(t, 200).
					has(t, "items.0.details.changes.0.set.email.to", "two@evil.example")
			}
		}

		// Everything else that is changed says so, too, and no secret.
		p.ask(t, "PUT", "~", `{"name":"Renamed"}`).want(t, 200)
		p.ask(t, "PUT", "~/products/ORG-new", `{"name":"New","kind":"domain"}`).want(t, 201)
		p.ask(t, "DELETE", "~/products/ORG-new", "").want(t, 200)
		p.ask(t, "POST", "~/products/ORG-shop/block", `{"reason":"it sends spam"}`, "Cordon-Actor: adam").want(t, 200)
		p.ask(t, "POST", "~/products/ORG-shop/unblock", `{}`, "Cordon-Actor: adam").want(t, 200)
		code := p.code(t, "adam")
		p.blocking(t, "block", code, "").want(t, 200)
		for _, row := range []struct{ query, path, want string }{
			{"action=change_organization", "changes.0.set.name.to", "Renamed"},
			{"action=add_product", "changes.0.set.kind.to", "domain"},
			{"action=remove&resource=acme-new", "changes.0.set.name.from", "New"},
			{"action=block&resource=acme-shop", "changes.0.set.blocks.to.0.reason", "it sends spam"},
			{"action=unblock&resource=acme-shop", "changes.0.set.blocks.from.0.reason", "it sends spam"},
			{"action=create_support_code", "changes.0.set.codes.to.0.of", "adam"},
			{"action=block&agent=sam", "changes.1.set.blocks.to.0.origin", "support"},
		} {
			p.awaitRecords(t, "organization=acme&kind=change&"+row.query, 1).has(t, "items.0.details."+row.path, row.want)
		}
		all := p.ask(t, "GET", "/v1/decisions/export?kind=change", "").want(t, 200).body
		for line := range exported(t, all) {
			if !strings.Contains(line, `"changes":`) && !strings.Contains(line, `"name":"import"`) {
				t.Errorf("a change without values: %s", line)
			}
			if strings.Contains(line, code) || strings.Contains(line, `"hash"`) {
				t.Errorf("a secret is on record: %s", line)
			}
		}

		// An import's line that changes what stood is on record by its line.
		p.ask(t, "POST", "/v1/import", strings.ReplaceAll(`{"user":{"organization":"ORG","id":"carl","name":"Carl Two","email":"three@evil.example","language":"fr","role":"client","grants":[]}}`, "ORG", p.org),
			"Content-Type: application/x-ndjson").want(t, 200)
		p.awaitRecords(t, "organization=acme&action=change_profile&kind=change", 1).
			has(t, "items.0.details.line", "1").has(t, "items.0.details.changes.0.set.email.to", "three@evil.example")
	})
}

// docs/design.md 7, What readers see of persons: on every way out of the log.
func TestAJustificationIsShownToWhomItConcerns(t *testing.T) {
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		// The justification of a block is for auditors and for the organization's own readers.
		p.blocking(t, "block", p.code(t, "adam"), "").want(t, 200)
		told := p.awaitRecords(t, "organization=acme&action=block&kind=change&agent=sam", 1)
		why := told.at("items.0.details.justification")
		for scopes, extra := range map[string]string{`"audit","directory"`: "", `"audit"`: "", `"audit","act"`: "Cordon-Actor: adam"} {
			limited := p.with(p.key(t, `{"name":"limited","scopes":[`+scopes+`],"organization":"ORG"}`))
			for _, path := range []string{"/v1/decisions?action=block&organization=ORG", "/v1/decisions/" + told.at("items.0.id"), "/v1/decisions/export?action=block&organization=ORG", "/v1/decisions/export?action=block&organization=ORG&format=csv"} {
				a := limited.ask(t, "GET", path, "", slices.DeleteFunc([]string{extra}, func(s string) bool { return s == "" })...).want(t, 200)
				if why == "" || strings.Contains(a.body, why) != (extra != "") {
					t.Errorf("%s with %s %s: the justification %q is seen, or is not:\n%s", path, scopes, extra, why, a.body)
				}
			}
		}
	})
}
