package ledger_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/ledger"
	"cordon/ledger/batch"
	"cordon/ledger/record"
	"cordon/ledger/record/recordtest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// follower keeps a position as a client does: as a text, with the last record that it has.
type follower struct {
	t      testing.TB
	ledger *ledger.Ledger
	filter record.Filter
	at     string
	ids    []string
}

// read takes up to some records, or all that there are for 0.
func (f *follower) read(most int) {
	f.t.Helper()
	at, err := ledger.ParsePosition(f.at)
	ok(f.t, err)
	for r, err := range f.ledger.Tail(f.t.Context(), f.filter, &at) {
		ok(f.t, err)
		f.ids = append(f.ids, r.ID)
		if most--; most == 0 {
			break
		}
	}
	f.at = at.String()
}

// has compares what was read with what there is: each once.
func (f *follower) has(want []record.Record) {
	f.t.Helper()
	if diff := cmp.Diff(slices.Sorted(slices.Values(f.ids)), slices.Sorted(slices.Values(idsOf(want)))); diff != "" {
		f.t.Errorf("got, want:\n%s", diff)
	}
}

func idsOf(records []record.Record) (ids []string) {
	for _, r := range records {
		ids = append(ids, r.ID)
	}
	return ids
}

// hooked makes a ledger whose steps are looked at.
func hooked(t *testing.T, store datastore.Store, step func(name string)) *ledger.Ledger {
	return must[*ledger.Ledger](t)(ledger.New(config(t, store, "r1").EndAt(func(name string) error {
		step(name)
		return nil
	})))
}

func plain(t *testing.T, store datastore.Store) *ledger.Ledger {
	return must[*ledger.Ledger](t)(ledger.New(config(t, store, "r1")))
}

func TestWhoeverFollowsTheLogMissesNothing(t *testing.T) {
	onStores(t, func(t *testing.T, store datastore.Store) {
		w, l := newWorld(t, store), plain(t, store)
		w.fill()
		all := &follower{t: t, ledger: l, at: (&ledger.Position{}).String()}
		all.read(0)
		all.has(w.all)
		all.read(0)
		all.has(w.all) // none twice

		now := must[ledger.Position](t)(l.Now(t.Context()))
		fresh := &follower{t: t, ledger: l, at: now.String()}
		known := len(w.all)
		// One that was shipped late is older than all that was read.
		w.ship("late", recordtest.Epoch.Add(-time.Hour), 3)
		w.act("r1.changes.03", recordtest.Epoch.Add(time.Minute))
		fresh.read(0)
		fresh.has(w.all[known:])
		for range 20 {
			all.read(1)
		}
		all.has(w.all)

		// What is sealed is read on from where the position is.
		_, _, err := l.Round(t.Context())
		ok(t, err)
		all.read(0)
		fresh.read(0)
		all.has(w.all)
		w.ship("late", recordtest.Epoch.Add(-time.Minute), 2)
		w.ship("r2", recordtest.Epoch.Add(time.Hour), 2)
		_, _, err = l.Round(t.Context())
		ok(t, err)
		w.ship("r2", recordtest.Epoch.Add(2*time.Hour), 2)
		fresh.read(2)
		fresh.read(0)
		all.read(0)
		fresh.has(w.all[known:])
		all.has(w.all)

		some := &follower{t: t, ledger: l, at: (&ledger.Position{}).String(), filter: record.Filter{Replica: "r2", Organization: "org-1"}}
		some.read(0)
		some.has(slices.DeleteFunc(slices.Clone(w.all), func(r record.Record) bool { return r.Replica != "r2" || r.Organization != "org-1" }))
	})
}

// The log may be sealed between any two looks that a reader takes: all of a round, or just its last steps.
func TestNothingIsMissedWhereSealingCrossesReading(t *testing.T) {
	for _, step := range []string{"the leaves are read", "the batches are found"} {
		for _, sealed := range []string{"before", "between"} {
			t.Run(strings.Join([]string{sealed, step}, " "), func(t *testing.T) {
				store := openSQLite(t)
				w, sealer := newWorld(t, store), plain(t, store)
				w.fill()
				_, _, err := sealer.Round(t.Context())
				ok(t, err)
				w.ship("r1", recordtest.Epoch.Add(time.Hour), 3)
				w.ship("r2", recordtest.Epoch.Add(time.Hour), 3)
				calls := 0
				reader := hooked(t, store, func(name string) {
					if calls++; name != step || calls > 8 {
						return
					}
					_, _, err := sealer.Round(t.Context())
					ok(t, err)
					if sealed == "between" { // and more comes that is hot
						w.ship("r1", recordtest.Epoch.Add(time.Duration(1+calls)*time.Hour), 2)
					}
				})
				f := &follower{t: t, ledger: reader, at: (&ledger.Position{}).String()}
				f.read(0)
				f.read(0)
				f.read(0)
				f.has(w.all)
			})
		}
	}
}

