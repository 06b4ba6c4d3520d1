package mongo_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/datastore/mongo"
	"cordon/ledger/batch"
	"cordon/ledger/record"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// mutate does what a change does: it reads, bumps, puts and writes its record.
func mutate(ctx context.Context, s *mongo.Store, organization, replica string) error {
	return s.Update(ctx, func(ctx context.Context, tx datastore.Tx) error {
		facts, err := tx.Facts(ctx, datastore.Key{Organization: organization})
		if err != nil {
			return err
		}
		if _, err := tx.Bump(ctx, organization); err != nil {
			return err
		}
		if err := tx.Put(ctx, datastore.Member{Organization: organization, ID: facts.Organization.ID, Role: datastore.Client}); err != nil {
			return err
		}
		return batch.Append(ctx, tx, newRecord(replica, time.Now()))
	})
}

func putOrganization(t *testing.T, s *mongo.Store, id string) {
	t.Helper()
	err := s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
		return tx.Put(ctx, datastore.Organization{ID: id, Revision: 1})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestFaultsAreMendedAndAppliedOnce makes commands of one change fail in the ways of a failover and of
// a conflict. The change must come about once, with no gap in the log, and the next one too.
func TestFaultsAreMendedAndAppliedOnce(t *testing.T) {
	server := startServer(t)
	s := server.open(t, 10*time.Second)
	transient := bson.A{"TransientTransactionError"}
	for name, c := range map[string]struct {
		times    int
		how      bson.M
		commands []string
	}{
		"the connection breaks at the first read": {1, bson.M{"closeConnection": true}, []string{"find"}},
		"the connection breaks at the bump":       {1, bson.M{"closeConnection": true}, []string{"findAndModify"}},
		"the connection breaks at a put":          {1, bson.M{"closeConnection": true}, []string{"update"}},
		"the connection breaks at the record":     {1, bson.M{"closeConnection": true}, []string{"insert"}},
		"the connection breaks at the commit":     {1, bson.M{"closeConnection": true}, []string{"commitTransaction"}},
		"and at the abort too":                    {4, bson.M{"closeConnection": true}, []string{"update", "abortTransaction"}},
		"the primary steps down, three times":     {3, bson.M{"errorCode": 10107, "errorLabels": transient}, []string{"find", "findAndModify", "update"}},
		"the primary steps down at the commit":    {3, bson.M{"errorCode": 10107, "errorLabels": bson.A{"RetryableWriteError", "UnknownTransactionCommitResult"}}, []string{"commitTransaction"}},
		"the outcome of the commit is unknown":    {2, bson.M{"errorCode": 91, "errorLabels": bson.A{"UnknownTransactionCommitResult"}}, []string{"commitTransaction"}},
		"a conflict at the bump, twice":           {2, bson.M{"errorCode": 112, "errorLabels": transient}, []string{"findAndModify"}},
		"a conflict at the record, twice":         {2, bson.M{"errorCode": 112, "errorLabels": transient}, []string{"insert"}},
		"a conflict at the commit":                {1, bson.M{"errorCode": 112, "errorLabels": transient}, []string{"commitTransaction"}},
		"the transaction is gone":                 {1, bson.M{"errorCode": 251, "errorLabels": transient}, []string{"update"}},
	} {
		t.Run(name, func(t *testing.T) {
			organization, replica := "o "+name, "r "+name
			putOrganization(t, s, organization)
			server.failCommands(t, c.times, c.how, c.commands...)
			for range 2 {
				if err := mutate(t.Context(), s, organization, replica); err != nil {
					t.Fatal(err)
				}
			}
			facts, err := s.Facts(t.Context(), datastore.Key{Organization: organization})
			if err != nil || facts.Organization.Revision != 3 {
				t.Errorf("got revision %d, %v after two changes, want 3", facts.Organization.Revision, err)
			}
			checkLog(t, s, replica, 2)
		})
	}
}

// checkLog looks for n records of a replica with no gap.
func checkLog(t *testing.T, s *mongo.Store, replica string, n int) {
	t.Helper()
	seen := make(map[int64]bool)
	for _, r := range exhaust(t, batch.Search(t.Context(), s, record.Filter{Replica: replica})) {
		if seen[r.Sequence] || r.Sequence < 1 || r.Sequence > int64(n) {
			t.Errorf("sequence %d is there twice or too many", r.Sequence)
		}
		seen[r.Sequence] = true
	}
	if len(seen) != n {
		t.Errorf("got %d records, want %d", len(seen), n)
	}
}

func TestReadsAndShippingSurviveFaults(t *testing.T) {
	server := startServer(t)
	s := server.open(t, 10*time.Second)
	putOrganization(t, s, "acme")
	next := int64(1)
	for name, c := range map[string]struct {
		times int
		how   bson.M
	}{
		"the connection breaks":               {1, bson.M{"closeConnection": true}},
		"the primary steps down, three times": {3, bson.M{"errorCode": 10107, "errorLabels": bson.A{"RetryableWriteError"}}},
	} {
		for command, do := range map[string]func(t *testing.T) error{
			"find": func(t *testing.T) error {
				_, err := s.Facts(t.Context(), datastore.Key{Organization: "acme"})
				return err
			},
			"insert": func(t *testing.T) error {
				batch, err := batch.Pack([]record.Record{*numbered(newRecord("r", time.Now()), next)})
				if err != nil {
					return err
				}
				if last, err := s.Ship(t.Context(), batch); err != nil || last != next {
					t.Errorf("shipped up to %d, %v, want %d", last, err, next)
				}
				next++
				return nil
			},
		} {
			t.Run(name+" at "+command, func(t *testing.T) {
				server.failCommands(t, c.times, c.how, command)
				if err := do(t); err != nil {
					t.Error(err)
				}
			})
		}
	}
	checkLog(t, s, "r", int(next-1))
}

// TestAFaultThatLastsIsUnavailable: what cannot be mended within the timeout is told as such.
func TestAFaultThatLastsIsUnavailable(t *testing.T) {
	server := startServer(t)
	s := server.open(t, 500*time.Millisecond)
	faults := map[string]struct {
		how      bson.M
		commands []string
	}{
		"not primary":            {bson.M{"errorCode": 10107, "errorLabels": bson.A{"TransientTransactionError", "RetryableWriteError"}}, []string{"find", "update"}},
		"conflicts without end":  {bson.M{"errorCode": 112, "errorLabels": bson.A{"TransientTransactionError"}}, []string{"findAndModify"}},
		"commits of no outcome":  {bson.M{"errorCode": 91, "errorLabels": bson.A{"UnknownTransactionCommitResult"}}, []string{"commitTransaction"}},
		"connections that break": {bson.M{"closeConnection": true}, []string{"find", "findAndModify"}},
	}
	for name := range faults {
		putOrganization(t, s, "o "+name)
	}
	for name, c := range faults {
		organization, replica := "o "+name, "r "+name
		t.Run(name, func(t *testing.T) {
			server.failCommands(t, 1_000_000, c.how, c.commands...)
			start := time.Now()
			if err := mutate(t.Context(), s, organization, replica); !errors.Is(err, datastore.ErrUnavailable) {
				t.Errorf("got error %v, want it to wrap ErrUnavailable", err)
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("took %v with a timeout of 500 ms", took)
			}
		})
		if name == "commits of no outcome" {
			continue // the server keeps such a transaction open for a minute
		}
		soon, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := mutate(soon, s, organization, replica); err != nil {
			t.Errorf("after %s: %v", name, err)
		}
		checkLog(t, s, replica, 1)
	}
}

// TestALogThatIsReadSlowlyIsReadToItsEnd: the server gives up the point in time of a cursor that lives
// for minutes.
func TestALogThatIsReadSlowlyIsReadToItsEnd(t *testing.T) {
	server := startServer(t)
	s := server.open(t, 10*time.Second)
	const count = 100
	for i := range count {
		batch, err := batch.Pack([]record.Record{*numbered(newRecord("r", time.Now()), int64(i+1))})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Ship(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	for name, oldestFirst := range map[string]bool{"newest first": false, "oldest first": true} {
		t.Run(name, func(t *testing.T) {
			server.failCommands(t, 2, bson.M{"errorCode": 239}, "getMore")
			var got []int64
			for _, r := range exhaust(t, batch.Search(t.Context(), s, record.Filter{OldestFirst: oldestFirst})) {
				got = append(got, r.Sequence)
			}
			for i, sequence := range got {
				want := int64(i + 1)
				if !oldestFirst {
					want = int64(count - i)
				}
				if sequence != want {
					t.Fatalf("record %d has sequence %d, want %d", i, sequence, want)
				}
			}
			if len(got) != count {
				t.Errorf("got %d records, want %d", len(got), count)
			}
		})
	}
}
