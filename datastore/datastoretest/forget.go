package datastoretest

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"cordon/datastore"
	"cordon/ledger/batch"
	"cordon/ledger/record"
)

func forgetting() []test {
	return []test{
		{"what is sealed is forgotten, and numbers go on", forgetSealed},
		{"a batch that goes beyond what is sealed stays whole", forgetWithinBatch},
		{"an act that is sealed is passed over and stays", forgetActsStay},
		{"an act is removed by its id when it is sealed", forgetActs},
		{"what is forgotten may be forgotten again, or less", forgetAgain},
		{"more is forgotten than one step takes", forgetMany},
		{"streams tell what is there and what was", forgetStreams},
		{"an act and a batch come in one order", forgetOneOrder},
		{"a body comes where it is wanted", hotBodies},
		{"of a sealed act its row is given as it stands", hotRows},
		{"a body that is forgotten meanwhile is wanted in vain", hotBodiesForgotten},
		{"a body is not that of another, whatever is shipped in its place", hotBodiesOfOthers},
		{"an act whose encoding fails takes no number", appendRefused},
		{"forgetting goes on beside shipping and reading", forgetWhileShipping},
	}
}

// appendOne commits an act and returns its record.
func appendOne(t tester, s datastore.Store, stream string, revision int64) record.Record {
	t.Helper()
	r := change(stream, "acme", revision)
	must(t, s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error { return batch.Append(ctx, tx, r) }))
	return *r
}

func forget(t tester, s datastore.Store, stream string, sealed int64) {
	t.Helper()
	must(t, s.Forget(t.Context(), datastore.Forgotten{Sealed: map[string]int64{stream: sealed}}))
}

// streamOf returns a stream, the zero value without it.
func streamOf(t tester, s datastore.Store, name string) datastore.Stream {
	t.Helper()
	streams, err := s.Streams(t.Context())
	must(t, err)
	for _, of := range streams {
		if of.Name == name {
			return of
		}
	}
	return datastore.Stream{}
}

// span returns the numbers from a first one to a last one.
func span(first, last int64) []int64 { return count(first, max(last-first+1, 0)) }

func forgetSealed(t *testing.T, s datastore.Store) {
	for i := range int64(4) {
		ship(t, s, batchOf(t, decisions("r", 3*i+1, 3)), 3*i+3)
	}
	ship(t, s, batchOf(t, decisions("other", 1, 3)), 3)
	forget(t, s, "r", 6)
	same(t, "sequences", sequences(t, s, "r"), span(7, 12))
	same(t, "of another", sequences(t, s, "other"), span(1, 3))
	ship(t, s, batchOf(t, decisions("r", 1, 3)), 12) // no number is given again
	forget(t, s, "r", 12)
	same(t, "sequences", sequences(t, s, "r"), nil)
	ship(t, s, datastore.Batch{Replica: "r"}, 12)
	ship(t, s, batchOf(t, decisions("r", 10, 3)), 12)
	ship(t, s, batchOf(t, decisions("r", 13, 2)), 14)
	same(t, "sequences", sequences(t, s, "r"), span(13, 14))
}

func forgetWithinBatch(t *testing.T, s datastore.Store) {
	ship(t, s, batchOf(t, decisions("r", 1, 5)), 5)
	forget(t, s, "r", 4)
	same(t, "sequences", sequences(t, s, "r"), span(1, 5))
	forget(t, s, "r", 5)
	same(t, "sequences", sequences(t, s, "r"), nil)
}

// actLines reads all acts, sealed or not, oldest first.
func actLines(t tester, s datastore.Store, stream string) (numbers []int64) {
	t.Helper()
	for _, b := range all(t, s.Hot(t.Context(), datastore.HotRange{Stream: stream, OldestFirst: true, Sealed: true})) {
		records, err := batch.Unpack(b)
		must(t, err)
		if len(records) != 1 || !b.Plain || records[0].ID != b.FirstID || records[0].Sequence != b.FirstSequence {
			t.Errorf("the act %+v holds %+v", b, records)
		}
		numbers = append(numbers, b.FirstSequence)
	}
	return numbers
}

