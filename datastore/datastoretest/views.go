package datastoretest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"cordon/datastore"
)

func views() []test {
	return []test{
		{"a view is of one point while others commit", viewsOnePoint},
		{"a view sees nothing that is not committed", viewsCommitted},
		{"an error of fn comes back as it is", viewsError},
		{"a panic of fn goes through, and the store goes on", viewsPanic},
		{"a view is not read after its end", viewsOver},
		{"who reads by key does not wait for views that are open", viewsOpen},
		{"many views at a time hold up neither each other nor who writes", viewsMany},
	}
}

func viewsOnePoint(t *testing.T, s datastore.Store) {
	put(t, s, company("acme")...)
	key := datastore.Key{Organization: "acme", User: "carl", Product: "acme-site", Target: "lena"}
	must(t, s.View(t.Context(), func(ctx context.Context, r datastore.Reader) error {
		before := byID(known(t, r, key))
		must(t, meanwhile(t, s, func(ctx context.Context, tx datastore.Tx) error {
			if _, err := tx.Bump(ctx, "acme"); err != nil {
				return err
			}
			return errors.Join(
				tx.Put(ctx, member("acme", "zoe", datastore.Client), member("acme", "carl", datastore.Administrator), organization("beta"), member("beta", "carl", datastore.Client)),
				tx.Delete(ctx, datastore.Product{ID: "acme-site", Organization: "acme"}))
		}))
		same(t, "facts read again", byID(known(t, r, key)), before)
		got, err := datastore.Get(ctx, r, datastore.Member{Organization: "acme", ID: "carl"})
		must(t, err)
		same(t, "a member", got, *before.Member)
		same(t, "members", len(all(t, datastore.List(ctx, r, datastore.Member{Organization: "acme"}, datastore.Page{}))), 4)
		same(t, "memberships", ids(t, datastore.List(ctx, r, datastore.Membership{User: "carl"}, datastore.Page{}), membershipIn), []string{"acme"})
		if !slices.Contains(ids(t, datastore.List(ctx, r, datastore.Product{Organization: "acme"}, datastore.Page{}), productID), "acme-site") {
			t.Error("the product that was deleted meanwhile is not seen any more")
		}
		return nil
	}))
	must(t, s.View(t.Context(), func(ctx context.Context, r datastore.Reader) error {
		same(t, "memberships after", ids(t, datastore.List(ctx, r, datastore.Membership{User: "carl"}, datastore.Page{}), membershipIn), []string{"acme", "beta"})
		return nil
	}))
}

func membershipIn(m datastore.Membership) string { return m.Organization }

func viewsCommitted(t *testing.T, s datastore.Store) {
	must(t, s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
		must(t, writeEverything(ctx, tx))
		return s.View(t.Context(), func(ctx context.Context, r datastore.Reader) error {
			if _, err := r.Facts(ctx, datastore.Key{Organization: "acme"}); !errors.Is(err, datastore.ErrNotFound) {
				t.Errorf("what is not committed is seen: %v", err)
			}
			return nil
		})
	}))
}

func viewsError(t *testing.T, s datastore.Store) {
	mine, runs := errors.New("mine"), 0
	err := s.View(t.Context(), func(context.Context, datastore.Reader) error { runs++; return mine })
	if err != mine || runs != 1 { //nolint:errorlint // as it is
		t.Errorf("got %v after %d runs", err, runs)
	}
}

func viewsPanic(t *testing.T, s datastore.Store) {
	for range 8 { // more often than there are connections
		func() {
			defer func() {
				if got := recover(); got != "a panic of fn" {
					t.Errorf("got panic %v, want that of fn", got)
				}
			}()
			_ = s.View(t.Context(), func(ctx context.Context, r datastore.Reader) error {
				_, _ = r.Facts(ctx, datastore.Key{Organization: "acme"})
				panic("a panic of fn")
			})
		}()
	}
	put(t, s, company("acme")...)
	must(t, s.View(t.Context(), func(_ context.Context, r datastore.Reader) error {
		known(t, r, datastore.Key{Organization: "acme"})
		return nil
	}))
}

func viewsOver(t *testing.T, s datastore.Store) {
	put(t, s, company("acme")...)
	var kept datastore.Reader
	must(t, s.View(t.Context(), func(_ context.Context, r datastore.Reader) error { kept = r; return nil }))
	if _, err := kept.Facts(t.Context(), datastore.Key{Organization: "acme"}); err == nil {
		t.Error("a view is read after its end")
	}
}

func viewsOpen(t *testing.T, s datastore.Store) {
	put(t, s, company("acme")...)
	const open = 8 // more than there may be at a time
	entered, leave := make(chan struct{}, open), make(chan struct{})
	var views sync.WaitGroup
	for range open {
		views.Go(func() {
			must(t, s.View(t.Context(), func(ctx context.Context, r datastore.Reader) error {
				known(t, r, datastore.Key{Organization: "acme"})
				entered <- struct{}{}
				<-leave
				return nil
			}))
		})
	}
	<-entered
	for range 2 * open {
		known(t, s, datastore.Key{Organization: "acme", User: "carl"})
	}
	put(t, s, member("acme", "zoe", datastore.Client))
	close(leave)
	views.Wait()
}

func viewsMany(t *testing.T, s datastore.Store) {
	put(t, s, company("acme")...)
	for _, err := range race(24, func(i int) error {
		if i%4 == 0 {
			return s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error { _, err := tx.Bump(ctx, "acme"); return err })
		}
		return s.View(t.Context(), func(ctx context.Context, r datastore.Reader) error {
			first, err := r.Facts(ctx, datastore.Key{Organization: "acme"})
			if err != nil {
				return err
			}
			second, err := r.Facts(ctx, datastore.Key{Organization: "acme"})
			if err == nil && first.Organization.Revision != second.Organization.Revision {
				err = errors.New("a view is of two revisions")
			}
			return err
		})
	}) {
		must(t, err)
	}
}
