package datastoretest

import (
	"context"
	"errors"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/ledger/batch"
	"cordon/ledger/record"
)

func transactions() []test {
	return []test{
		{"all is committed together", transactionsCommit},
		{"an error rolls back everything and comes back as it is", transactionsRollBack},
		{"a panic rolls back and goes on", transactionsPanic},
		{"a cancelled context rolls back", transactionsCancelled},
		{"own writes are seen", transactionsOwnWrites},
		{"own deletions are seen", transactionsOwnDeletions},
		{"others see nothing before the commit and everything after", transactionsIsolated},
		{"reads are of one point while others commit", transactionsOnePoint},
		{"fn runs again after a conflict", transactionsConflict},
		{"an error of fn is not tried again", transactionsNotRetried},
		{"the context of fn ends with that of Update", transactionsContext},
	}
}

func transactionsCommit(t *testing.T, s datastore.Store) {
	must(t, s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
		for _, noun := range everyNoun() {
			if err := tx.Put(ctx, noun); err != nil {
				return err
			}
		}
		return batch.Append(ctx, tx, change("r", "acme", 1))
	}))
	for _, noun := range everyNoun() {
		same(t, "read", read(t, s, noun), noun)
	}
	same(t, "records", len(all(t, batch.Search(t.Context(), s, record.Filter{}))), 1)
}

// nothingOf tells what is there of a transaction that must have left nothing.
func nothingOf(t *testing.T, s datastore.Store) {
	t.Helper()
	for _, noun := range everyNoun() {
		if got := read(t, s, noun); got != nil {
			t.Errorf("%T was rolled back and is read: %v", noun, got)
		}
	}
	same(t, "records", len(all(t, batch.Search(t.Context(), s, record.Filter{}))), 0)
	_, err := s.Facts(t.Context(), datastore.Key{Organization: "acme"})
	wantError(t, "facts", err, datastore.ErrNotFound)
}

func writeEverything(ctx context.Context, tx datastore.Tx) error {
	if err := tx.Put(ctx, everyNoun()...); err != nil {
		return err
	}
	if _, err := tx.Bump(ctx, "acme"); err != nil {
		return err
	}
	return batch.Append(ctx, tx, change("r", "acme", 1))
}

func transactionsRollBack(t *testing.T, s datastore.Store) {
	own := errors.New("an error of fn")
	err := s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
		if err := writeEverything(ctx, tx); err != nil {
			return err
		}
		return own
	})
	if err != own { //nolint:errorlint // the contract: as it is, not wrapped
		t.Errorf("got error %v, want the very one of fn", err)
	}
	nothingOf(t, s)

	// A deletion and a bump are rolled back too.
	put(t, s, company("acme")...)
	err = s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
		if _, err := tx.Bump(ctx, "acme"); err != nil {
			return err
		}
		if err := tx.Delete(ctx, product("acme", "acme-site", ""), datastore.Organization{ID: "acme"}); err != nil {
			return err
		}
		return own
	})
	wantError(t, "update", err, own)
	got := known(t, s, datastore.Key{User: "cora", Product: "acme-site"})
	same(t, "facts", got, datastore.Facts{Organization: organization("acme"),
		Member: new(member("acme", "cora", datastore.Collaborator, "acme-site")), Product: new(product("acme", "acme-site", "web_hosting"))})
}

func transactionsPanic(t *testing.T, s datastore.Store) {
	func() {
		defer func() {
			if got := recover(); got != "a panic of fn" {
				t.Errorf("got panic %v, want that of fn", got)
			}
		}()
		_ = s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
			must(t, writeEverything(ctx, tx))
			panic("a panic of fn")
		})
	}()
	nothingOf(t, s)
	put(t, s, company("acme")...) // and the store goes on
}

func transactionsCancelled(t *testing.T, s datastore.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	err := s.Update(ctx, func(ctx context.Context, tx datastore.Tx) error {
		must(t, writeEverything(ctx, tx))
		cancel()
		return nil
	})
	wantError(t, "update", err, context.Canceled)
	nothingOf(t, s)
	err = s.Update(ctx, func(ctx context.Context, tx datastore.Tx) error {
		t.Error("fn ran although the context was done")
		return nil
	})
	wantError(t, "update", err, context.Canceled)
	put(t, s, company("acme")...)
}

func transactionsOwnWrites(t *testing.T, s datastore.Store) {
	must(t, s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
		must(t, writeEverything(ctx, tx))
		for _, noun := range everyNoun() {
			if o, is := noun.(datastore.Organization); is {
				o.Revision++ // it was bumped
				noun = o
			}
			same(t, "read within the transaction", read(t, tx, noun), noun)
		}
		same(t, "organizations", ids(t, datastore.List(ctx, tx, datastore.Organization{}, datastore.Page{}), organizationID), []string{"acme"})
		same(t, "members", ids(t, datastore.List(ctx, tx, datastore.Member{Organization: "acme"}, datastore.Page{}), memberID), []string{"lena"})
		same(t, "products", ids(t, datastore.List(ctx, tx, datastore.Product{Organization: "acme"}, datastore.Page{}), productID), []string{"acme-mail"})
		same(t, "keys", ids(t, datastore.List(ctx, tx, datastore.APIKey{}, datastore.Page{}), keyID), []string{"key"})
		due, err := tx.Due(ctx, at(1000), 0)
		same(t, "due", len(due), 2)
		return err
	}))
}