func forgetActsStay(t *testing.T, s datastore.Store) {
	for i := range int64(5) {
		appendOne(t, s, "r.changes", i)
	}
	ship(t, s, batchOf(t, decisions("r", 1, 2)), 2)
	forget(t, s, "r.changes", 3)
	same(t, "hot", sequences(t, s, "r.changes"), span(4, 5))
	same(t, "kept", actLines(t, s, "r.changes"), span(1, 5))
	same(t, "kept of all streams", actLines(t, s, ""), span(1, 5))
	same(t, "batches", sequences(t, s, "r"), span(1, 2))
	if got := appendOne(t, s, "r.changes", 9); got.Sequence != 6 {
		t.Errorf("the next act has sequence %d, want 6", got.Sequence)
	}
}

func forgetActs(t *testing.T, s datastore.Store) {
	var ids []string
	for i := range int64(4) {
		ids = append(ids, appendOne(t, s, "r.changes", i).ID)
	}
	forget(t, s, "r.changes", 2)
	must(t, s.Forget(t.Context(), datastore.Forgotten{Acts: []string{ids[1], ids[3], "none"}}))
	same(t, "kept", actLines(t, s, "r.changes"), []int64{1, 3, 4})
	same(t, "hot", sequences(t, s, "r.changes"), span(3, 4))
	must(t, s.Forget(t.Context(), datastore.Forgotten{Sealed: map[string]int64{"r.changes": 4}, Acts: ids}))
	same(t, "kept", actLines(t, s, "r.changes"), nil)
	if got := appendOne(t, s, "r.changes", 9); got.Sequence != 5 {
		t.Errorf("the next act has sequence %d, want 5", got.Sequence)
	}
}

func forgetAgain(t *testing.T, s datastore.Store) {
	ship(t, s, batchOf(t, decisions("r", 1, 3)), 3)
	ship(t, s, batchOf(t, decisions("r", 4, 3)), 6)
	for _, sealed := range []int64{3, 3, 1, 0} {
		forget(t, s, "r", sealed)
		same(t, "stream", streamOf(t, s, "r"), datastore.Stream{Name: "r", First: 4, Newest: 6, Last: 6, Sealed: 3})
	}
	must(t, s.Forget(t.Context(), datastore.Forgotten{}))
	forget(t, s, "unknown", 7)
	same(t, "a stream that never was", streamOf(t, s, "unknown"), datastore.Stream{})
	same(t, "sequences", sequences(t, s, "r"), span(4, 6))
}

func forgetMany(t *testing.T, s datastore.Store) {
	const many = 450
	for i := range int64(many) {
		ship(t, s, batchOf(t, decisions("r", i+1, 1)), i+1)
	}
	must(t, s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
		for i := range int64(many) {
			if err := batch.Append(ctx, tx, change("r.changes", "acme", i)); err != nil {
				return err
			}
		}
		return nil
	}))
	must(t, s.Forget(t.Context(), datastore.Forgotten{Sealed: map[string]int64{"r": many - 1, "r.changes": many - 1}}))
	same(t, "batches", sequences(t, s, "r"), []int64{many})
	same(t, "acts", sequences(t, s, "r.changes"), []int64{many})
	same(t, "acts that are kept", len(actLines(t, s, "r.changes")), many)
}

func forgetStreams(t *testing.T, s datastore.Store) {
	streams, err := s.Streams(t.Context())
	must(t, err)
	same(t, "of an empty store", streams, nil)
	for _, name := range []string{"b", "a", "a/b", "a%", "ä", "B"} {
		ship(t, s, batchOf(t, decisions(name, 1, 2)), 2)
	}
	appendOne(t, s, "a.changes", 1)
	appendOne(t, s, "a.changes", 2)
	ship(t, s, datastore.Batch{Replica: "asked only"}, 0)
	streams, err = s.Streams(t.Context())
	must(t, err)
	var want []datastore.Stream
	for _, name := range []string{"B", "a", "a%", "a.changes", "a/b", "b", "ä"} {
		want = append(want, datastore.Stream{Name: name, First: 1, Newest: 2, Last: 2})
	}
	same(t, "streams", streams, want)
	forget(t, s, "a", 2)
	forget(t, s, "a.changes", 1)
	same(t, "of a", streamOf(t, s, "a"), datastore.Stream{Name: "a", Last: 2, Sealed: 2})
	same(t, "of the acts", streamOf(t, s, "a.changes"), datastore.Stream{Name: "a.changes", First: 1, Newest: 2, Last: 2, Sealed: 1})
}

