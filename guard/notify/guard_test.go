package notify_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/guard"
	"cordon/guard/notify"
	"cordon/ledger/journal"
	"cordon/policies"

	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"
)

// openGuard makes a guard of a policy that calls wake after each act.
func openGuard(t *testing.T, store datastore.Store, policy policies.Source, wake func()) *guard.Guard {
	t.Helper()
	rules, err := policies.Compile(t.Context(), policy)
	if err != nil {
		t.Fatal(err)
	}
	records, err := journal.Open(t.Context(), journal.Config{Dir: t.TempDir(), Ship: store.Ship})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = records.Close(context.Background()) })
	g, err := guard.New(guard.Config{
		Store: store, Engine: rules, Journal: records,
		CheckWebhook: func(url string) error { return notify.CheckURL(url, true) },
		Observe:      guard.Observer{Change: func(string, string) { wake() }},
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func as(user string) *guard.Origin {
	return &guard.Origin{Caller: &guard.Caller{ID: "test", Scopes: guard.Scopes()}, Actor: user}
}

// The whole way: an act, its mails and calls, a dead letter, and its retry.
func TestAnActIsToldAtOnceAndWhatWasGivenUpCanBeSentAgain(t *testing.T) {
	var full atomic.Bool
	full.Store(true)
	box := openMailbox(t, mailboxOptions{}, func(b *mailbox) {
		b.onRcpt = func(to string) error {
			if strings.HasPrefix(to, "carl@") && full.Load() {
				return &smtp.SMTPError{Code: 552, EnhancedCode: smtp.EnhancedCode{5, 2, 2}, Message: "mailbox full"}
			}
			return nil
		}
	})
	receiver, store := openReceiver(t, nil), openStore(t)
	acme(t, store)
	put(t, store, datastore.Product{Organization: "acme", ID: "shop", Name: "Shop", Kind: "web_hosting"})
	// It does not poll: only being woken has it look.
	r := start(t, notify.Config{Store: store, Mail: box.config(), Webhooks: private(), Poll: time.Hour})
	g := openGuard(t, store, policies.Builtin(), r.Wake)
	made, err := g.CreateWebhook(t.Context(), as("lena"), "acme", guard.PutWebhook{URL: receiver.URL})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.BlockProduct(t.Context(), as("adam"), "acme", "shop", guard.ProductAct{Reason: "nobody else's business"}); err != nil {
		t.Fatal(err)
	}
	r.await("mail delivered", 2)
	r.await("webhook delivered", 1)
	r.await("mail dead", 1)
	if calls := receiver.all(); len(calls) != 1 || !verifies(t, string(made.Webhook.Secrets[0].Key), calls[0]) {
		t.Errorf("%d calls, want one that verifies with the secret that was shown", len(calls))
	}
	dead, _, err := g.Messages(t.Context(), as("adam"), datastore.Message{Organization: "acme", State: datastore.MessageDead}, guard.Page{})
	if err != nil || len(dead) != 1 || dead[0].Recipient != "carl" {
		t.Fatalf("dead letters are %v, %v; want the one to carl", dead, err)
	}
	full.Store(false)
	if _, err := g.RetryMessage(t.Context(), as("adam"), dead[0].ID); err != nil {
		t.Fatal(err)
	}
	r.Wake()
	r.await("mail delivered", 3)
	to := box.to()
	slices.Sort(to)
	if diff := cmp.Diff([]string{"adam@example.org", "carl@example.org", "lena@example.org"}, to); diff != "" {
		t.Errorf("mails (-want +got):\n%s", diff)
	}
	want := []string{"the server answered RCPT TO with 552 5.2.2", "delivered"}
	if diff := cmp.Diff(want, results(message(t, store, dead[0].ID))); diff != "" {
		t.Errorf("the log (-want +got):\n%s", diff)
	}
	var conflict *guard.Conflict
	if _, err := g.RetryMessage(t.Context(), as("adam"), dead[0].ID); !errors.As(err, &conflict) {
		t.Errorf("a delivered message sent again: %v, want a conflict", err)
	}
	for _, m := range box.all() {
		// Carl has no access to the product.
		if told := strings.Contains(m.open(t).text, "\nReason: nobody else's business\n"); told != !strings.HasPrefix(m.to, "carl@") {
			t.Errorf("a mail to %s tells the reason: %t", m.to, told)
		}
	}
}

// Mails say of a block what the policy said when it was decided, of its end whether another block stands, and of an
// act of support who asked for it.
func TestAMailSaysWhatIsKnown(t *testing.T) { // docs/domain.md B3, Whose block it is
	policy := policies.Builtin()
	policy.Files["cordon/settings.json"] = `{"settings": {"administrators_manage_blocked_products": true, "additional_critical_channels": []}}`
	host := &guard.Origin{Caller: &guard.Caller{ID: "billing", Scopes: guard.Scopes()}}
	support := &guard.Origin{Caller: host.Caller, Agent: "sam"}
	const leaves, nobody = "only the administrators and legal representatives of the organization can manage it", "no user of the organization can manage"
	for name, c := range map[string]struct {
		policy      policies.Source
		block, left string
	}{
		"as the rules are":                   {policies.Builtin(), nobody, "nobody of the organization can manage it until that one is lifted"},
		"administrators manage all the same": {policy, leaves, leaves + " until that one is lifted"},
	} {
		t.Run(name, func(t *testing.T) {
			box, store := openMailbox(t, mailboxOptions{}, nil), openStore(t)
			acme(t, store)
			put(t, store, datastore.Product{Organization: "acme", ID: "shop", Name: "Shop", Kind: "web_hosting"})
			r := start(t, notify.Config{Store: store, Mail: box.config()})
			g := openGuard(t, store, c.policy, r.Wake)
			mails := 0
			says := func(err error, each int, want ...string) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
				mails += each
				r.await("mail delivered", mails)
				for _, m := range box.all()[mails-each:] {
					for _, sentence := range want {
						if text := m.open(t).text; !strings.Contains(text, sentence) {
							t.Errorf("the mail to %s does not say %q:\n%s", m.to, sentence, text)
						}
					}
				}
			}
			act := guard.ProductAct{Reason: "unpaid"}
			_, err := g.BlockProduct(t.Context(), host, "acme", "shop", act)
			says(err, 3, c.block)
			_, err = g.BlockProduct(t.Context(), as("adam"), "acme", "shop", act)
			says(err, 3, c.block)
			_, err = g.UnblockProduct(t.Context(), host, "acme", "shop", guard.ProductAct{})
			says(err, 3, c.left)
			_, err = g.UnblockProduct(t.Context(), as("adam"), "acme", "shop", guard.ProductAct{})
			says(err, 3, "Everybody who has access to the product can manage it again.")
			why := func() guard.UserAct {
				code, _, err := g.CreateSupportCode(t.Context(), as("lena"), "acme")
				if err != nil {
					t.Fatal(err)
				}
				return guard.UserAct{Justification: "long enough it is", SupportCode: code.Code}
			}
			_, err = g.BlockUser(t.Context(), support, "acme", "carl", why())
			says(err, 2, "By: support, at the request of lena\n")
			_, err = g.BlockUser(t.Context(), as("lena"), "acme", "carl", why())
			says(err, 2, "By: lena\n")
			_, err = g.UnblockUser(t.Context(), support, "acme", "carl", why())
			says(err, 2, "Another block of the user still stands")
			_, err = g.UnblockUser(t.Context(), as("lena"), "acme", "carl", why())
			says(err, 2, "Role and access are in force again")
		})
	}
}

// What a block closes is the policy's to say, and a mail says what was closed when it was decided.
func TestAMailNamesTheChannelsThatThePolicyMakesCritical(t *testing.T) { // docs/domain.md U3, U4
	policy := policies.Builtin()
	policy.Files["cordon/settings.json"] = `{"settings": {"administrators_manage_blocked_products": false, "additional_critical_channels": ["ssh"]}}`
	box, store := openMailbox(t, mailboxOptions{}, nil), openStore(t)
	acme(t, store)
	r := start(t, notify.Config{Store: store, Mail: box.config()})
	g := openGuard(t, store, policy, r.Wake)
	code, _, err := g.CreateSupportCode(t.Context(), as("lena"), "acme")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.BlockUser(t.Context(), as("lena"), "acme", "carl", guard.UserAct{
		Justification: "long enough it is", SupportCode: code.Code, Channels: []string{"ftp", "mail_web"},
	}); err != nil {
		t.Fatal(err)
	}
	r.await("mail delivered", 2)
	for _, m := range box.all() {
		if text, want := m.open(t).text, "Closed channels: Manager, kDrive web app, Web Mail, FTP and SSH\n"; !strings.Contains(text, want) {
			t.Errorf("the mail to %s says\n%s\nwant %s", m.to, text, want)
		}
	}
}
