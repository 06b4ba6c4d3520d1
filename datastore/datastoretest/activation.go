package datastoretest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"cordon/datastore"
)

func activations() []test {
	return []test{
		{"facts hold the activation of the set that the key names", activationInFacts},
		{"facts and activation are of one point in time", activationNotTorn},
		{"of 16 that activate the next version one wins, each time", activationRaces},
		{"each put of an activation is given, among the changes of organizations", activationWatched},
		{"none of an aborted activation is given", activationAborted},
	}
}

func activation(number int64) datastore.Activation {
	return datastore.Activation{Set: "cordon", Number: number, Digest: fmt.Sprintf("sha256:%d", number), At: at(int(number)), By: "olga"}
}

func activationInFacts(t *testing.T, s datastore.Store) {
	put(t, s, company("acme")...)
	put(t, s, organization("gone"))
	remove(t, s, organization("gone"))
	keys := []datastore.Key{
		{Organization: "acme"}, {Product: "acme-site"}, {Organization: "acme", User: "lena", Product: "acme-site", Target: "adam"},
		{}, {Organization: "beta"}, {Organization: "gone"}, {Product: "nothing"}, {User: "lena", Target: "lena"},
	}
	look := func(when string, set string, want datastore.Activation) {
		t.Helper()
		inAndOut(t, s, func(r datastore.Reader) {
			for _, key := range keys {
				without, err := r.Facts(t.Context(), key)
				same(t, "the activation of no set", without.Activation, datastore.Activation{})
				key.Set = set
				got, again := r.Facts(t.Context(), key)
				if errors.Is(err, datastore.ErrNotFound) != errors.Is(again, datastore.ErrNotFound) {
					t.Errorf("facts of %+v end with %v, and without the set with %v", key, again, err)
				}
				without.Activation = want
				same(t, fmt.Sprintf("%s, facts of %+v", when, key), byID(got), byID(without))
			}
		})
	}
	look("before", "cordon", datastore.Activation{})
	put(t, s, activation(1), datastore.Activation{Set: "other", Number: 9, Digest: "sha256:o"})
	look("after", "cordon", activation(1))
	look("of another", "other", datastore.Activation{Set: "other", Number: 9, Digest: "sha256:o"})
	look("of none", "CORDON", datastore.Activation{})
}

// activationNotTorn activates version n in the transaction that makes revision n of an organization.
func activationNotTorn(t *testing.T, s datastore.Store) {
	put(t, s, organization("acme"), activation(1))
	const readers, rounds = 3, 40
	for _, err := range race(1+readers, func(i int) error {
		for round := range rounds {
			if i == 0 {
				if err := s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
					revision, err := tx.Bump(ctx, "acme")
					if err != nil {
						return err
					}
					return tx.Put(ctx, activation(revision))
				}); err != nil {
					return err
				}
				continue
			}
			var f datastore.Facts
			read := func(r datastore.Reader) (err error) {
				f, err = r.Facts(t.Context(), datastore.Key{Organization: "acme", Set: "cordon"})
				return err
			}
			err := read(s)
			if round%4 == 0 {
				err = s.Update(t.Context(), func(_ context.Context, tx datastore.Tx) error { return read(tx) })
			}
			if err != nil {
				return err
			}
			if f.Activation.Number != f.Organization.Revision {
				return fmt.Errorf("the facts are torn: revision %d and activation %d", f.Organization.Revision, f.Activation.Number)
			}
		}
		return nil
	}) {
		must(t, err)
	}
}

func activationRaces(t *testing.T, s datastore.Store) {
	const racers, rounds = 16, 4
	for number := range int64(rounds) {
		winner := oneWinner(t, race(racers, func(i int) error {
			return s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
				now, err := datastore.Get(ctx, tx, datastore.Activation{Set: "cordon"})
				if err != nil && !errors.Is(err, datastore.ErrNotFound) {
					return err
				}
				if now.Number != number {
					return errLost
				}
				next := activation(number + 1)
				next.By = numbered("user", i)
				return tx.Put(ctx, next)
			})
		}))
		got, err := datastore.Get(t.Context(), s, datastore.Activation{Set: "cordon"})
		must(t, err)
		same(t, "number", got.Number, number+1)
		same(t, "who activated it", got.By, numbered("user", winner))
	}
}

func activationWatched(t *testing.T, s datastore.Store) {
	of := func(number int64) datastore.Change { return datastore.Change{Set: "cordon", Revision: number} }
	put(t, s, organization("acme"))
	w, beat := watch(t, s)
	put(t, s, activation(1))
	bump(t, s, "acme")
	shadowed := activation(1)
	shadowed.Shadow, shadowed.Sample = "sha256:s", 0.5
	put(t, s, shadowed) // of the same number, and a change all the same
	put(t, s, shadowed, member("acme", "nina", datastore.Client))
	put(t, s, activation(2))
	bump(t, s, "acme")
	remove(t, s, activation(2))
	remove(t, s, activation(2)) // is not there any more
	put(t, s, datastore.Activation{Set: "other", Number: 1})
	want := []datastore.Change{of(1), changeOf("acme", 2), of(1), of(1), of(2), changeOf("acme", 3), of(0), {Set: "other", Revision: 1}}
	given := w.expect(t, want...)
	w.stop()
	resume(t, s, beat.Position).expect(t, want...)
	resume(t, s, given[1].Position).expect(t, want[2:]...)
	resume(t, s, given[3].Position).expect(t, want[4:]...) // from behind an activation
}

func activationAborted(t *testing.T, s datastore.Store) {
	put(t, s, activation(1))
	w, _ := watch(t, s)
	aborted := errors.New("aborted")
	wantError(t, "update", s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
		must(t, tx.Put(ctx, activation(2)))
		return aborted
	}), aborted)
	got, err := datastore.Get(t.Context(), s, datastore.Activation{Set: "cordon"})
	must(t, err)
	same(t, "the activation", got, activation(1))
	put(t, s, activation(3))
	w.expect(t, datastore.Change{Set: "cordon", Revision: 3})
}