func forgetOneOrder(t *testing.T, s datastore.Store) {
	var ids []string
	for i := range int64(6) {
		ids = append(ids, appendOne(t, s, "r.changes", i).ID)
		now := decisions("r", i+1, 1)
		now[0].Time = change("", "", 0).Time
		now[0].ID = record.NewID(now[0].Time)
		ids = append(ids, now[0].ID)
		ship(t, s, batchOf(t, now), i+1)
	}
	slices.Sort(ids)
	for _, oldestFirst := range []bool{true, false} {
		var got []string
		for _, b := range all(t, s.Hot(t.Context(), datastore.HotRange{OldestFirst: oldestFirst})) {
			got = append(got, b.FirstID)
		}
		want := slices.Clone(ids)
		if !oldestFirst {
			slices.Reverse(want)
		}
		same(t, "ids", got, want)
		got = nil
		for _, b := range all(t, s.Hot(t.Context(), datastore.HotRange{Low: ids[2], High: ids[9], First: ids[2], Last: ids[9], OldestFirst: oldestFirst})) {
			got = append(got, b.FirstID)
		}
		slices.Sort(got)
		same(t, "ids of a range", got, ids[2:10])
	}
}

func appendRefused(t *testing.T, s datastore.Store) {
	appendOne(t, s, "r.changes", 1)
	must(t, s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
		err := tx.Append(ctx, "r.changes", func(sequence int64) (datastore.Act, error) {
			same(t, "sequence", sequence, int64(2))
			return datastore.Act{}, errLost
		})
		wantError(t, "append", err, errLost)
		return nil // and it goes on
	}))
	if got := appendOne(t, s, "r.changes", 2); got.Sequence != 2 {
		t.Errorf("the next act has sequence %d, want 2", got.Sequence)
	}
}

// forgetWhileShipping forgets behind a shipper and an appender, and reads meanwhile: numbers have no gap, and what is
// read of the unsealed is whole.
func forgetWhileShipping(t *testing.T, s datastore.Store) {
	const rounds = 40
	for _, err := range race(4, func(i int) error {
		for n := range int64(rounds) {
			switch i {
			case 0:
				if last, err := s.Ship(t.Context(), batchOf(t, decisions("r", 2*n+1, 2))); err != nil || last != 2*n+2 {
					return fmt.Errorf("shipped to %d, want %d: %w", last, 2*n+2, err)
				}
			case 1:
				r := change("r.changes", "acme", n)
				err := s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error { return batch.Append(ctx, tx, r) })
				if err != nil || r.Sequence != n+1 {
					return fmt.Errorf("appended %d, want %d: %w", r.Sequence, n+1, err)
				}
			case 2:
				streams, err := s.Streams(t.Context())
				if err != nil {
					return err
				}
				sealed := map[string]int64{}
				for _, of := range streams {
					sealed[of.Name] = of.Newest / 4 * 2
				}
				if err := s.Forget(t.Context(), datastore.Forgotten{Sealed: sealed}); err != nil {
					return err
				}
			default:
				last := map[string]int64{}
				for b, err := range s.Hot(t.Context(), datastore.HotRange{OldestFirst: true}) {
					if err != nil {
						return err
					}
					if _, err := batch.Unpack(b); err != nil {
						return err
					}
					last[b.Replica] = b.LastSequence
				}
			}
		}
		return nil
	}) {
		must(t, err)
	}
	for name, want := range map[string]int64{"r": 2 * rounds, "r.changes": rounds} {
		of := streamOf(t, s, name)
		same(t, "last of "+name, of.Last, want)
		forget(t, s, name, of.Sealed)
		same(t, "hot of "+name, sequences(t, s, name), span(of.Sealed+1, want))
	}
}
