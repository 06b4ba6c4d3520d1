package notify_test

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/guard"
	"cordon/guard/notify"

	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"
)

func TestAnEventIsOneMailForEachMemberConcerned(t *testing.T) {
	for kind, want := range map[string][]string{
		guard.EventProductBlocked: {"adam@example.org", "carl@example.org", "lena@example.org"},
		guard.EventUserBlocked:    {"adam@example.org", "lena@example.org"},
		guard.EventUserSecure:     {"carl@example.org"},
		guard.EventRoleChanged:    {"adam@example.org", "carl@example.org", "lena@example.org"},
	} {
		t.Run(kind, func(t *testing.T) {
			store, box := openStore(t), openMailbox(t, mailboxOptions{}, nil)
			acme(t, store)
			r := start(t, notify.Config{Store: store, Mail: box.config()})
			e := guard.Event{ID: eventID(1), Type: kind}
			if kind != guard.EventProductBlocked {
				e.User, e.Role, e.OldRole = "carl", datastore.Collaborator, datastore.Client
			}
			queue(t, store, time.Now(), e)
			r.Wake()
			r.await("mail delivered", len(want))
			got := box.to()
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("mails (-want +got):\n%s", diff)
			}
			if err := r.stop(); err != nil {
				t.Fatal(err)
			}
			for id, m := range messages(t, store, datastore.Message{}) {
				if m.State != datastore.MessageDone || m.Attempts != 1 || m.Lease != "" || !slices.Equal(results(m), []string{"delivered"}) {
					t.Errorf("%s is %s after %d attempts: %v", id, m.State, m.Attempts, m.Log)
				}
			}
		})
	}
}

// A relay polls, so that messages of other replicas and of before its start go out without a wake.
func TestAMailQueuedWhileNoRelayRanGoesOut(t *testing.T) {
	store, box := openStore(t), openMailbox(t, mailboxOptions{}, nil)
	acme(t, store)
	queue(t, store, time.Now(), guard.Event{ID: eventID(1), Type: guard.EventUserSecure, User: "carl"})
	r := start(t, notify.Config{Store: store, Mail: box.config()})
	r.await("mail delivered", 1)
	queue(t, store, time.Now(), guard.Event{ID: eventID(2), Type: guard.EventUserSecure, User: "carl"})
	r.await("mail delivered", 2)
}

