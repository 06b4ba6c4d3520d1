package opa_test

import (
	"context"
	"crypto/rand"
	"errors"
	"iter"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/datastore/mongo"
	"cordon/datastore/sqlite"
	"cordon/ledger"
	"cordon/ledger/journal"
	"cordon/ledger/opa"
	"cordon/ledger/record"
)

// world is a store that replicas share.
type world struct {
	datastore.Store
	ledger *ledger.Ledger
	now    time.Time
	update func() error // before a transaction; nil: nothing
}

func newWorld(t *testing.T) *world {
	t.Helper()
	store, err := sqlite.Open(t.Context(), sqlite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return worldOn(t, store)
}

// eachStore runs a test on every engine that is at hand: SQLite always, MongoDB under tests/with-mongodb.
func eachStore(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, newWorld(t)) })
	t.Run("mongo", func(t *testing.T) {
		uri := os.Getenv("CORDON_TEST_MONGODB")
		if uri == "" {
			t.Skip("CORDON_TEST_MONGODB is not set: run under tests/with-mongodb")
		}
		store, err := mongo.Open(t.Context(), mongo.Config{URI: uri, Database: "opa_" + rand.Text()[:10]})
		if err != nil {
			t.Fatal(err)
		}
		test(t, worldOn(t, store))
	})
}

func worldOn(t *testing.T, store datastore.Store) *world {
	t.Helper()
	t.Cleanup(func() { _ = store.Close() })
	log, err := ledger.New(ledger.Config{Store: store})
	if err != nil {
		t.Fatal(err)
	}
	return &world{Store: store, ledger: log, now: time.Now()}
}

func (w *world) Update(ctx context.Context, fn func(context.Context, datastore.Tx) error) error {
	if w.update != nil {
		if err := w.update(); err != nil {
			return err
		}
	}
	return w.Store.Update(ctx, fn)
}

// replica is one that takes events, with a journal of its own that can be held up.
type replica struct {
	*opa.Intake
	*journal.Journal
	world  *world
	dir    string
	refuse func() error // before records are appended; nil: nothing
	after  func() error // when they are
	cutOff bool         // from shipping
}

var errCrash = errors.New("the process ends")

func newIntake(t *testing.T, w *world) *replica {
	t.Helper()
	return openIntake(t, w, t.TempDir())
}

// openIntake starts a replica on the folder of its journal.
func openIntake(t *testing.T, w *world, dir string) *replica {
	t.Helper()
	r := &replica{world: w, dir: dir}
	var err error
	r.Journal, err = journal.Open(t.Context(), journal.Config{Dir: dir, Log: slog.New(slog.DiscardHandler), Ship: func(ctx context.Context, b datastore.Batch) (int64, error) {
		if r.cutOff {
			return 0, datastore.ErrUnavailable
		}
		return w.Ship(ctx, b)
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.stop() })
	r.Intake = opa.NewIntake(opa.Config{Store: w, Journal: r, Search: w.ledger.Search, Now: func() time.Time { return w.now }})
	return r
}

// stop ends the replica without shipping anything.
func (r *replica) stop() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = r.Close(ctx)
}

func (r *replica) AppendAll(rs []*record.Record) error {
	if r.refuse != nil {
		if err := r.refuse(); err != nil {
			return err
		}
	}
	if err := r.Journal.AppendAll(rs); err != nil {
		return err
	}
	if r.after != nil {
		return r.after()
	}
	return nil
}

func mark(r *record.Record) { r.Caller = "agent-key" }

func (r *replica) take(t *testing.T, body string) opa.Taken {
	t.Helper()
	taken, err := r.Take(t.Context(), strings.NewReader(body), mark)
	if err != nil {
		t.Fatal(err)
	}
	return taken
}

// fails has a chunk fail with an error.
func (r *replica) fails(t *testing.T, body string, want error) {
	t.Helper()
	if _, err := r.Take(t.Context(), strings.NewReader(body), mark); !errors.Is(err, want) {
		t.Fatalf("got %v, want %v", err, want)
	}
}

// records gives all records of the store, when this replica has shipped its own.
func (r *replica) records(t *testing.T) []record.Record {
	t.Helper()
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	return all(t, r.world.ledger.Search(t.Context(), record.Filter{OldestFirst: true}))
}

