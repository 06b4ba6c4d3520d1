package guard_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/guard"
	"cordon/ledger/retention"

	"github.com/google/go-cmp/cmp"
)

const day = 24 * time.Hour

// ended makes one of each kind of noun that ends, at a time.
func ended(organization, id string, at time.Time) []datastore.Noun {
	message := datastore.Message{
		ID: id, Kind: "mail", Organization: organization, Event: guard.EventProductBlocked, State: datastore.MessageDone,
		CreatedAt: at, NextAt: at, Log: []datastore.Attempt{{At: at, Result: "delivered"}},
	}
	dead := message
	dead.ID, dead.State = id+"-dead", datastore.MessageDead
	return []datastore.Noun{
		message, dead,
		datastore.Procedure{Organization: organization, User: "carl", ID: id, At: at, Steps: []datastore.Step{{Name: "change_password", DoneAt: at}}},
		datastore.FirstAnswer{Key: organization + id, At: at, Status: 200},
		datastore.Support{Organization: organization + "-" + id, Codes: []datastore.SupportCode{{User: "lena", ExpiresAt: at}}},
	}
}

func putNouns(t *testing.T, store datastore.Store, nouns ...datastore.Noun) {
	t.Helper()
	if err := store.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error { return tx.Put(ctx, nouns...) }); err != nil {
		t.Fatal(err)
	}
}

// left counts nouns that stand, by type.
func left(t *testing.T, store datastore.Store, nouns ...datastore.Noun) map[string]int {
	t.Helper()
	count := map[string]int{}
	for _, noun := range nouns {
		found, err := store.Get(t.Context(), noun)
		if err != nil && !errors.Is(err, datastore.ErrNotFound) {
			t.Fatal(err)
		}
		if support, is := found.(datastore.Support); err == nil && (!is || len(support.Codes) > 0) {
			count[fmt.Sprintf("%T", noun)]++
		}
	}
	return count
}

// deletions adds up what is on record as deleted, and counts these records.
func deletions(t *testing.T, g *guard.Guard) (deleted map[string]int64, records int) {
	t.Helper()
	deleted = map[string]int64{}
	list := must[func(func(guard.Record, error) bool)](t)(sequence(g.Records(t.Context(), host(), guard.RecordFilter{Action: "apply_retention"})))
	for r, err := range list {
		var details struct{ Deleted []retention.Deleted }
		if err != nil || json.Unmarshal(r.Details, &details) != nil || r.Kind != "change" || r.Caller != "clock" {
			t.Fatalf("got %+v %v", r, err)
		}
		for _, d := range details.Deleted {
			deleted[d.Class+" "+d.Organization] += d.Count
		}
		records++
	}
	return deleted, records
}

func sequence[S ~func(func(guard.Record, error) bool)](s S, err error) (func(func(guard.Record, error) bool), error) {
	return s, err
}