// A process that ends between the commit and any later step leaves a lease behind; when it has run
// out, another relay goes on from there.
func TestAMailWhoseRelayWasKilledGoesOut(t *testing.T) {
	for _, name := range []string{"before the fan-out", "before sending"} {
		t.Run(name, func(t *testing.T) {
			store, box, now := openStore(t), openMailbox(t, mailboxOptions{}, nil), newClock()
			acme(t, store)
			queue(t, store, now.now(), guard.Event{ID: eventID(1), Type: guard.EventUserSecure, User: "carl"})
			config := notify.Config{Store: store, Mail: box.config(), Now: now.now}
			kind := guard.MessageEvent
			if name == "before sending" {
				kind = notify.KindMail
				held := make(chan struct{})
				t.Cleanup(func() { close(held) })
				slow := openMailbox(t, mailboxOptions{}, func(b *mailbox) {
					b.onRcpt = func(string) error { held <- struct{}{}; <-held; return errors.New("it is gone") }
				})
				config := config
				config.Mail, config.Grace = slow.config(), time.Nanosecond
				first := start(t, config)
				first.await("event delivered", 1)
				<-held // it is at the server when it is killed
				_ = first.stop()
			}
			if _, err := store.Claim(t.Context(), datastore.Claim{Kind: kind, Now: now.now(), Lease: 2 * time.Minute, Limit: 10}); err != nil {
				t.Fatal(err)
			}
			r := start(t, config)
			now.pass(2*time.Minute - time.Second)
			r.Wake()
			if got := box.to(); len(got) > 0 {
				t.Errorf("mails to %v while another's lease ran", got)
			}
			now.pass(time.Second)
			r.Wake()
			r.await("mail delivered", 1)
			if diff := cmp.Diff([]string{"carl@example.org"}, box.to()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTwoRelaysSendEachMailOnce(t *testing.T) {
	const members, events = 30, 5
	store, box := openStore(t), openMailbox(t, mailboxOptions{}, nil)
	acme(t, store)
	for i := range members - 3 {
		put(t, store, member(fmt.Sprintf("user-%d", i), datastore.Client))
	}
	both := newSeen(t)
	config := notify.Config{Store: store, Mail: box.config(), Observe: both.observe}
	first, second := start(t, config), start(t, config)
	for i := range events {
		queue(t, store, time.Now(), guard.Event{ID: eventID(i)})
		first.Wake()
		second.Wake()
	}
	both.await("mail delivered", members*events)
	for _, r := range []*running{first, second} {
		if err := r.stop(); err != nil {
			t.Fatal(err)
		}
	}
	ids := map[string]int{}
	for _, m := range box.all() {
		ids[m.open(t).header.Get("Message-Id")]++
	}
	if len(ids) != members*events || len(box.all()) != len(ids) {
		t.Errorf("%d mails with %d ids, want %d of each", len(box.all()), len(ids), members*events)
	}
	if n := len(messages(t, store, datastore.Message{State: datastore.MessageDone})); n != (members+1)*events {
		t.Errorf("%d messages are done, want %d", n, (members+1)*events)
	}
}

func TestARefusalForNowIsRetriedSoonAndThenLater(t *testing.T) {
	refuse := true
	box := openMailbox(t, mailboxOptions{}, func(b *mailbox) {
		b.onRcpt = func(to string) error {
			if refuse {
				return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "later, " + to}
			}
			return nil
		}
	})
	store, now := openStore(t), newClock()
	acme(t, store)
	queue(t, store, now.now(), guard.Event{ID: eventID(1), Type: guard.EventUserSecure, User: "carl"})
	r := start(t, notify.Config{Store: store, Mail: box.config(), Now: now.now, MaxAttempts: 9, LastRetry: 10 * time.Minute})
	id := eventID(1) + "/mail/carl"
	var waits []time.Duration
	for attempt := range 8 {
		r.await("mail retried", attempt+1)
		m := message(t, store, id)
		waits = append(waits, m.NextAt.Sub(now.now()))
		if m.State != datastore.MessagePending || m.Lease != "" {
			t.Errorf("it is %s, want it pending", m.State)
		}
		if attempt == 7 {
			refuse = false
		}
		now.pass(waits[attempt])
		r.Wake()
	}
	r.await("mail delivered", 1)
	if waits[0] <= 0 || waits[0] > 9*time.Second {
		t.Errorf("the first retry is after %s, want it within 10 s with the poll", waits[0])
	}
	for i, wait := range waits[1:] {
		if last := waits[i]; wait <= last && last < 8*time.Minute || wait > 12*time.Minute {
			t.Errorf("the retries wait %v, want them longer and longer up to 10 min", waits)
		}
	}
	m := message(t, store, id)
	if got := results(m); len(got) != 9 || got[0] != "the server answered RCPT TO with 451 4.7.1" || got[8] != "delivered" {
		t.Errorf("the log is %q", got)
	}
}

func TestAMessageIsGivenUpAfterItsAttempts(t *testing.T) {
	box := openMailbox(t, mailboxOptions{}, func(b *mailbox) {
		b.onRcpt = func(string) error { return &smtp.SMTPError{Code: 450, Message: "later"} }
	})
	store, now := openStore(t), newClock()
	acme(t, store)
	queue(t, store, now.now(), guard.Event{ID: eventID(1), Type: guard.EventUserSecure, User: "carl"})
	r := start(t, notify.Config{Store: store, Mail: box.config(), Now: now.now, MaxAttempts: 3})
	for attempt := range 2 {
		r.await("mail retried", attempt+1)
		now.pass(time.Hour)
		r.Wake()
	}
	r.await("mail dead", 1)
	dead := messages(t, store, datastore.Message{State: datastore.MessageDead, Kind: notify.KindMail})
	if m := dead[eventID(1)+"/mail/carl"]; m.Attempts != 3 || len(m.Log) != 3 {
		t.Errorf("dead letters are %v, want the one after 3 attempts", dead)
	}
	now.pass(24 * time.Hour)
	if claimed, err := store.Claim(t.Context(), datastore.Claim{Kind: notify.KindMail, Now: now.now(), Lease: time.Minute, Limit: 10}); err != nil || len(claimed) > 0 {
		t.Errorf("claimed %v, %v; a dead letter rests", claimed, err)
	}
}

// Messages that kill whoever tries them must not do so for ever.
func TestWhatCannotBeTriedIsGivenUp(t *testing.T) {
	store, box := openStore(t), openMailbox(t, mailboxOptions{}, nil)
	now := time.Now()
	put(t, store,
		datastore.Message{ID: "evt-a", Kind: guard.MessageEvent, Organization: "acme", Payload: []byte("{"), State: datastore.MessagePending, NextAt: now},
		datastore.Message{ID: "evt-b/mail/x", Kind: notify.KindMail, Organization: "acme", Recipient: "x", Payload: []byte("{}"),
			State: datastore.MessagePending, NextAt: now, Attempts: 20})
	r := start(t, notify.Config{Store: store, Mail: box.config()})
	r.await("event dead", 1)
	r.await("mail dead", 1)
}

func TestWhoIsNotThereAnyMoreIsNotWrittenTo(t *testing.T) {
	store, box := openStore(t), openMailbox(t, mailboxOptions{}, nil)
	acme(t, store)
	noAddress := member("noaddress", datastore.Client)
	noAddress.Email = ""
	injected := member("injected", datastore.Client)
	injected.Email = "x@example.org>\r\nRCPT TO:<eve@example.org"
	silenced := member("silenced", datastore.Client)
	silenced.ProductEvents = false
	put(t, store, noAddress, injected, silenced)
	now := time.Now()
	payload := `{"id":"evt-a","type":"product.blocked","organization":"acme","product":"shop"}`
	want := map[string]string{
		"gone": "the member is gone", "noaddress": "the member has no address", "injected": "the member's address is none",
		"silenced": "the event does not concern the member any more",
	}
	for user := range want {
		put(t, store, datastore.Message{ID: "evt-a/mail/" + user, Kind: notify.KindMail, Organization: "acme", Event: guard.EventProductBlocked,
			Recipient: user, Payload: []byte(payload), State: datastore.MessagePending, NextAt: now})
	}
	put(t, store, datastore.Message{ID: "evt-b/mail/x", Kind: notify.KindMail, Organization: "other", Event: guard.EventProductBlocked,
		Recipient: "x", Payload: []byte(payload), State: datastore.MessagePending, NextAt: now})
	r := start(t, notify.Config{Store: store, Mail: box.config()})
	r.await("mail skipped", len(want)+1)
	for user, why := range want {
		m := message(t, store, "evt-a/mail/"+user)
		if got := results(m); m.State != datastore.MessageDone || !slices.Equal(got, []string{why}) {
			t.Errorf("%s is %s: %q, want it done: %q", m.ID, m.State, got, why)
		}
	}
	if got := results(message(t, store, "evt-b/mail/x")); !slices.Equal(got, []string{"the organization is gone"}) {
		t.Errorf("got %q", got)
	}
	if got := box.to(); len(got) > 0 {
		t.Errorf("mails to %v", got)
	}
}

func TestASlowMailHoldsUpNoOther(t *testing.T) {
	release := make(chan struct{})
	box := openMailbox(t, mailboxOptions{}, func(b *mailbox) {
		b.onRcpt = func(to string) error {
			if strings.HasPrefix(to, "slow") {
				<-release
			}
			return nil
		}
	})
	store := openStore(t)
	acme(t, store)
	put(t, store, member("slow-1", datastore.Client), member("slow-2", datastore.Client))
	for i := range 40 {
		put(t, store, member(fmt.Sprintf("user-%d", i), datastore.Client))
	}
	r := start(t, notify.Config{Store: store, Mail: box.config()})
	queue(t, store, time.Now(), guard.Event{ID: eventID(1)})
	r.await("mail delivered", 43)
	for _, to := range box.to() {
		if strings.HasPrefix(to, "slow") {
			t.Errorf("a mail to %s went out", to)
		}
	}
	close(release)
	r.await("mail delivered", 45)
}

func TestAStopGivesBackWhatItHolds(t *testing.T) {
	reached, release := make(chan struct{}, 100), make(chan struct{})
	box := openMailbox(t, mailboxOptions{}, func(b *mailbox) {
		b.onRcpt = func(string) error { reached <- struct{}{}; <-release; return nil }
	})
	defer close(release)
	store := openStore(t)
	acme(t, store)
	for i := range 20 {
		put(t, store, member(fmt.Sprintf("user-%d", i), datastore.Client))
	}
	queue(t, store, time.Now(), guard.Event{ID: eventID(1)})
	r := start(t, notify.Config{Store: store, Mail: box.config(), Grace: time.Nanosecond})
	for range 6 {
		<-reached
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	for id, m := range messages(t, store, datastore.Message{Kind: notify.KindMail}) {
		if m.State != datastore.MessagePending || m.Attempts != 0 || m.Lease != "" || m.NextAt.After(time.Now()) {
			t.Errorf("%s is %s after %d attempts, due in %s; want it given back", id, m.State, m.Attempts, time.Until(m.NextAt))
		}
	}
}

func TestAStopLetsASendingMailEnd(t *testing.T) {
	reached, release := make(chan struct{}), make(chan struct{})
	box := openMailbox(t, mailboxOptions{}, func(b *mailbox) {
		b.onRcpt = func(string) error { reached <- struct{}{}; <-release; return nil }
	})
	store := openStore(t)
	acme(t, store)
	queue(t, store, time.Now(), guard.Event{ID: eventID(1), Type: guard.EventUserSecure, User: "carl"})
	r := start(t, notify.Config{Store: store, Mail: box.config(), Grace: time.Hour})
	<-reached
	stopped := make(chan error)
	go func() { stopped <- r.stop() }()
	close(release)
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	if m := message(t, store, eventID(1)+"/mail/carl"); m.State != datastore.MessageDone || len(box.all()) != 1 {
		t.Errorf("it is %s with %d mails, want it done with one", m.State, len(box.all()))
	}
}

// A lease may end while a message is being delivered; whoever has it then settles it.
func TestALostLeaseIsRespected(t *testing.T) {
	reached, release := make(chan struct{}), make(chan struct{})
	box := openMailbox(t, mailboxOptions{}, func(b *mailbox) {
		b.onRcpt = func(string) error { reached <- struct{}{}; <-release; return nil }
	})
	store := openStore(t)
	acme(t, store)
	queue(t, store, time.Now(), guard.Event{ID: eventID(1), Type: guard.EventUserSecure, User: "carl"})
	r := start(t, notify.Config{Store: store, Mail: box.config(), Grace: time.Hour})
	<-reached
	m := message(t, store, eventID(1)+"/mail/carl")
	m.Lease = "another's"
	put(t, store, m)
	close(release)
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	if m := message(t, store, m.ID); m.State != datastore.MessageLeased || m.Lease != "another's" || len(m.Log) > 0 {
		t.Errorf("another's message is %s: %v", m.State, m.Log)
	}
}

func TestWithoutMailThatIsSaidAndEventsAreSettled(t *testing.T) {
	log := &lines{}
	store := openStore(t)
	acme(t, store)
	queue(t, store, time.Now(), guard.Event{ID: eventID(1)})
	queue(t, store, time.Now(), guard.Event{ID: eventID(2)})
	r := start(t, notify.Config{Store: store, Log: slog.New(slog.NewTextHandler(log, nil))})
	r.await("event delivered", 2)
	if n := len(messages(t, store, datastore.Message{})); n != 2 {
		t.Errorf("%d messages, want the events alone", n)
	}
	if got := log.count("mail is off"); got != 1 {
		t.Errorf("it is said %d times that mail is off, want once", got)
	}
}

func TestAConfigurationThatCannotWorkIsRefused(t *testing.T) {
	store := openStore(t)
	mail := func(change func(*notify.MailConfig)) notify.Config {
		config := &notify.MailConfig{Address: "mail.example.org:587", From: "cordon@example.org"}
		change(config)
		return notify.Config{Store: store, Mail: config}
	}
	for name, config := range map[string]notify.Config{
		"no store":            {},
		"a lease too short":   {Store: store, Lease: 20 * time.Second},
		"no port":             mail(func(c *notify.MailConfig) { c.Address = "mail.example.org" }),
		"no host":             mail(func(c *notify.MailConfig) { c.Address = ":587" }),
		"a port too large":    mail(func(c *notify.MailConfig) { c.Address = "mail.example.org:65536" }),
		"no sender":           mail(func(c *notify.MailConfig) { c.From = "" }),
		"a sender's header":   mail(func(c *notify.MailConfig) { c.From = "a@example.org\r\nBcc: b@example.org" }),
		"another TLS":         mail(func(c *notify.MailConfig) { c.TLS = "ssl" }),
		"a password in clear": mail(func(c *notify.MailConfig) { c.TLS, c.User, c.PasswordFile = notify.TLSNone, "u", passwordFile(t, "p") }),
		"no password":         mail(func(c *notify.MailConfig) { c.User = "u" }),
		"no password file":    mail(func(c *notify.MailConfig) { c.User, c.PasswordFile = "u", t.TempDir()+"/none" }),
	} {
		if _, err := notify.New(config); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}
