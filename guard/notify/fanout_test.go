package notify_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/guard"
	"cordon/guard/notify"

	"github.com/google/go-cmp/cmp"
)

// crowd puts so many members beside Acme's own in place, and returns the ids of all who want product
// events.
func crowd(t *testing.T, store datastore.Store, many int) []string {
	t.Helper()
	acme(t, store)
	ids := []string{"adam", "carl", "lena"}
	nouns := make([]datastore.Noun, 0, many)
	for i := range many {
		m := member(fmt.Sprintf("user-%05d", i), datastore.Client)
		ids, nouns = append(ids, m.ID), append(nouns, m)
	}
	for some := range slices.Chunk(nouns, 1000) {
		put(t, store, some...)
	}
	slices.Sort(ids)
	return ids
}

// paged is a store that knows an update in which an event is put: a page of its fan-out.
type paged struct {
	datastore.Store
	pages  atomic.Int64
	put    func(nouns int)                                         // called with how many nouns a page puts; nil: nobody looks
	dead   atomic.Bool                                             // nothing is written any more
	commit func(page int64, event string, lose func() error) error // called when a page of an event is to be committed
}

type pagedTx struct {
	datastore.Tx
	*paged
	event *string
}

func (t pagedTx) Put(ctx context.Context, nouns ...datastore.Noun) error {
	for _, noun := range nouns {
		if m, ok := noun.(datastore.Message); ok && m.Kind == guard.MessageEvent {
			*t.event = m.ID
			if t.put != nil {
				t.put(len(nouns))
			}
		}
	}
	return t.Tx.Put(ctx, nouns...)
}

func (p *paged) Update(ctx context.Context, fn func(context.Context, datastore.Tx) error) error {
	var lost error
	err := p.Store.Update(ctx, func(ctx context.Context, tx datastore.Tx) error {
		if p.dead.Load() {
			return errFlaky
		}
		event := ""
		err := fn(ctx, pagedTx{tx, p, &event})
		if err == nil && event != "" {
			err = p.commit(p.pages.Add(1), event, func() error { lost = errFlaky; return nil })
		}
		return err
	})
	if err == nil {
		err = lost
	}
	return err
}

// A fan-out is many transactions. Whichever of them fails, and whether it was committed or not, the
// next page begins where the last committed one reached: each member gets one mail.
func TestAFanOutGoesOnWhereItReached(t *testing.T) {
	const members, page = 20, 3
	rolledBack := func(func() error) error { return errFlaky }
	unanswered := func(lose func() error) error { return lose() }
	for name, c := range map[string]struct {
		fail func(lose func() error) error
		dies bool
	}{
		"a page that is not committed":               {rolledBack, false},
		"a page whose commit is not answered":        {unanswered, false},
		"a process that dies before a page's commit": {rolledBack, true},
		"a process that dies after a page's commit":  {unanswered, true},
	} {
		for _, at := range []int64{1, 4, 8} { // the first, one between, the last
			t.Run(fmt.Sprintf("%s/%d", name, at), func(t *testing.T) {
				raw, clock := openStore(t), newClock()
				want := crowd(t, raw, members)
				queue(t, raw, clock.now(), guard.Event{ID: eventID(1)})
				store := &paged{Store: raw}
				failed := make(chan struct{})
				store.commit = func(page int64, _ string, lose func() error) error {
					if page != at {
						return nil
					}
					defer close(failed)
					store.dead.Store(c.dies)
					return c.fail(lose)
				}
				// A mail that was sent and could not be settled would be sent again, so none is sent before.
				box := openMailbox(t, mailboxOptions{}, func(b *mailbox) {
					b.onRcpt = func(string) error { <-failed; return map[bool]error{true: errFlaky}[store.dead.Load()] }
				})
				config := notify.Config{Store: store, Mail: box.config(), Members: page, Now: clock.now, FirstRetry: time.Nanosecond}
				if c.dies {
					config.Grace = time.Nanosecond
				}
				r := start(t, config)
				<-failed
				if c.dies {
					if err := r.stop(); err != nil {
						t.Fatal(err)
					}
					store.dead.Store(false)
					clock.pass(2 * time.Minute) // its leases
					r = start(t, config)
				} else {
					clock.pass(time.Second)
				}
				r.await("mail delivered", len(want))
				if err := r.stop(); err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, m := range messages(t, raw, datastore.Message{}) {
					if m.State != datastore.MessageDone {
						t.Errorf("%s is %s", m.ID, m.State)
					}
					if m.Kind == notify.KindMail {
						got = append(got, m.Recipient)
					}
				}
				slices.Sort(got)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("messages (-want +got):\n%s", diff)
				}
				if n := len(box.to()); n != len(want) {
					t.Errorf("%d mails, want %d", n, len(want))
				}
			})
		}
	}
}

