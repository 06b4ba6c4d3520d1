package datastoretest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"cordon/datastore"
)

func ended() []test {
	return []test{
		{"what came to its end is named, the longest ended first", endedNamed},
		{"what has not come to its end is not named", endedNot},
		{"what ended is of an organization, or of all but some", endedOrganizations},
		{"what ended is deleted in a transaction that reads a note, or not at all", endedInTransaction},
	}
}

// endingNouns makes one of each kind of noun that ends, at a second.
func endingNouns(organization, id string, second int) []datastore.Noun {
	done := message(id, 0)
	done.Organization, done.State, done.CreatedAt = organization, datastore.MessageDone, at(0)
	done.Log = []datastore.Attempt{{At: at(1), Result: "refused"}, {At: at(second), Result: "delivered"}}
	return []datastore.Noun{
		done,
		datastore.Procedure{Organization: organization, User: "lena", ID: id, At: at(0),
			Steps: []datastore.Step{{Name: "a", DoneAt: at(second)}, {Name: "b", DoneAt: at(1)}}},
		datastore.FirstAnswer{Key: id, At: at(second)},
		datastore.Support{Organization: organization, Codes: []datastore.SupportCode{{User: "lena", ExpiresAt: at(second)}},
			WrongTries: []time.Time{at(0).Add(-datastore.TriesCount)}},
	}
}

// endingKinds are the kinds of nouns that end, in the order of endingNouns.
func endingKinds() []datastore.Noun {
	return []datastore.Noun{datastore.Message{}, datastore.Procedure{}, datastore.FirstAnswer{}, datastore.Support{}}
}

// endedIdentity is what Ended says of a noun.
func endedIdentity(noun datastore.Noun) datastore.Noun {
	switch n := noun.(type) {
	case datastore.Message:
		return datastore.Message{Organization: n.Organization, ID: n.ID}
	case datastore.Procedure:
		return datastore.Procedure{Organization: n.Organization, User: n.User, ID: n.ID}
	case datastore.FirstAnswer:
		return datastore.FirstAnswer{Key: n.Key}
	case datastore.Support:
		return datastore.Support{Organization: n.Organization}
	}
	return noun
}

func endedNamed(t *testing.T, s datastore.Store) {
	seconds := []int{30, 10, 20, 50, 40}
	order := []int{1, 2, 0, 4, 3} // of their ends
	for i, second := range seconds {
		put(t, s, endingNouns(numbered("org", i), numbered("x", i), second)...)
	}
	inAndOut(t, s, func(r datastore.Reader) {
		for k, kind := range endingKinds() {
			var all []datastore.Noun
			for _, i := range order {
				all = append(all, endedIdentity(endingNouns(numbered("org", i), numbered("x", i), 0)[k]))
			}
			for what, c := range map[string]struct {
				span datastore.Ending
				want []datastore.Noun
			}{
				"all":              {datastore.Ending{Before: at(60), Limit: 10}, all},
				"the longest":      {datastore.Ending{Before: at(60), Limit: 2}, all[:2]},
				"before, excluded": {datastore.Ending{Before: at(30), Limit: 10}, all[:2]},
				"from, included":   {datastore.Ending{From: at(20), Before: at(41), Limit: 10}, all[1:4]},
				"from and so many": {datastore.Ending{From: at(20), Before: at(41), Limit: 1}, all[1:2]},
				"none":             {datastore.Ending{From: at(51), Before: at(60), Limit: 10}, nil},
				"a part of second": {datastore.Ending{From: at(10).Add(1), Before: at(20).Add(1), Limit: 10}, all[1:2]},
			} {
				got, err := r.Ended(t.Context(), kind, c.span)
				must(t, err)
				same(t, fmt.Sprintf("%T: %s", kind, what), got, c.want)
			}
		}
	})
	for _, kind := range []datastore.Noun{datastore.Organization{}, datastore.APIKey{}, datastore.Note{}, datastore.Webhook{}, datastore.Activation{}} {
		if _, err := s.Ended(t.Context(), kind, datastore.Ending{Before: at(60), Limit: 1}); err == nil {
			t.Errorf("%T: got no error", kind)
		}
	}
}

