package guard_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/guard"
	"cordon/ledger/batch"
	"cordon/ledger/record"
)

func TestMaintenanceAndUserBlocksEndByTheClock(t *testing.T) { // docs/design.md 11, Revisions: an end by the clock changes none
	c := newClock()
	store := openSQLite(t)
	g := newGuard(t, store, func(config *guard.Config) { config.Now = c.now })
	acme(t, g)
	end := c.now().Add(time.Hour)
	must[*guard.Result](t)(g.StartMaintenance(t.Context(), as("lena"), "acme", "mail", guard.ProductAct{ExpiresAt: end}))
	must[*guard.Result](t)(g.BlockUser(t.Context(), agent("sam"), "acme", "carl", guard.UserAct{
		Justification: because, SupportCode: codeOf(t, g, "lena"), ExpiresAt: end, Channels: []string{"ssh"},
	}))
	before := must[guard.Organization](t)(g.Organization(t.Context(), host(), "acme")).Revision
	for _, step := range []struct {
		at      time.Duration
		allowed bool
	}{{-time.Second, false}, {0, true}, {time.Second, true}} {
		c.pass(end.Add(step.at).Sub(c.now()))
		for name, q := range map[string]*guard.Question{
			"mail": productQuestion("lena", "read_mail", "mail"), "manager": channelQuestion("carl", "manager"),
			"ssh": channelQuestion("carl", "ssh"), "manage": productQuestion("carl", "manage", "shop"),
		} {
			if allowed, why := decide(t, g, q); allowed != step.allowed {
				t.Errorf("%s at %v: got %v %v, want %v", name, step.at, allowed, why, step.allowed)
			}
		}
	}
	// What has ended is gone, though nobody swept yet: another may follow, and its end is told first.
	must[*guard.Result](t)(g.BlockUser(t.Context(), agent("sam"), "acme", "carl", guard.UserAct{Justification: because, SupportCode: codeOf(t, g, "lena")}))
	if err := g.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	events := map[string]int{}
	for message, err := range datastore.List(t.Context(), store, datastore.Message{Kind: guard.MessageEvent}, datastore.Page{}) {
		if err != nil {
			t.Fatal(err)
		}
		events[message.Event]++
	}
	if events[guard.EventMaintenanceEnded] != 1 || events[guard.EventUserUnblocked] != 1 || events[guard.EventUserBlocked] != 2 {
		t.Errorf("got events %v", events)
	}
	if after := must[guard.Organization](t)(g.Organization(t.Context(), host(), "acme")).Revision; after != before+1 {
		t.Errorf("got revision %d after %d: only the second block changed one", after, before)
	}
}

func TestAnEndByTheClockIsToldWithItsOwnRecord(t *testing.T) { // docs/design.md 11, Records
	c := newClock()
	store := openSQLite(t)
	g := newGuard(t, store, func(config *guard.Config) { config.Now = c.now })
	acme(t, g)
	must[*guard.Result](t)(g.BlockProduct(t.Context(), as("lena"), "acme", "shop", guard.ProductAct{Reason: "x", ExpiresAt: c.now().Add(time.Minute)}))
	must[*guard.Result](t)(g.BlockProduct(t.Context(), as("lena"), "acme", "site", guard.ProductAct{Reason: "x", ExpiresAt: c.now().Add(time.Minute)}))
	c.pass(time.Minute)
	// One end is noticed by the next act on the product, the other by the sweep.
	must[*guard.Result](t)(g.BlockProduct(t.Context(), as("adam"), "acme", "shop", reason("again")))
	if err := g.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for message, err := range datastore.List(t.Context(), store, datastore.Message{Kind: guard.MessageEvent}, datastore.Page{}) {
		var e guard.Event
		if err != nil || json.Unmarshal(message.Payload, &e) != nil || !e.Ended {
			continue
		}
		record, err := g.Record(t.Context(), host(), e.Decision)
		if err != nil || record.Caller != "clock" || record.Question.Resource.ID != e.Product || record.Revision != e.Revision {
			t.Errorf("%s: decision %q of revision %d: got record %+v %v", e.Product, e.Decision, e.Revision, record, err)
		}
		told[e.Product] = true
	}
	if !told["shop"] || !told["site"] {
		t.Errorf("got ends of %v, want shop and site", told)
	}
}

// An end by the clock is a change under the policy that is in force when it is committed, or waits for it to be loaded.
func TestAnEndByTheClockIsUnderThePolicyInForce(t *testing.T) { // docs/design.md 12, Activation
	c, store := newClock(), openSQLite(t)
	byClock := func(config *guard.Config) { config.Now = c.now }
	first := enforcing(t, store, byClock)
	acme(t, first)
	end := guard.ProductAct{Reason: "x", ExpiresAt: c.now().Add(time.Minute)}
	must[*guard.Result](t)(first.BlockProduct(t.Context(), as("lena"), "acme", "shop", end))
	next := shut(t)
	activateUnloadable(t, store, guard.Activation{Set: "cordon", Number: 2, Digest: next.Digest()})
	c.pass(time.Minute)
	second := newGuard(t, &midst{held: &held{Store: store, open: func(string) error { return datastore.ErrUnavailable }}}, byClock)
	ended := func() []guard.Record {
		return gather(t, batch.Search(t.Context(), store, record.Filter{Action: "unblock", Caller: "clock"}), nil)
	}
	if err := second.Sweep(t.Context()); !errors.Is(err, guard.ErrPolicyNotLoaded) || len(ended()) != 0 {
		t.Errorf("got %v, and %d records", err, len(ended()))
	}
	if err := first.Keep(t.Context(), next.Source()); err != nil {
		t.Fatal(err)
	}
	if err := second.Reload(t.Context()); err != nil { // by and by
		t.Fatal(err)
	}
	if err := second.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if found := ended(); len(found) != 1 || found[0].Policy != next.Digest() {
		t.Errorf("got %+v, want one of %s", found, next.Digest())
	}
}
