package library_test

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"maps"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/datastore/mongo"
	"cordon/datastore/sqlite"
	"cordon/guard"
	"cordon/ledger"
	"cordon/ledger/journal"
	"cordon/library"
	"cordon/policies"
)

// engine is compiled once: it is immutable and safe for concurrent use.
var engine = sync.OnceValues(func() (*policies.Engine, error) {
	return policies.Compile(context.Background(), policies.Builtin())
})

// shelf is a library with what it stands on.
type shelf struct {
	*library.Library
	store datastore.Store
	guard *guard.Guard
	book  *ledger.Ledger
	clock *clock
	// elapsed is all the time that has passed by the clock that cannot be set; 0: what the wall clock shows.
	elapsed *atomic.Int64
	// flush brings what is on record to the store.
	flush func(t *testing.T)
}

// eachStore runs a test on every engine that is at hand: SQLite always, MongoDB under tests/with-mongodb.
func eachStore(t *testing.T, test func(t *testing.T, store datastore.Store)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, openSQLite(t)) })
	t.Run("mongo", func(t *testing.T) {
		uri := os.Getenv("CORDON_TEST_MONGODB")
		if uri == "" {
			t.Skip("CORDON_TEST_MONGODB is not set: run under tests/with-mongodb")
		}
		store, err := mongo.Open(t.Context(), mongo.Config{URI: uri, Database: "library_" + rand.Text()[:10]})
		if err != nil {
			t.Fatal(err)
		}
		// The database goes with the server that tests/with-mongodb started.
		t.Cleanup(func() { _ = store.Close() })
		test(t, store)
	})
}

func openSQLite(t testing.TB) datastore.Store {
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

// replica opens a library on a store, as one process does; it is not started. Without a clock the time is that of the
// process.
func replica(t testing.TB, store datastore.Store, at *clock, change func(*library.Config)) *shelf {
	t.Helper()
	now := time.Now
	if at != nil {
		now = at.now
	}
	rules, err := engine()
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	records, err := journal.Open(t.Context(), journal.Config{Dir: t.TempDir(), Ship: store.Ship, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = records.Close(context.Background()) })
	book, err := ledger.New(ledger.Config{Store: store})
	if err != nil {
		t.Fatal(err)
	}
	elapsed := &atomic.Int64{}
	g, err := guard.New(guard.Config{
		Store: store, Engine: rules, Journal: records, Ledger: book, Log: log, Now: now,
		Elapsed: func(from, to time.Time) time.Duration {
			if passed := elapsed.Load(); passed > 0 {
				return time.Duration(passed)
			}
			return to.Sub(from)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	config := library.Config{Store: store, Guard: g, Ledger: book, Shipped: policies.Builtin(), Release: "1", Now: now, Log: log}
	if change != nil {
		change(&config)
	}
	l, err := library.New(config)
	if err != nil {
		t.Fatal(err)
	}
	l.Quicken()
	return &shelf{l, store, g, book, at, elapsed, func(t *testing.T) {
		t.Helper()
		if err := records.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}}
}

// started opens a library on a store and starts it.
func started(t *testing.T, store datastore.Store) *shelf {
	t.Helper()
	s := replica(t, store, newClock(), nil)
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// key makes a key that is in the store.
func (s *shelf) key(t *testing.T, name string, scopes ...string) *guard.Caller {
	t.Helper()
	key, _, err := s.guard.CreateKey(t.Context(), &guard.Origin{Caller: root()}, guard.PutKey{Name: name, Scopes: scopes})
	if err != nil {
		t.Fatal(err)
	}
	return &guard.Caller{ID: key.ID, Name: name, Scopes: scopes}
}

func root() *guard.Caller { return &guard.Caller{ID: "root", Scopes: guard.Scopes()} }

// by is a call of somebody with a key.
func by(caller *guard.Caller, name string) *guard.Origin {
	return &guard.Origin{Caller: caller, Actor: name}
}

// alice is somebody with all scopes, whose key is not in the store.
func alice() *guard.Origin { return by(root(), "alice") }

// knowing is the call of somebody who knows a set at an activation.
func knowing(o *guard.Origin, number int64) *guard.Origin {
	with := *o
	with.If = func(tag string) bool { return tag == library.Tag(number) }
	return &with
}

// variant is the shipped policy with one remark more, so that it decides the same and is another.
func variant(remark string) map[string]string {
	files := maps.Clone(policies.Builtin().Files)
	files["cordon/cordon.rego"] += "\n# " + remark + "\n"
	return files
}

// push pushes a variant, and gives its digest.
func (s *shelf) push(t *testing.T, o *guard.Origin, remark string) string {
	t.Helper()
	pushed, err := s.Push(t.Context(), o, library.Set, library.Push{Message: remark, Files: variant(remark)})
	if err != nil {
		t.Fatal(err)
	}
	return pushed.Version.Digest
}

// number is that of what is in force.
func (s *shelf) number(t *testing.T) int64 { return s.standing(t).Activation.Number }

func (s *shelf) standing(t *testing.T) *library.Standing {
	t.Helper()
	standing, err := s.Standing(t.Context(), alice(), library.Set)
	if err != nil {
		t.Fatal(err)
	}
	return standing
}

// conflict gives the code of a refusal by what stands; empty for none.
func conflict(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	c, is := errors.AsType[*guard.Conflict](err)
	if !is {
		t.Fatalf("got error %v, want a conflict", err)
	}
	return c.Code
}

// once is a call by alice with an idempotency key.
func once(key string) *guard.Origin {
	o := alice()
	o.Once = &guard.Once{Key: key, Render: func(*guard.Result, error) (int, []byte) { return 200, []byte("{}") }}
	return o
}
