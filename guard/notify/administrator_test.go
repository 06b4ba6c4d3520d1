package notify_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/guard"
	"cordon/guard/notify"

	"github.com/google/go-cmp/cmp"
)

const version = "sha256:0f6d1a3b5c7e9f20314253647586970811223344556677889900aabbccddeeff"

// notices are what administrators are told, one for each text.
func notices() map[string]guard.PolicyNotice {
	until := noon.Add(24 * time.Hour)
	return map[string]guard.PolicyNotice{
		"through the gates":   {Type: guard.EventPolicyActivated, How: "activated", Previous: "sha256:before", Message: "let clients read mail"},
		"past the gates":      {Type: guard.EventPolicyActivated, How: "break_glass", Previous: "sha256:before", Reason: "nobody can log in", Until: until},
		"its time is over":    {Type: guard.EventPolicyActivated, How: "expired", Message: "the time of the version before was over"},
		"rolled back":         {Type: guard.EventPolicyActivated, How: "rolled_back", Message: "it denied too much"},
		"a review is closed":  {Type: guard.EventPolicyReviewed, Message: "it was right", Reason: "nobody can log in"},
		"what is no sentence": {Type: guard.EventPolicyActivated, How: "activated", Message: "x\n\nSubject: <b>y</b>\u202e"},
	}
}

func notice(n guard.PolicyNotice) guard.Event {
	n.Set, n.Digest, n.By = "cordon", version, "olga"
	return guard.Event{ID: "evt-1", Type: n.Type, At: noon, Decision: "0199d1c0-0000-7000-8000-000000000001", Policy: &n}
}

func TestNoticesOfPoliciesAreAsTheGoldenFiles(t *testing.T) {
	for _, language := range notify.Languages() {
		var text, html strings.Builder
		told := map[string]bool{}
		all := notices()
		names := make([]string, 0, len(all))
		for name := range all {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			event := notice(all[name])
			told[event.Type] = true
			of, subject, plain, page, err := notify.Write(notify.Host{Name: "Example Host", ConsoleURL: "https://console.example.com"}, notify.Texts(), &event, facts("ada", language), noon)
			if err != nil || of != language {
				t.Fatalf("%s: in %s, %v", name, of, err)
			}
			fmt.Fprintf(&text, "=== %s\nSubject: %s\n\n%s\n", name, subject, plain)
			fmt.Fprintf(&html, "<!-- %s -->\n%s\n", name, page)
		}
		for _, kind := range guard.PolicyEventTypes() {
			if !told[kind] {
				t.Errorf("no text of %s is looked at", kind)
			}
		}
		golden(t, filepath.Join("testdata", language, "policy.txt"), text.String())
		golden(t, filepath.Join("testdata", language, "policy.html"), html.String())
	}
}

// queueNotice commits the event of a policy, which is of no organization, as the guard does.
func queueNotice(t *testing.T, store datastore.Store, id string, n guard.PolicyNotice) {
	t.Helper()
	e := notice(n)
	e.ID = id
	payload, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	put(t, store, datastore.Message{
		ID: e.ID, Kind: guard.MessageEvent, Lane: guard.PolicyLane, Event: e.Type, Payload: payload,
		State: datastore.MessagePending, NextAt: time.Now(), CreatedAt: time.Now(),
	})
}

func administered(t *testing.T, box *mailbox, texts ...string) *notify.MailConfig {
	t.Helper()
	config := box.config()
	for _, text := range texts {
		a, err := notify.ParseAdministrator(text)
		if err != nil {
			t.Fatal(err)
		}
		config.Administrators = append(config.Administrators, a)
	}
	return config
}

// Each administrator of policies is told of an act on one, in their language, and no organization is.
func TestPolicyAdministratorsAreTold(t *testing.T) {
	for engine, open := range map[string]func(*testing.T) datastore.Store{"sqlite": openStore, "mongo": openMongo} {
		t.Run(engine, func(t *testing.T) {
			store, box := open(t), openMailbox(t, mailboxOptions{}, nil)
			acme(t, store)
			queueNotice(t, store, eventID(1), notices()["past the gates"])
			r := start(t, notify.Config{Store: store, Mail: administered(t, box, "ada@example.com", "eva@example.com:fr")})
			r.await("mail delivered", 2)
			if err := r.stop(); err != nil {
				t.Fatal(err)
			}
			got := map[string]bool{}
			for _, m := range box.all() {
				got[fmt.Sprint(m.to, " ", strings.Contains(string(m.raw), "Content-Language: fr"))] = true
			}
			if diff := cmp.Diff(map[string]bool{"ada@example.com false": true, "eva@example.com true": true}, got); diff != "" {
				t.Errorf("mails (-want +got):\n%s", diff)
			}
			for id, m := range messages(t, store, datastore.Message{}) {
				if m.State != datastore.MessageDone || strings.Contains(m.Recipient+string(m.Payload), "@") {
					t.Errorf("%s to %q is %s: %s", id, m.Recipient, m.State, m.Payload)
				}
			}
		})
	}
}

// Who is named no more when the mail is sent gets none, and without any there is nobody to tell.
func TestWhoIsNoPolicyAdministratorIsNotTold(t *testing.T) {
	store, box := openStore(t), openMailbox(t, mailboxOptions{}, nil)
	queueNotice(t, store, eventID(1), notices()["rolled back"])
	first := start(t, notify.Config{Store: store, Mail: administered(t, box)})
	first.await("event delivered", 1)
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}
	if len(messages(t, store, datastore.Message{Kind: notify.KindMail})) > 0 {
		t.Error("there is a mail to nobody")
	}
	queueNotice(t, store, eventID(2), notices()["rolled back"])
	held := make(chan struct{})
	slow := openMailbox(t, mailboxOptions{}, func(b *mailbox) {
		b.onRcpt = func(string) error { <-held; return fmt.Errorf("later") }
	})
	second := start(t, notify.Config{Store: store, Mail: administered(t, slow, "ada@example.com"), FirstRetry: time.Millisecond, Grace: time.Nanosecond})
	second.await("event delivered", 1)
	if err := second.stop(); err != nil {
		t.Fatal(err)
	}
	close(held)
	third := start(t, notify.Config{Store: store, Mail: administered(t, box, "eva@example.com"), Poll: 10 * time.Millisecond})
	third.await("mail skipped", 1)
	if to := box.to(); len(to) > 0 {
		t.Errorf("%v were told", to)
	}
}
