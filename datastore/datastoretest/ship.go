package datastoretest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/ledger/batch"
	"cordon/ledger/record"
)

func shipping() []test {
	return []test{
		{"a batch that follows is appended and is the last", shipFollows},
		{"a batch is appended once", shipOnce},
		{"a batch that does not follow is not written and tells where to go on", shipGap},
		{"a batch behind lost sequences follows those before them", shipMissing},
		{"a batch with a count of 0 only asks", shipAsks},
		{"replicas do not know of each other", shipReplicas},
		{"concurrent shippers of one log write it once", shipConcurrent},
		{"append gives the next sequence with no gap", appendSequence},
		{"an aborted append uses no sequence up", appendAborted},
		{"concurrent appends leave no gap", appendConcurrent},
		{"what was appended and shipped is read as it was", recordsAsWritten},
	}
}

// decisions gives n records of a replica from a sequence on.
func decisions(replica string, first int64, n int) []record.Record {
	records := make([]record.Record, n)
	for i := range records {
		now := at(int(first)).Add(time.Duration(i) * time.Millisecond)
		records[i] = record.Record{
			ID: record.NewID(now), Time: now, Replica: replica, Sequence: first + int64(i), Caller: "key",
			Kind: record.KindDecision, Reasons: []byte(`[{"code":"granted","message":"m"}]`), Organization: "acme", Revision: 1,
		}
	}
	return records
}

func batchOf(t tester, records []record.Record) datastore.Batch {
	t.Helper()
	batch, err := batch.Pack(records)
	must(t, err)
	return batch
}

// ship ships and looks at the answer.
func ship(t tester, s datastore.Store, batch datastore.Batch, want int64) {
	t.Helper()
	got, err := s.Ship(t.Context(), batch)
	must(t, err)
	if got != want {
		t.Errorf("shipped %d to %d of %s: the last is %d, want %d", batch.FirstSequence, batch.LastSequence, batch.Replica, got, want)
	}
}

// sequences gives those of a replica's records, oldest first.
func sequences(t tester, s datastore.Store, replica string) (numbers []int64) {
	t.Helper()
	for _, r := range all(t, batch.Search(t.Context(), s, record.Filter{Replica: replica, OldestFirst: true})) {
		numbers = append(numbers, r.Sequence)
	}
	return numbers
}

func shipFollows(t *testing.T, s datastore.Store) {
	ship(t, s, batchOf(t, decisions("r", 1, 1)), 1)
	ship(t, s, batchOf(t, decisions("r", 2, 9)), 10)
	ship(t, s, batchOf(t, decisions("r", 11, 2)), 12)
	same(t, "sequences", sequences(t, s, "r"), count(1, 12))
}

func shipOnce(t *testing.T, s datastore.Store) {
	first, second := batchOf(t, decisions("r", 1, 3)), batchOf(t, decisions("r", 4, 3))
	ship(t, s, first, 3)
	ship(t, s, first, 3)
	ship(t, s, second, 6)
	ship(t, s, first, 6)
	ship(t, s, second, 6)
	same(t, "sequences", sequences(t, s, "r"), count(1, 6))
}

func shipGap(t *testing.T, s datastore.Store) {
	ship(t, s, batchOf(t, decisions("r", 2, 3)), 0)
	ship(t, s, batchOf(t, decisions("r", 1, 3)), 3)
	ship(t, s, batchOf(t, decisions("r", 5, 1)), 3)
	ship(t, s, batchOf(t, decisions("r", 3, 3)), 3) // overlaps
	same(t, "sequences", sequences(t, s, "r"), count(1, 3))
	ship(t, s, batchOf(t, decisions("r", 4, 2)), 5)
	same(t, "sequences", sequences(t, s, "r"), count(1, 5))
}

func shipMissing(t *testing.T, s datastore.Store) {
	ship(t, s, batchOf(t, decisions("r", 1, 3)), 3)
	gap := batchOf(t, decisions("r", 9, 1))
	ship(t, s, gap, 3)
	for _, missing := range []int64{4, 6} {
		gap.Missing = missing
		ship(t, s, gap, 3)
	}
	gap.Missing = 5
	ship(t, s, gap, 9)
	ship(t, s, gap, 9)
	ship(t, s, batchOf(t, decisions("r", 4, 2)), 9)
	ship(t, s, batchOf(t, decisions("r", 10, 2)), 11)
	first := batchOf(t, decisions("other", 5, 1))
	first.Missing = 4
	ship(t, s, first, 5)
	same(t, "sequences", sequences(t, s, "r"), []int64{1, 2, 3, 9, 10, 11})
	same(t, "sequences", sequences(t, s, "other"), []int64{5})
}

func shipAsks(t *testing.T, s datastore.Store) {
	ship(t, s, datastore.Batch{Replica: "r"}, 0)
	ship(t, s, batchOf(t, decisions("r", 1, 3)), 3)
	ship(t, s, datastore.Batch{Replica: "r"}, 3)
	ship(t, s, datastore.Batch{Replica: "r", FirstSequence: 4, LastSequence: 9}, 3)
	ship(t, s, datastore.Batch{Replica: "other"}, 0)
	same(t, "sequences", sequences(t, s, "r"), count(1, 3))
}

