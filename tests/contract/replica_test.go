package contract_test

import (
	"sync"
	"testing"
	"time"

	"cordon/tests/program"
)

// replicas are two servers on one MongoDB.
func replicas(t *testing.T, flags ...string) (one, two place) {
	t.Helper()
	where := program.MongoDB(t)
	key := program.FirstKey(t, where)
	one = settle(t, program.Serve(t, where, key, flags...), "acme")
	return one, place{Server: program.Serve(t, where.Beside(t), key, flags...), org: "acme"}
}

const staleness = 2 * time.Second // of --max-staleness, by default

// TestABlockHereIsADenialThere counts how long another replica goes on saying yes: with
// Cordon-At-Least never, without for at most the staleness that is allowed.
func TestABlockHereIsADenialThere(t *testing.T) { // docs/design.md 8; docs/design.md 11, Revisions
	one, two := replicas(t)
	stale, longest := 0, time.Duration(0)
	for range 25 {
		for _, step := range []struct{ verb, want, old string }{
			{"block", "denied: product_blocked", "allowed: granted"},
			{"unblock", "allowed: granted", "denied: product_blocked"},
		} {
			ask := func(headers ...string) string {
				return two.check(t, "carl", "manage", "product", "ORG-shop", headers...)
			}
			ask() // so that it is in the cache
			a := one.ask(t, "POST", "~/products/ORG-shop/"+step.verb, `{"reason":"x"}`, "Cordon-Actor: adam").want(t, 200)
			done := time.Now()
			for {
				sent := time.Now()
				got := ask()
				if got == step.want {
					longest = max(longest, time.Since(done))
					break
				}
				stale++
				if got != step.old {
					t.Fatalf("after %s: %s", step.verb, got)
				}
				if sent.Sub(done) > staleness {
					t.Fatalf("%s after %s the other replica says %s", sent.Sub(done), step.verb, got)
				}
			}
			if got := one.check(t, "carl", "manage", "product", "ORG-shop"); got != step.want {
				t.Fatalf("after %s on the same replica: %s", step.verb, got)
			}
			if got := ask("Cordon-At-Least: acme=" + a.at("revision")); got != step.want {
				t.Fatalf("at least %s after %s: %s", a.at("revision"), step.verb, got)
			}
		}
	}
	t.Logf("without Cordon-At-Least: %d stale answers in 50 changes, the last after %s", stale, longest)

	for range 50 { // and at once
		for verb, want := range map[string]string{"block": "denied: product_blocked", "unblock": "allowed: granted"} {
			a := one.ask(t, "POST", "~/products/ORG-shop/"+verb, `{"reason":"x"}`, "Cordon-Actor: adam")
			if a.status != 200 {
				continue // the map gave unblock first
			}
			if got := two.check(t, "carl", "manage", "product", "ORG-shop", "Cordon-At-Least: acme="+a.at("revision")); got != want {
				t.Fatalf("at least %s after %s: %s", a.at("revision"), verb, got)
			}
		}
	}
}

