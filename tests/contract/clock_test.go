package contract_test

import (
	"strings"
	"testing"
	"time"

	"cordon/tests/program"

	"github.com/google/go-cmp/cmp"
)

// until gives an instant soon, and the text of it for a body.
func until(d time.Duration) (time.Time, string) {
	end := time.Now().Add(d).UTC()
	return end, end.Format(time.RFC3339Nano)
}

// sharply asks one question until its end has come: an answer that is given before the end is the
// first, one that is asked for after the end is the second. In between either is right.
func (p place) sharply(t *testing.T, end time.Time, before, after string, ask func() string) {
	t.Helper()
	asked := 0
	for {
		sent := time.Now()
		got := ask()
		done := time.Now()
		asked++
		switch {
		case done.Before(end) && got != before:
			t.Fatalf("%s before its end: %s, want %s", end.Sub(done), got, before)
		case !sent.Before(end) && got != after:
			t.Fatalf("%s after its end: %s, want %s", sent.Sub(end), got, after)
		case !sent.Before(end):
			if asked == 1 {
				t.Log("the machine was too slow to ask before the end")
			}
			return
		}
	}
}

func TestEndsByTheClock(t *testing.T) { // docs/design.md 11, Revisions
	t.Parallel() // it waits, mostly
	program.EachPlace(t, func(t *testing.T, where program.Place) {
		t.Parallel()
		box := program.OpenMailbox(t, nil)
		s := program.Serve(t, where, program.FirstKey(t, where), box.Flags()...)
		p := settle(t, s, "acme")
		const soon = 1500 * time.Millisecond

		// A product.
		end, text := until(soon)
		p.ask(t, "POST", "~/products/ORG-shop/block", `{"reason":"x","ticket":"T-1","expires_at":"`+text+`"}`, "Cordon-Actor: adam").
			want(t, 200).has(t, "product.blocks.0.expires_at", text)
		p.sharply(t, end, "denied: product_blocked", "allowed: granted", func() string { return p.check(t, "carl", "manage", "product", "ORG-shop") })
		p.ask(t, "GET", "~/products/ORG-shop", "").has(t, "blocked", "false").has(t, "blocks", "[]")
		p.ask(t, "GET", "~/products", "").has(t, "items.1.blocked", "false")

		// Maintenance.
		end, text = until(soon)
		p.ask(t, "POST", "~/products/ORG-mail/start-maintenance", `{"expires_at":"`+text+`"}`, "Cordon-Actor: adam").want(t, 200)
		p.sharply(t, end, "denied: mail_in_maintenance", "allowed: granted", func() string { return p.check(t, "carl", "read_mail", "product", "ORG-mail") })
		p.ask(t, "POST", "~/products/ORG-mail/end-maintenance", `{}`, "Cordon-Actor: adam").want(t, 409, "not_in_maintenance")

		// A user, who is an administrator: while they are blocked their code is none, and R4 counts them out.
		end, text = until(soon)
		p.ask(t, "POST", "~/users/adam/block", `{"justification":"long enough it is","support_code":"`+p.code(t, "lena")+`","expires_at":"`+text+`"}`, "Cordon-Agent: sam").
			want(t, 200).has(t, "user.blocks.0.expires_at", text)
		p.sharply(t, end, "denied: user_blocked", "allowed: member", func() string { return p.check(t, "adam", "use", "channel", "manager") })
		p.ask(t, "GET", "~/users/adam", "").has(t, "blocked", "false").has(t, "blocks", "[]")
		at := p.revision(t)

		// Each end is on record, changes no revision, and is told.
		for _, row := range []struct{ action, resource string }{{"unblock", "acme-shop"}, {"end_maintenance", "acme-mail"}, {"unblock", "adam"}} {
			for begun := time.Now(); p.ask(t, "GET", "/v1/decisions?kind=change&action="+row.action+"&resource="+row.resource, "").at("items.#") == "0"; {
				if time.Since(begun) > 10*time.Second {
					t.Fatalf("the end of %s is not on record", row.resource)
				}
			}
			p.ask(t, "GET", "/v1/decisions?kind=change&action="+row.action+"&resource="+row.resource, "").
				has(t, "items.#", "1").has(t, "items.0.organization", "acme").has(t, "items.0.actor", "").has(t, "items.0.agent", "")
		}
		if got := p.revision(t); got != at || got != "4" {
			t.Errorf("revision %s after three ends, want %s and 4: the three acts", got, at)
		}
		letters := box.AwaitCount(t, 4+4+4+4+1+1)
		var ends []string
		for _, l := range letters {
			if strings.Contains(l.Text, "has reached the end that was set for it") {
				ends = append(ends, l.To+" "+l.Subject)
			}
		}
		want := []string{ // those who read English
			"cleo@acme.example Acme (acme): a block of Shop (acme-shop) has ended",
			"cleo@acme.example Acme (acme): the maintenance of Mail (acme-mail) has ended",
			"lena@acme.example Acme (acme): a block of Shop (acme-shop) has ended",
			"lena@acme.example Acme (acme): a block of the user Adam (adam) has ended",
			"lena@acme.example Acme (acme): the maintenance of Mail (acme-mail) has ended",
		}
		if diff := cmp.Diff(want, sorted(ends)); diff != "" {
			t.Errorf("mails of an end: -want +got\n%s", diff)
		}
		delivered(t, s, where, box)
	})
}