func endedNot(t *testing.T, s datastore.Store) {
	nothing := func(when string) {
		t.Helper()
		for _, kind := range endingKinds() {
			got, err := s.Ended(t.Context(), kind, datastore.Ending{Before: at(1_000_000), Limit: 10})
			must(t, err)
			same(t, fmt.Sprintf("%T %s", kind, when), got, nil)
		}
	}
	waiting, leased, claimed := message("waiting", 0), message("leased", 0), message("again", 0)
	leased.State = datastore.MessageLeased
	claimed.State, claimed.Log = datastore.MessageDone, []datastore.Attempt{{At: at(9)}}
	open := datastore.Procedure{Organization: "acme", User: "lena", ID: "p", Steps: []datastore.Step{{Name: "a", DoneAt: at(1)}, {Name: "b"}}}
	nobody := datastore.Support{Organization: "acme"}
	put(t, s, waiting, leased, claimed, open, nobody)
	claimed.State, claimed.NextAt = datastore.MessagePending, at(10) // one that was given up is tried again
	put(t, s, claimed)
	nothing("that goes on")

	put(t, s, endingNouns("acme", "x", 5)...)
	remove(t, s, endingNouns("acme", "x", 5)...)
	nothing("that is gone")
}

func endedOrganizations(t *testing.T, s datastore.Store) {
	for i := range 4 {
		put(t, s, endingNouns(numbered("org", i), numbered("x", i), i)...)
	}
	for k, kind := range endingKinds() {
		of := func(i int) datastore.Noun {
			return endedIdentity(endingNouns(numbered("org", i), numbered("x", i), 0)[k])
		}
		one, others := []datastore.Noun{of(2)}, []datastore.Noun{of(0), of(3)}
		if _, is := kind.(datastore.FirstAnswer); is { // they are of none
			one, others = nil, []datastore.Noun{of(0), of(1), of(2), of(3)}
		}
		for what, c := range map[string]struct {
			span datastore.Ending
			want []datastore.Noun
		}{
			"of one":       {datastore.Ending{Organization: "org-0002"}, one},
			"but some":     {datastore.Ending{Except: []string{"org-0001", "org-0002", "nobody"}}, others},
			"one but that": {datastore.Ending{Organization: "org-0002", Except: []string{"org-0002"}}, nil},
		} {
			c.span.Before, c.span.Limit = at(60), 10
			got, err := s.Ended(t.Context(), kind, c.span)
			must(t, err)
			same(t, fmt.Sprintf("%T: %s", kind, what), got, c.want)
		}
	}
}

// endedInTransaction races a transaction that deletes what ended with one that forbids it by a note. Both orders
// may come about; that something is deleted after it was forbidden may not.
func endedInTransaction(t *testing.T, s datastore.Store) {
	for round := range 8 {
		name := numbered("hold", round)
		put(t, s, endingNouns("acme", numbered("x", round), 5)...)
		put(t, s, datastore.Note{Name: name, Body: []byte("free")})
		deleted := 0
		errs := race(2, func(i int) error {
			return s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
				note, err := datastore.Get(ctx, tx, datastore.Note{Name: name})
				if err != nil {
					return err
				}
				if i == 0 {
					return tx.Put(ctx, datastore.Note{Name: name, Body: []byte("held")})
				}
				if deleted = 0; string(note.Body) == "held" {
					return errLost
				}
				for _, kind := range endingKinds() {
					found, err := tx.Ended(ctx, kind, datastore.Ending{Before: at(60), Limit: 200})
					if err != nil {
						return err
					}
					deleted += len(found)
					if err := tx.Delete(ctx, found...); err != nil {
						return err
					}
				}
				return tx.Put(ctx, note)
			})
		})
		must(t, errs[0])
		if errs[1] != nil && !errors.Is(errs[1], errLost) {
			t.Fatal(errs[1])
		}
		left := 0
		for _, kind := range endingKinds() {
			found, err := s.Ended(t.Context(), kind, datastore.Ending{Before: at(60), Limit: 200})
			must(t, err)
			left += len(found)
		}
		if want := 4 - deleted; left != want {
			t.Errorf("%d are left of 4 after %d were deleted", left, deleted)
		}
		note, err := datastore.Get(t.Context(), s, datastore.Note{Name: name})
		must(t, err)
		same(t, "the note", string(note.Body), "held") // whoever put it last did so knowing of the other
		remove(t, s, endingNouns("acme", numbered("x", round), 5)...)
	}
}
