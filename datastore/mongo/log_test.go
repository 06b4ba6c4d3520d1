package mongo_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/datastore/mongo"
	"cordon/ledger/batch"
)

// TestReplicasOfOneNameLeaveNoGap: two processes that take themselves for the same replica, as after a
// restart that was too quick, both find out.
func TestReplicasOfOneNameLeaveNoGap(t *testing.T) {
	config := mongo.Config{URI: serverURI(t), Database: databaseName(), Timeout: 20 * time.Second}
	stores := []*mongo.Store{openConfig(t, config), openConfig(t, config)}
	const each = 10
	var change sync.WaitGroup
	for i, s := range stores {
		organization := []string{"a", "b"}[i]
		putOrganization(t, s, organization)
		change.Go(func() {
			for range each {
				if err := mutate(t.Context(), s, organization, "r"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	change.Wait()
	checkLog(t, stores[0], "r", each*len(stores))
}

// TestTransactionsThatWriteSeveralLogsDoNotWaitForEver: they take the logs' locks in different order.
func TestTransactionsThatWriteSeveralLogsDoNotWaitForEver(t *testing.T) {
	s := open(t)
	const each = 20
	var change sync.WaitGroup
	for _, order := range [][]string{{"r1", "r2", "r3"}, {"r3", "r2", "r1"}, {"r2", "r3", "r1"}} {
		change.Go(func() {
			for range each {
				err := s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
					for _, replica := range order {
						if err := batch.Append(ctx, tx, newRecord(replica, time.Now())); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	change.Wait()
	for _, replica := range []string{"r1", "r2", "r3"} {
		checkLog(t, s, replica, 3*each)
	}
}

// TestTheTurnsAreGivenBack: whatever ends an attempt, the next one is not kept waiting.
func TestTheTurnsAreGivenBack(t *testing.T) {
	s := open(t)
	putOrganization(t, s, "acme")
	failed := errors.New("failed")
	ends := map[string]func(context.CancelFunc) error{
		"an error":  func(context.CancelFunc) error { return failed },
		"a panic":   func(context.CancelFunc) error { panic(failed) },
		"no time":   func(cancel context.CancelFunc) error { cancel(); return nil },
		"a success": func(context.CancelFunc) error { return nil },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			func() {
				defer func() { _ = recover() }()
				_ = s.Update(ctx, func(ctx context.Context, tx datastore.Tx) error {
					if _, err := tx.Bump(ctx, "acme"); err != nil {
						t.Error(err)
					}
					if err := batch.Append(ctx, tx, newRecord("r", time.Now())); err != nil {
						t.Error(err)
					}
					return end(cancel)
				})
			}()
			soon, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			if err := mutate(soon, s, "acme", "r"); err != nil {
				t.Error(err)
			}
		})
	}
	checkLog(t, s, "r", len(ends)+1)
}

// TestCloseLeavesNoTransactionOpen: the server would keep it for a minute, and with it everybody from
// writing what it wrote.
func TestCloseLeavesNoTransactionOpen(t *testing.T) {
	config := mongo.Config{URI: serverURI(t), Database: databaseName()}
	stays := openConfig(t, config)
	putOrganization(t, stays, "acme")
	for name, more := range map[string]func(context.Context, datastore.Tx) error{
		"that does no more": func(context.Context, datastore.Tx) error { return nil },
		"that does more": func(ctx context.Context, tx datastore.Tx) error {
			return tx.Put(ctx, datastore.Member{Organization: "acme", ID: "lena", Role: datastore.Client})
		},
	} {
		t.Run(name, func(t *testing.T) {
			leaves, err := mongo.Open(t.Context(), config)
			if err != nil {
				t.Fatal(err)
			}
			bumped, goOn, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
			var first sync.Once
			go func() {
				ended <- leaves.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
					_, err := tx.Bump(ctx, "acme")
					first.Do(func() { close(bumped) })
					<-goOn
					return errors.Join(err, more(ctx, tx))
				})
			}()
			<-bumped
			var closing sync.WaitGroup
			closing.Go(func() {
				if err := leaves.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			})
			for !errors.Is(leaves.Ready(t.Context()), datastore.ErrClosed) { // until Close has begun
			}
			close(goOn)
			if err := <-ended; err != nil && !errors.Is(err, datastore.ErrClosed) {
				t.Errorf("got error %v, want none or ErrClosed", err)
			}
			closing.Wait()
			soon, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			if err := mutate(soon, stays, "acme", "r"); err != nil {
				t.Errorf("another store: %v", err)
			}
		})
	}
}