// TestAnEndThatComesWhileNothingRuns is noticed at the next start.
func TestAnEndThatComesWhileNothingRuns(t *testing.T) {
	t.Parallel() // it waits, mostly
	program.EachPlace(t, func(t *testing.T, where program.Place) {
		t.Parallel()
		box := program.OpenMailbox(t, nil)
		key := program.FirstKey(t, where)
		p := settle(t, program.Serve(t, where, key, box.Flags()...), "acme")
		end, text := until(500 * time.Millisecond)
		p.ask(t, "POST", "~/products/ORG-shop/block", `{"reason":"x","expires_at":"`+text+`"}`, "Cordon-Actor: adam").want(t, 200)
		p.awaitMetric(t, `cordon_messages_total{kind="mail",outcome="delivered"} 4`)
		p.Kill()
		messages(t, where)
		<-time.After(time.Until(end))
		p = place{Server: program.Serve(t, where, key, box.Flags()...), org: "acme"}
		if got := p.check(t, "carl", "manage", "product", "ORG-shop"); got != "allowed: granted" {
			t.Error(got)
		}
		box.AwaitCount(t, 8)
		p.ask(t, "GET", "/v1/decisions?kind=change&action=unblock", "").has(t, "items.#", "1")
	})
}

// TestAnEndIsToldOnce lets acts run into ends: whoever notices first, there is one record and one mail.
func TestAnEndIsToldOnce(t *testing.T) {
	t.Parallel() // it waits, mostly
	program.EachPlace(t, func(t *testing.T, where program.Place) {
		t.Parallel()
		box := program.OpenMailbox(t, nil)
		s := program.Serve(t, where, program.FirstKey(t, where), box.Flags()...)
		acts := map[string]func(p place){
			"again": func(p place) {
				p.ask(t, "POST", "~/users/carl/block", `{"justification":"long enough it is","support_code":"`+p.code(t, "lena")+`"}`, "Cordon-Agent: sam").want(t, 200)
			},
			"secure": func(p place) {
				p.ask(t, "POST", "~/users/carl/secure", `{"justification":"long enough it is"}`, "Cordon-Actor: lena").want(t, 200)
			},
			"unblock": func(p place) {
				p.ask(t, "POST", "~/users/carl/unblock", `{"justification":"long enough it is","support_code":"`+p.code(t, "lena")+`"}`, "Cordon-Agent: sam").want(t, 409, "not_blocked")
			},
			"remove": func(p place) { p.ask(t, "DELETE", "~/users/carl", "").want(t, 200) },
			"change": func(p place) {
				p.ask(t, "PUT", "~/users/carl", `{"name":"C","email":"c@c.example","role":"client"}`).want(t, 200)
			},
		}
		var orgs []string
		for name, act := range acts {
			for i := range 3 {
				orgs = append(orgs, name+string(rune('1'+i)))
				p := settle(t, s, orgs[len(orgs)-1])
				code := p.code(t, "lena")
				end, text := until(300 * time.Millisecond)
				p.ask(t, "POST", "~/users/carl/block", `{"justification":"long enough it is","support_code":"`+code+`","expires_at":"`+text+`"}`, "Cordon-Agent: sam").want(t, 200)
				<-time.After(time.Until(end))
				act(p) // before the sweep, mostly
			}
		}
		// An end that the next act of the same kind notices.
		p := settle(t, s, "last")
		for range 2 {
			end, text := until(300 * time.Millisecond)
			p.ask(t, "POST", "~/products/ORG-shop/block", `{"reason":"x","expires_at":"`+text+`"}`).want(t, 200)
			<-time.After(time.Until(end))
			p.ask(t, "POST", "~/products/ORG-shop/block", `{"reason":"x"}`).want(t, 200)
			p.ask(t, "POST", "~/products/ORG-shop/unblock", `{}`).want(t, 200)
		}
		// When an end that came after all of them is on record, theirs have been looked at.
		_, text := until(300 * time.Millisecond)
		p.ask(t, "POST", "~/products/ORG-shop/block", `{"reason":"x","expires_at":"`+text+`"}`).want(t, 200)
		for begun := time.Now(); p.ask(t, "GET", "/v1/decisions?kind=change&caller=clock&organization=last", "").at("items.#") != "3"; {
			if time.Since(begun) > 10*time.Second {
				t.Fatal("the last end is not on record")
			}
		}
		for _, org := range orgs {
			p.ask(t, "GET", "/v1/decisions?kind=change&caller=clock&organization="+org, "").has(t, "items.#", "1")
		}
	})
}
