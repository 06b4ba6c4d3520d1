package contract_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"cordon.example/client"
	"cordon/tests/program"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// called is a call that a system received.
type called struct {
	header http.Header
	body   []byte
}

// TestSystemsAreTold has a system of the organization called with what happens.
func TestSystemsAreTold(t *testing.T) { // issue: Webhooks
	t.Parallel() // it waits, mostly
	program.EachPlace(t, func(t *testing.T, where program.Place) {
		t.Parallel()
		calls := make(chan called, 16)
		var failed atomic.Bool
		receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return
			}
			calls <- called{r.Header, body}
			if failed.CompareAndSwap(false, true) { // and is called again
				w.WriteHeader(http.StatusInternalServerError)
			}
		}))
		t.Cleanup(receiver.Close)
		s := program.Serve(t, where, program.FirstKey(t, where), "--webhooks-allow-private")
		p := settle(t, s, "acme")
		hook := p.ask(t, "POST", "~/webhooks", `{"url":"`+receiver.URL+`","events":["user.blocked","product.blocked"]}`, "Cordon-Actor: adam").want(t, 201)
		signed, err := standardwebhooks.NewWebhook(hook.at("secret"))
		if err != nil {
			t.Fatal(err)
		}
		p.ask(t, "POST", "~/users/carl/block", `{"justification":"marked justification","support_code":"`+p.code(t, "lena")+`"}`, "Cordon-Agent: sam").want(t, 200)
		one, again := <-calls, <-calls
		if string(one.body) != string(again.body) || one.header.Get("Webhook-Id") != again.header.Get("Webhook-Id") {
			t.Errorf("a repeat is another call:\n%v %s\n%v %s", one.header, one.body, again.header, again.body)
		}
		for _, c := range []called{one, again} {
			if err := signed.Verify(c.body, c.header); err != nil {
				t.Errorf("the signature of %s: %v", c.body, err)
			}
			var event struct{ Type string }
			if err := json.Unmarshal(c.body, &event); err != nil || event.Type != "user.blocked" {
				t.Errorf("%s: type %q, %v", c.body, event.Type, err)
			}
			if strings.Contains(string(c.body), "marked justification") || strings.Contains(string(c.body), "@acme.example") {
				t.Errorf("the event says too much: %s", c.body)
			}
		}
		// An event that was not asked for is not sent; the next one that was is signed with both secrets.
		p.ask(t, "PUT", "~/users/cleo", `{"name":"Cleo","email":"c@c.example","role":"collaborator"}`).want(t, 200)
		fresh := p.ask(t, "POST", "~/webhooks/"+hook.at("id")+"/rotate", `{}`, "Cordon-Actor: lena").want(t, 200)
		p.ask(t, "POST", "~/products/ORG-shop/block", `{"reason":"x"}`, "Cordon-Actor: adam").want(t, 200)
		c := <-calls
		for _, secret := range []string{hook.at("secret"), fresh.at("secret")} {
			signed, err := standardwebhooks.NewWebhook(secret)
			if err != nil {
				t.Fatal(err)
			}
			if err := signed.Verify(c.body, c.header); err != nil || !strings.Contains(string(c.body), `"product.blocked"`) {
				t.Errorf("after a rotation: %v %s", err, c.body)
			}
			event, err := client.VerifyWebhook(c.header, c.body, secret)
			if err != nil || event.Type != client.EventProductBlocked || event.Data.By != "adam" || event.Data.Revision == 0 || event.ID == "" {
				t.Errorf("the SDK reads %+v, %v", event, err)
			}
		}
		p.awaitMetric(t, `cordon_messages_total{kind="webhook",outcome="delivered"} 2`)
		p.ask(t, "GET", "~/webhooks/"+hook.at("id")+"/deliveries", "").want(t, 200).has(t, "items.#", "2")
		p.ask(t, "DELETE", "~/webhooks/"+hook.at("id"), "", "Cordon-Actor: adam").want(t, 200)
		p.ask(t, "DELETE", "~/webhooks/"+hook.at("id"), "", "Cordon-Actor: adam").want(t, 404)
		p.ask(t, "GET", "~/webhooks", "").want(t, 200).has(t, "items", "[]")
	})
}

