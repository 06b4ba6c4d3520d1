package contract_test

import (
	"sync"
	"testing"

	"cordon/tests/program"
)

func TestAPutNeverWipesUnseen(t *testing.T) { // docs/design.md 11, Conditions
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		for _, row := range []struct{ path, body, other, same string }{
			{"~", `{"name":"Acme 2"}`, `{"name":"Acme 3"}`, `{"name":"Acme 3"}`},
			{"~/users/carl", `{"name":"Carl 2","role":"collaborator"}`, `{"name":"Carl 3","role":"client"}`, `{"name":"Carl 3"}`},
			{"~/products/ORG-shop", `{"name":"Shop 2","kind":"web_hosting"}`, `{"name":"Shop 3","kind":"web_hosting"}`, `{"name":"Shop 3"}`},
		} {
			first := p.tag(t, row.path)
			// Another change of the organization does not change the tag.
			p.ask(t, "PUT", "~/users/else", `{"name":"`+first[1:8]+`","role":"client"}`).want(t, 201)
			p.ask(t, "DELETE", "~/users/else", "").want(t, 200)
			p.ask(t, "GET", row.path, "", "If-None-Match: "+first).want(t, 304).tells(t, "ETag", first).bare(t)
			p.ask(t, "GET", row.path, "", `If-None-Match: "x", W/`+first).want(t, 304)
			p.ask(t, "GET", row.path, "", `If-None-Match: "x"`).want(t, 200).tells(t, "ETag", first)
			p.ask(t, "GET", row.path, "", `If-Match: "x"`).want(t, 412, "precondition_failed").tells(t, "ETag", first)

			second := p.ask(t, "PUT", row.path, row.body, "If-Match: "+first).want(t, 200).header.Get("ETag")
			if second == first || second != p.tag(t, row.path) {
				t.Errorf("%s: after a change the tag is %s, was %s", row.path, second, first)
			}
			at := p.revision(t)
			for _, stale := range []string{"If-Match: " + first, "If-Match: W/" + second, `If-Match: "x"`, "If-None-Match: *", "If-None-Match: W/" + second} {
				p.ask(t, "PUT", row.path, row.other, stale).want(t, 412, "precondition_failed").tells(t, "ETag", second)
				p.ask(t, "PATCH", row.path, row.same, stale, patchType).want(t, 412, "precondition_failed").tells(t, "ETag", second)
				p.ask(t, "DELETE", row.path, "", stale).want(t, 412, "precondition_failed").tells(t, "ETag", second)
			}
			if now := p.revision(t); now != at || second != p.tag(t, row.path) {
				t.Errorf("%s: a change whose condition failed left revision %s, had %s", row.path, now, at)
			}
			for _, malformed := range []string{"x", `"x`, `"x" "y"`, `w/"x"`, `*, "x"`, ","} {
				p.ask(t, "PUT", row.path, row.other, "If-Match: "+malformed).want(t, 400, "invalid_header")
				p.ask(t, "PATCH", row.path, row.same, patchType, "If-None-Match: "+malformed).want(t, 400, "invalid_header")
				p.ask(t, "GET", row.path, "", "If-None-Match: "+malformed).want(t, 200)
			}
			third := p.ask(t, "PUT", row.path, row.other, `If-Match: "x", `+second).want(t, 200).header.Get("ETag")
			// What changes nothing leaves the tag.
			p.ask(t, "PATCH", row.path, row.same, patchType, "If-Match: "+third).want(t, 200).tells(t, "ETag", third)
			p.ask(t, "PUT", row.path, row.other, "If-Match: *").want(t, 200).tells(t, "ETag", third)
		}
		shop := p.tag(t, "~/products/ORG-shop")
		if other := p.ask(t, "GET", "/v1/products/ORG-shop", "").header.Get("ETag"); other != shop {
			t.Errorf("on its other path the product's tag is %s, not %s", other, shop)
		}
		// A block shows in the object, so it is another.
		p.ask(t, "POST", "~/products/ORG-shop/block", `{"reason":"r"}`).want(t, 200)
		p.ask(t, "PUT", "~/products/ORG-shop", `{"name":"S","kind":"web_hosting"}`, "If-Match: "+shop).want(t, 412, "precondition_failed")
		p.ask(t, "PUT", "~/products/ORG-shop", `{"name":"S","kind":"kdrive"}`, "If-Match: "+shop).want(t, 412, "precondition_failed") // before 409

		// Of what is not there no tag is the one that it has.
		p.ask(t, "PUT", "~/users/nina", `{"role":"client"}`, "If-Match: *").want(t, 412, "precondition_failed").tells(t, "ETag", "")
		p.ask(t, "GET", "~/users/nina", "").want(t, 404)
		p.ask(t, "DELETE", "~/users/nina", "", "If-Match: *").want(t, 404)
		p.ask(t, "PATCH", "~/users/nina", `{}`, "If-Match: *", patchType).want(t, 404)
		p.ask(t, "PUT", "~/users/nina", `{"role":"client"}`, "If-None-Match: *").want(t, 201).tells(t, "ETag", p.tag(t, "~/users/nina"))
		p.ask(t, "PUT", "~/users/nina", `{"role":"client"}`, "If-None-Match: *").want(t, 412, "precondition_failed")
		p.ask(t, "DELETE", "~/users/nina", "", "If-Match: "+p.tag(t, "~/users/nina")).want(t, 200).tells(t, "ETag", "")

		// Who may not change it is told so, and not whether the tag is right.
		for _, tag := range []string{`"x"`, p.tag(t, "~/users/carl")} {
			p.ask(t, "PATCH", "~/users/carl", `{"role":"administrator"}`, patchType, "If-Match: "+tag, "Cordon-Actor: cleo").denied(t, "role_not_permitted").tells(t, "ETag", "")
			p.ask(t, "DELETE", "~/users/carl", "", "If-Match: "+tag, "Cordon-Actor: mallory").denied(t, "not_a_member").tells(t, "ETag", "")
		}
		// It is on record, and of what was not done there is no change.
		refused := p.ask(t, "PATCH", "~/users/carl", `{"role":"administrator"}`, patchType, "If-Match: \"x\"").want(t, 412, "precondition_failed")
		p.record(t, refused.header.Get("Cordon-Decision-Id")).has(t, "kind", "decision").
			has(t, "question.action.name", "change_role")

		// A condition that nothing would be held against is not passed over.
		p.ask(t, "POST", "~/products/ORG-shop/unblock", `{}`, "If-Match: *").want(t, 400, "invalid_header")
	})
}

func TestOfTwoWhoSawTheSameOneChanges(t *testing.T) { // docs/design.md 11, Conditions
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		for range 10 {
			seen := "If-Match: " + p.tag(t, "~/users/carl")
			var answers [4]answer
			var all sync.WaitGroup
			for i, name := range []string{"a", "b", "c", "d"} {
				all.Go(func() {
					answers[i] = p.ask(t, "PATCH", "~/users/carl", `{"name":"`+name+seen[11:18]+`"}`, patchType, seen)
				})
			}
			all.Wait()
			changed := 0
			for _, a := range answers {
				if a.status == 200 {
					changed++
				} else {
					a.want(t, 412, "precondition_failed")
				}
			}
			if changed != 1 {
				t.Errorf("of four who saw the same %d changed it", changed)
			}
		}
	})
}

// tag is the ETag of an object.
func (p place) tag(t *testing.T, path string) string {
	t.Helper()
	return p.ask(t, "GET", path, "").want(t, 200).header.Get("ETag")
}

// bare asks for an answer without a body.
func (a answer) bare(t *testing.T) {
	t.Helper()
	if a.body != "" {
		t.Errorf("%s: a body: %s", a.asked, a.body)
	}
}
