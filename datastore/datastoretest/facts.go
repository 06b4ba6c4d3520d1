package datastoretest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"

	"cordon/datastore"
)

func facts() []test {
	return []test{
		{"everything that the key names", factsOfKey},
		{"the organization is the product's where none is named", factsByProduct},
		{"no organization is ErrNotFound", factsNotFound},
		{"what does not exist or is another's is nil", factsNil},
		{"target blocks are there without the member", factsBlocksOfStranger},
		{"administrators come with a target only, all of them with their blocks", factsAdmins},
		{"the revision is the one of that point", factsRevision},
		{"read at one point in time while others write", factsNotTorn},
	}
}

func factsOfKey(t *testing.T, s datastore.Store) {
	put(t, s, company("acme")...)
	blocks := []datastore.Block{block("b1", datastore.OriginSupport), block("b2", datastore.OriginAdministrator)}
	put(t, s, datastore.UserBlocks{Organization: "acme", User: "carl", Blocks: blocks})
	got := known(t, s, datastore.Key{Organization: "acme", User: "adam", Product: "acme-site", Target: "carl"})
	adam, lena := member("acme", "adam", datastore.Administrator), member("acme", "lena", datastore.LegalRepresentative)
	carl, site := member("acme", "carl", datastore.Client, "acme-mail", "acme-site"), product("acme", "acme-site", "web_hosting")
	carl.Blocks = blocks
	same(t, "facts", byID(got), datastore.Facts{
		Organization: organization("acme"), Member: &adam, Product: &site, Target: &carl, TargetBlocks: blocks,
		Admins: []datastore.Member{adam, lena},
	})
	got = known(t, s, datastore.Key{Organization: "acme", User: "carl"})
	same(t, "facts without target", got, datastore.Facts{Organization: organization("acme"), Member: &carl})
	same(t, "facts of the organization", known(t, s, datastore.Key{Organization: "acme"}), datastore.Facts{Organization: organization("acme")})
}

func factsByProduct(t *testing.T, s datastore.Store) {
	put(t, s, company("acme")...)
	put(t, s, company("beta")...)
	got := known(t, s, datastore.Key{User: "cora", Product: "beta-site", Target: "adam"})
	same(t, "organization", got.Organization, organization("beta"))
	same(t, "member", got.Member, new(member("beta", "cora", datastore.Collaborator, "beta-site")))
	same(t, "target", got.Target, new(member("beta", "adam", datastore.Administrator)))
	same(t, "admins", len(got.Admins), 2)
}

func factsNotFound(t *testing.T, s datastore.Store) {
	put(t, s, company("acme")...)
	for _, key := range []datastore.Key{
		{}, {Organization: "beta"}, {Organization: "beta", Product: "acme-site", User: "lena", Target: "lena"},
		{Product: "beta-site"}, {User: "lena"}, {User: "lena", Target: "lena"},
	} {
		_, err := s.Facts(t.Context(), key)
		wantError(t, fmt.Sprintf("facts of %+v", key), err, datastore.ErrNotFound)
		must(t, s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
			_, err := tx.Facts(ctx, key)
			wantError(t, fmt.Sprintf("facts of %+v in a transaction", key), err, datastore.ErrNotFound)
			return nil
		}))
	}
}

func factsNil(t *testing.T, s datastore.Store) {
	put(t, s, company("acme")...)
	put(t, s, company("beta")...)
	put(t, s, member("beta", "bert", datastore.Administrator))
	for _, key := range []datastore.Key{
		{Organization: "acme", User: "nobody", Product: "nothing", Target: "no one"},
		{Organization: "acme", User: "bert", Product: "beta-site", Target: "bert"},
	} {
		got := known(t, s, key)
		got.Admins = nil
		same(t, fmt.Sprintf("facts of %+v", key), got, datastore.Facts{Organization: organization("acme")})
	}
}

