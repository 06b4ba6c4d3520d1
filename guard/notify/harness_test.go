package notify_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/datastore/mongo"
	"cordon/datastore/sqlite"
	"cordon/guard"
	"cordon/guard/notify"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func openStore(t *testing.T) datastore.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), sqlite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// openFile opens a store that keeps what it is given on disk.
func openFile(t *testing.T) datastore.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), sqlite.Config{Path: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// openMongo opens a store on the server that the suite of MongoDB runs on.
func openMongo(t *testing.T) datastore.Store {
	t.Helper()
	uri := os.Getenv("CORDON_TEST_MONGODB")
	if uri == "" {
		t.Skip("CORDON_TEST_MONGODB is not set: run under tests/with-mongodb")
	}
	store, err := mongo.Open(t.Context(), mongo.Config{URI: uri, Database: "notify_" + rand.Text()[:10]})
	if err != nil {
		t.Fatal(err)
	}
	// The database goes with the server that tests/with-mongodb started.
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

func put(t *testing.T, store datastore.Store, nouns ...datastore.Noun) {
	t.Helper()
	err := store.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error { return tx.Put(ctx, nouns...) })
	if err != nil {
		t.Fatal(err)
	}
}

// acme puts an organization in place: lena (legal representative), adam (administrator), carl
// (collaborator) and mute (client who wants no product events).
func acme(t *testing.T, store datastore.Store) {
	t.Helper()
	put(t, store, datastore.Organization{ID: "acme", Name: "Acme", Revision: 1, CreatedAt: time.Now()},
		member("lena", datastore.LegalRepresentative), member("adam", datastore.Administrator), member("carl", datastore.Collaborator),
		datastore.Member{Organization: "acme", ID: "mute", Name: "Mute", Email: "mute@example.org", Role: datastore.Client})
}

func member(id, role string) datastore.Member {
	return datastore.Member{Organization: "acme", ID: id, Name: id, Email: id + "@example.org", Role: role, ProductEvents: true}
}

// queue commits an event as the guard does.
func queue(t *testing.T, store datastore.Store, now time.Time, e guard.Event) {
	t.Helper()
	if e.Type == "" {
		e.Type = guard.EventProductBlocked
	}
	e.At, e.Organization, e.OrganizationName = now, "acme", "Acme"
	if e.Product == "" && e.User == "" {
		e.Product, e.ProductName, e.Origin, e.By = "shop", "Shop", datastore.OriginAdministrator, "adam"
	}
	payload, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	put(t, store, datastore.Message{
		ID: e.ID, Kind: guard.MessageEvent, Organization: "acme", Event: e.Type, Payload: payload,
		State: datastore.MessagePending, NextAt: now, CreatedAt: now,
	})
}

// seen gathers what an observer is told.
type seen struct {
	t       *testing.T
	changed chan struct{} // of one place: something was added
	mu      sync.Mutex
	counts  map[string]int
}

func newSeen(t *testing.T) *seen {
	return &seen{t: t, changed: make(chan struct{}, 1), counts: map[string]int{}}
}

func (s *seen) observe(kind, outcome string) {
	s.mu.Lock()
	s.counts[kind+" "+outcome]++
	s.mu.Unlock()
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

func (s *seen) count(what string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[what]
}

// await waits until something was seen so many times.
func (s *seen) await(what string, times int) {
	s.t.Helper()
	for s.count(what) < times {
		select {
		case <-s.changed:
		case <-s.t.Context().Done():
			s.t.Fatalf("%d %s, want %d", s.count(what), what, times)
		}
	}
}

// running is a relay that runs.
type running struct {
	*notify.Relay
	*seen
	stop func() error // ends it and gives what Run gave
}

// start runs a relay until the test ends.
func start(t *testing.T, config notify.Config) *running {
	t.Helper()
	r := &running{seen: newSeen(t)}
	if config.Observe == nil {
		config.Observe = r.observe
	}
	if config.Log == nil {
		config.Log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	if config.Poll == 0 {
		config.Poll = 10 * time.Millisecond
	}
	var err error
	if r.Relay, err = notify.New(config); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	r.stop = sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() { _ = r.stop() })
	return r
}

// messages lists what a store holds, by id.
func messages(t *testing.T, store datastore.Store, among datastore.Message) map[string]datastore.Message {
	t.Helper()
	list := map[string]datastore.Message{}
	for m, err := range datastore.List(t.Context(), store, among, datastore.Page{}) {
		if err != nil {
			t.Fatal(err)
		}
		list[m.ID] = m
	}
	return list
}

// message gives one message.
func message(t *testing.T, store datastore.Store, id string) datastore.Message {
	t.Helper()
	m, ok := messages(t, store, datastore.Message{})[id]
	if !ok {
		t.Fatalf("there is no message %s", id)
	}
	return m
}

// results gives what a message's log says.
func results(m datastore.Message) []string {
	var list []string
	for _, attempt := range m.Log {
		list = append(list, attempt.Result)
	}
	return list
}

func eventID(n int) string { return fmt.Sprintf("evt-%016d", n) }

// lines keeps what is logged.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) count(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), what)
}
