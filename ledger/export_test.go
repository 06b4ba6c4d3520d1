package ledger_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/ledger"
	"cordon/ledger/record"
	"cordon/ledger/record/recordtest"
	"cordon/ledger/tree"
)

// rows reads the records among leaves, oldest first, and checks that their lines and leaves are theirs.
func rows(t *testing.T, l *ledger.Ledger, of ledger.Leaves, f record.Filter) (found []string) {
	t.Helper()
	f.OldestFirst = true
	for row, err := range l.EntriesAmong(t.Context(), of, f) {
		ok(t, err)
		if line := row.Record.AppendJSON(nil); !bytes.Equal(line, row.Line) || row.Leaf < of.From || row.Leaf >= of.To {
			t.Errorf("leaf %d of %v: %s is told as %s", row.Leaf, of, line, row.Line)
		}
		found = append(found, row.Record.ID)
	}
	if !slices.IsSorted(found) {
		t.Errorf("%v are not the oldest first", found)
	}
	return found
}

// Whoever goes on from where the last export ended has every record once, whatever a replica ships late.
func TestFollowingExportsHaveEveryRecordOnce(t *testing.T) {
	onStores(t, func(t *testing.T, store datastore.Store) {
		w := newWorld(t, store)
		l := must[*ledger.Ledger](t)(ledger.New(config(t, store, "r1").Block(16)))
		reader := must[*ledger.Ledger](t)(ledger.New(config(t, store, "r2").Block(16)))
		var all []string
		from := int64(0)
		follow := func() {
			t.Helper()
			leaves := must[ledger.Leaves](t)(l.SealedFrom(t.Context(), from))
			found := rows(t, reader, leaves, record.Filter{})
			if again := rows(t, l, leaves, record.Filter{}); !slices.Equal(again, found) {
				t.Errorf("the second reading has %v, the first %v", again, found)
			}
			all, from = append(all, found...), leaves.To
		}
		follow()
		w.fill()
		follow()
		w.ship("late", recordtest.Epoch.Add(-time.Hour), 4) // long before all that was read
		w.act("r1.changes.03", recordtest.Epoch.Add(time.Minute))
		follow()
		w.ship("r2", recordtest.Epoch.Add(2*time.Minute), 40)
		follow()
		follow()
		slices.Sort(all)
		if want := w.want(record.Filter{OldestFirst: true}); !slices.Equal(all, want) {
			t.Errorf("got %d records, want %d:\n%v\n%v", len(all), len(want), all, want)
		}
	})
}

// What is shipped, sealed and merged while somebody reads leaves changes nothing of what they are.
func TestLeavesStayWhatTheyAre(t *testing.T) {
	store := openSQLite(t)
	w := newWorld(t, store)
	w.fill()
	sealer := must[*ledger.Ledger](t)(ledger.New(config(t, store, "r1").Block(16)))
	leaves := must[ledger.Leaves](t)(sealer.SealedFrom(t.Context(), 0))
	want := w.want(record.Filter{OldestFirst: true})
	for _, at := range []string{"before the head is read", "the head is read", "files are listed", "before a file is read"} {
		for nth := range 3 {
			met := 0
			meets := func(what string) {
				if what != at {
					return
				}
				if met++; met == nth+1 {
					w.ship("r1", recordtest.Epoch.Add(-time.Minute), 2)
					w.ship("r2", recordtest.Epoch.Add(time.Hour), 9)
					ok(t, sealer.SealNow(t.Context()))
				}
			}
			reader := must[*ledger.Ledger](t)(ledger.New(config(t, &crossed{store, meets}, "r2").Block(16)))
			if got := rows(t, reader, leaves, record.Filter{}); !slices.Equal(got, want) {
				t.Errorf("%s, time %d: got %v, want %v", at, nth+1, got, want)
			}
		}
	}
	some := record.Filter{Organization: "org-2", OldestFirst: true}
	found := rows(t, sealer, leaves, some)
	some.To = recordtest.Epoch.Add(time.Minute)
	some.From = recordtest.Epoch
	if want := w.want(some); len(found) == 0 || !slices.Equal(found, want) {
		t.Errorf("got %v, want %v", found, want)
	}
}

