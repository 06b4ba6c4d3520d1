package datastoretest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"cordon/datastore"

	"pgregory.net/rapid"
)

func randomly() []test {
	return []test{{"random transactions leave what plain maps would hold", randomTransactions}}
}

// world draws the nouns of one check. Checks share a store, so each has ids of its own.
type world struct{ prefix string }

func (w world) id(t *rapid.T, name string, ids ...string) string {
	return w.prefix + rapid.SampledFrom(ids).Draw(t, name)
}
func (w world) organization(t *rapid.T) string { return w.id(t, "organization", "a", "b", "a.b") }
func (w world) user(t *rapid.T) string         { return w.id(t, "user", "u1", "u2", "U1", "b.u1") }
func (w world) product(t *rapid.T) string      { return w.id(t, "product", "p1", "p2", "p3") }

func (w world) blocks(t *rapid.T) []datastore.Block {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) datastore.Block {
		b := block(rapid.SampledFrom([]string{"b1", "b2"}).Draw(t, "block"), datastore.OriginSupport)
		b.ExpiresAt = w.end(t)
		return b
	}), 0, 3).Draw(t, "blocks")
}

func (w world) end(t *rapid.T) time.Time {
	if seconds := rapid.IntRange(0, 5).Draw(t, "end"); seconds > 0 {
		return at(seconds)
	}
	return time.Time{}
}

// noun draws a noun of any kind.
func (w world) noun(t *rapid.T) datastore.Noun {
	name := rapid.SampledFrom([]string{"x", "y", "é$."}).Draw(t, "name")
	switch rapid.IntRange(0, 14).Draw(t, "kind of noun") {
	case 0, 1:
		return datastore.Organization{ID: w.organization(t), Name: name, Revision: rapid.Int64Range(1, 9).Draw(t, "revision"), CreatedAt: at(1)}
	case 2, 3, 4:
		role := rapid.SampledFrom(datastore.Roles()).Draw(t, "role")
		var grants []string
		for _, p := range []string{"p1", "p2", "p3"} {
			if rapid.Bool().Draw(t, "grant") {
				grants = append(grants, w.prefix+p)
			}
		}
		return datastore.Member{Organization: w.organization(t), ID: w.user(t), Name: name, Role: role, Grants: grants}
	case 5, 6:
		return datastore.UserBlocks{Organization: w.organization(t), User: w.user(t), Blocks: w.blocks(t)}
	case 7, 8, 9:
		p := datastore.Product{Organization: w.organization(t), ID: w.product(t), Name: name, Kind: datastore.MailService, Blocks: w.blocks(t)}
		if rapid.Bool().Draw(t, "maintenance") {
			p.Maintenance = &datastore.Maintenance{ID: name, Since: at(0), ExpiresAt: w.end(t)}
		}
		return p
	case 10:
		return datastore.Support{Organization: w.organization(t), WrongTries: []time.Time{w.end(t).Add(time.Second)}}
	case 11:
		return datastore.Procedure{Organization: w.organization(t), User: w.user(t), ID: name, At: at(1)}
	case 12:
		return datastore.Webhook{Organization: w.organization(t), ID: name, URL: w.user(t)}
	case 13:
		switch rapid.IntRange(0, 2).Draw(t, "key, note or answer") {
		case 0:
			return datastore.APIKey{ID: w.user(t), Name: name}
		case 1:
			return datastore.Note{Name: w.user(t), Body: []byte(name)}
		}
		return datastore.FirstAnswer{Key: w.user(t), At: at(1), Answer: []byte(name)}
	}
	m := message(w.user(t), rapid.IntRange(0, 5).Draw(t, "due"))
	m.Organization = w.organization(t)
	m.State = rapid.SampledFrom([]string{datastore.MessagePending, datastore.MessageDone}).Draw(t, "state")
	return m
}

var errRollBack = errors.New("rolled back")

// act does one random thing in a transaction and to the oracle.
func (w world) act(ctx context.Context, t *rapid.T, tx datastore.Tx, o *oracle) error {
	switch rapid.IntRange(0, 7).Draw(t, "act") {
	case 0, 1:
		id := w.organization(t)
		got, err := tx.Bump(ctx, id)
		want := o.bump(id)
		if want == 0 {
			wantError(t, "bump of "+id, err, datastore.ErrNotFound)
			return nil
		}
		same(t, "revision of "+id, got, want)
		return err
	case 2:
		noun := w.noun(t)
		o.delete(noun)
		return tx.Delete(ctx, noun)
	case 3:
		w.check(t, tx, o)
		return nil
	}
	noun := w.noun(t)
	if id := organizationOf(noun); id != "" {
		if _, is := o.organizations[id]; !is {
			return nil // nothing is put into an organization that is not there
		}
	}
	want := o.put(noun)
	err := tx.Put(ctx, noun)
	wantError(t, "put "+described(noun), err, want)
	return err
}

func organizationOf(noun datastore.Noun) string {
	switch n := noun.(type) {
	case datastore.Member:
		return n.Organization
	case datastore.UserBlocks:
		return n.Organization
	case datastore.Product:
		return n.Organization
	case datastore.Support:
		return n.Organization
	case datastore.Procedure:
		return n.Organization
	case datastore.Webhook:
		return n.Organization
	}
	return ""
}