func shipReplicas(t *testing.T, s datastore.Store) {
	for _, replica := range []string{"a", "A", "a.changes", "b"} {
		ship(t, s, batchOf(t, decisions(replica, 1, 2)), 2)
	}
	ship(t, s, batchOf(t, decisions("b", 3, 2)), 4)
	ship(t, s, datastore.Batch{Replica: "a"}, 2)
	same(t, "sequences", sequences(t, s, "A"), count(1, 2))
	same(t, "sequences", sequences(t, s, "b"), count(1, 4))
}

func shipConcurrent(t *testing.T, s datastore.Store) {
	const shippers, batches, size = 6, 20, 5
	var log []datastore.Batch
	for i := range batches {
		log = append(log, batchOf(t, decisions("r", int64(i*size+1), size)))
	}
	for _, err := range race(shippers, func(int) error {
		last, err := s.Ship(t.Context(), datastore.Batch{Replica: "r"})
		for err == nil && last < batches*size {
			if last%size != 0 {
				return fmt.Errorf("the last is %d, within a batch", last)
			}
			last, err = s.Ship(t.Context(), log[last/size])
		}
		return err
	}) {
		must(t, err)
	}
	same(t, "sequences", sequences(t, s, "r"), count(1, batches*size))
}

func appendSequence(t *testing.T, s datastore.Store) {
	revision := int64(0)
	for want := int64(1); want < 7; {
		must(t, s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
			for range 2 {
				revision++
				for _, replica := range []string{"a", "b"} {
					entry := change(replica, "acme", revision)
					entry.Sequence = 99 // whatever it was
					must(t, batch.Append(ctx, tx, entry))
					same(t, "sequence", entry.Sequence, want)
				}
				want++
			}
			return nil
		}))
	}
	same(t, "sequences", sequences(t, s, "a"), count(1, 6))
	same(t, "sequences", sequences(t, s, "b"), count(1, 6))
}

func appendAborted(t *testing.T, s datastore.Store) {
	aborted := errors.New("aborted")
	for i := range int64(6) {
		err := s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
			must(t, batch.Append(ctx, tx, change("r", "acme", i)))
			if i%2 == 0 {
				return aborted
			}
			return nil
		})
		if i%2 == 0 {
			wantError(t, "update", err, aborted)
		} else {
			must(t, err)
		}
	}
	same(t, "sequences", sequences(t, s, "r"), count(1, 3))
}

func appendConcurrent(t *testing.T, s datastore.Store) {
	const writers, rounds = 8, 5
	for i := range writers {
		put(t, s, organization(numbered("org", i)))
	}
	for _, err := range race(writers, func(i int) error {
		for range rounds {
			err := s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
				revision, err := tx.Bump(ctx, numbered("org", i))
				if err != nil {
					return err
				}
				return batch.Append(ctx, tx, change("r", numbered("org", i), revision))
			})
			if err != nil {
				return err
			}
		}
		return nil
	}) {
		must(t, err)
	}
	seen := map[int64]int{}
	for _, n := range sequences(t, s, "r") {
		seen[n]++
	}
	for _, n := range count(1, writers*rounds) {
		same(t, fmt.Sprintf("records of sequence %d", n), seen[n], 1)
	}
	same(t, "records", len(seen), writers*rounds)
}

func recordsAsWritten(t *testing.T, s datastore.Store) {
	full := record.Record{
		Time: at(1), Replica: "r", Sequence: 1, Caller: "key", Actor: "Ünï\u2028<&>", Agent: "agent", Kind: record.KindDecision,
		Question: record.Question{
			Subject:  record.Entity{Type: "user", ID: "lena", Organization: "acme"},
			Action:   record.Action{Name: "read_mail", Channel: "imap", Role: "client"},
			Resource: record.Entity{Type: "product", ID: strings.Repeat("$a.b", 40)},
		},
		Input: []byte(`{"a":[1,2.50,"x"]}`), Decision: true, Reasons: []byte(`[{"code":"granted","message":"m"},{"code":"member"}]`),
		Policy: "digest", Organization: "acme", Revision: 7, DurationUS: 12, RequestID: "request", TraceID: "trace", Batch: "batch",
		Details: []byte(`{"justification":"…"}`),
	}
	full.ID = record.NewID(full.Time)
	ship(t, s, batchOf(t, []record.Record{full}), 1)
	appended := full
	appended.ID, appended.Replica, appended.Kind = record.NewID(full.Time), "r.changes", record.KindChange
	must(t, s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error { return batch.Append(ctx, tx, &appended) }))
	want := []record.Record{full, appended}
	same(t, "records", all(t, batch.Search(t.Context(), s, record.Filter{OldestFirst: true})), want)
}
