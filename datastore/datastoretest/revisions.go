package datastoretest

import (
	"context"
	"errors"
	"slices"
	"testing"

	"cordon/datastore"
	"cordon/ledger/batch"
	"cordon/ledger/record"
)

func revisions() []test {
	return []test{
		{"bump adds one and gives the new one", revisionsBump},
		{"bump without the organization is ErrNotFound", revisionsNotFound},
		{"an organization is put with the revision it carries", revisionsPut},
		{"the revision of a deleted organization is kept and told", revisionsKept},
		{"bumps of one organization are serialized", revisionsSerialized},
		{"two administrators cannot demote each other", revisionsWriteSkew},
		{"an organization that is made by many is made once", revisionsCreation},
	}
}

func revisionsBump(t *testing.T, s datastore.Store) {
	put(t, s, organization("acme"), organization("beta"))
	must(t, s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
		for want := int64(2); want < 5; want++ {
			got, err := tx.Bump(ctx, "acme")
			must(t, err)
			same(t, "revision", got, want)
		}
		return nil
	}))
	want := organization("acme")
	want.Revision = 4
	same(t, "organizations", all(t, datastore.List(t.Context(), s, datastore.Organization{}, datastore.Page{})), []datastore.Organization{want, organization("beta")})
}

func revisionsNotFound(t *testing.T, s datastore.Store) {
	put(t, s, organization("acme"))
	must(t, s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
		_, err := tx.Bump(ctx, "beta")
		wantError(t, "bump", err, datastore.ErrNotFound)
		must(t, tx.Delete(ctx, organization("acme")))
		_, err = tx.Bump(ctx, "acme")
		wantError(t, "bump", err, datastore.ErrNotFound)
		return nil
	}))
}

func revisionsPut(t *testing.T, s datastore.Store) {
	for _, revision := range []int64{1, 3, 5} {
		o := organization("acme")
		o.Revision = revision
		put(t, s, o)
		same(t, "organization", known(t, s, datastore.Key{Organization: "acme"}).Organization, o)
	}
}

func revisionsKept(t *testing.T, s datastore.Store) {
	key := datastore.Key{Organization: "acme", User: "lena", Target: "adam"}
	gone := func(r datastore.Reader, revision int64) {
		t.Helper()
		got, err := r.Facts(t.Context(), key)
		wantError(t, "facts", err, datastore.ErrNotFound)
		want := datastore.Facts{}
		if revision > 0 {
			want.Organization = datastore.Organization{ID: "acme", Revision: revision}
		}
		same(t, "facts of what is gone", got, want)
	}
	gone(s, 0)
	put(t, s, company("acme")...)
	bump(t, s, "acme")
	remove(t, s, organization("acme"))
	gone(s, 3)
	remove(t, s, organization("acme")) // is no change
	gone(s, 3)
	same(t, "organizations", all(t, datastore.List(t.Context(), s, datastore.Organization{}, datastore.Page{})), []datastore.Organization{})

	again := organization("acme")
	again.Revision = 4
	put(t, s, again)
	same(t, "organization", known(t, s, key).Organization, again)
	rolledBack := errors.New("rolled back")
	wantError(t, "update", s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
		must(t, tx.Delete(ctx, again))
		gone(tx, 5)
		third := again
		third.Revision = 6
		must(t, tx.Put(ctx, third))
		same(t, "organization", known(t, tx, key).Organization, third)
		must(t, tx.Delete(ctx, third))
		gone(tx, 7)
		return rolledBack
	}), rolledBack)
	same(t, "organization", known(t, s, key).Organization, again)
	bump(t, s, "acme")
	remove(t, s, again)
	gone(s, 6)
}

func revisionsSerialized(t *testing.T, s datastore.Store) {
	put(t, s, organization("acme"))
	const writers, rounds = 16, 8
	failed := errors.New("rolled back on purpose")
	for _, err := range race(writers, func(i int) error {
		for round := range rounds {
			err := s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
				revision, err := tx.Bump(ctx, "acme")
				if err != nil {
					return err
				}
				if err := batch.Append(ctx, tx, change("r.changes", "acme", revision)); err != nil {
					return err
				}
				if round%4 == 3 {
					return failed
				}
				return nil
			})
			if round%4 == 3 && errors.Is(err, failed) {
				continue
			}
			if err != nil {
				return err
			}
		}
		return nil
	}) {
		must(t, err)
	}
	commits := int64(writers * rounds * 3 / 4)
	same(t, "revision", known(t, s, datastore.Key{Organization: "acme"}).Organization.Revision, 1+commits)
	var sequences, revisions []int64
	for _, r := range all(t, batch.Search(t.Context(), s, record.Filter{})) {
		sequences, revisions = append(sequences, r.Sequence), append(revisions, r.Revision)
	}
	slices.Sort(sequences)
	slices.Sort(revisions)
	same(t, "sequences of the records", sequences, count(1, commits))
	same(t, "revisions of the records", revisions, count(2, commits))
}

// count gives n numbers from first on.
func count(first, n int64) []int64 {
	numbers := make([]int64, n)
	for i := range numbers {
		numbers[i] = first + int64(i)
	}
	return numbers
}

// revisionsWriteSkew has each of two administrators demote the other if one remains: each
// transaction alone keeps one, but two that do not see each other keep none.
func revisionsWriteSkew(t *testing.T, s datastore.Store) {
	put(t, s, organization("acme"))
	locked := errors.New("this would lock the organization out")
	for range 10 {
		put(t, s, member("acme", "adam", datastore.Administrator), member("acme", "anna", datastore.Administrator))
		names := []string{"adam", "anna"}
		errs := race(2, func(i int) error {
			return s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
				f, err := tx.Facts(ctx, datastore.Key{Organization: "acme", User: names[i], Target: names[1-i]})
				if err != nil {
					return err
				}
				if len(f.Admins) < 2 {
					return locked
				}
				if _, err := tx.Bump(ctx, "acme"); err != nil {
					return err
				}
				demoted := *f.Target
				demoted.Role = datastore.Client
				return tx.Put(ctx, demoted)
			})
		})
		if won := slices.Index(errs, nil); won < 0 || !errors.Is(errs[1-won], locked) {
			t.Fatalf("got errors %v, want one to win and the other to be refused", errs)
		}
		same(t, "administrators left", len(known(t, s, datastore.Key{Organization: "acme", Target: "adam"}).Admins), 1)
	}
}

func revisionsCreation(t *testing.T, s datastore.Store) {
	exists := errors.New("the organization exists")
	errs := race(8, func(i int) error {
		return s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
			_, err := tx.Facts(ctx, datastore.Key{Organization: "acme"})
			if err == nil {
				return exists
			}
			if !errors.Is(err, datastore.ErrNotFound) {
				return err
			}
			o := organization("acme")
			o.Name = numbered("racer", i)
			return tx.Put(ctx, o, member("acme", o.Name, datastore.LegalRepresentative))
		})
	})
	winners := 0
	for i, err := range errs {
		if err == nil {
			winners++
			same(t, "name", known(t, s, datastore.Key{Organization: "acme"}).Organization.Name, numbered("racer", i))
		} else {
			wantError(t, "update", err, exists)
		}
	}
	same(t, "winners", winners, 1)
	same(t, "members", len(all(t, datastore.List(t.Context(), s, datastore.Member{Organization: "acme"}, datastore.Page{}))), 1)
}
