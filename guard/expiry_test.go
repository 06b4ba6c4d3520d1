package guard_test

import (
	"testing"
	"time"

	"cordon/datastore"
	"cordon/guard"
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
	for message, err := range store.Messages(t.Context(), datastore.MessageFilter{Kind: guard.MessageEvent}) {
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
