package ledger_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/ledger"
	"cordon/ledger/batch"
	"cordon/ledger/record/recordtest"
	"cordon/ledger/segment"
	"cordon/ledger/tree"
)

func TestARecordIsProvedWhenItIsSealed(t *testing.T) {
	onStores(t, func(t *testing.T, store datastore.Store) {
		w := newWorld(t, store)
		w.fill()
		l := must[*ledger.Ledger](t)(ledger.New(config(t, store, "r1")))
		young := w.all[7]
		if _, err := l.Inclusion(t.Context(), young.ID); !errors.Is(err, ledger.ErrUnsealed) {
			t.Errorf("before it is sealed: %v, want %v", err, ledger.ErrUnsealed)
		}
		ok(t, l.SealNow(t.Context()))
		key := must[*tree.Key](t)(l.Key(t.Context()))
		for i := range w.all {
			r := &w.all[i]
			proof := must[ledger.Inclusion](t)(l.Inclusion(t.Context(), r.ID))
			at := must[tree.Head](t)(key.Open(proof.Checkpoint))
			if at.N != proof.Size || at.N != int64(len(w.all)) {
				t.Fatalf("the tree has %d leaves, and the proof is of %d", at.N, proof.Size)
			}
			ok(t, tree.CheckInclusion(at, proof.Leaf, tree.Entry(r.AppendJSON(nil)), proof.Hashes))
		}
		for _, id := range []string{"0", "", w.all[0].ID[:35], recordtest.Epoch.String(), strings.Replace(young.ID, "-7", "-7", 1) + "0"} {
			if _, err := l.Inclusion(t.Context(), id); !errors.Is(err, datastore.ErrNotFound) {
				t.Errorf("%q: %v, want %v", id, err, datastore.ErrNotFound)
			}
		}
	})
}

func TestOneCheckpointGoesOnFromTheOther(t *testing.T) {
	store := openSQLite(t)
	w := newWorld(t, store)
	l := must[*ledger.Ledger](t)(ledger.New(config(t, store, "r1")))
	key := must[*tree.Key](t)(l.Key(t.Context()))
	last := must[tree.Head](t)(key.Open(must[[]byte](t)(l.Checkpoint(t.Context()))))
	if last != tree.Empty() {
		t.Errorf("at first it is %v", last)
	}
	for range 3 {
		w.fill()
		ok(t, l.SealNow(t.Context()))
		now := must[tree.Head](t)(key.Open(must[[]byte](t)(l.Checkpoint(t.Context()))))
		hashes := must[[]tree.Hash](t)(l.Consistency(t.Context(), last.N, now.N))
		ok(t, tree.CheckConsistency(last, now, hashes))
		last = now
	}
	if _, err := l.Consistency(t.Context(), 1, last.N+1); !errors.Is(err, ledger.ErrBeyond) {
		t.Errorf("got %v, want %v", err, ledger.ErrBeyond)
	}
	if tile, err := l.Tile(t.Context(), fmt.Sprintf("tile/0/000.p/%d", last.N)); err != nil || len(tile) != int(32*last.N) {
		t.Errorf("the tile has %d bytes: %v", len(tile), err)
	}
}

// Two replicas that start at one time agree on the key.
func TestReplicasHaveOneKey(t *testing.T) {
	onStores(t, func(t *testing.T, store datastore.Store) {
		keys := make(chan string, 4)
		for i := range cap(keys) {
			l := must[*ledger.Ledger](t)(ledger.New(config(t, store, fmt.Sprintf("r%d", i))))
			go func() {
				key, err := l.Key(t.Context())
				if err != nil {
					keys <- err.Error()
					return
				}
				keys <- key.Verifier().String()
			}()
		}
		first := <-keys
		for range cap(keys) - 1 {
			if other := <-keys; other != first {
				t.Errorf("one has %s, another %s", first, other)
			}
		}
	})
}

