package ledger_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/ledger"
	"cordon/ledger/record"
	"cordon/ledger/record/recordtest"
	"cordon/ledger/tree"
)

// prune has sealed records go that a filter selects, but for those of org-3, which are held.
func (w *world) prune(l *ledger.Ledger, f record.Filter) ledger.Pruned {
	w.t.Helper()
	sealed := map[string]bool{}
	for e, err := range l.Entries(w.t.Context(), record.Filter{}) {
		ok(w.t, err)
		sealed[e.Record.ID] = e.Leaf != ledger.Unsealed
	}
	gone := must[ledger.Pruned](w.t)(l.Prune(w.t.Context(), pruning(f)))
	count := int64(len(w.all))
	w.all = slices.DeleteFunc(w.all, func(r record.Record) bool { return sealed[r.ID] && f.Match(&r) && r.Organization != "org-3" })
	if count -= int64(len(w.all)); gone.Records != count {
		w.t.Errorf("%d records went, want %d", gone.Records, count)
	}
	return gone
}

func pruning(f record.Filter) ledger.Pruning {
	return ledger.Pruning{Find: []record.Filter{f}, Over: func(r *record.Record) bool { return r.Organization != "org-3" }}
}

// What is over goes, from segments and from the rows of acts; what is held stays; what stays is proved as before.
func TestWhatIsOverGoesAndTheTreeStays(t *testing.T) {
	onStores(t, func(t *testing.T, store datastore.Store) {
		w := newWorld(t, store)
		l := must[*ledger.Ledger](t)(ledger.New(config(t, store, "r1").Block(16)))
		w.fill()
		ok(t, l.SealNow(t.Context()))
		before := must[[][32]byte](t)(l.TreeEntries(t.Context()))
		committed := 0
		p := pruning(record.Filter{To: recordtest.Epoch.Add(2500 * time.Millisecond)})
		p.Commit = func(ctx context.Context, tx datastore.Tx, gone ledger.Pruned) error {
			committed++
			note, err := datastore.Get(ctx, tx, datastore.Note{Name: "deleted"})
			if err != nil && !errors.Is(err, datastore.ErrNotFound) {
				return err
			}
			return tx.Put(ctx, datastore.Note{Name: "deleted", Body: append(note.Body, make([]byte, gone.Records)...)})
		}
		gone := must[ledger.Pruned](t)(l.Prune(t.Context(), p))
		w.all = slices.DeleteFunc(w.all, func(r record.Record) bool { return p.Find[0].Match(&r) && r.Organization != "org-3" })
		changed := int64(0)
		for of, share := range gone.Of {
			if of.Kind == record.KindChange {
				changed += share.Records
			}
		}
		if gone.Records != int64(36-len(w.all)) || changed != 2 || committed == 0 {
			t.Errorf("%+v went in %d commits", gone, committed)
		}
		if note := must[datastore.Note](t)(datastore.Get(t.Context(), store, datastore.Note{Name: "deleted"})); int64(len(note.Body)) != gone.Records {
			t.Errorf("%d are put as deleted, %d were", len(note.Body), gone.Records)
		}
		w.holds(l)
		w.sealed(l)
		if after := must[[][32]byte](t)(l.TreeEntries(t.Context())); !slices.Equal(before, after) {
			t.Error("the tree is another")
		}
		acts := 0
		for b, err := range store.Hot(t.Context(), datastore.HotRange{Sealed: true}) {
			ok(t, err)
			acts++
			if !slices.ContainsFunc(w.all, func(r record.Record) bool { return r.ID == b.FirstID }) {
				t.Errorf("the act %s is there still", b.FirstID)
			}
		}
		if acts != 2 {
			t.Errorf("%d acts are left, want 2", acts)
		}
		if again := must[ledger.Pruned](t)(l.Prune(t.Context(), p)); again.Records != 0 {
			t.Errorf("%d went again", again.Records)
		}
		sealed := must[tree.Sealed](t)(l.Sealed(t.Context()))
		for e, err := range l.Entries(t.Context(), record.Filter{}) {
			ok(t, err)
			proof := must[[]tree.Hash](t)(sealed.Tree.Inclusion(t.Context(), sealed.Head, e.Leaf))
			ok(t, tree.CheckInclusion(sealed.Head, e.Leaf, tree.Entry(e.Line), proof))
		}
	})
}

// Segments of which nothing is left are dropped, and more is sealed behind them.
func TestASegmentOfWhichNothingIsLeftIsDropped(t *testing.T) {
	store := openSQLite(t)
	w := newWorld(t, store)
	l := must[*ledger.Ledger](t)(ledger.New(config(t, store, "r1").Block(16)))
	w.fill()
	ok(t, l.SealNow(t.Context()))
	ok(t, must2(l.Prune(t.Context(), ledger.Pruning{Find: []record.Filter{{}}, Over: func(*record.Record) bool { return true }})))
	w.all = nil
	if all, _, err := l.Files(t.Context()); err != nil || all != 0 {
		t.Errorf("%d files are left (%v)", all, err)
	}
	w.holds(l)
	w.fill()
	w.holds(l)
	ok(t, l.SealNow(t.Context()))
	w.holds(l)
	w.sealed(l)
}

func must2[T any](_ T, err error) error { return err }

