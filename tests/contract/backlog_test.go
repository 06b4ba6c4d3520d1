package contract_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/tests/program"
)

// TestSystemsThatHangHoldUpNobody has an organization with eight systems that never answer, and looks
// whether mails and calls of another go out while the first calls still hang.
func TestSystemsThatHangHoldUpNobody(t *testing.T) { // README.md, Mail and webhooks
	t.Parallel() // it waits, mostly
	program.EachPlace(t, func(t *testing.T, where program.Place) {
		t.Parallel()
		const hooks, acts = 8, 16
		box := program.OpenMailbox(t, nil)
		hanging, given := atomic.Int64{}, atomic.Int64{}
		end := make(chan struct{})
		slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			hanging.Add(1)
			select {
			case <-r.Context().Done():
				given.Add(1)
			case <-end:
			}
		}))
		t.Cleanup(slow.Close)
		t.Cleanup(func() { close(end) })
		calls := make(chan string, 16)
		quick := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { calls <- r.URL.Path }))
		t.Cleanup(quick.Close)
		s := program.Serve(t, where, program.FirstKey(t, where), append(box.Flags(), "--webhooks-allow-private")...)
		acme, beta := settle(t, s, "acme"), settle(t, s, "beta")
		for range hooks {
			acme.ask(t, "POST", "~/webhooks", `{"url":"`+slow.URL+`"}`, "Cordon-Actor: adam").want(t, 201)
		}
		beta.ask(t, "POST", "~/webhooks", `{"url":"`+quick.URL+`/beta"}`, "Cordon-Actor: adam").want(t, 201)
		for i := range acts {
			verb := []string{"block", "unblock"}[i%2]
			acme.ask(t, "POST", "~/products/ORG-shop/"+verb, `{"reason":"x"}`, "Cordon-Actor: adam").want(t, 200)
		}
		box.AwaitCount(t, 4*acts) // its own mails, too, do not wait for its systems
		beta.ask(t, "POST", "~/products/ORG-shop/block", `{"reason":"x"}`, "Cordon-Actor: adam").want(t, 200)
		box.AwaitCount(t, 4*acts+4)
		if got := <-calls; got != "/beta" {
			t.Errorf("%s was called, want beta's", got)
		}
		if n := given.Load(); n > 0 {
			t.Errorf("the mails and calls waited until %d calls were given up", n)
		}
		if n := hanging.Load() - given.Load(); n > 4 {
			t.Errorf("%d calls hang at once, want at most 4", n)
		}
	})
}

// seed puts so many clients beside those of an organization, in the store of servers that are stopped.
func seed(t *testing.T, where program.Place, organization string, many int) {
	t.Helper()
	store := openStore(t, where)
	defer store.Close()
	nouns := make([]datastore.Noun, many)
	for i := range nouns {
		id := fmt.Sprintf("user-%05d", i)
		nouns[i] = datastore.Member{
			Organization: organization, ID: id, Name: id, Email: id + "@" + organization + ".example",
			Role: datastore.Client, ProductEvents: true,
		}
	}
	for some := range slices.Chunk(nouns, 2000) {
		if err := store.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error { return tx.Put(ctx, some...) }); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAnEventReachesManyMembers blocks a product of an organization of several pages of members, and
// counts the messages. What 40,000 cost is seen in guard/notify.
func TestAnEventReachesManyMembers(t *testing.T) { // docs/domain.md B4
	program.EachPlace(t, func(t *testing.T, where program.Place) {
		const many = 3000
		key := program.FirstKey(t, where)
		s := program.Serve(t, where, key)
		settle(t, s, "acme")
		settle(t, s, "beta")
		if err := s.Stop(); err != nil {
			t.Fatal(err)
		}
		seed(t, where, "acme", many)
		end := make(chan struct{})
		box := program.OpenMailbox(t, func(m *program.Try) error {
			if strings.HasSuffix(m.To, "@acme.example") {
				<-end // thousands of mails are not what is tried here
			}
			return nil
		})
		t.Cleanup(func() { close(end) })
		s = program.Serve(t, where, key, box.Flags()...)
		acme, beta := place{Server: s, org: "acme"}, place{Server: s, org: "beta"}
		acme.ask(t, "POST", "~/products/ORG-shop/block", `{"reason":"x"}`, "Cordon-Actor: adam").want(t, 200)
		beta.ask(t, "POST", "~/products/ORG-shop/block", `{"reason":"x"}`, "Cordon-Actor: adam").want(t, 200)
		box.AwaitCount(t, 4) // beta's, beside those of acme
		acme.awaitMetric(t, `cordon_messages_total{kind="event",outcome="delivered"} 2`)
		s.Kill()
		recipients := map[string]int{}
		for _, m := range messages(t, where) {
			if m.Kind == "mail" && m.Organization == "acme" {
				recipients[m.Recipient]++
			}
		}
		if len(recipients) != many+4 {
			t.Errorf("there are mails to %d members, want %d", len(recipients), many+4)
		}
		for id, n := range recipients {
			if n != 1 {
				t.Errorf("there are %d mails to %s", n, id)
			}
		}
	})
}

// TestMailGoesOnAfterAKill kills an embedded server while mails are under way and more are still to be
// queued, and starts it again.
func TestMailGoesOnAfterAKill(t *testing.T) { // docs/design.md 11, Mail
	t.Parallel() // it waits, mostly
	const many = 600
	where := program.Embedded(t)
	key := program.FirstKey(t, where)
	s := program.Serve(t, where, key)
	settle(t, s, "acme")
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	seed(t, where, "acme", many)
	killed := make(chan struct{})
	underWay := make(chan struct{}, 2*many)
	var tries atomic.Int64
	box := program.OpenMailbox(t, func(m *program.Try) error {
		if tries.Add(1) > 20 {
			underWay <- struct{}{}
			<-killed
		}
		return nil
	})
	s = program.Serve(t, where, key, box.Flags()...)
	place{Server: s, org: "acme"}.ask(t, "POST", "/v1/organizations/acme/products/acme-shop/block", `{"reason":"x"}`, "Cordon-Actor: adam").want(t, 200)
	for range 6 {
		<-underWay
	}
	s.Kill()
	close(killed)
	program.Serve(t, where, key, box.Flags()...)
	// A lease of the killed server would last for a minute.
	ctx, cancel := context.WithTimeout(t.Context(), 45*time.Second)
	defer cancel()
	to := map[string]int{}
	letters, err := box.Await(ctx, func(letters []program.Letter) bool {
		clear(to)
		for _, l := range letters {
			to[l.To]++
		}
		return len(to) == many+4
	})
	if err != nil {
		t.Fatalf("%d of %d members got a mail: %v", len(to), many+4, err)
	}
	if again := len(letters) - len(to); again > 6 {
		t.Errorf("%d mails came twice, want those alone that were under way", again)
	}
}