func transactionsOwnDeletions(t *testing.T, s datastore.Store) {
	put(t, s, everyNoun()...)
	must(t, s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
		nouns := everyNoun()
		for i := len(nouns) - 1; i >= 0; i-- {
			must(t, tx.Delete(ctx, nouns[i]))
			if got := read(t, tx, nouns[i]); got != nil {
				t.Errorf("%T was deleted and is read: %v", nouns[i], got)
			}
		}
		return nil
	}))
}

func transactionsIsolated(t *testing.T, s datastore.Store) {
	must(t, s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
		must(t, writeEverything(ctx, tx))
		nothingOf(t, s)
		return nil
	}))
	same(t, "revision", known(t, s, datastore.Key{Organization: "acme"}).Organization.Revision, 8)
}

// transactionsOnePoint lets another transaction try to commit between two reads of the first. An
// engine with one writer makes it wait, so it gets a deadline.
func transactionsOnePoint(t *testing.T, s datastore.Store) {
	put(t, s, company("acme")...)
	must(t, s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
		key := datastore.Key{Organization: "acme", User: "carl", Product: "acme-site", Target: "lena"}
		before := byID(known(t, tx, key))
		members := all(t, datastore.List(ctx, tx, datastore.Member{Organization: "acme"}, datastore.Page{}))
		renamed := member("acme", "carl", datastore.Administrator)
		renamed.Name = "renamed"
		_ = meanwhile(t, s, func(ctx context.Context, other datastore.Tx) error {
			if _, err := other.Bump(ctx, "acme"); err != nil {
				return err
			}
			return other.Put(ctx, renamed, datastore.Product{Organization: "acme", ID: "acme-site", Name: "renamed"})
		})
		same(t, "facts read again", byID(known(t, tx, key)), before)
		same(t, "members read again", all(t, datastore.List(ctx, tx, datastore.Member{Organization: "acme"}, datastore.Page{})), members)
		return nil
	}))
}

// meanwhile tries a transaction while another is under way, for as long as it may take to conflict.
func meanwhile(t *testing.T, s datastore.Store, fn func(ctx context.Context, tx datastore.Tx) error) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 250*time.Millisecond)
	defer cancel()
	return s.Update(ctx, fn)
}

// transactionsConflict has another transaction change what the first has read, before it writes.
// Either the other waits in vain, or the first must run again and see it.
func transactionsConflict(t *testing.T, s datastore.Store) {
	put(t, s, company("acme")...)
	runs, others := 0, int64(0)
	must(t, s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
		runs++
		f, err := tx.Facts(ctx, datastore.Key{Organization: "acme", User: "carl"})
		if err != nil {
			return err
		}
		if runs == 1 && meanwhile(t, s, func(ctx context.Context, other datastore.Tx) error {
			_, err := other.Bump(ctx, "acme")
			return err
		}) == nil {
			others = 1
		}
		revision, err := tx.Bump(ctx, "acme")
		if err != nil {
			return err
		}
		if f.Organization.Revision+1 != revision {
			t.Errorf("read revision %d and made %d of it", f.Organization.Revision, revision)
		}
		carl := *f.Member
		carl.Name += "!"
		return tx.Put(ctx, carl)
	}))
	f := known(t, s, datastore.Key{Organization: "acme", User: "carl"})
	same(t, "revision", f.Organization.Revision, 2+others)
	same(t, "name, changed once", f.Member.Name, "Name of carl!")
	if others == 1 && runs < 2 {
		t.Errorf("fn ran %d times although another had committed", runs)
	}
}

func transactionsNotRetried(t *testing.T, s datastore.Store) {
	put(t, s, company("acme")...)
	runs := 0
	err := s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
		runs++
		return tx.Put(ctx, product("beta", "acme-site", ""))
	})
	wantError(t, "update", err, datastore.ErrTaken)
	err = s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
		runs++
		_, err := tx.Bump(ctx, "nothing")
		return err
	})
	wantError(t, "update", err, datastore.ErrNotFound)
	same(t, "runs", runs, 2)
}

func transactionsContext(t *testing.T, s datastore.Store) {
	type keyOf struct{}
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), keyOf{}, "value"))
	defer cancel()
	err := s.Update(ctx, func(ctx context.Context, tx datastore.Tx) error {
		same(t, "value", ctx.Value(keyOf{}), any("value"))
		cancel()
		<-ctx.Done()
		_, err := tx.Facts(ctx, datastore.Key{Organization: "acme"})
		wantError(t, "facts", err, context.Canceled)
		wantError(t, "put", tx.Put(ctx, organization("acme")), context.Canceled)
		return err
	})
	wantError(t, "update", err, context.Canceled)
}
