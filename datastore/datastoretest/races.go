package datastoretest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"cordon/datastore"
)

func races() []test {
	return []test{
		{"of 8 that block one product one wins", racesBlock},
		{"of 100 that redeem a support code one wins", racesSupportCode},
		{"wrong tries are all counted", racesWrongTries},
		{"of many with one idempotency key one is first", racesFirstAnswer},
		{"of many that keep a first answer the first is kept", racesKeptAnswer},
		{"of 16 that want the next epoch of a note one wins, each time", racesNote},
		{"of a noun that is read and put no update is lost", racesLostUpdate},
		{"a product id is given to one organization", racesTaken},
		{"other organizations do not wait for one another's revisions", racesApart},
	}
}

var errLost = errors.New("another was first")

// oneWinner looks that all but one lost.
func oneWinner(t *testing.T, errs []error) (winner int) {
	t.Helper()
	winner = slices.Index(errs, nil)
	for i, err := range errs {
		if i != winner && !errors.Is(err, errLost) {
			t.Fatalf("got errors %v, want one to win and the others to lose", errs)
		}
	}
	if winner < 0 {
		t.Fatalf("nobody won: %v", errs)
	}
	return winner
}

func racesBlock(t *testing.T, s datastore.Store) {
	put(t, s, company("acme")...)
	for round := range 10 {
		put(t, s, product("acme", "acme-site", "web_hosting"))
		winner := oneWinner(t, race(8, func(i int) error {
			return s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
				f, err := tx.Facts(ctx, datastore.Key{User: "adam", Product: "acme-site"})
				if err != nil {
					return err
				}
				if len(f.Product.Blocks) > 0 {
					return errLost
				}
				if _, err := tx.Bump(ctx, f.Organization.ID); err != nil {
					return err
				}
				f.Product.Blocks = []datastore.Block{block(strconv.Itoa(i), datastore.OriginAdministrator)}
				return tx.Put(ctx, *f.Product)
			})
		}))
		f := known(t, s, datastore.Key{Product: "acme-site"})
		same(t, "block", f.Product.Blocks, []datastore.Block{block(strconv.Itoa(winner), datastore.OriginAdministrator)})
		same(t, "revision", f.Organization.Revision, int64(2+round))
	}
}

// racesSupportCode bumps nothing: the noun alone, read and put, must be enough.
func racesSupportCode(t *testing.T, s datastore.Store) {
	put(t, s, organization("acme"))
	code := []byte("the hash of a code")
	put(t, s, datastore.Support{Organization: "acme", Codes: []datastore.SupportCode{{User: "lena", Hash: code, ExpiresAt: at(10)}}})
	winner := oneWinner(t, race(100, func(i int) error {
		return s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
			support, err := datastore.Get(ctx, tx, datastore.Support{Organization: "acme"})
			if err != nil {
				return err
			}
			at := slices.IndexFunc(support.Codes, func(c datastore.SupportCode) bool { return bytes.Equal(c.Hash, code) })
			if at < 0 {
				return errLost
			}
			support.Codes = slices.Delete(support.Codes, at, at+1)
			redeemed := message("redeemed-by-"+strconv.Itoa(i), 0)
			return tx.Put(ctx, support, redeemed)
		})
	}))
	support, err := datastore.Get(t.Context(), s, datastore.Support{Organization: "acme"})
	must(t, err)
	same(t, "codes", support.Codes, []datastore.SupportCode{})
	same(t, "effects", ids(t, datastore.List(t.Context(), s, datastore.Message{}, datastore.Page{}), messageID), []string{"redeemed-by-" + strconv.Itoa(winner)})
}

func racesWrongTries(t *testing.T, s datastore.Store) {
	put(t, s, organization("acme"))
	const tries = 12
	for _, err := range race(tries, func(i int) error {
		return s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
			support, err := datastore.Get(ctx, tx, datastore.Support{Organization: "acme"})
			if err != nil {
				return err
			}
			support.WrongTries = append(support.WrongTries, at(i))
			return tx.Put(ctx, support)
		})
	}) {
		must(t, err)
	}
	support, err := datastore.Get(t.Context(), s, datastore.Support{Organization: "acme"})
	must(t, err)
	same(t, "wrong tries", len(support.WrongTries), tries)
}

func racesFirstAnswer(t *testing.T, s datastore.Store) {
	put(t, s, organization("acme"))
	errs := race(20, func(i int) error {
		return s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
			_, err := datastore.Get(ctx, tx, datastore.FirstAnswer{Key: "key"})
			if err == nil {
				return errLost
			}
			if !errors.Is(err, datastore.ErrNotFound) {
				return err
			}
			if _, err := tx.Bump(ctx, "acme"); err != nil {
				return err
			}
			return tx.Put(ctx, datastore.FirstAnswer{Key: "key", At: at(0), Status: 200, Answer: []byte(strconv.Itoa(i))})
		})
	})
	winner := oneWinner(t, errs)
	first, err := datastore.Get(t.Context(), s, datastore.FirstAnswer{Key: "key"})
	must(t, err)
	same(t, "answer", string(first.Answer), strconv.Itoa(winner))
	same(t, "revision", known(t, s, datastore.Key{Organization: "acme"}).Organization.Revision, int64(2))
}