// TestWebhooksStayOutside tries to have the server call what is within.
func TestWebhooksStayOutside(t *testing.T) { // issue: private and loopback targets refused
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		for _, url := range []string{
			"http://127.0.0.1:8080/", "https://127.0.0.1/", "https://localhost/", "https://LOCALHOST./", "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://10.0.0.1/", "https://192.168.1.1/",
			"https://172.16.0.1/", "https://169.254.169.254/latest/meta-data/", "https://[fe80::1]/", "https://[fd00::1]/", "https://0.0.0.0/", "https://2130706433/", "https://0x7f000001/",
			"http://example.com/", "ftp://example.com/", "file:///etc/passwd", "https://user:password@example.com/", "https:///path", "example.com", "", "https://exa mple.com/", "https://100.64.0.1/", "https://[64:ff9b::7f00:1]/",
			"https://hooks.example.org:99999/", "https://hooks.example.org:0/",
		} {
			p.ask(t, "POST", "~/webhooks", `{"url":"`+url+`"}`, "Cordon-Actor: adam").want(t, 400, "invalid_body").has(t, "errors.0.pointer", "/url")
		}
		p.ask(t, "POST", "~/webhooks", `{"url":"https://example.com/hook","events":["product.blocked","party"]}`).want(t, 400).has(t, "errors.0.pointer", "/events/1")
		p.ask(t, "POST", "~/webhooks", `{"url":"https://example.com/hook"}`, "Cordon-Actor: carl").denied(t, "role_not_permitted")
		p.ask(t, "POST", "~/webhooks", `{"url":"https://example.com/hook"}`, "Cordon-Actor: mallory").denied(t, "not_a_member")
		p.ask(t, "POST", "~/webhooks", `{"url":"https://example.com/hook"}`, "Cordon-Agent: sam").want(t, 400)
		p.ask(t, "GET", "~/webhooks", "").want(t, 200).has(t, "items", "[]")
		if got := p.revision(t); got != "1" {
			t.Errorf("revision %s", got)
		}
	})
}

// TestWebhooksHaveABound makes as many as there may be, and several at once beyond, through two replicas.
func TestWebhooksHaveABound(t *testing.T) { // README.md, Mail and webhooks
	try := func(t *testing.T, of ...place) {
		t.Helper()
		create := func(p place) answer {
			return p.ask(t, "POST", "~/webhooks", `{"url":"https://hooks.example.org/in"}`, "Cordon-Actor: adam")
		}
		for range 19 {
			create(of[0]).want(t, 201)
		}
		answers := make(chan answer, 8)
		for i := range cap(answers) {
			go func() { answers <- create(of[i%len(of)]) }()
		}
		made := 0
		for range cap(answers) {
			if a := <-answers; a.status == 201 {
				made++
			} else {
				a.want(t, 409, "too_many_webhooks")
			}
		}
		if made != 1 {
			t.Errorf("%d of 8 were made, want 1", made)
		}
		list := of[0].ask(t, "GET", "~/webhooks", "").want(t, 200).has(t, "items.#", "20")
		of[0].ask(t, "DELETE", "~/webhooks/"+list.at("items.0.id"), "", "Cordon-Actor: adam").want(t, 200)
		create(of[0]).want(t, 201)
		if got := of[0].revision(t); got != "1" {
			t.Errorf("revision %s", got)
		}
	}
	t.Run("embedded", func(t *testing.T) {
		where := program.Embedded(t)
		try(t, settle(t, program.Serve(t, where, program.FirstKey(t, where)), "acme"))
	})
	t.Run("replicas", func(t *testing.T) {
		one, two := replicas(t)
		try(t, one, two)
	})
}

func TestProcedures(t *testing.T) { // docs/domain.md U5
	onEach(t, func(t *testing.T, s *program.Server) {
		p := settle(t, s, "acme")
		p.ask(t, "GET", "~/users/carl/procedures", "").want(t, 200).has(t, "items", "[]")
		p.ask(t, "POST", "~/users/carl/secure", `{"justification":"long enough it is"}`, "Cordon-Actor: adam").want(t, 200)
		list := p.ask(t, "GET", "~/users/carl/procedures", "").want(t, 200).has(t, "items.#", "1").has(t, "items.0.done", "false").has(t, "items.0.by", "adam").has(t, "items.0.steps.#", "5")
		at, steps := p.revision(t), "~/users/carl/procedures/"+list.at("items.0.id")+"/steps/"
		p.ask(t, "POST", steps+"password", `{}`, "Cordon-Actor: cleo").denied(t, "role_not_permitted")
		p.ask(t, "POST", steps+"password", `{}`, "Cordon-Actor: mallory").denied(t, "not_a_member")
		p.ask(t, "POST", steps+"dance", `{}`, "Cordon-Actor: carl").want(t, 404)
		p.ask(t, "POST", "~/users/carl/procedures/nothing/steps/password", `{}`, "Cordon-Actor: carl").want(t, 404)
		for i, step := range []string{"password", "devices", "application_passwords", "tokens", "security_settings"} {
			actor := []string{"carl", "adam"}[i%2]
			p.ask(t, "POST", steps+step, `{}`, "Cordon-Actor: "+actor).want(t, 200).has(t, "done", map[bool]string{true: "true", false: "false"}[i == 4])
		}
		p.ask(t, "POST", steps+"tokens", `{}`, "Cordon-Actor: carl").want(t, 200).has(t, "done", "true")
		if got := p.revision(t); got != at {
			t.Errorf("the steps took the revision from %s to %s", at, got)
		}
		p.awaitRecords(t, "subject=carl&action=change_profile&kind=change", 3)
	})
}
