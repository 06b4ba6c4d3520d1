package guard_test

import (
	"context"
	"crypto/rand"
	"os"
	"strings"
	"sync"
	"testing"

	"cordon/datastore"
	"cordon/datastore/mongo"
	"cordon/guard"
)

const mostWebhooks = 20

func createWebhook(t *testing.T, g *guard.Guard) error {
	t.Helper()
	_, err := g.CreateWebhook(t.Context(), as("lena"), "acme", guard.PutWebhook{URL: "https://hooks.example.org/in"})
	return err
}

// almostAll makes all webhooks that Acme may have, save one.
func almostAll(t *testing.T, g *guard.Guard) {
	t.Helper()
	for range mostWebhooks - 1 {
		if err := createWebhook(t, g); err != nil {
			t.Fatal(err)
		}
	}
}

func webhooks(t *testing.T, g *guard.Guard) []guard.Webhook {
	t.Helper()
	list, _, err := g.Webhooks(t.Context(), host(), "acme", guard.Page{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestAnOrganizationHasSoManyWebhooksAndNoMore(t *testing.T) {
	eachStore(t, func(t *testing.T, store datastore.Store) {
		g := newGuard(t, store, nil)
		acme(t, g)
		almostAll(t, g)
		var made, refused int
		var mu sync.Mutex
		var together sync.WaitGroup
		for range 8 {
			together.Go(func() {
				err := createWebhook(t, g)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					made++
				} else if conflict(t, err) == "too_many_webhooks" {
					refused++
				}
			})
		}
		together.Wait()
		if made != 1 || refused != 7 || len(webhooks(t, g)) != mostWebhooks {
			t.Errorf("%d made and %d refused, %d in all; want 1, 7 and %d", made, refused, len(webhooks(t, g)), mostWebhooks)
		}
		// One that ends makes room for another, and those that are there can still be changed.
		id := webhooks(t, g)[0].ID
		must[*guard.Result](t)(g.RotateWebhook(t.Context(), as("lena"), "acme", id))
		must[*guard.Result](t)(g.DeleteWebhook(t.Context(), as("lena"), "acme", id))
		if err := createWebhook(t, g); err != nil {
			t.Error(err)
		}
	})
}

// crossing is a store in whose next transaction something happens between its reads and its writes.
type crossing struct {
	datastore.Store
	once sync.Once
	meet func()
}

type crossingTx struct {
	datastore.Tx
	*crossing
}

func (c *crossing) Update(ctx context.Context, fn func(context.Context, datastore.Tx) error) error {
	return c.Store.Update(ctx, func(ctx context.Context, tx datastore.Tx) error { return fn(ctx, crossingTx{tx, c}) })
}

func (c crossingTx) Put(ctx context.Context, nouns ...datastore.Noun) error {
	c.once.Do(c.meet)
	return c.Tx.Put(ctx, nouns...)
}

// Two replicas that make the last webhook at once, and one that makes a webhook of an organization
// that another deletes, each read before either writes.
func TestAWebhookAndWhatCrossesIt(t *testing.T) {
	uri := os.Getenv("CORDON_TEST_MONGODB")
	if uri == "" {
		t.Skip("CORDON_TEST_MONGODB is not set: run under tests/with-mongodb; the embedded store has one writer")
	}
	for name, c := range map[string]struct {
		meet func(t *testing.T, other *guard.Guard) error
		want string
	}{
		"another webhook": {createWebhook, "too_many_webhooks"},
		"the end of the organization": {func(t *testing.T, other *guard.Guard) error {
			_, err := other.DeleteOrganization(t.Context(), host(), "acme")
			return err
		}, "denied: not_a_member"},
	} {
		t.Run(name, func(t *testing.T) {
			database := "guard_" + rand.Text()[:10]
			var stores [2]datastore.Store
			for i := range stores {
				store, err := mongo.Open(t.Context(), mongo.Config{URI: uri, Database: database})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = store.Close() })
				stores[i] = store
			}
			crossed := &crossing{Store: stores[0], meet: func() {}}
			one, two := newGuard(t, crossed, nil), newGuard(t, stores[1], nil)
			acme(t, two)
			almostAll(t, two)
			crossed.meet = func() {
				if err := c.meet(t, two); err != nil {
					t.Error(err)
				}
			}
			err := createWebhook(t, one)
			if err == nil {
				t.Fatal("both were right")
			}
			if got := err.Error(); !strings.HasPrefix(got, c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
			left := 0
			for _, err := range datastore.List(t.Context(), stores[1], datastore.Webhook{Organization: "acme"}, datastore.Page{}) {
				if err != nil {
					t.Fatal(err)
				}
				left++
			}
			if want := map[bool]int{true: mostWebhooks}[c.want == "too_many_webhooks"]; left != want {
				t.Errorf("%d webhooks are left, want %d", left, want)
			}
		})
	}
}