func all(t *testing.T, found iter.Seq2[record.Record, error]) []record.Record {
	t.Helper()
	var list []record.Record
	for entry, err := range found {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, entry)
	}
	return list
}

// once has every decision on record, once.
func (r *replica) once(t *testing.T, ids ...string) []record.Record {
	t.Helper()
	list := r.records(t)
	count := map[string]int{}
	for _, entry := range list {
		count[entry.RequestID]++
	}
	for _, id := range ids {
		if count[id] != 1 {
			t.Errorf("%s is on record %d times", id, count[id])
		}
	}
	if len(list) != len(ids) {
		t.Errorf("got %d records, want %d", len(list), len(ids))
	}
	return list
}

var two = "[" + event("a") + "," + event("b") + "]"

func TestADecisionIsOnRecordOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		r, other := newIntake(t, w), newIntake(t, w)
		if got := r.take(t, "["+event("a")+","+event("b")+","+event("a")+"]"); got != (opa.Taken{Events: 2, Repeated: 1}) {
			t.Errorf("got %+v", got)
		}
		if got := r.take(t, two); got != (opa.Taken{Repeated: 2}) { // not shipped yet
			t.Errorf("at once: got %+v", got)
		}
		r.once(t, "a", "b")
		w.now = w.now.Add(time.Hour)
		if got := other.take(t, "["+event("b")+","+event("c")+"]"); got != (opa.Taken{Events: 1, Repeated: 1}) {
			t.Errorf("elsewhere, later: got %+v", got)
		}
		other.once(t, "a", "b", "c")
		r.stop()
		if got := openIntake(t, w, r.dir).take(t, two); got != (opa.Taken{Repeated: 2}) {
			t.Errorf("after a restart: got %+v", got)
		}
	})
}

func TestOrganizationsHaveDecisionsOfTheirOwn(t *testing.T) {
	r := newIntake(t, newWorld(t))
	for _, organization := range []string{"acme", "umbra", "acme"} {
		if _, err := r.Take(t.Context(), strings.NewReader("["+event("a")+"]"), func(r *record.Record) { r.Organization = organization }); err != nil {
			t.Fatal(err)
		}
	}
	if got := r.records(t); len(got) != 2 || got[0].Organization == got[1].Organization {
		t.Errorf("got %+v", got)
	}
}

func TestManyAgentsAtOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, w *world) {
		first, second := newIntake(t, w), newIntake(t, w)
		var agents sync.WaitGroup
		for i := range 8 {
			r := []*replica{first, second}[i%2]
			agents.Go(func() {
				for {
					_, err := r.Take(t.Context(), strings.NewReader(two), mark)
					if err == nil {
						return
					}
					if !errors.Is(err, opa.ErrUnderWay) {
						t.Error(err)
						return
					}
				}
			})
		}
		agents.Wait()
		if err := second.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		first.once(t, "a", "b")
	})
}

// Between claim and record: nothing is on record when the replica ends, and everything when it is back.
func TestAClaimWithoutARecord(t *testing.T) {
	w := newWorld(t)
	r, other := newIntake(t, w), newIntake(t, w)
	crash := func() error { w.update = func() error { return errCrash }; return errCrash } // nor can it release
	r.refuse = crash
	r.fails(t, two, errCrash)
	w.update, r.refuse = nil, nil
	other.fails(t, two, opa.ErrUnderWay)
	r.stop()
	r = openIntake(t, w, r.dir)
	if got := r.take(t, two); got != (opa.Taken{Events: 2}) {
		t.Errorf("got %+v", got)
	}
	r.once(t, "a", "b")
	if got := other.take(t, two); got != (opa.Taken{Repeated: 2}) {
		t.Errorf("elsewhere: got %+v", got)
	}
}

