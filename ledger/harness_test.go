package ledger_test

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/datastore/mongo"
	"cordon/datastore/sqlite"
	"cordon/ledger"
	"cordon/ledger/batch"
	"cordon/ledger/record"
	"cordon/ledger/record/recordtest"

	"github.com/google/uuid"
)

// onStores runs a test on the embedded store, and where tests/with-mongodb runs it on MongoDB too.
func onStores(t *testing.T, test func(t *testing.T, store datastore.Store)) {
	t.Run("sqlite", func(t *testing.T) { test(t, openSQLite(t)) })
	if uri := os.Getenv("CORDON_TEST_MONGODB"); uri != "" {
		t.Run("mongodb", func(t *testing.T) {
			store := must[*mongo.Store](t)(mongo.Open(t.Context(), mongo.Config{
				URI: uri, Database: "test_" + strings.ReplaceAll(uuid.NewString(), "-", ""),
			}))
			t.Cleanup(func() {
				_ = store.Close()
			})
			test(t, store)
		})
	}
}

// onSQLite runs a test on the embedded store alone: one of many that differ little, where MongoDB runs some.
func onSQLite(t *testing.T, test func(t *testing.T, store datastore.Store)) {
	t.Run("sqlite", func(t *testing.T) { test(t, openSQLite(t)) })
}

func openSQLite(t *testing.T) *sqlite.Store {
	store := must[*sqlite.Store](t)(sqlite.Open(t.Context(), sqlite.Config{}))
	t.Cleanup(func() { _ = store.Close() })
	return store
}

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// ok fails the test on an error.
func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// config is that of a replica whose sealer logs to the test.
func config(t *testing.T, store datastore.Store, replica string) ledger.Config {
	return ledger.Config{
		Store: store, Replica: replica, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
}

// world is a log that grows, and all that was ever put in it.
type world struct {
	t     *testing.T
	store datastore.Store
	last  map[string]int64
	all   []record.Record
}

func newWorld(t *testing.T, store datastore.Store) *world {
	return &world{t: t, store: store, last: map[string]int64{}}
}

// record makes the next record of a stream.
func (w *world) record(stream string, at time.Time) record.Record {
	w.last[stream]++
	n := w.last[stream]
	r := record.Record{
		ID: record.NewID(at), Time: at.Truncate(time.Microsecond), Replica: stream, Sequence: n, Caller: "key", Kind: record.KindDecision,
		Question: record.Question{
			Subject: record.Entity{Type: "user", ID: fmt.Sprintf("user-%d", n%7)}, Action: record.Action{Name: "manage"},
			Resource: record.Entity{Type: "product", ID: fmt.Sprintf("product-%d", n%11)},
		},
		Decision: n%3 > 0, Reasons: []byte(`[]`), Organization: fmt.Sprintf("org-%d", n%5),
	}
	w.all = append(w.all, r)
	return r
}

// ship ships records of a stream that were made at a time, one a millisecond.
func (w *world) ship(stream string, at time.Time, count int) {
	w.t.Helper()
	var records []record.Record
	for i := range count {
		records = append(records, w.record(stream, at.Add(time.Duration(i)*time.Millisecond)))
	}
	last := must[int64](w.t)(w.store.Ship(w.t.Context(), must[datastore.Batch](w.t)(batch.Pack(records))))
	if last != w.last[stream] {
		w.t.Fatalf("%s is shipped up to %d, want %d", stream, last, w.last[stream])
	}
}

// act appends a change to a stream.
func (w *world) act(stream string, at time.Time) {
	w.t.Helper()
	r := w.record(stream, at)
	r.Kind = record.KindChange
	w.all[len(w.all)-1].Kind = record.KindChange
	ok(w.t, w.store.Update(w.t.Context(), func(ctx context.Context, tx datastore.Tx) error { return batch.Append(ctx, tx, &r) }))
}

// change is the id of the first change.
func (w *world) change() string {
	return w.all[slices.IndexFunc(w.all, func(r record.Record) bool { return r.Kind == record.KindChange })].ID
}

// fill ships some records of three streams.
func (w *world) fill() {
	w.t.Helper()
	for i := range 4 {
		at := recordtest.Epoch.Add(time.Duration(i) * time.Second)
		w.ship("r1", at, 5)
		w.ship("r2", at.Add(2*time.Millisecond), 3)
		w.act("r1.changes.03", at.Add(time.Millisecond))
	}
}

// want returns the ids that a filter is to find, in its order.
func (w *world) want(f record.Filter) []string {
	var ids []string
	for i := range w.all {
		if f.Match(&w.all[i]) {
			ids = append(ids, w.all[i].ID)
		}
	}
	return inOrder(ids, f.OldestFirst)
}

func ids(t testing.TB, records iter.Seq2[record.Record, error]) (found []string) {
	t.Helper()
	for r, err := range records {
		ok(t, err)
		found = append(found, r.ID)
	}
	return found
}
