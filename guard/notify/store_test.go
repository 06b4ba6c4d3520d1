package notify_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/guard"
	"cordon/guard/notify"

	"github.com/emersion/go-smtp"
)

// flaky is a store whose transactions, or claims, fail while it is told so.
type flaky struct {
	datastore.Store
	updates, claims atomic.Int64 // that are still to fail
}

var errFlaky = fmt.Errorf("%w: for a moment", datastore.ErrUnavailable)

func (f *flaky) Update(ctx context.Context, fn func(context.Context, datastore.Tx) error) error {
	if f.updates.Load() > 0 && f.updates.Add(-1) >= 0 {
		return errFlaky
	}
	return f.Store.Update(ctx, fn)
}

func (f *flaky) Claim(ctx context.Context, claim datastore.Claim) ([]datastore.Message, error) {
	if f.claims.Load() > 0 && f.claims.Add(-1) >= 0 {
		return nil, errFlaky
	}
	return f.Store.Claim(ctx, claim)
}

func TestAMailIsNotSentTwiceWhenTheStoreStumbles(t *testing.T) {
	store := &flaky{Store: openStore(t)}
	box := openMailbox(t, mailboxOptions{}, func(b *mailbox) {
		b.onTook = func(*smtp.Conn) { store.updates.Store(3) }
	})
	acme(t, store)
	queue(t, store, time.Now(), guard.Event{ID: eventID(1), Type: guard.EventUserSecure, User: "carl"})
	r := start(t, notify.Config{Store: store, Mail: box.config()})
	r.await("mail delivered", 1)
	if n := len(box.all()); n != 1 {
		t.Errorf("%d mails, want 1", n)
	}
}

func TestARelayWaitsForItsStore(t *testing.T) {
	log := &lines{}
	store, box := &flaky{Store: openStore(t)}, openMailbox(t, mailboxOptions{}, nil)
	store.claims.Store(60)
	acme(t, store)
	queue(t, store, time.Now(), guard.Event{ID: eventID(1), Type: guard.EventUserSecure, User: "carl"})
	r := start(t, notify.Config{Store: store, Mail: box.config(), Log: slog.New(slog.NewTextHandler(log, nil))})
	r.await("mail delivered", 1)
	r.await("event delivered", 1)
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	// Events, mails and webhooks are claimed for themselves.
	if got := log.count("messages cannot be claimed"); got != 3 {
		t.Errorf("it is said %d times that the store is away, want once a kind", got)
	}
	if got := log.count("messages can be claimed again"); got > 3 {
		t.Errorf("it is said %d times that the store is back, want once a kind", got)
	}
}

func TestARelayEndsWithItsStore(t *testing.T) {
	store := openStore(t)
	r, err := notify.New(notify.Config{Store: store, Poll: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if err := r.Run(t.Context()); !errors.Is(err, datastore.ErrClosed) {
		t.Errorf("got %v, want ErrClosed", err)
	}
}