// Between record and answer: the record is found, in the journal that the end left behind, too.
func TestARecordWithoutAnAnswer(t *testing.T) {
	w := newWorld(t)
	r, other := newIntake(t, w), newIntake(t, w)
	r.cutOff = true
	r.after = func() error { w.update = func() error { return errCrash }; return errCrash }
	r.fails(t, two, errCrash)
	w.update = nil
	other.fails(t, two, opa.ErrUnderWay)
	r.stop()
	r = openIntake(t, w, r.dir)
	if got := r.take(t, two); got != (opa.Taken{Repeated: 2}) {
		t.Errorf("got %+v", got)
	}
	r.once(t, "a", "b")
	if got := other.take(t, two); got != (opa.Taken{Repeated: 2}) {
		t.Errorf("elsewhere: got %+v", got)
	}
}

// A replica that does not come back holds nobody up for longer than the lease, and where it comes back after all with
// records that it had never shipped, the second record names the first.
func TestAReplicaThatStaysAway(t *testing.T) {
	w := newWorld(t)
	r, other := newIntake(t, w), newIntake(t, w)
	r.cutOff = true
	r.take(t, two)
	w.now = w.now.Add(opa.Lease - time.Second)
	other.fails(t, two, opa.ErrUnderWay)
	w.now = w.now.Add(time.Second)
	if got := other.take(t, two); got != (opa.Taken{Events: 2}) {
		t.Errorf("got %+v", got)
	}
	late := other.once(t, "a", "b")
	r.cutOff = false
	byID := map[string]record.Record{}
	for _, entry := range r.records(t) {
		byID[entry.ID] = entry
	}
	if len(byID) != 4 {
		t.Fatalf("got %d records", len(byID))
	}
	for _, entry := range late {
		_, first, _ := strings.Cut(string(entry.Details), `"may_repeat":"`)
		if first, _, _ = strings.Cut(first, `"`); byID[first].RequestID != entry.RequestID || first == entry.ID {
			t.Errorf("the second record of %s names %q", entry.RequestID, first)
		}
	}
	if got := r.take(t, two); got != (opa.Taken{Repeated: 2}) { // and no third
		t.Errorf("got %+v", got)
	}
}

// Two that take over at once: the store lets one.
func TestTwoThatTakeOver(t *testing.T) {
	w := newWorld(t)
	gone, second, third := newIntake(t, w), newIntake(t, w), newIntake(t, w)
	gone.cutOff = true
	gone.take(t, two)
	w.now = w.now.Add(opa.Lease)
	calls := 0
	w.update = func() error {
		if calls++; calls == 2 { // second has looked, and is about to make the claims its own
			w.update = nil
			third.take(t, two)
		}
		return nil
	}
	second.fails(t, two, opa.ErrUnderWay)
	if got := third.once(t, "a", "b"); got[0].Replica != third.Replica() {
		t.Errorf("got %+v", got)
	}
}

func TestAFullJournalTakesNothingAndForgetsNothing(t *testing.T) {
	w := newWorld(t)
	r, other := newIntake(t, w), newIntake(t, w)
	r.refuse = func() error { return journal.ErrFull }
	r.fails(t, two, journal.ErrFull)
	if got := other.take(t, two); got != (opa.Taken{Events: 2}) { // the claims were given up
		t.Errorf("got %+v", got)
	}
	other.once(t, "a", "b")
	r.refuse = nil
	if got := r.take(t, two); got != (opa.Taken{Repeated: 2}) {
		t.Errorf("got %+v", got)
	}
}

func TestAStoreThatIsAwayTakesNothing(t *testing.T) {
	w := newWorld(t)
	r := newIntake(t, w)
	w.update = func() error { return datastore.ErrUnavailable }
	r.fails(t, two, datastore.ErrUnavailable)
	w.update = nil
	r.take(t, two)
	r.once(t, "a", "b")
}

// Who waits for their turn goes when they are told to.
func TestATurnIsNotWaitedForLongerThanMayBe(t *testing.T) {
	r := newIntake(t, newWorld(t))
	in, out := make(chan bool), make(chan bool)
	r.refuse = func() error { close(in); <-out; return nil }
	var beside sync.WaitGroup
	beside.Go(func() { _, _ = r.Take(t.Context(), strings.NewReader(two), mark) })
	<-in
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Take(ctx, strings.NewReader(two), mark); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	close(out)
	beside.Wait()
	r.refuse = nil
	r.once(t, "a", "b")
}