func factsBlocksOfStranger(t *testing.T, s datastore.Store) {
	blocks := []datastore.Block{block("b", datastore.OriginSupport)}
	put(t, s, organization("acme"), datastore.UserBlocks{Organization: "acme", User: "stranger", Blocks: blocks})
	got := known(t, s, datastore.Key{Organization: "acme", User: "stranger", Target: "stranger"})
	same(t, "facts", got, datastore.Facts{Organization: organization("acme"), TargetBlocks: blocks})
}

func factsAdmins(t *testing.T, s datastore.Store) {
	put(t, s, company("acme")...)
	put(t, s, company("beta")...)
	blocks := []datastore.Block{block("b", datastore.OriginSupport)}
	put(t, s, datastore.UserBlocks{Organization: "acme", User: "adam", Blocks: blocks})
	for _, target := range []string{"carl", "adam", "nobody"} {
		adam, lena := member("acme", "adam", datastore.Administrator), member("acme", "lena", datastore.LegalRepresentative)
		adam.Blocks = blocks
		got := byID(known(t, s, datastore.Key{Organization: "acme", Target: target}))
		same(t, "admins", got.Admins, []datastore.Member{adam, lena})
	}
	put(t, s, member("acme", "adam", datastore.Client), member("acme", "cora", datastore.Administrator))
	remove(t, s, datastore.Member{Organization: "acme", ID: "lena"})
	got := known(t, s, datastore.Key{Organization: "acme", Target: "carl"})
	same(t, "admins", got.Admins, []datastore.Member{member("acme", "cora", datastore.Administrator)})
	same(t, "admins without a target", len(known(t, s, datastore.Key{Organization: "acme", User: "cora"}).Admins), 0)
}

func factsRevision(t *testing.T, s datastore.Store) {
	put(t, s, company("acme")...)
	for want := int64(2); want < 5; want++ {
		must(t, s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
			_, err := tx.Bump(ctx, "acme")
			same(t, "own revision", known(t, tx, datastore.Key{Organization: "acme"}).Organization.Revision, want)
			same(t, "others' revision", known(t, s, datastore.Key{Organization: "acme"}).Organization.Revision, want-1)
			return err
		}))
		same(t, "revision", known(t, s, datastore.Key{Organization: "acme", User: "lena"}).Organization.Revision, want)
	}
}

// factsNotTorn has a writer put the revision into the name of everything, so that facts of two points
// would show two numbers.
func factsNotTorn(t *testing.T, s datastore.Store) {
	write := func() error {
		return s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
			revision, err := tx.Bump(ctx, "acme")
			if err != nil {
				return err
			}
			name := strconv.FormatInt(revision, 10)
			a, b := member("acme", "adam", datastore.Administrator), member("acme", "carl", datastore.Client)
			p := product("acme", "site", "web_hosting")
			a.Name, b.Name, p.Name = name, name, name
			bl := block(name, datastore.OriginSupport)
			return tx.Put(ctx, p, b, a, datastore.UserBlocks{Organization: "acme", User: "carl", Blocks: []datastore.Block{bl}})
		})
	}
	put(t, s, organization("acme"))
	must(t, write())
	const writers, readers, rounds = 2, 4, 40
	for _, err := range race(writers+readers, func(i int) error {
		for range rounds {
			if i < writers {
				if err := write(); err != nil {
					return err
				}
				continue
			}
			key := datastore.Key{Organization: "acme", User: "adam", Product: "site", Target: "carl"}
			if i%2 == 0 {
				key.Organization = ""
			}
			f, err := s.Facts(t.Context(), key)
			if err != nil {
				return err
			}
			if f.Member == nil || f.Product == nil || f.Target == nil || len(f.Admins) != 1 || len(f.TargetBlocks) != 1 || len(f.Target.Blocks) != 1 {
				return errors.New("the facts lack something")
			}
			name := strconv.FormatInt(f.Organization.Revision, 10)
			got := []string{f.Member.Name, f.Product.Name, f.Target.Name, f.Admins[0].Name, f.TargetBlocks[0].ID, f.Target.Blocks[0].ID}
			for _, other := range got {
				if other != name {
					return fmt.Errorf("the facts are torn: revision %s, then %v", name, got)
				}
			}
		}
		return nil
	}) {
		must(t, err)
	}
}