// TestAUserIsBlockedThereToo does it for everything that can be cached of a user.
func TestAUserIsBlockedThereToo(t *testing.T) { // docs/domain.md U1, U3
	one, two := replicas(t)
	sees := func(want string, at string) {
		t.Helper()
		for range 3 {
			if got := two.check(t, "carl", "manage", "product", "ORG-shop", "Cordon-At-Least: acme="+at); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
	}
	why := func() string {
		return `{"justification":"long enough it is","support_code":"` + two.code(t, "lena") + `"}`
	}
	sees("allowed: granted", "1")
	sees("denied: user_blocked", one.ask(t, "POST", "~/users/carl/block", why(), "Cordon-Agent: sam").want(t, 200).at("revision"))
	sees("allowed: granted", one.ask(t, "POST", "~/users/carl/unblock", why(), "Cordon-Agent: sam").want(t, 200).at("revision"))
	put := func(role, grants string) string {
		return one.ask(t, "PUT", "~/users/carl", `{"name":"Carl","email":"c@c.example","role":"`+role+`","grants":[`+grants+`]}`).want(t, 200).at("revision")
	}
	sees("denied: not_granted", put("collaborator", ``))
	sees("allowed: administrator", put("administrator", ``))
	sees("denied: not_granted", put("client", `"ORG-mail"`))
	sees("allowed: granted", put("client", `"ORG-shop"`))
	sees("denied: not_a_member", one.ask(t, "DELETE", "~/users/carl", "").want(t, 200).at("revision"))
	one.ask(t, "PUT", "~/users/carl", `{"name":"Carl","email":"c@c.example","role":"client","grants":["ORG-shop"]}`).want(t, 201)
	sees("allowed: granted", one.revision(t))
	sees("denied: unknown_resource", one.ask(t, "DELETE", "~/products/ORG-shop", "").want(t, 200).at("revision"))
}

// TestARevokedKeyIsRefusedThereSoon asks all the time: from the allowed staleness on no answer is a yes.
func TestARevokedKeyIsRefusedThereSoon(t *testing.T) { // docs/design.md 11, Callers
	one, two := replicas(t)
	made := one.ask(t, "POST", "/v1/keys", `{"name":"n","scopes":["decide"]}`).want(t, 201)
	asker := two.with(made.at("key"))
	body := question("carl", "manage", "product", "ORG-shop")
	for range 100 {
		asker.ask(t, "POST", "/access/v1/evaluation", body).want(t, 200)
	}
	one.ask(t, "DELETE", "/v1/keys/"+made.at("id"), "").want(t, 200)
	revoked := time.Now()
	one.with(made.at("key")).ask(t, "POST", "/access/v1/evaluation", body).want(t, 401)
	for refused := 0; ; {
		sent := time.Now()
		a := asker.ask(t, "POST", "/access/v1/evaluation", body)
		if a.status == 401 {
			refused++
		} else if refused > 0 || sent.Sub(revoked) > staleness {
			t.Fatalf("%s after it was revoked, and after %d refusals, the key is answered %d", sent.Sub(revoked), refused, a.status)
		}
		if sent.Sub(revoked) > staleness && refused > 20 {
			return
		}
	}
}

// TestWrongTriesHoldOverReplicas spreads the guessing.
func TestWrongTriesHoldOverReplicas(t *testing.T) { // issue: counted in the store
	one, two := replicas(t)
	live := one.code(t, "lena")
	for i, of := range []place{one, two, one, two, one} {
		of.blocking(t, "block", "AAAA-BBBB-CCC"+string(rune('A'+i)), "").denied(t, "support_code_invalid")
	}
	for _, of := range []place{one, two} {
		of.blocking(t, "block", live, "").denied(t, "support_code_invalid")
	}
}

// TestARepeatOnAnotherReplica gives the first answer.
func TestARepeatOnAnotherReplica(t *testing.T) { // docs/design.md 11, Idempotency-Key
	one, two := replicas(t)
	for round := range 10 {
		verb := []string{"block", "unblock"}[round%2]
		answers := make(chan answer, 8)
		for i := range 8 {
			of := []place{one, two}[i%2]
			go func() {
				answers <- of.ask(t, "POST", "~/products/ORG-shop/"+verb, `{"reason":"x"}`, "Cordon-Actor: adam", "Idempotency-Key: k"+string(rune('0'+round)))
			}()
		}
		first := (<-answers).want(t, 200)
		for range 7 {
			if a := (<-answers).want(t, 200); a.body != first.body {
				t.Errorf("two answers to one key: %s and %s", a.body, first.body)
			}
		}
	}
	if got := one.revision(t); got != "11" {
		t.Errorf("revision %s after ten acts, want 11", got)
	}
}

// TestARefusalOnAnotherReplicaIsRepeatedToo has both block under one key while others unblock and
// block: whatever the first answer is, a 200 or a 409, it is everybody's.
func TestARefusalOnAnotherReplicaIsRepeatedToo(t *testing.T) { // docs/design.md 11, Idempotency-Key
	one, two := replicas(t)
	for round := range 20 {
		answers := make([]answer, 12)
		var all sync.WaitGroup
		for i := range answers {
			of, verb, once := []place{one, two}[i%2], "block", "Idempotency-Key: k"+string(rune('a'+round))
			if i >= 6 { // others, who block and unblock
				verb, once = []string{"block", "unblock"}[i/2%2], ""
			}
			all.Go(func() {
				answers[i] = of.ask(t, "POST", "~/products/ORG-shop/"+verb, `{"reason":"x"}`, "Cordon-Actor: adam", once)
			})
		}
		all.Wait()
		first := answers[0]
		for _, a := range answers[1:6] {
			// Of a problem the request's id is the request's own.
			if a.status != first.status || a.header.Get("Cordon-Decision-Id") != first.header.Get("Cordon-Decision-Id") {
				t.Errorf("two answers to one key: %d %s and %d %s", a.status, a.body, first.status, first.body)
			}
		}
	}
}

// TestTwoReplicasSendOneMail has both look for what is to be sent.
func TestTwoReplicasSendOneMail(t *testing.T) { // issue: one mail per event and recipient when nothing crashes
	box := program.OpenMailbox(t, nil)
	where := program.MongoDB(t)
	key := program.FirstKey(t, where)
	one := settle(t, program.Serve(t, where, key, box.Flags()...), "acme")
	two := place{Server: program.Serve(t, where.Beside(t), key, box.Flags()...), org: "acme"}
	for range 5 {
		one.ask(t, "POST", "~/products/ORG-shop/block", `{"reason":"x"}`, "Cordon-Actor: adam").want(t, 200)
		two.ask(t, "POST", "~/products/ORG-shop/unblock", `{"reason":"x"}`, "Cordon-Actor: adam").want(t, 200)
	}
	box.AwaitCount(t, 40)
	if err := two.Stop(); err != nil {
		t.Fatal(err)
	}
	delivered(t, one.Server, where, box)
}
