package guard_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/guard"
	"cordon/ledger/batch"
	"cordon/ledger/record"
)

func TestBlockedProductIsManagedByNobody(t *testing.T) { // docs/domain.md B1-B3
	eachStore(t, func(t *testing.T, store datastore.Store) {
		g := newGuard(t, store, nil)
		acme(t, g)
		for _, user := range []string{"lena", "adam", "carl"} {
			if allowed, why := decide(t, g, productQuestion(user, "manage", "shop")); !allowed {
				t.Fatalf("before the block %s may not manage: %v", user, why)
			}
		}
		for user, want := range map[string][]string{"carl": {"role_not_permitted"}, "cleo": {"role_not_permitted"}, "mallory": {"not_a_member"}} {
			_, err := g.BlockProduct(t.Context(), as(user), "acme", "shop", reason("leak"))
			if got := denied(t, err); !slices.Equal(got, want) {
				t.Errorf("block by %s: got %v, want %v", user, got, want)
			}
		}
		result := must[*guard.Result](t)(g.BlockProduct(t.Context(), as("adam"), "acme", "shop", reason("leak")))
		if len(result.Product.Blocks) != 1 || result.Product.Blocks[0].Origin != "administrator" || result.Product.Blocks[0].By != "adam" {
			t.Errorf("got blocks %+v", result.Product.Blocks)
		}
		for user, want := range map[string][]string{"lena": {"product_blocked"}, "adam": {"product_blocked"}, "carl": {"product_blocked"}, "cleo": {"not_granted", "product_blocked"}} {
			if allowed, why := decide(t, g, productQuestion(user, "manage", "shop")); allowed || !slices.Equal(why, want) {
				t.Errorf("manage by %s: got %v %v, want %v", user, allowed, why, want)
			}
		}
		if _, err := g.BlockProduct(t.Context(), as("ada"), "acme", "shop", reason("again")); conflict(t, err) != "already_blocked" {
			t.Errorf("second block: %v", err)
		}
		if _, err := g.UnblockProduct(t.Context(), as("carl"), "acme", "shop", reason("")); !slices.Equal(denied(t, err), []string{"role_not_permitted"}) {
			t.Errorf("unblock by carl: %v", err)
		}
		must[*guard.Result](t)(g.UnblockProduct(t.Context(), as("lena"), "acme", "shop", reason("")))
		if allowed, why := decide(t, g, productQuestion("carl", "manage", "shop")); !allowed {
			t.Errorf("after the unblock: %v", why)
		}
		if _, err := g.UnblockProduct(t.Context(), as("lena"), "acme", "shop", reason("")); conflict(t, err) != "not_blocked" {
			t.Errorf("second unblock: %v", err)
		}
	})
}

func TestNobodyAsksAsTheHost(t *testing.T) { // docs/domain.md: a subject that is no user is not_a_member
	g := newGuard(t, openSQLite(t), nil)
	acme(t, g)
	for _, kind := range []string{"host", "agent", "other", "service", ""} {
		for _, action := range []string{"manage", "view", "remove", "change_product"} {
			q := productQuestion("lena", action, "shop")
			q.Subject.Type = kind
			if allowed, why := decide(t, g, q); allowed || !slices.Equal(why, []string{"not_a_member"}) {
				t.Errorf("%s %s: got %v %v", kind, action, allowed, why)
			}
		}
	}
}

func TestBlocksOfDifferentOriginsStandSideBySide(t *testing.T) { // docs/domain.md, Whose block it is
	g := newGuard(t, openSQLite(t), nil)
	acme(t, g)
	done := must[*guard.Result](t)
	done(g.BlockProduct(t.Context(), host(), "acme", "shop", reason("unpaid")))
	if _, err := g.UnblockProduct(t.Context(), as("lena"), "acme", "shop", reason("")); !slices.Equal(denied(t, err), []string{"block_held_by_host"}) {
		t.Errorf("unblock of the host's block: %v", err)
	}
	done(g.BlockProduct(t.Context(), as("lena"), "acme", "shop", reason("leak")))
	done(g.UnblockProduct(t.Context(), host(), "acme", "shop", reason("")))
	if allowed, _ := decide(t, g, productQuestion("lena", "manage", "shop")); allowed {
		t.Error("the administrator's block went with the host's")
	}
	if _, err := g.UnblockProduct(t.Context(), host(), "acme", "shop", reason("")); conflict(t, err) != "not_blocked" {
		t.Errorf("host's unblock of another's block: %v", err)
	}
	done(g.UnblockProduct(t.Context(), as("adam"), "acme", "shop", reason("")))
	if allowed, why := decide(t, g, productQuestion("lena", "manage", "shop")); !allowed {
		t.Errorf("all lifted: %v", why)
	}
	if _, err := g.BlockProduct(t.Context(), agent("bob"), "acme", "shop", reason("x")); !slices.Equal(denied(t, err), []string{"role_not_permitted"}) {
		t.Errorf("an agent on a product: %v", err)
	}
}