func TestAnAccountSaysWhatIsSealedAndWhatIsMissing(t *testing.T) {
	store := openSQLite(t)
	w := newWorld(t, store)
	w.fill()
	l := must[*ledger.Ledger](t)(ledger.New(config(t, store, "r1")))
	ok(t, l.SealNow(t.Context()))
	w.ship("r2", recordtest.Epoch.Add(time.Hour), 4)
	status := must[ledger.Account](t)(l.Account(t.Context()))
	want := []ledger.Stream{
		{Name: "r1", First: 1, Last: 20, Sealed: 20}, {Name: "r1.changes.03", First: 1, Last: 4, Sealed: 4},
		{Name: "r2", First: 1, Last: 16, Sealed: 12},
	}
	if !slices.Equal(status.Streams, want) || status.Sealed != 36 || status.Unsealed != 4 || status.Gaps != 0 {
		t.Errorf("got %+v", status)
	}
	if status.Check.Problem != "" || status.Key == "" {
		t.Errorf("got %+v", status)
	}
}

// checked checks all of a log, and returns what is wrong with it.
func checked(t *testing.T, l *ledger.Ledger) string {
	t.Helper()
	ok(t, l.Check(t.Context(), 1<<40))
	return l.Checked().Problem
}

func TestAWholeLogIsCheckedWithoutAProblem(t *testing.T) {
	onStores(t, func(t *testing.T, store datastore.Store) {
		w := newWorld(t, store)
		l := must[*ledger.Ledger](t)(ledger.New(config(t, store, "r1").Block(16)))
		path := filepath.Join(t.TempDir(), "witness")
		stop := must[func() error](t)(l.OpenWitness(t.Context(), path))
		t.Cleanup(func() { ok(t, stop()) })
		for range 3 {
			w.fill()
			if problem := checked(t, l); problem != "" {
				t.Error(problem)
			}
			ok(t, l.SealNow(t.Context()))
		}
		if problem := checked(t, l); problem != "" {
			t.Error(problem)
		}
		if n := l.Checked().Records; n < int64(len(w.all)) {
			t.Errorf("%d records were compared of %d", n, len(w.all))
		}
		if state := l.Witnessed(); state.Size != int64(len(w.all)) || state.Problem != "" || state.Place != path {
			t.Errorf("the witness is %+v", state)
		}
	})
}

// Every column of a row is held against its line, and of its time the milliseconds: a store need not keep more.
func TestAllThatARowSaysIsCompared(t *testing.T) {
	r := recordtest.Traffic(1)
	row := must[datastore.Act](t)(batch.Act(&r))
	ok(t, ledger.CheckRow(&row))
	for i := range reflect.TypeFor[datastore.Act]().NumField() {
		other := row
		switch member := reflect.ValueOf(&other).Elem().Field(i); value := member.Interface().(type) {
		case string:
			member.SetString("x")
		case int64:
			member.SetInt(value + 1)
		case bool:
			member.SetBool(!value)
		case []byte:
			member.SetBytes([]byte("x"))
		case time.Time:
			member.Set(reflect.ValueOf(value.Add(time.Millisecond)))
		default:
			t.Fatalf("a member of the type %T is not tried", value)
		}
		if err := ledger.CheckRow(&other); !errors.Is(err, ledger.ErrChanged) {
			t.Errorf("%s does not count: %v", reflect.TypeFor[datastore.Act]().Field(i).Name, err)
		}
	}
	row.Time = row.Time.Truncate(time.Millisecond).Local()
	if err := ledger.CheckRow(&row); err != nil {
		t.Errorf("a part of a millisecond counts: %v", err)
	}
}

// Rows that stand beside two segments, whose ids overlap, are of one of them, be they few or many.
func TestRowsBesideTwoSegmentsAreOfOne(t *testing.T) {
	onStores(t, func(t *testing.T, store datastore.Store) {
		w := newWorld(t, store)
		l := must[*ledger.Ledger](t)(ledger.New(config(t, store, "r1").Block(256)))
		for range 2 {
			for i := range 256 {
				w.act("r1.changes.03", recordtest.Epoch.Add(time.Duration(i)*time.Second))
			}
			ok(t, l.SealNow(t.Context()))
		}
		if segments := must[[]segment.Info](t)(l.Segments(t.Context())); len(segments) != 2 {
			t.Fatalf("there are %d segments, want 2: the test tries nothing", len(segments))
		}
		if problem := checked(t, l); problem != "" {
			t.Error(problem)
		}
	})
}