// The manifest of what was read proves it, also where the tree has grown since.
func TestAnExportIsProved(t *testing.T) {
	for _, count := range []int{0, 1, 40} {
		t.Run(fmt.Sprint(count), func(t *testing.T) {
			store := openSQLite(t)
			w := newWorld(t, store)
			l := must[*ledger.Ledger](t)(ledger.New(config(t, store, "r1").Block(16)))
			if count > 0 {
				w.ship("r1", recordtest.Epoch, count)
			}
			leaves := must[ledger.Leaves](t)(l.SealedFrom(t.Context(), 0))
			var file bytes.Buffer
			m := ledger.NewManifest(true)
			for row, err := range l.EntriesAmong(t.Context(), leaves, record.Filter{OldestFirst: true}) {
				ok(t, err)
				m.Add(row.Leaf, row.Line)
				file.Write(append(row.Line, '\n'))
			}
			w.ship("r1", recordtest.Epoch.Add(time.Minute), 3)
			ok(t, l.SealNow(t.Context()))
			ok(t, l.WriteManifest(t.Context(), &file, m, map[string]string{"cursor": "c"}))
			key := must[*tree.Key](t)(l.Key(t.Context()))
			report, err := tree.Verify(bytes.NewReader(file.Bytes()), int64(file.Len()), key.Verifier(), nil)
			ok(t, err)
			if !report.Proved || report.Lines != int64(count) || !json.Valid(report.Manifest) {
				t.Errorf("got %+v", report)
			}
		})
	}
}

// A manifest is begun anew when the head that it was to be proved by is gone, and gives up when that is so each time.
func TestAManifestIsProvedByAHeadThatIsThere(t *testing.T) {
	store := openSQLite(t)
	w := newWorld(t, store)
	w.fill()
	sealer := must[*ledger.Ledger](t)(ledger.New(config(t, store, "r1").Block(16)))
	leaves := must[ledger.Leaves](t)(sealer.SealedFrom(t.Context(), 0))
	left := 2 // times that the tree grows by two rounds behind a head that was read
	var growing bool
	meets := func(what string) {
		if what != "the head is read" || left == 0 || growing {
			return
		}
		left--
		growing = true
		for range 3 {
			w.ship("r1", recordtest.Epoch.Add(time.Hour), 1)
			ok(t, sealer.SealNow(t.Context()))
		}
		growing = false
	}
	reader := must[*ledger.Ledger](t)(ledger.New(config(t, &crossed{store, meets}, "r2").Block(16)))
	m := ledger.NewManifest(true)
	for row, err := range sealer.EntriesAmong(t.Context(), leaves, record.Filter{OldestFirst: true}) {
		ok(t, err)
		m.Add(row.Leaf, row.Line)
	}
	must[*tree.Key](t)(reader.Key(t.Context())) // it reads a note as well
	left = 2
	ok(t, reader.WriteManifest(t.Context(), new(bytes.Buffer), m, struct{}{}))
	if left != 0 {
		t.Error("they did not cross")
	}
	reader = must[*ledger.Ledger](t)(ledger.New(config(t, &crossed{store, meets}, "r3").Block(16))) // it remembers nothing
	left = 100
	if err := reader.WriteManifest(t.Context(), new(bytes.Buffer), m, struct{}{}); !errors.Is(err, tree.ErrOvertaken) {
		t.Errorf("got %v", err)
	}
}

func TestLeavesAreReadAsTheyWereWritten(t *testing.T) {
	for _, of := range []ledger.Leaves{{}, {From: 7}, {From: 7, To: 7}, {From: 0, To: 1 << 40}} {
		if got, err := ledger.ParseLeaves(of.String()); err != nil || got != of {
			t.Errorf("%v: got %v %v", of, got, err)
		}
	}
	streams := &ledger.Position{Streams: map[string]int64{"a": 1}}
	seven, nine := (&ledger.Position{Leaf: 7}).String(), (&ledger.Position{Leaf: 9}).String()
	for _, text := range []string{"", ".", "7", seven + ".", "." + seven, nine + "." + seven, seven + "." + nine + "." + nine, streams.String(), streams.String() + "." + nine, nine[1:]} {
		if got, err := ledger.ParseLeaves(text); !errors.Is(err, ledger.ErrPosition) {
			t.Errorf("%q: got %v %v", text, got, err)
		}
	}
	l := must[*ledger.Ledger](t)(ledger.New(config(t, openSQLite(t), "r1")))
	if _, err := l.SealedFrom(t.Context(), 1); !errors.Is(err, ledger.ErrPosition) {
		t.Errorf("behind the end: got %v", err)
	}
	for of, want := range map[ledger.Leaves]bool{{}: true, {To: 1}: false, {From: 1}: false, {From: -1}: false} {
		if got, err := l.Reached(context.Background(), of); err != nil || got != want {
			t.Errorf("%v: got %v %v", of, got, err)
		}
	}
}
