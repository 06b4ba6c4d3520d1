package datastoretest

import (
	"testing"
	"time"

	"cordon/datastore"
	"cordon/ledger/batch"

	"github.com/google/go-cmp/cmp"
)

// hotBodies wants each third body of more batches than are read at once, and of acts among them.
func hotBodies(t *testing.T, s datastore.Store) {
	const batches = 40
	for i := range int64(batches) {
		ship(t, s, batchOf(t, decisions("r", 2*i+1, 2)), 2*i+2)
		if i%10 == 0 {
			appendOne(t, s, "r.changes", i)
		}
	}
	for _, in := range []datastore.HotRange{{}, {OldestFirst: true}, {Stream: "r"}, {Stream: "r.changes", OldestFirst: true}} {
		whole := all(t, s.Hot(t.Context(), in))
		in.Bodies = func(b *datastore.Batch) bool {
			if b.Body != nil || b.Plain || in.Stream != "" && b.Replica != in.Stream {
				t.Errorf("it asks for the body of %s of %s", b.FirstID, b.Replica)
			}
			return b.FirstSequence%3 == 0
		}
		some := all(t, s.Hot(t.Context(), in))
		if len(some) != len(whole) {
			t.Fatalf("%d batches, want the %d that come with their bodies", len(some), len(whole))
		}
		for i, want := range whole {
			if !want.Plain && want.FirstSequence%3 != 0 {
				want.Body = nil
			}
			if diff := cmp.Diff(want, some[i]); diff != "" {
				t.Errorf("batch %d is another (-want +got):\n%s", i, diff)
			}
		}
		for _, b := range all(t, s.Hot(t.Context(), in.Heads())) {
			if len(b.Body) > 0 != b.Plain {
				t.Errorf("of heads alone, %s of %s has %d bytes", b.FirstID, b.Replica, len(b.Body))
			}
		}
	}
}

// hotBodiesForgotten forgets batches behind a reader that has seen them, and will want their bodies: none is given as
// if it had none.
func hotBodiesForgotten(t *testing.T, s datastore.Store) {
	const batches = 40
	for i := range int64(batches) {
		ship(t, s, batchOf(t, decisions("r", i+1, 1)), i+1)
	}
	given := 0
	in := datastore.HotRange{OldestFirst: true, Bodies: func(*datastore.Batch) bool { return true }}
	for b, err := range s.Hot(t.Context(), in) {
		must(t, err)
		if len(b.Body) == 0 {
			t.Errorf("the batch of %d came without its body", b.FirstSequence)
		}
		if given++; given == 1 {
			forget(t, s, "r", batches)
		}
	}
	// A store may have read ahead, and not all.
	if given == 0 || given == batches {
		t.Errorf("%d of %d batches were given, want those alone that were read before they were forgotten", given, batches)
	}
}

// hotBodiesOfOthers forgets a batch whose body is wanted, and ships another, which may take its place.
func hotBodiesOfOthers(t *testing.T, s datastore.Store) {
	ship(t, s, batchOf(t, decisions("r", 1, 1)), 1)
	in := datastore.HotRange{Bodies: func(b *datastore.Batch) bool {
		if b.FirstSequence == 1 {
			forget(t, s, "r", 1)
			ship(t, s, batchOf(t, decisions("r", 2, 1)), 2)
		}
		return true
	}}
	for _, b := range all(t, s.Hot(t.Context(), in)) {
		if _, err := batch.Unpack(b); err != nil {
			t.Errorf("the batch of %d came with the body of another: %v", b.FirstSequence, err)
		}
	}
}

// hotRows reads acts, some of which are sealed, with all that their rows say.
func hotRows(t *testing.T, s datastore.Store) {
	var want []datastore.Act
	for i := range int64(3) {
		r := appendOne(t, s, "r.changes", i)
		act, err := batch.Act(&r)
		must(t, err)
		want = append(want, act)
	}
	forget(t, s, "r.changes", 2)
	var got []datastore.Act
	for _, b := range all(t, s.Hot(t.Context(), datastore.HotRange{Sealed: true, OldestFirst: true})) {
		if b.Act == nil {
			t.Fatalf("the act %s comes without its row", b.FirstID)
		}
		got = append(got, *b.Act)
	}
	for i := range want { // a store may keep a time to the millisecond
		want[i].Time = want[i].Time.Truncate(time.Millisecond)
	}
	for i := range got {
		got[i].Time = got[i].Time.Truncate(time.Millisecond)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows are others (-want +got):\n%s", diff)
	}
}