// A pruning that ends anywhere leaves all or what it had come to, and the next one comes to the end.
func TestAPruningThatEndsAnywhereIsGoneOnWith(t *testing.T) {
	for _, step := range []string{"a file is written", "the segments are written and checked", "the head is put"} {
		t.Run(step, func(t *testing.T) {
			onStores(t, func(t *testing.T, store datastore.Store) {
				w := newWorld(t, store)
				now := time.Now()
				config := config(t, store, "r1").Block(16)
				config.Now = func() time.Time { return now }
				l := must[*ledger.Ledger](t)(ledger.New(config))
				w.fill()
				ok(t, l.SealNow(t.Context()))
				now = now.Add(time.Hour)
				f := record.Filter{To: recordtest.Epoch.Add(2500 * time.Millisecond)}
				other := config
				other.Replica = "r2"
				killed := must[*ledger.Ledger](t)(ledger.New(other.EndAt(killedAt(step))))
				if _, err := killed.Prune(t.Context(), pruning(f)); !isKilled(err) {
					t.Fatalf("the pruning ended with %v", err)
				}
				now = now.Add(time.Hour)
				next := must[*ledger.Ledger](t)(ledger.New(config))
				if step != "the head is put" {
					w.holds(next)
				}
				if problem := checked(t, next); problem != "" { // rows may be there whose records are gone
					t.Error(problem)
				}
				must[ledger.Pruned](t)(next.Prune(t.Context(), pruning(f)))
				w.all = slices.DeleteFunc(w.all, func(r record.Record) bool { return f.Match(&r) && r.Organization != "org-3" })
				w.holds(next)
				w.ship("r1", recordtest.Epoch.Add(time.Minute), 1)
				ok(t, next.SealNow(t.Context()))
				w.holds(next)
				w.sealed(next)
			})
		})
	}
}

// What a pruning that failed behind its commit leaves is removed by the next round of the same process, though nothing is
// to be sealed.
func TestWhatAPruningLeavesIsRemovedByTheNextRound(t *testing.T) {
	w := newWorld(t, openSQLite(t))
	w.fill()
	fails := false
	l := must[*ledger.Ledger](t)(ledger.New(config(t, w.store, "r1").Block(16).EndAt(func(step string) error {
		if fails && step == "the head is put" {
			return errKilled
		}
		return nil
	})))
	ok(t, l.SealNow(t.Context()))
	fails = true
	f := record.Filter{To: recordtest.Epoch.Add(2500 * time.Millisecond)}
	if _, err := l.Prune(t.Context(), pruning(f)); !isKilled(err) {
		t.Fatalf("the pruning ended with %v", err)
	}
	if _, idle, err := l.Files(t.Context()); err != nil || idle == 0 {
		t.Fatalf("%d files are left over (%v): the test tries nothing", idle, err)
	}
	fails = false
	if _, _, err := l.Round(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, idle, err := l.Files(t.Context()); err != nil || idle > 0 {
		t.Errorf("%d files are left over (%v)", idle, err)
	}
}

// Whoever is asked in the transaction that has records go, and refuses, keeps them: a hold that comes first wins.
func TestARefusedPruningTakesNothing(t *testing.T) {
	store := openSQLite(t)
	w := newWorld(t, store)
	l := must[*ledger.Ledger](t)(ledger.New(config(t, store, "r1")))
	w.fill()
	ok(t, l.SealNow(t.Context()))
	held := errors.New("held")
	p := pruning(record.Filter{})
	p.Commit = func(context.Context, datastore.Tx, ledger.Pruned) error { return held }
	if gone, err := l.Prune(t.Context(), p); !errors.Is(err, held) || gone.Records != 0 {
		t.Errorf("%d went, %v", gone.Records, err)
	}
	w.holds(l)
	w.act("r1.changes.03", recordtest.Epoch.Add(time.Hour))
	ok(t, l.SealNow(t.Context()))
	w.holds(l)
	w.sealed(l)
}

// While it is looked for what is over the log is sealed on. What was found in a segment that was merged meanwhile goes with
// the next call.
func TestSealingGoesOnWhileItIsLookedForWhatIsOver(t *testing.T) {
	onStores(t, func(t *testing.T, store datastore.Store) {
		w := newWorld(t, store)
		l := must[*ledger.Ledger](t)(ledger.New(config(t, store, "r1")))
		w.fill()
		ok(t, l.SealNow(t.Context()))
		f := record.Filter{To: recordtest.Epoch.Add(2500 * time.Millisecond)}
		p, sealed := pruning(f), false
		over := p.Over
		p.Over = func(r *record.Record) bool {
			if !sealed {
				sealed = true
				w.ship("r1", recordtest.Epoch.Add(time.Hour), 9)
				ok(t, l.SealNow(t.Context()))
			}
			return over(r)
		}
		if gone := must[ledger.Pruned](t)(l.Prune(t.Context(), p)); gone.Records != 0 {
			t.Errorf("%d records went of a segment that is not there any more", gone.Records)
		}
		w.holds(l)
		if problem := checked(t, l); problem != "" { // the rows of changes stay as long as these do
			t.Error(problem)
		}
		w.prune(l, f)
		w.holds(l)
		w.sealed(l)
	})
}

// What was found before a segment that is not there any more goes all the same.
func TestWhatWasFoundBeforeAMergeGoes(t *testing.T) {
	w := newWorld(t, openSQLite(t))
	l := must[*ledger.Ledger](t)(ledger.New(config(t, w.store, "r1").Block(16)))
	w.fill() // two full segments and one of four
	ok(t, l.SealNow(t.Context()))
	seen := 0
	p := ledger.Pruning{Find: []record.Filter{{}}, Over: func(*record.Record) bool {
		if seen++; seen == 32 {
			w.ship("r1", recordtest.Epoch.Add(time.Hour), 9)
			ok(t, l.SealNow(t.Context()))
		}
		return true
	}}
	if gone := must[ledger.Pruned](t)(l.Prune(t.Context(), p)); gone.Records != 32 || gone.Segments != 2 {
		t.Errorf("%d records went of %d segments, want 32 of 2", gone.Records, gone.Segments)
	}
	if problem := checked(t, l); problem != "" {
		t.Error(problem)
	}
}
