package guard_test

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/datastore/mongo"
	"cordon/datastore/sqlite"
	"cordon/guard"
	"cordon/ledger/journal"
	"cordon/policies"
)

// engine is compiled once: it is immutable and safe for concurrent use.
var engine = sync.OnceValues(func() (*policies.Engine, error) {
	return policies.Compile(context.Background(), policies.Builtin())
})

// eachStore runs a test on every engine that is at hand: SQLite always, MongoDB under
// tests/with-mongodb.
func eachStore(t *testing.T, test func(t *testing.T, store datastore.Store)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, openSQLite(t)) })
	t.Run("mongo", func(t *testing.T) { test(t, openMongoDB(t)) })
}

func openMongoDB(t testing.TB) datastore.Store {
	t.Helper()
	uri := os.Getenv("CORDON_TEST_MONGODB")
	if uri == "" {
		t.Skip("CORDON_TEST_MONGODB is not set: run under tests/with-mongodb")
	}
	store, err := mongo.Open(t.Context(), mongo.Config{URI: uri, Database: "guard_" + rand.Text()[:10]})
	if err != nil {
		t.Fatal(err)
	}
	// The database goes with the server that tests/with-mongodb started.
	t.Cleanup(func() { _ = store.Close() })
	return store
}

func openSQLite(t *testing.T) datastore.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), sqlite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// clock is a clock that tests set.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Now().UTC().Truncate(time.Millisecond)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// newGuard makes a guard that runs until the test ends; change may alter its configuration.
func newGuard(t *testing.T, store datastore.Store, change func(*guard.Config)) *guard.Guard {
	t.Helper()
	rules, err := engine()
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	records, err := journal.Open(t.Context(), journal.Config{Dir: t.TempDir(), Ship: store.Ship, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	config := guard.Config{Store: store, Engine: rules, Journal: records, Log: log}
	if change != nil {
		change(&config)
	}
	g, err := guard.New(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
		if err := records.Close(context.Background()); err != nil {
			t.Errorf("close journal: %v", err)
		}
	})
	return g
}

// enforcing is a guard as the server starts one: the policy in force is in the store.
func enforcing(t *testing.T, store datastore.Store, change func(*guard.Config)) *guard.Guard {
	t.Helper()
	g := newGuard(t, store, change)
	if err := g.KeepPolicy(t.Context()); err != nil {
		t.Fatal(err)
	}
	return g
}

var everyScope = &guard.Caller{ID: "test", Scopes: guard.Scopes()}

func as(user string) *guard.Origin     { return &guard.Origin{Caller: everyScope, Actor: user} }
func agent(id string) *guard.Origin    { return &guard.Origin{Caller: everyScope, Agent: id} }
func host() *guard.Origin              { return &guard.Origin{Caller: everyScope} }
func reason(t string) guard.ProductAct { return guard.ProductAct{Reason: t} }

// must fails the test on an error.
func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// acme puts an organization in place: lena (legal representative), adam and ada (administrators),
// carl (collaborator with a grant to shop), cleo (client without grants); shop (web_hosting),
// mail (mail_service), site (domain).
func acme(t *testing.T, g *guard.Guard) {
	t.Helper()
	ctx, done := t.Context(), must[*guard.Result](t)
	done(g.PutOrganization(ctx, host(), "acme", guard.PutOrganization{
		Name: "Acme", LegalRepresentativeID: "lena",
		LegalRepresentative: &guard.PutMember{Name: "Lena", Email: "lena@example.org", ProductEvents: true},
	}))
	for id, kind := range map[string]string{"shop": "web_hosting", "mail": datastore.MailService, "site": "domain"} {
		done(g.PutProduct(ctx, host(), "acme", id, guard.PutProduct{Name: id, Kind: kind}))
	}
	for id, role := range map[string]string{
		"adam": datastore.Administrator, "ada": datastore.Administrator, "carl": datastore.Collaborator, "cleo": datastore.Client,
	} {
		put := guard.PutMember{Name: id, Email: id + "@example.org", Role: role, ProductEvents: true}
		if id == "carl" {
			put.Grants = []string{"shop"}
		}
		done(g.PutMember(ctx, host(), "acme", id, put))
	}
}

func productQuestion(user, action, product string) *guard.Question {
	return &guard.Question{
		Subject: guard.Entity{Type: "user", ID: user}, Action: guard.Action{Name: action}, Resource: guard.Entity{Type: "product", ID: product},
	}
}

// decide asks whether a user may do an action to a product, and gives the reasons' codes.
func decide(t *testing.T, g *guard.Guard, q *guard.Question) (bool, []string) {
	t.Helper()
	answer, err := g.Decide(t.Context(), host(), q)
	if err != nil {
		t.Fatal(err)
	}
	return answer.Allowed, codes(answer)
}

func codes(a guard.Answer) []string {
	var list []string
	for _, r := range a.Reasons {
		list = append(list, r.Code)
	}
	return list
}

// denied gives the codes of a refusal by the rules.
func denied(t *testing.T, err error) []string {
	t.Helper()
	var d *guard.Denied
	if !errors.As(err, &d) {
		t.Fatalf("got error %v, want a denial", err)
	}
	return codes(d.Answer)
}

// conflict gives the code of a refusal by what stands.
func conflict(t *testing.T, err error) string {
	t.Helper()
	var c *guard.Conflict
	if !errors.As(err, &c) {
		t.Fatalf("got error %v, want a conflict", err)
	}
	return c.Code
}

// activate puts another policy in force, as whoever administers the policies does.
func activate(t *testing.T, g *guard.Guard, next *policies.Engine) guard.Activation {
	t.Helper()
	a, err := activation(t.Context(), g, next.Source())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// activation keeps a policy and puts it in force.
func activation(ctx context.Context, g *guard.Guard, src policies.Source) (a guard.Activation, err error) {
	if err := g.Keep(ctx, src); err != nil {
		return a, err
	}
	_, err = g.Administer(ctx, host(), &guard.Administration{
		Action: "activate_policy", Resource: guard.Entity{Type: "policy", ID: src.Digest()},
		Effect: func(ctx context.Context, tx datastore.Tx, at time.Time) (*guard.Administered, error) {
			a, err = datastore.Get(ctx, tx, datastore.Activation{Set: "cordon"})
			if err != nil && !errors.Is(err, datastore.ErrNotFound) {
				return nil, err
			}
			a = datastore.Activation{Set: "cordon", Number: a.Number + 1, Digest: src.Digest(), Previous: a.Digest, At: at.UTC().Round(0), By: "olga", Caller: "test"}
			return &guard.Administered{Activation: &a, Details: map[string]any{"message": "a test"}}, nil
		},
	})
	return a, err
}

// openJournal opens a journal that ships to nobody.
func openJournal(t *testing.T) *journal.Journal {
	t.Helper()
	records, err := journal.Open(t.Context(), journal.Config{Dir: t.TempDir(), Ship: func(_ context.Context, b datastore.Batch) (int64, error) { return b.LastSequence, nil }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = records.Close(context.Background()) })
	return records
}