func TestWhatEndedIsDeletedWhenItsTimeIsOver(t *testing.T) {
	eachStore(t, func(t *testing.T, store datastore.Store) {
		c := newClock()
		counted := map[string]int{}
		g := newGuard(t, store, func(config *guard.Config) {
			config.Now = c.now
			config.Observe.Deleted = func(class string, n int) { counted[class] += n }
		})
		start := c.now()
		all := ended("acme", "one", start)
		all = append(all, ended("acme", "two", start.Add(20*day))...)
		open := datastore.Procedure{Organization: "acme", User: "carl", ID: "open", At: start, Steps: []datastore.Step{{Name: "a"}}}
		waits := datastore.Message{ID: "waits", Kind: "mail", Organization: "acme", State: datastore.MessagePending, CreatedAt: start, NextAt: start}
		all = append(all, open, waits)
		putNouns(t, store, all...)
		const message, procedure, answer, support = "datastore.Message", "datastore.Procedure", "datastore.FirstAnswer", "datastore.Support"
		for _, step := range []struct {
			after   time.Duration
			want    map[string]int
			deleted map[string]int64
			records int
		}{
			{day, map[string]int{message: 5, procedure: 3, answer: 2, support: 2}, map[string]int64{}, 0},
			{day + time.Second, map[string]int{message: 5, procedure: 3, answer: 2, support: 1}, map[string]int64{"support_codes acme-one": 1}, 1},
			{2*day + time.Second, map[string]int{message: 5, procedure: 3, answer: 1, support: 1}, map[string]int64{"support_codes acme-one": 1, "answers ": 1}, 2},
			{30 * day, map[string]int{message: 5, procedure: 3}, map[string]int64{"support_codes acme-one": 1, "answers ": 2, "support_codes acme-two": 1}, 3},
			{30*day + time.Second, map[string]int{message: 3, procedure: 3}, map[string]int64{"messages acme": 2}, 4},
			{400*day + time.Second, map[string]int{message: 1, procedure: 2}, map[string]int64{"messages acme": 4, "procedures acme": 1}, 5},
			{400*day + time.Second, map[string]int{message: 1, procedure: 2}, nil, 5}, // nothing is over: nothing is on record
		} {
			// The clock is believed where it stays; a leap of it is not (guard/clock.go).
			c.pass(start.Add(step.after).Sub(c.now()))
			if err := g.Clean(t.Context()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(left(t, store, all...), step.want); diff != "" {
				t.Errorf("after %v (-got +want):\n%s", step.after, diff)
			}
			deleted, records := deletions(t, g)
			for class, n := range step.deleted {
				if deleted[class] != n {
					t.Errorf("after %v: %d %s are on record as deleted, want %d", step.after, deleted[class], class, n)
				}
			}
			if records != step.records {
				t.Errorf("after %v: got %d records, want %d: one a run that deleted something", step.after, records, step.records)
			}
		}
		if want := map[string]int{"messages": 4, "procedures": 1, "answers": 2, "support_codes": 2}; !maps.Equal(counted, want) {
			t.Errorf("the observer was told of %v, want %v", counted, want)
		}
	})
}

// beside is a store beside whose calls something else happens.
type beside struct {
	datastore.Store
	ended   func()       // once what ended was found
	update  func() error // before a transaction
	reading func()       // within one, once it has read what is held
	written func()       // once a file is
	looked  atomic.Int64 // readings of files
}

// besideTx is its transaction.
type besideTx struct {
	datastore.Tx
	of *beside
}

func (b besideTx) Get(ctx context.Context, identity datastore.Noun) (datastore.Noun, error) {
	found, err := b.Tx.Get(ctx, identity)
	if note, is := identity.(datastore.Note); is && note.Name == retention.Note && b.of.reading != nil {
		b.of.reading()
	}
	return found, err
}

func (b *beside) Ended(ctx context.Context, of datastore.Noun, span datastore.Ending) ([]datastore.Noun, error) {
	found, err := b.Store.Ended(ctx, of, span)
	if b.ended != nil && len(found) > 0 {
		b.ended()
	}
	return found, err
}

func (b *beside) Update(ctx context.Context, fn func(ctx context.Context, tx datastore.Tx) error) error {
	if b.update != nil {
		if err := b.update(); err != nil {
			return err
		}
	}
	return b.Store.Update(ctx, func(ctx context.Context, tx datastore.Tx) error { return fn(ctx, besideTx{tx, b}) })
}

func manyEnded(n int, at time.Time) (nouns []datastore.Noun) {
	for i := range n {
		nouns = append(nouns, ended("acme", fmt.Sprintf("m%03d", i), at)[0])
	}
	return nouns
}

func TestADeletionThatIsCutOffGoesOnAndIsOnRecordWhole(t *testing.T) {
	store := &beside{Store: openSQLite(t)}
	c := newClock()
	g := newGuard(t, store, func(config *guard.Config) { config.Now = c.now })
	all := manyEnded(250, c.now().Add(-31*day))
	putNouns(t, store, all...)
	// It fails before each of its transactions in turn, as a process does that ends: what is deleted by then is not on record.
	for transactions := 1; ; transactions++ {
		n := 0
		store.update = func() error {
			if n++; n == transactions {
				return datastore.ErrUnavailable
			}
			return nil
		}
		err := g.Clean(t.Context())
		store.update = nil
		if err == nil {
			break
		}
		if !errors.Is(err, datastore.ErrUnavailable) {
			t.Fatal(err)
		}
	}
	deleted, _ := deletions(t, g)
	if n := left(t, store, all...)["datastore.Message"]; n != 0 || deleted["messages acme"] != 250 {
		t.Errorf("%d are left, and %v on record as deleted, want 250", n, deleted)
	}
}

func TestTwoMayCleanAtOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, store datastore.Store) {
		g := newGuard(t, store, nil)
		all := manyEnded(300, time.Now().Add(-31*day))
		putNouns(t, store, all...)
		var both sync.WaitGroup
		for range 2 {
			both.Go(func() {
				if err := g.Clean(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
		deleted, _ := deletions(t, g)
		if n := left(t, store, all...)["datastore.Message"]; n != 0 || deleted["messages acme"] != 300 {
			t.Errorf("%d are left, and %v on record as deleted, want 300", n, deleted)
		}
	})
}

func TestAMessageThatIsSentAgainIsNotDeleted(t *testing.T) { // it is found, and sent again before it is deleted
	eachStore(t, func(t *testing.T, inner datastore.Store) {
		store := &beside{Store: inner}
		g := newGuard(t, store, nil)
		dead := ended("acme", "one", time.Now().Add(-31*day))[1]
		putNouns(t, store, dead)
		store.ended = func() {
			if _, err := g.RetryMessage(t.Context(), host(), "one-dead"); err != nil {
				t.Error(err)
			}
			store.ended = nil
		}
		if err := g.Clean(t.Context()); err != nil {
			t.Fatal(err)
		}
		message, err := datastore.Get(t.Context(), store, datastore.Message{ID: "one-dead"})
		if err != nil || message.State != datastore.MessagePending {
			t.Errorf("got %+v %v, want it to wait", message, err)
		}
		if _, records := deletions(t, g); records != 0 {
			t.Errorf("got %d records of a run that deleted nothing", records)
		}
	})
}

func TestAClockThatLeapsAheadDeletesNothingUntilItIsBelieved(t *testing.T) { // docs/operations.md, The clock
	c, store := newSetClock(), openSQLite(t)
	g := newGuard(t, store, func(config *guard.Config) { config.Now, config.Elapsed = c.now, c.elapsed })
	message := ended("acme", "one", c.now())[0]
	putNouns(t, store, message)
	for _, step := range []struct {
		ran, set time.Duration
		want     int
	}{{time.Second, 1000 * day, 1}, {9 * time.Minute, 0, 1}, {time.Minute, 0, 0}} {
		c.move(step.ran, step.set)
		if err := errors.Join(g.Sweep(t.Context()), g.Clean(t.Context())); err != nil {
			t.Fatal(err)
		}
		if n := left(t, store, message)["datastore.Message"]; n != step.want {
			t.Errorf("%v on and %v ahead: %d are left, want %d", step.ran, step.set, n, step.want)
		}
	}
}