func TestMailServiceIsPutIntoMaintenanceInstead(t *testing.T) { // docs/domain.md M1-M3
	g := newGuard(t, openSQLite(t), nil)
	acme(t, g)
	if _, err := g.BlockProduct(t.Context(), as("lena"), "acme", "mail", reason("x")); !slices.Equal(denied(t, err), []string{"mail_service_not_blockable"}) {
		t.Errorf("block: %v", err)
	}
	if _, err := g.StartMaintenance(t.Context(), as("lena"), "acme", "shop", reason("")); !slices.Equal(denied(t, err), []string{"not_a_mail_service"}) {
		t.Errorf("maintenance of a web hosting: %v", err)
	}
	must[*guard.Result](t)(g.StartMaintenance(t.Context(), as("lena"), "acme", "mail", reason("")))
	if allowed, why := decide(t, g, productQuestion("lena", "receive_mail", "mail")); !allowed || why[0] != "mail_reception" {
		t.Errorf("reception: %v %v", allowed, why)
	}
	if allowed, why := decide(t, g, productQuestion("lena", "read_mail", "mail")); allowed || why[0] != "mail_in_maintenance" {
		t.Errorf("consultation: %v %v", allowed, why)
	}
	if _, err := g.StartMaintenance(t.Context(), as("lena"), "acme", "mail", reason("")); conflict(t, err) != "already_in_maintenance" {
		t.Errorf("twice: %v", err)
	}
	must[*guard.Result](t)(g.EndMaintenance(t.Context(), as("adam"), "acme", "mail", reason("")))
	if _, err := g.EndMaintenance(t.Context(), as("adam"), "acme", "mail", reason("")); conflict(t, err) != "not_in_maintenance" {
		t.Errorf("end twice: %v", err)
	}
}

func TestBlockEndsByTheClock(t *testing.T) {
	c := newClock()
	store := openSQLite(t)
	g := newGuard(t, store, func(config *guard.Config) { config.Now = c.now })
	acme(t, g)
	end := c.now().Add(time.Hour)
	must[*guard.Result](t)(g.BlockProduct(t.Context(), as("lena"), "acme", "shop", guard.ProductAct{Reason: "x", ExpiresAt: end}))
	for _, step := range []struct {
		at      time.Duration
		allowed bool
	}{{-time.Second, false}, {0, true}, {time.Second, true}} {
		c.pass(end.Add(step.at).Sub(c.now()))
		if allowed, why := decide(t, g, productQuestion("lena", "manage", "shop")); allowed != step.allowed {
			t.Errorf("at %v: got %v %v, want %v", step.at, allowed, why, step.allowed)
		}
	}
	_, err := g.BlockProduct(t.Context(), as("lena"), "acme", "shop", guard.ProductAct{Reason: "x", ExpiresAt: c.now()})
	var invalid *guard.Invalid
	if !errors.As(err, &invalid) || invalid.Errors[0].Pointer != "/expires_at" {
		t.Errorf("an end that is not in the future: %v", err)
	}
	if err := g.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	product, revision, err := g.Product(t.Context(), host(), "acme", "shop")
	if err != nil || len(product.Blocks) != 0 {
		t.Errorf("after the end: %+v %v", product, err)
	}
	facts, err := store.Facts(t.Context(), datastore.Key{Product: "shop"})
	if err != nil || len(facts.Product.Blocks) != 0 || facts.Organization.Revision != revision {
		t.Errorf("swept: %+v %v", facts.Product, err)
	}
	ends := 0
	for r, err := range batch.Search(t.Context(), store, record.Filter{Caller: "clock"}) {
		if err != nil || r.Question.Action.Name != "unblock" || r.Kind != record.KindChange {
			t.Errorf("got %+v %v", r, err)
		}
		ends++
	}
	if ends != 1 {
		t.Errorf("got %d records of the end, want 1", ends)
	}
}
