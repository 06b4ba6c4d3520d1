package contract_test

import (
	"fmt"
	"sync"
	"testing"

	"cordon/tests/program"
)

const patchType = "Content-Type: application/merge-patch+json"

func TestAPatchChangesWhatItNames(t *testing.T) { // docs/design.md 11, Patches
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		const carl = "~/users/carl"
		patch := func(path, body string, headers ...string) answer {
			t.Helper()
			return p.ask(t, "PATCH", path, body, append(headers, patchType)...)
		}
		const all = `["acme-mail","acme-shop"]`
		at := p.revision(t)
		patch(carl, `{"name":"Karl"}`).want(t, 200).has(t, "name", "Karl").has(t, "email", "carl@acme.example").has(t, "language", "de").
			has(t, "role", "collaborator").has(t, "grants", all).has(t, "notify.product_events", "true").has(t, "revision", next(t, at))
		patch(carl, `{"notify":{"product_events":false}}`).want(t, 200).has(t, "notify.product_events", "false").has(t, "grants", all)
		patch(carl, `{"notify":{}}`).want(t, 200).has(t, "notify.product_events", "false")
		patch(carl, `{"notify":{"product_events":null}}`).want(t, 200).has(t, "notify.product_events", "true")
		patch(carl, `{"notify":{"product_events":false}}`).want(t, 200)
		patch(carl, `{"notify":null}`).want(t, 200).has(t, "notify.product_events", "true")
		patch(carl, `{"language":null,"email":null}`).want(t, 200).has(t, "language", "").has(t, "email", "").has(t, "name", "Karl")
		patch(carl, `{"grants":["ORG-mail"]}`).want(t, 200).has(t, "grants", `["acme-mail"]`)
		patch(carl, `{"grants":null,"role":"client"}`).want(t, 200).has(t, "grants", "[]").has(t, "role", "client").has(t, "name", "Karl")

		// What changes nothing is no change, and is asked about all the same.
		at = p.revision(t)
		for _, nothing := range []string{`{}`, `{"name":"Karl"}`, `{"role":"client","grants":[]}`} {
			patch(carl, nothing).want(t, 200).has(t, "revision", at)
			patch(carl, nothing, "Cordon-Actor: cleo").denied(t, "role_not_permitted")
		}
		// The rules are those of the part that changes.
		patch(carl, `{"name":"Me"}`, "Cordon-Actor: carl").want(t, 200)
		patch(carl, `{"role":"administrator"}`, "Cordon-Actor: carl").denied(t, "role_not_permitted")
		patch("~/users/lena", `{"role":"client"}`).denied(t, "last_legal_representative")
		patch("~/users/mallory", `{"name":"M"}`, "Cordon-Actor: mallory").denied(t, "not_a_member")

		for _, row := range []struct{ body, pointer string }{
			{`{"nick":"K"}`, "/nick"}, {`{"Name":"K"}`, "/Name"}, {`{"blocked":true}`, "/blocked"},
			{`{"name":1}`, "/name"}, {`{"name":"a","name":"b"}`, "/name"}, {`{"grants":"x"}`, "/grants"}, {`{"grants":[1]}`, "/grants/0"},
			{`{"grants":["nothing"]}`, "/grants/0"}, {`{"role":null}`, "/role"}, {`{"role":"boss"}`, "/role"}, {`{"email":"x"}`, "/email"},
			{`{"notify":true}`, "/notify"}, {`{"notify":{"all":true}}`, "/notify/all"}, {`[]`, ""}, {`null`, ""},
		} {
			patch(carl, row.body).want(t, 400, "invalid_body").has(t, "errors.0.pointer", row.pointer)
		}
		patch("~", `{"name":"Acme 2"}`, "Cordon-Actor: adam").want(t, 200).has(t, "name", "Acme 2")
		patch("~", `{}`).want(t, 200).has(t, "name", "Acme 2")
		patch("~/products/ORG-shop", `{"name":"Shop 2"}`, "Cordon-Actor: adam").want(t, 200).has(t, "name", "Shop 2").has(t, "kind", "web_hosting")
		patch("~/products/ORG-shop", `{}`).want(t, 200).has(t, "name", "Shop 2")
		patch("~/products/ORG-shop", `{"kind":"kdrive"}`).want(t, 400).has(t, "errors.0.pointer", "/kind")
		for _, path := range []string{"~", "~/products/ORG-shop"} {
			patch(path, `{"name":null}`).want(t, 400).has(t, "errors.0.pointer", "/name")
			patch(path, `{"name":"x"}`, "Cordon-Actor: cleo").denied(t, "role_not_permitted")
		}
		for _, path := range []string{"/v1/organizations/none", "/v1/organizations/none/users/carl", "~/users/none", "~/products/none"} {
			patch(path, `{"name":"x"}`).want(t, 404, "not_found")
		}
		for _, kind := range []string{"Content-Type: application/json", "Content-Type: application/json-patch+json", "Content-Type:"} {
			p.ask(t, "PATCH", carl, `{}`, kind).want(t, 415, "unsupported_media_type").tells(t, "Accept-Patch", "application/merge-patch+json")
		}
	})
}

func TestAPatchIsRecordedAndToldAsAPut(t *testing.T) { // docs/design.md 11, Patches
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		told := func() string {
			t.Helper()
			return p.ask(t, "GET", "/v1/messages?organization=ORG&kind=event", "").want(t, 200).at("items.#")
		}
		for _, row := range []struct{ put, patch, action, told string }{
			{`{"name":"Carl 2","email":"carl@ORG.example","language":"de","role":"collaborator","grants":["ORG-shop","ORG-mail"]}`,
				`{"name":"Carl 3"}`, "change_profile", "0"},
			{`{"name":"Carl 3","email":"carl@ORG.example","language":"de","role":"collaborator","grants":["ORG-mail"]}`,
				`{"grants":["ORG-shop"]}`, "change_grants", "0"},
			{`{"name":"Carl 3","email":"carl@ORG.example","language":"de","role":"client","grants":["ORG-shop"]}`,
				`{"role":"collaborator"}`, "change_role", "2"},
		} {
			for _, a := range []answer{
				p.ask(t, "PUT", "~/users/carl", row.put, "Cordon-Actor: adam").want(t, 200),
				p.ask(t, "PATCH", "~/users/carl", row.patch, patchType, "Cordon-Actor: adam").want(t, 200),
			} {
				p.record(t, a.header.Get("Cordon-Decision-Id")).has(t, "kind", "change").has(t, "question.action.name", row.action).
					has(t, "question.resource.id", "carl").has(t, "actor", "adam").has(t, "revision", a.header.Get("Cordon-Revision"))
			}
			if got := told(); got != row.told {
				t.Errorf("after %s by PUT and by PATCH %s events were told, want %s", row.action, got, row.told)
			}
		}
	})
}

func TestTwoWhoPatchDifferentMembersKeepBoth(t *testing.T) { // docs/design.md 11, Patches
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		for i := range 10 {
			var both sync.WaitGroup
			for _, body := range []string{`{"name":"N%d"}`, `{"language":"l%d"}`, `{"email":"e%d@acme.example"}`} {
				both.Go(func() { p.ask(t, "PATCH", "~/users/carl", fmt.Sprintf(body, i), patchType).want(t, 200) })
			}
			both.Wait()
			p.ask(t, "GET", "~/users/carl", "").want(t, 200).has(t, "name", fmt.Sprintf("N%d", i)).has(t, "language", fmt.Sprintf("l%d", i)).
				has(t, "email", fmt.Sprintf("e%d@acme.example", i))
		}
	})
}
