package mongo_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/ledger/batch"
)

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
		"append": batch.Append(t.Context(), kept, newRecord("r", time.Now())),
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
		if _, err := datastore.Get(t.Context(), s, datastore.APIKey{ID: "k"}); !errors.Is(err, datastore.ErrNotFound) {
			t.Errorf("outside of the transaction: got error %v, want ErrNotFound", err)
		}
		return failed
	})
	if !errors.Is(err, failed) {
		t.Errorf("got error %v, want that of fn", err)
	}
	if _, err := datastore.Get(t.Context(), s, datastore.APIKey{ID: "k"}); !errors.Is(err, datastore.ErrNotFound) {
		t.Errorf("after the roll-back: got error %v, want ErrNotFound", err)
	}
}
