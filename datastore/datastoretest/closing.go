package datastoretest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"testing"
	"time"

	"cordon/datastore"
)

func closing() []test {
	return []test{
		{"it is ready", closingReady},
		{"after close everything but close gives ErrClosed", closingClosed},
		{"close ends the watches with ErrClosed", closingWatches},
		{"close lets a transaction end, or ends it", closingUnderWay},
		{"a context that is done is told as such", closingContext},
	}
}

// calls are all calls of a store, each giving its error.
func calls(s datastore.Store) map[string]func(ctx context.Context) error {
	list := map[string]func(ctx context.Context) error{
		"Facts": func(ctx context.Context) error {
			_, err := s.Facts(ctx, datastore.Key{Organization: "acme"})
			return err
		},
		"Ended": func(ctx context.Context) error {
			_, err := s.Ended(ctx, datastore.Message{}, datastore.Ending{Before: at(0), Limit: 1})
			return err
		},
		"Due": func(ctx context.Context) error { _, err := s.Due(ctx, at(0), 1); return err },
		"Update": func(ctx context.Context) error {
			return s.Update(ctx, func(context.Context, datastore.Tx) error { return errors.New("fn was run") })
		},
		"View": func(ctx context.Context) error {
			return s.View(ctx, func(ctx context.Context, r datastore.Reader) error {
				if _, err := r.Facts(ctx, datastore.Key{Organization: "acme"}); !errors.Is(err, datastore.ErrNotFound) {
					return err
				}
				return nil
			})
		},
		"Ship":    func(ctx context.Context) error { _, err := s.Ship(ctx, datastore.Batch{Replica: "r"}); return err },
		"Claim":   func(ctx context.Context) error { _, err := s.Claim(ctx, mails(at(0), 1)); return err },
		"Ready":   s.Ready,
		"Outbox":  func(ctx context.Context) error { _, err := s.Outbox(ctx); return err },
		"Sizes":   func(ctx context.Context) error { _, err := s.Sizes(ctx); return err },
		"Hot":     func(ctx context.Context) error { return firstError(s.Hot(ctx, datastore.HotRange{})) },
		"Streams": func(ctx context.Context) error { _, err := s.Streams(ctx); return err },
		"Forget":  func(ctx context.Context) error { return s.Forget(ctx, datastore.Forgotten{}) },
	}
	for _, noun := range everyNoun() {
		list[fmt.Sprintf("get a %T", noun)] = func(ctx context.Context) error { _, err := s.Get(ctx, noun); return err }
	}
	for _, l := range listings() {
		list["list of "+l.name] = func(ctx context.Context) error { return firstError(l.list(ctx, s, datastore.Page{})) }
	}
	maps.Copy(list, fileCalls(s))
	return list
}

func firstError[T any](list iter.Seq2[T, error]) error {
	for _, err := range list {
		if err != nil {
			return err
		}
	}
	return nil
}

func closingReady(t *testing.T, s datastore.Store) {
	must(t, s.Ready(t.Context()))
	put(t, s, company("acme")...)
	must(t, s.Ready(t.Context()))
}

func closingClosed(t *testing.T, s datastore.Store) {
	put(t, s, everyNoun()...)
	ship(t, s, batchOf(t, decisions("r", 1, 1)), 1)
	writeFile(t, s, "f", []byte("x"))
	for name, call := range calls(s) {
		if name != "Update" {
			if err := call(t.Context()); err != nil {
				t.Errorf("%s before close: %v", name, err)
			}
		}
	}
	must(t, s.Close())
	for name, call := range calls(s) {
		wantError(t, name, call(t.Context()), datastore.ErrClosed)
	}
	wantError(t, "Watch", firstError(s.Watch(t.Context(), "")), datastore.ErrClosed)
	must(t, s.Close())
}

func closingWatches(t *testing.T, s datastore.Store) {
	w, _ := watch(t, s)
	must(t, s.Close())
	select {
	case err := <-w.ended:
		wantError(t, "watch", err, datastore.ErrClosed)
	case <-time.After(patience):
		t.Errorf("the watch goes on although the store is closed")
	}
}

// closingUnderWay closes the store while transactions are under way: each is committed or fails, and
// nothing hangs.
func closingUnderWay(t *testing.T, s datastore.Store) {
	put(t, s, organization("acme"))
	errs := race(9, func(i int) error {
		if i == 0 {
			return s.Close()
		}
		for range 20 {
			err := s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
				_, err := tx.Bump(ctx, "acme")
				return err
			})
			if errors.Is(err, datastore.ErrClosed) {
				return nil
			}
			if err != nil {
				return fmt.Errorf("update: %w", err)
			}
		}
		return nil
	})
	must(t, errors.Join(errs...))
}

func closingContext(t *testing.T, s datastore.Store) {
	put(t, s, everyNoun()...)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, call := range calls(s) {
		wantError(t, name, call(ctx), context.Canceled)
	}
	ctx, cancel = context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	for name, call := range calls(s) {
		wantError(t, name, call(ctx), context.DeadlineExceeded)
	}
	for err := range errorsOf(s.Watch(ctx, "")) {
		wantError(t, "Watch", err, context.DeadlineExceeded)
	}
	must(t, s.Ready(t.Context()))
}

func errorsOf[T any](list iter.Seq2[T, error]) iter.Seq[error] {
	return func(yield func(error) bool) {
		for _, err := range list {
			if err != nil && !yield(err) {
				return
			}
		}
	}
}
