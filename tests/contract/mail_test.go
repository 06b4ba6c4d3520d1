package contract_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/datastore/mongo"
	"cordon/datastore/sqlite"
	"cordon/tests/program"

	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"
)

// openStore opens the store of a place whose servers are stopped.
func openStore(t *testing.T, where program.Place) datastore.Store {
	t.Helper()
	var store datastore.Store
	var err error
	if where[0] == "--mongodb-uri" {
		store, err = mongo.Open(t.Context(), mongo.Config{URI: where[1]})
	} else {
		store, err = sqlite.Open(t.Context(), sqlite.Config{Path: where[1]})
	}
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// messages gives what is in the outbox of a place whose servers are stopped. A lease that a dead server
// left is taken away, so that the test need not wait for the minute after which it would run out.
func messages(t *testing.T, where program.Place) []datastore.Message {
	t.Helper()
	store := openStore(t, where)
	defer store.Close()
	var list []datastore.Message
	release := func(ctx context.Context, tx datastore.Tx) error {
		list = nil
		for m, err := range datastore.List(ctx, tx, datastore.Message{}, datastore.Page{}) {
			if err != nil {
				return err
			}
			list = append(list, m)
		}
		for _, m := range list {
			if m.State == datastore.MessageLeased {
				m.NextAt = time.Now()
				if err := tx.Put(ctx, m); err != nil {
					return err
				}
			}
		}
		return nil
	}
	err := store.Update(t.Context(), release)
	// A killed server's transaction may stay open on MongoDB for a minute, and holds what it wrote.
	for begun := time.Now(); errors.Is(err, datastore.ErrUnavailable) && time.Since(begun) < 2*time.Minute; {
		err = store.Update(t.Context(), release)
	}
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// delivered stops the server and asks that each mail which was ever queued was delivered once, and that
// the mailbox has nothing else.
func delivered(t *testing.T, s *program.Server, where program.Place, box *program.Mailbox) {
	t.Helper()
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
	mails := 0
	for _, m := range messages(t, where) {
		if m.State != datastore.MessageDone {
			t.Errorf("the message %s is %s after %d attempts: %+v", m.ID, m.State, m.Attempts, m.Log)
		}
		if m.Kind == "mail" {
			mails++
		}
	}
	letters := box.Letters()
	if len(letters) != mails {
		t.Errorf("%d mails arrived, %d were queued:%s", len(letters), mails, strings.Join(subjects(letters), "\n"))
	}
	seen := map[string]bool{}
	for _, l := range letters {
		if id := l.Header.Get("Message-Id"); id == "" || seen[id] {
			t.Errorf("a mail to %s has the Message-ID %q, which is empty or another's", l.To, id)
		} else {
			seen[id] = true
		}
	}
}

func subjects(letters []program.Letter) []string {
	var list []string
	for _, l := range letters {
		list = append(list, l.To+": "+l.Subject)
	}
	slices.Sort(list)
	return list
}

// to gives whom mails went to whose plain text has a word, in their order.
func to(letters []program.Letter, word string) []string {
	var list []string
	for _, l := range letters {
		if strings.Contains(l.Subject+l.Text, word) {
			list = append(list, l.To)
		}
	}
	slices.Sort(list)
	return list
}

func TestKilledBetweenCommitAndMail(t *testing.T) { // issue: the mail still goes, once
	t.Parallel() // it waits, mostly
	program.EachPlace(t, func(t *testing.T, where program.Place) {
		t.Parallel()
		key := program.FirstKey(t, where)
		closed := program.OpenMailbox(t, nil)
		closed.Close() // the mail server is down
		s := program.Serve(t, where, key, closed.Flags()...)
		p := settle(t, s, "acme")
		// Three acts, each followed by the crash of the server that was told of it.
		p.ask(t, "POST", "~/products/ORG-shop/block", `{"reason":"x"}`, "Cordon-Actor: adam").want(t, 200)
		s.Kill()
		messages(t, where)
		s = program.Serve(t, where, key, closed.Flags()...)
		p = place{Server: s, org: "acme"}
		p.ask(t, "POST", "~/users/carl/block", `{"justification":"long enough it is","support_code":"`+p.code(t, "lena")+`"}`, "Cordon-Agent: sam").want(t, 200)
		s.Kill()
		messages(t, where)
		s = program.Serve(t, where, key, closed.Flags()...)
		p = place{Server: s, org: "acme"}
		p.ask(t, "POST", "~/users/carl/secure", `{"justification":"long enough it is"}`, "Cordon-Actor: adam").want(t, 200)
		s.Kill()
		if queued := messages(t, where); len(queued) < 3 {
			t.Fatalf("%d messages are in the outbox after three acts: %+v", len(queued), queued)
		}
		// Everything is up again.
		box, err := program.ListenMail(closed.Address, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer box.Close()
		s = program.Serve(t, where, key, box.Flags()...)
		letters := box.AwaitCount(t, 7)
		if diff := cmp.Diff([]string{"adam@acme.example", "carl@acme.example", "cleo@acme.example", "lena@acme.example"}, to(letters, "acme-shop")); diff != "" {
			t.Errorf("told of the product: -want +got\n%s", diff)
		}
		delivered(t, s, where, box)
		if n := len(box.Letters()); n != 7 { // four of the product, two admins of the user, one to the user
			t.Errorf("%d mails, want 7:\n%s", n, strings.Join(subjects(box.Letters()), "\n"))
		}
	})
}

func TestKilledWhileSending(t *testing.T) { // a mail that was not taken goes again, one that was does not
	t.Parallel() // it waits, mostly
	program.EachPlace(t, func(t *testing.T, where program.Place) {
		t.Parallel()
		key := program.FirstKey(t, where)
		stuck, enough := make(chan string, 4), make(chan struct{})
		box := program.OpenMailbox(t, func(try *program.Try) error {
			if try.Number == 1 && try.To != "lena@acme.example" {
				stuck <- try.To
				<-enough
				return try.Drop()
			}
			return nil
		})
		s := program.Serve(t, where, key, box.Flags()...)
		p := settle(t, s, "acme")
		p.ask(t, "POST", "~/products/ORG-shop/block", `{"reason":"x"}`, "Cordon-Actor: adam").want(t, 200)
		for range 3 {
			<-stuck
		}
		box.AwaitCount(t, 1)
		// The one that was taken is settled: the dead server left three leases and no fourth.
		p.awaitMetric(t, `cordon_messages_total{kind="mail",outcome="delivered"} 1`)
		s.Kill()
		close(enough)
		messages(t, where)
		s = program.Serve(t, where, key, box.Flags()...)
		box.AwaitCount(t, 4)
		delivered(t, s, where, box)
	})
}

func TestMailServersThatMakeTrouble(t *testing.T) { // slow, 4xx and then ok, dropped, refused for good
	t.Parallel() // it waits, mostly
	program.EachPlace(t, func(t *testing.T, where program.Place) {
		t.Parallel()
		key := program.FirstKey(t, where)
		release := make(chan struct{})
		var mu sync.Mutex
		at := map[string][]time.Time{}
		box := program.OpenMailbox(t, func(try *program.Try) error {
			mu.Lock()
			at[try.To] = append(at[try.To], time.Now())
			mu.Unlock()
			switch name, _, _ := strings.Cut(try.To, "@"); {
			case name == "lena" && try.Number == 1:
				<-release
			case name == "adam" && try.Number == 1:
				return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "later, adam@acme.example"}
			case name == "carl" && try.Number == 1:
				return try.Drop()
			case name == "cleo" && try.Number == 1:
				return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such person as cleo@acme.example"}
			}
			return nil
		})
		s := program.Serve(t, where, key, box.Flags()...)
		p := settle(t, s, "acme")
		p.ask(t, "POST", "~/products/ORG-shop/block", `{"reason":"x"}`, "Cordon-Actor: adam").want(t, 200)
		// While the mail server sits on a mail, questions are answered and acts are done.
		if got := p.check(t, "carl", "manage", "product", "ORG-shop"); got != "denied: product_blocked" {
			t.Error(got)
		}
		p.ask(t, "PUT", "~", `{"name":"Acme 2"}`).want(t, 200)
		// The others need not wait for it either.
		letters := box.AwaitCount(t, 2)
		if diff := cmp.Diff([]string{"adam@acme.example", "carl@acme.example"}, to(letters, "acme-shop")); diff != "" {
			t.Errorf("before the slow one: -want +got\n%s", diff)
		}
		close(release)
		box.AwaitCount(t, 3)
		p.awaitMetric(t, `cordon_messages_total{kind="mail",outcome="delivered"} 3`)
		p.awaitMetric(t, `cordon_messages_total{kind="mail",outcome="dead"} 1`)
		// What was refused for good is listed, and can be sent again when the cause is mended.
		dead := p.ask(t, "GET", "/v1/messages?state=dead", "").want(t, 200).has(t, "items.#", "1").
			has(t, "items.0.recipient", "cleo").has(t, "items.0.attempts", "1").has(t, "items.0.kind", "mail")
		if strings.Contains(dead.body, "@acme.example") {
			t.Errorf("the list of messages has an address: %s", dead.body)
		}
		p.ask(t, "POST", "/v1/messages/retry", `{"id":"`+dead.at("items.0.id")+`"}`).want(t, 200)
		box.AwaitCount(t, 4)
		p.awaitMetric(t, `cordon_messages_total{kind="mail",outcome="delivered"} 4`)
		p.ask(t, "POST", "/v1/messages/retry", `{"id":"`+dead.at("items.0.id")+`"}`).want(t, 409)
		p.ask(t, "POST", "/v1/messages/retry", `{"id":"nothing"}`).want(t, 404)
		p.ask(t, "POST", "/v1/messages/retry", `{}`).want(t, 400).has(t, "errors.0.pointer", "/id")
		if output := s.Output(); strings.Contains(output, "@acme.example") {
			t.Errorf("the log has an address: %s", output)
		}
		if err := s.Stop(); err != nil {
			t.Fatal(err)
		}
		for _, m := range messages(t, where) {
			if m.State != datastore.MessageDone {
				t.Errorf("%s is %s", m.ID, m.State)
			}
			for _, attempt := range m.Log {
				if strings.Contains(attempt.Result, "@") {
					t.Errorf("the log of %s has an address: %s", m.ID, attempt.Result)
				}
			}
		}
		mu.Lock()
		defer mu.Unlock()
		for name, tries := range map[string]int{"lena": 1, "adam": 2, "carl": 2, "cleo": 2} {
			times := at[name+"@acme.example"]
			if len(times) != tries {
				t.Errorf("%s was tried %d times, want %d", name, len(times), tries)
			}
			if len(times) == 2 && name != "cleo" && times[1].Sub(times[0]) > 10*time.Second {
				t.Errorf("%s was tried again after %s, want within 10 s", name, times[1].Sub(times[0]))
			}
		}
		if n := len(box.Letters()); n != 4 {
			t.Errorf("%d mails arrived, want 4", n)
		}
	})
}

func TestWhoIsTold(t *testing.T) { // docs/domain.md B4; docs/design.md 11, Mail
	t.Parallel() // it waits, mostly
	program.EachPlace(t, func(t *testing.T, where program.Place) {
		t.Parallel()
		box := program.OpenMailbox(t, nil)
		s := program.Serve(t, where, program.FirstKey(t, where), box.Flags()...)
		p := settle(t, s, "acme")
		const off = `,"notify":{"product_events":false}}`
		p.ask(t, "PUT", "~/users/lena", `{"name":"Lena","email":"lena@acme.example","language":"en","role":"legal_representative"`+off).want(t, 200)
		p.ask(t, "PUT", "~/users/dora", `{"name":"Dora","email":"dora@acme.example","language":"de","role":"administrator"`+off).want(t, 201)
		p.ask(t, "PUT", "~/users/nemo", `{"name":"Nemo","email":"","role":"administrator"}`).want(t, 201) // no address, no mail

		all := 0
		told := func(what, word string, want ...string) {
			t.Helper()
			all += len(want)
			var got []string
			letters := box.AwaitCount(t, all)
			for _, l := range letters[all-len(want):] {
				name, _, _ := strings.Cut(l.To, "@")
				got = append(got, name)
				if !strings.Contains(l.Subject, word) {
					t.Errorf("%s: the subject %q has no %s", what, l.Subject, word)
				}
				wantLanguage := map[string]string{"adam": "fr", "carl": "de", "dora": "de"}[name]
				if wantLanguage == "" {
					wantLanguage = "en"
				}
				if l.Header.Get("Content-Language") != wantLanguage {
					t.Errorf("%s: %s is written to in %q, want %q", what, name, l.Header.Get("Content-Language"), wantLanguage)
				}
				head, _, _ := strings.Cut(l.Raw, "\r\n\r\n")
				for line := range strings.SplitSeq(head, "\r\n") {
					if name, value, ok := strings.Cut(line, ":"); strings.TrimSpace(line) == "" || ok && name == "Subject" && strings.TrimSpace(value) == "" {
						t.Errorf("%s: the head has an empty line %q:\n%s", what, line, head)
					}
				}
				if l.Text == "" || l.HTML == "" {
					t.Errorf("%s: a mail without a plain or an HTML body", what)
				}
			}
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: -want +got\n%s", what, diff)
			}
		}
		act := func(method, path, body string, headers ...string) {
			t.Helper()
			if a := p.ask(t, method, path, body, headers...); a.status != 200 {
				t.Fatalf("%s: %d %s", a.asked, a.status, a.body)
			}
		}
		why := func() string {
			return `{"justification":"long enough it is","support_code":"` + p.code(t, "lena") + `"}`
		}
		block := p.ask(t, "POST", "~/products/ORG-shop/block", `{"reason":"x"}`, "Cordon-Actor: adam").want(t, 200)
		told("a block", "Shop", "adam", "carl", "cleo", "lena")
		// The record of the block leads to who was told: page by page, without addresses, for auditors.
		p.awaitMetric(t, `cordon_messages_total{kind="mail",outcome="delivered"} 4`)
		of := "/v1/messages?limit=2&decision=" + block.at("decision_id")
		var people []string
		for next := ""; ; {
			page := p.ask(t, "GET", of+next, "").want(t, 200)
			if strings.Contains(page.body, "@acme.example") {
				t.Errorf("an address is in %s", page.body)
			}
			for i := range 2 {
				if item := "items." + strconv.Itoa(i); page.at(item+".kind") == "mail" {
					page.has(t, item+".state", "done").has(t, item+".decision", block.at("decision_id"))
					people = append(people, page.at(item+".recipient"))
				}
			}
			if next = page.at("next_cursor"); next == "" {
				break
			}
			next = "&cursor=" + next
		}
		slices.Sort(people)
		if diff := cmp.Diff([]string{"adam", "carl", "cleo", "lena"}, people); diff != "" {
			t.Errorf("told of the block, as its messages say: -want +got\n%s", diff)
		}
		act("POST", "~/products/ORG-shop/unblock", `{}`, "Cordon-Actor: lena")
		told("an unblock", "Shop", "adam", "carl", "cleo", "lena")
		act("POST", "~/products/ORG-shop/block", `{"reason":"unpaid"}`)
		told("the host's block", "Shop", "adam", "carl", "cleo", "lena")
		act("POST", "~/products/ORG-mail/start-maintenance", `{}`, "Cordon-Actor: adam")
		told("maintenance", "Mail", "adam", "carl", "cleo", "lena")
		act("POST", "~/products/ORG-mail/end-maintenance", `{}`, "Cordon-Actor: adam")
		told("its end", "Mail", "adam", "carl", "cleo", "lena")
		act("POST", "~/users/carl/block", why(), "Cordon-Agent: sam")
		told("a user's block", "Carl", "adam", "dora", "lena")
		act("POST", "~/users/adam/block", why(), "Cordon-Agent: sam")
		told("an admin's block", "Adam", "dora", "lena")
		act("POST", "~/users/carl/unblock", why(), "Cordon-Agent: sam")
		told("an unblock while an admin is blocked", "Carl", "dora", "lena")
		act("POST", "~/users/adam/unblock", why(), "Cordon-Agent: sam")
		told("an admin's unblock", "Adam", "dora", "lena")
		act("POST", "~/users/cleo/secure", `{"justification":"long enough it is"}`, "Cordon-Actor: adam")
		told("secure", "secure", "cleo")
		act("PUT", "~/users/cleo", `{"name":"Cleo","email":"cleo@acme.example","role":"collaborator"}`, "Cordon-Actor: dora")
		told("a role", "", "adam", "cleo", "dora", "lena")
		act("PUT", "~/users/adam", `{"name":"Adam","email":"adam@acme.example","language":"fr","role":"client"}`)
		told("a role that the host changes", "", "adam", "dora", "lena")
		act("POST", "/v1/import", `{"user":{"organization":"acme","id":"adam","name":"Adam","email":"adam@acme.example","language":"fr","role":"administrator"}}`, "Content-Type: application/x-ndjson")
		told("a role that an import changes", "", "adam", "dora", "lena")
		// What changes nothing, or is refused, tells nobody.
		act("PUT", "~/users/cleo", `{"name":"Cleo C","email":"cleo@acme.example","role":"collaborator","grants":["ORG-shop"]}`)
		p.ask(t, "POST", "~/products/ORG-shop/block", `{"reason":"x"}`).want(t, 409)
		p.ask(t, "POST", "~/products/ORG-shop/unblock", `{"reason":"x"}`, "Cordon-Actor: carl").want(t, 403)
		delivered(t, s, where, box)
	})
}
