package mongo_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/datastore/mongo"
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

// TestTransactionsThatWriteSeveralLogsDoNotWaitForEver: they take the logs' turns in different order.
func TestTransactionsThatWriteSeveralLogsDoNotWaitForEver(t *testing.T) {
	s := open(t)
	const each = 20
	var change sync.WaitGroup
	for _, order := range [][]string{{"r1", "r2", "r3"}, {"r3", "r2", "r1"}, {"r2", "r3", "r1"}} {
		change.Go(func() {
			for range each {
				err := s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
					for _, replica := range order {
						if err := tx.Append(ctx, record(replica, time.Now())); err != nil {
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
					if err := tx.Append(ctx, record("r", time.Now())); err != nil {
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

// TestATransactionIsOfNoUseAfterItsEnd: one that is kept must not write outside of any.
func TestATransactionIsOfNoUseAfterItsEnd(t *testing.T) {
	s := open(t)
	putOrganization(t, s, "acme")
	var kept datastore.Tx
	if err := s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
		kept = tx
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	_, bump := kept.Bump(t.Context(), "acme")
	_, facts := kept.Facts(t.Context(), datastore.Key{Organization: "acme"})
	for name, err := range map[string]error{
		"put":    kept.Put(t.Context(), datastore.APIKey{ID: "k"}),
		"delete": kept.Delete(t.Context(), datastore.Organization{ID: "acme"}),
		"append": kept.Append(t.Context(), record("r", time.Now())),
		"bump":   bump,
		"facts":  facts,
	} {
		if err == nil {
			t.Errorf("%s gave no error", name)
		}
	}
	if err := mutate(t.Context(), s, "acme", "r"); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// TestTheCallersContextDoesNotEscapeTheTransaction: it has no session in it.
func TestTheCallersContextDoesNotEscapeTheTransaction(t *testing.T) {
	s := open(t)
	failed := errors.New("failed")
	err := s.Update(t.Context(), func(context.Context, datastore.Tx) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	err = s.Update(t.Context(), func(_ context.Context, tx datastore.Tx) error {
		if err := tx.Put(t.Context(), datastore.APIKey{ID: "k"}); err != nil {
			t.Error(err)
		}
		if _, err := s.APIKey(t.Context(), "k"); !errors.Is(err, datastore.ErrNotFound) {
			t.Errorf("outside of the transaction: got error %v, want ErrNotFound", err)
		}
		return failed
	})
	if !errors.Is(err, failed) {
		t.Errorf("got error %v, want that of fn", err)
	}
	if _, err := s.APIKey(t.Context(), "k"); !errors.Is(err, datastore.ErrNotFound) {
		t.Errorf("after the roll-back: got error %v, want ErrNotFound", err)
	}
}