// racesKeptAnswer keeps the answer of an act that changed nothing: what is not there yet, read and put,
// must be enough.
func racesKeptAnswer(t *testing.T, s datastore.Store) {
	for round := range 5 {
		key := strconv.Itoa(round)
		winner := oneWinner(t, race(20, func(i int) error {
			return s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
				_, err := datastore.Get(ctx, tx, datastore.FirstAnswer{Key: key})
				if err == nil {
					return errLost
				}
				if !errors.Is(err, datastore.ErrNotFound) {
					return err
				}
				return tx.Put(ctx, datastore.FirstAnswer{Key: key, At: at(0), Status: 409, Answer: []byte(strconv.Itoa(i))})
			})
		}))
		first, err := datastore.Get(t.Context(), s, datastore.FirstAnswer{Key: key})
		must(t, err)
		same(t, "answer", string(first.Answer), strconv.Itoa(winner))
	}
}

// racesNote has as many as a fleet has replicas want the next epoch that a note names: each epoch has one
// winner, also the first, when there is no note yet.
func racesNote(t *testing.T, s datastore.Store) {
	const racers, epochs = 16, 6
	for epoch := range epochs {
		winner := oneWinner(t, race(racers, func(i int) error {
			return s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
				note, err := datastore.Get(ctx, tx, datastore.Note{Name: "lease"})
				switch {
				case errors.Is(err, datastore.ErrNotFound):
				case err != nil:
					return err
				case strings.HasPrefix(string(note.Body), fmt.Sprintf("%d ", epoch)):
					return errLost
				}
				return tx.Put(ctx, datastore.Note{Name: "lease", Body: fmt.Appendf(nil, "%d %d", epoch, i)})
			})
		}))
		note, err := datastore.Get(t.Context(), s, datastore.Note{Name: "lease"})
		must(t, err)
		same(t, "the note", string(note.Body), fmt.Sprintf("%d %d", epoch, winner))
	}
}

// racesLostUpdate has many add one to a number that a noun carries, with no bump to put them in order.
func racesLostUpdate(t *testing.T, s datastore.Store) {
	put(t, s, everyNoun()...)
	const writers, rounds = 6, 4
	for _, noun := range everyNoun() {
		put(t, s, counting(noun, func(string) string { return "0" }))
		for _, err := range race(writers, func(int) error {
			for range rounds {
				err := s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
					found, err := find(ctx, tx, noun)
					if err != nil {
						return err
					}
					return tx.Put(ctx, counting(found, func(text string) string {
						n, _ := strconv.Atoi(text)
						return strconv.Itoa(n + 1)
					}))
				})
				if err != nil {
					return err
				}
			}
			return nil
		}) {
			must(t, err)
		}
		counting(read(t, s, noun), func(text string) string {
			same(t, fmt.Sprintf("number in a %T", noun), text, strconv.Itoa(writers*rounds))
			return text
		})
	}
}

// counting gives the noun with another text in it.
func counting(noun datastore.Noun, next func(text string) string) datastore.Noun {
	switch n := noun.(type) {
	case datastore.Organization:
		n.Name = next(n.Name)
		return n
	case datastore.Member:
		n.Name = next(n.Name)
		return n
	case datastore.UserBlocks:
		n.Blocks[0].Ticket = next(n.Blocks[0].Ticket)
		return n
	case datastore.Product:
		n.Name = next(n.Name)
		return n
	case datastore.APIKey:
		n.Name = next(n.Name)
		return n
	case datastore.Support:
		n.Codes[0].User = next(n.Codes[0].User)
		return n
	case datastore.FirstAnswer:
		n.Answer = []byte(next(string(n.Answer)))
		return n
	case datastore.Procedure:
		n.By = next(n.By)
		return n
	case datastore.Webhook:
		n.URL = next(n.URL)
		return n
	case datastore.Message:
		n.Event = next(n.Event)
		return n
	case datastore.Note:
		n.Body = []byte(next(string(n.Body)))
		return n
	case datastore.Activation:
		n.Message = next(n.Message)
		return n
	}
	return noun
}

func racesTaken(t *testing.T, s datastore.Store) {
	const racers = 8
	for i := range racers {
		put(t, s, organization(numbered("org", i)))
	}
	errs := race(racers, func(i int) error {
		err := s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
			if _, err := tx.Bump(ctx, numbered("org", i)); err != nil {
				return err
			}
			return tx.Put(ctx, product(numbered("org", i), "wanted", "other"))
		})
		if errors.Is(err, datastore.ErrTaken) {
			return errLost
		}
		return err
	})
	winner := oneWinner(t, errs)
	same(t, "organization", known(t, s, datastore.Key{Product: "wanted"}).Organization.ID, numbered("org", winner))
	for i := range racers {
		want := int64(1)
		if i == winner {
			want = 2
		}
		same(t, "revision", known(t, s, datastore.Key{Organization: numbered("org", i)}).Organization.Revision, want)
	}
}

func racesApart(t *testing.T, s datastore.Store) {
	const writers, rounds = 8, 6
	for i := range writers {
		put(t, s, organization(numbered("org", i)))
	}
	for _, err := range race(writers, func(i int) error {
		for round := range rounds {
			err := s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
				_, err := tx.Bump(ctx, numbered("org", i))
				if err != nil {
					return err
				}
				return tx.Put(ctx, product(numbered("org", i), numbered(numbered("org", i), round), "other"))
			})
			if err != nil {
				return err
			}
		}
		return nil
	}) {
		must(t, err)
	}
	for i := range writers {
		same(t, "revision", known(t, s, datastore.Key{Organization: numbered("org", i)}).Organization.Revision, int64(1+rounds))
		same(t, "products", len(all(t, datastore.List(t.Context(), s, datastore.Product{Organization: numbered("org", i)}, datastore.Page{}))), rounds)
	}
}