// A clock that is set back puts a stream's newer records before its older ones.
func TestAClockThatIsSetBackHidesNothing(t *testing.T) {
	store := openSQLite(t)
	w, l := newWorld(t, store), plain(t, store)
	f := &follower{t: t, ledger: l, at: (&ledger.Position{}).String()}
	for _, hours := range []int{5, 1, 3, 2, 9, 0} {
		w.ship("r1", recordtest.Epoch.Add(time.Duration(hours)*time.Hour), 3)
		f.read(2)
	}
	f.read(0)
	if diff := cmp.Diff(f.ids, idsOf(w.all)); diff != "" {
		t.Errorf("in order (got, want):\n%s", diff)
	}
}

// What waits for a slow reader is read again, not held.
func TestMuchThatIsHotIsNotHeld(t *testing.T) {
	store := openSQLite(t)
	w, l := newWorld(t, store), plain(t, store)
	for i := range 12 {
		var records []record.Record
		for range 2 {
			r := w.record("r1", recordtest.Epoch.Add(time.Duration(i)*time.Second))
			noise := make([]byte, 1<<19)
			for j := range noise { // of which nothing is saved by packing
				noise[j] = byte('a' + (uint32(j*j)*2654435761>>13+uint32(i))%26)
			}
			r.Details = []byte(`{"noise":"` + string(noise) + `"}`)
			records = append(records, r)
		}
		must[int64](t)(store.Ship(t.Context(), must[datastore.Batch](t)(batch.Pack(records))))
	}
	f := &follower{t: t, ledger: l, at: (&ledger.Position{}).String()}
	f.read(0)
	f.has(w.all)
}

// Numbers that somebody removed are waited for, and then the record of the gap is given, and what follows.
func TestALossIsGivenAsItsRecord(t *testing.T) {
	store := openSQLite(t)
	w, l := newWorld(t, store), plain(t, store)
	_, _, err := l.Round(t.Context()) // there is a head
	ok(t, err)
	w.ship("r1", recordtest.Epoch, 3)
	lost := datastore.Forgotten{Sealed: map[string]int64{"r1": 3}}
	f := &follower{t: t, ledger: l, at: (&ledger.Position{}).String()}
	ok(t, store.Forget(t.Context(), lost))
	w.ship("r1", recordtest.Epoch.Add(time.Second), 2)
	f.read(0)
	if len(f.ids) > 0 {
		t.Fatalf("%d records were given across a hole", len(f.ids))
	}
	_, _, err = l.Round(t.Context())
	ok(t, err)
	f.read(0)
	if len(f.ids) != 3 || f.ids[1] != w.all[3].ID && f.ids[0] != w.all[3].ID {
		t.Errorf("got %d records, want the gap and 2", len(f.ids))
	}
}

func TestAPositionBeyondTheEndIsRefused(t *testing.T) {
	l := plain(t, openSQLite(t))
	at := ledger.Position{Leaf: 7}
	for _, err := range l.Tail(t.Context(), record.Filter{}, &at) {
		if !errors.Is(err, ledger.ErrPosition) {
			t.Errorf("got %v", err)
		}
	}
}

// Replicas ship, change, are late and are sealed in any order, and readers come and go.
func TestFollowingAgainstWhatThereIs(t *testing.T) {
	store := openSQLite(t)
	rapid.Check(t, func(rt *rapid.T) {
		w := &world{t: t, store: store, last: map[string]int64{}}
		for _, s := range must[[]datastore.Stream](t)(store.Streams(t.Context())) {
			w.last[s.Name] = s.Last
		}
		l := plain(t, store)
		at := must[ledger.Position](t)(l.Now(context.Background()))
		f := &follower{t: t, ledger: l, at: at.String()}
		rt.Repeat(map[string]func(*rapid.T){
			"ship": func(rt *rapid.T) {
				w.ship(rapid.SampledFrom([]string{"r1", "r2"}).Draw(rt, "stream"), recordtest.Epoch.Add(time.Duration(rapid.IntRange(0, 100).Draw(rt, "minutes"))*time.Minute), rapid.IntRange(1, 5).Draw(rt, "count"))
			},
			"act":  func(*rapid.T) { w.act("r1.changes.01", recordtest.Epoch) },
			"seal": func(*rapid.T) { _, _, err := l.Round(t.Context()); ok(t, err) },
			"read": func(rt *rapid.T) { f.read(rapid.IntRange(0, 4).Draw(rt, "most")) },
		})
		f.read(0)
		f.has(w.all)
	})
}