// An organization with a backlog of everything has no more hands than it is given, and no other waits
// for it: neither for its fan-outs, nor for its mails, nor for its calls.
func TestABacklogOfOneOrganizationHoldsUpNoOther(t *testing.T) {
	const many, events = 300, 20
	var turn atomic.Int64 // of beta's event, among all pages
	store := &paged{Store: openStore(t), commit: func(page int64, event string, _ func() error) error {
		if event == "evt-beta" {
			turn.Store(page)
		}
		return nil
	}}
	crowd(t, store.Store, many)
	release := make(chan struct{})
	slow := openReceiver(t, func(http.ResponseWriter, *http.Request) { <-release })
	quick := openReceiver(t, nil)
	box := openMailbox(t, mailboxOptions{}, func(b *mailbox) {
		b.onRcpt = func(to string) error {
			if to != "bea@example.org" {
				<-release
			}
			return nil
		}
	})
	for i := range 20 {
		hook(t, store.Store, fmt.Sprintf("whk-%d", i), slow.URL, nil)
	}
	for i := range events {
		queue(t, store.Store, time.Now(), guard.Event{ID: eventID(i)})
	}
	put(t, store.Store, datastore.Organization{ID: "beta", Name: "Beta", Revision: 1, CreatedAt: time.Now()},
		datastore.Member{Organization: "beta", ID: "bea", Email: "bea@example.org", Role: datastore.LegalRepresentative},
		datastore.Webhook{Organization: "beta", ID: "whk-b", URL: quick.URL, Secrets: []datastore.Secret{{Key: []byte("key")}}},
		datastore.Message{ID: "evt-beta", Kind: guard.MessageEvent, Organization: "beta", Event: guard.EventProductBlocked,
			Payload: []byte(`{"id":"evt-beta","type":"product.blocked","organization":"beta","product":"web"}`),
			State:   datastore.MessagePending, NextAt: time.Now()})
	config := notify.Config{Store: store, Mail: box.config(), Webhooks: private(), Members: 20, Lease: 3 * time.Hour, Grace: time.Nanosecond}
	config.Mail.Timeout, config.Webhooks.Timeout = time.Hour, time.Hour
	r := start(t, config)
	r.await("mail delivered", 1)
	r.await("webhook delivered", 1)
	if got := turn.Load(); got > 10 {
		t.Errorf("the fan-out of beta had turn %d, want it beside the first ones of acme's", got)
	}
	if to := box.to(); len(to) != 1 || len(quick.all()) != 1 {
		t.Errorf("mails to %v and %d calls of beta's, want one each", to, len(quick.all()))
	}
	r.await("event delivered", events+1)
	if n := len(slow.all()); n > 4 {
		t.Errorf("%d calls of acme's at once, want at most 4", n)
	}
	close(release)
}

// One transaction for 40,000 members would fail on MongoDB and hold up everybody on SQLite. No page is
// larger than it may be, and all members get one message.
func TestAFanOutToFortyThousand(t *testing.T) {
	for engine, c := range map[string]struct {
		open func(t *testing.T) datastore.Store
		many int
	}{
		"sqlite": {openFile, 40_000},
		// The server that the suite runs on looks through all entries of an index that a claim steps
		// through on MongoDB, so that many messages cost it their square.
		"mongo": {openMongo, 4000},
	} {
		t.Run(engine, func(t *testing.T) {
			var largest atomic.Int64
			store := &paged{Store: c.open(t), commit: func(int64, string, func() error) error { return nil }}
			store.put = func(nouns int) { largest.Store(max(largest.Load(), int64(nouns))) }
			want := crowd(t, store.Store, c.many)
			end := make(chan struct{})
			box := openMailbox(t, mailboxOptions{}, func(b *mailbox) {
				b.onRcpt = func(string) error { <-end; return nil } // so many mails are not what is tried here
			})
			queue(t, store.Store, time.Now(), guard.Event{ID: eventID(1)})
			r := start(t, notify.Config{Store: store, Mail: box.config(), Poll: time.Second, Grace: time.Nanosecond})
			r.await("event delivered", 1)
			if err := r.stop(); err != nil {
				t.Fatal(err)
			}
			close(end)
			var got []string
			for m, err := range datastore.List(t.Context(), store, datastore.Message{Kind: notify.KindMail}, datastore.Page{}) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, m.Recipient)
			}
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("there are %d mails, want one to each of %d members", len(got), len(want))
			}
			if n := largest.Load(); n > 251 {
				t.Errorf("%d messages were put in one transaction, want at most 250 and the event", n)
			}
		})
	}
}

// Whose block has only ended by a clock that leapt ahead is still blocked, and gets no mail about blocks of users.
func TestWhoIsBlockedIsTheGuardsWord(t *testing.T) {
	for name, c := range map[string]struct {
		ends func(time.Time) time.Time
		want []string
	}{
		"a clock that is believed": {nil, []string{"adam", "lena"}},
		"a clock that leapt ahead": {func(reading time.Time) time.Time { return reading.Add(-24 * time.Hour) }, []string{"lena"}},
	} {
		t.Run(name, func(t *testing.T) {
			box, store := openMailbox(t, mailboxOptions{}, nil), openStore(t)
			acme(t, store)
			now := time.Now()
			put(t, store, datastore.UserBlocks{Organization: "acme", User: "adam", Blocks: []datastore.Block{{
				ID: "b", Origin: datastore.OriginSupport, By: "sam", Since: now.Add(-2 * time.Hour), ExpiresAt: now.Add(-time.Hour),
			}}})
			queue(t, store, now, guard.Event{ID: eventID(1), Type: guard.EventUserBlocked, User: "carl", UserName: "Carl"})
			r := start(t, notify.Config{Store: store, Mail: box.config(), Ends: c.ends})
			r.await("mail delivered", len(c.want))
			var told []string
			for _, m := range messages(t, store, datastore.Message{Kind: notify.KindMail}) {
				told = append(told, m.Recipient)
			}
			if slices.Sort(told); !slices.Equal(told, c.want) {
				t.Errorf("mails to %v, want %v", told, c.want)
			}
		})
	}
}