// own reads that part of a list that is this check's.
func own[T any](t *rapid.T, w world, list iter.Seq2[T, error], id func(T) string) (items []T) {
	for item, err := range list {
		must(t, err)
		if !strings.HasPrefix(id(item), w.prefix) {
			break
		}
		items = append(items, item)
	}
	return items
}

// check compares facts, and some of what else can be read.
func (w world) check(t *rapid.T, r datastore.Reader, o *oracle) {
	key := datastore.Key{User: w.user(t), Product: w.product(t)}
	if rapid.Bool().Draw(t, "with organization") {
		key.Organization = w.organization(t)
	}
	if rapid.Bool().Draw(t, "with target") {
		key.Target = w.user(t)
	}
	want, wanted := o.facts(key)
	got, err := r.Facts(t.Context(), key)
	wantError(t, fmt.Sprintf("facts of %+v", key), err, wanted)
	same(t, fmt.Sprintf("facts of %+v", key), byID(got), byID(want))

	mine, id := datastore.Page{After: w.prefix}, w.organization(t)
	switch rapid.IntRange(0, 7).Draw(t, "what to read") {
	case 0:
		same(t, "organizations", own(t, w, datastore.List(t.Context(), r, datastore.Organization{}, mine), organizationID), sorted(o.organizations, organizationID))
	case 1:
		same(t, "keys", own(t, w, datastore.List(t.Context(), r, datastore.APIKey{}, mine), keyID), sorted(o.keys, keyID))
	case 2:
		same(t, "messages", own(t, w, datastore.List(t.Context(), r, datastore.Message{}, mine), messageID), sorted(o.messages, messageID))
	case 3:
		same(t, "members of "+id, all(t, datastore.List(t.Context(), r, datastore.Member{Organization: id}, datastore.Page{})), o.membersOf(id))
	case 4:
		same(t, "products of "+id, all(t, datastore.List(t.Context(), r, datastore.Product{Organization: id}, datastore.Page{})), o.productsOf(id))
	case 5:
		same(t, "webhooks of "+id, all(t, datastore.List(t.Context(), r, datastore.Webhook{Organization: id}, datastore.Page{})), o.webhooksOf(id))
	case 6:
		w.checkPoints(t, r, o, id, w.user(t))
	case 7:
		var due []datastore.Due
		now := at(rapid.IntRange(0, 6).Draw(t, "now"))
		for _, d := range dueAt(t, r, now, 0) {
			if strings.HasPrefix(d.Organization, w.prefix) {
				due = append(due, d)
			}
		}
		same(t, "due", due, o.due(now))
	}
}

// checkPoints compares what is read by its own key.
func (w world) checkPoints(t *rapid.T, r datastore.Reader, o *oracle, id, user string) {
	support, err := datastore.Get(t.Context(), r, datastore.Support{Organization: id})
	must(t, err)
	wanted := o.supports[id]
	wanted.Organization = id
	same(t, "support of "+id, support, wanted)

	answer, err := datastore.Get(t.Context(), r, datastore.FirstAnswer{Key: user})
	if wanted, is := o.answers[user]; is {
		must(t, err)
		same(t, "answer", answer, wanted)
	} else {
		wantError(t, "answer", err, datastore.ErrNotFound)
	}
	note, err := datastore.Get(t.Context(), r, datastore.Note{Name: user})
	if wanted, is := o.notes[user]; is {
		must(t, err)
		same(t, "note", note, wanted)
	} else {
		wantError(t, "note", err, datastore.ErrNotFound)
	}
	same(t, "procedures of "+user, all(t, datastore.List(t.Context(), r, datastore.Procedure{Organization: id, User: user}, datastore.Page{Descending: true})), o.proceduresOf(id, user))
}

func randomTransactions(t *testing.T, s datastore.Store) {
	checks := 0
	rapid.Check(t, func(t *rapid.T) {
		checks++
		w, o := world{numbered("w", checks) + "-"}, newOracle()
		put(t, s, organization(w.prefix+"a"))
		must(t, o.put(organization(w.prefix+"a")))
		for range rapid.IntRange(1, 20).Draw(t, "transactions") {
			o = w.transact(t, s, o)
			w.check(t, s, o)
		}
	})
}

// transact does some random acts in a transaction, and gives what is known after it.
func (w world) transact(t *rapid.T, s datastore.Store, before *oracle) (after *oracle) {
	rollBack := rapid.IntRange(0, 4).Draw(t, "roll back") == 0
	acts := rapid.IntRange(1, 5).Draw(t, "acts")
	err := s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
		after = before.clone()
		for range acts {
			if err := w.act(ctx, t, tx, after); err != nil {
				return err
			}
		}
		if rollBack {
			return errRollBack
		}
		return nil
	})
	if err == nil {
		return after
	}
	if !errors.Is(err, errRollBack) && !errors.Is(err, datastore.ErrTaken) {
		t.Fatalf("update: %v", err)
	}
	return before
}
