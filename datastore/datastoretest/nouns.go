package datastoretest

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/ledger/batch"
	"cordon/ledger/record"
)

func nouns() []test {
	return []test{
		{"what is put is read again as it was", nounsAreReadAsPut},
		{"a time is the same instant whatever its zone", nounsKeepInstants},
		{"put replaces", nounsAreReplaced},
		{"delete removes, and what is not there is no error", nounsAreDeleted},
		{"a member's grants are replaced", nounsGrants},
		{"a member's blocks are not written", nounsBlocksOfMember},
		{"blocks survive the membership", nounsBlocksSurvive},
		{"user blocks put with none are deleted", nounsNoBlocks},
		{"a member has a role that looks like one", nounsRoles},
		{"a product id of another organization is taken", nounsTaken},
		{"a product goes with the grants to it", nounsProductAndGrants},
		{"another organization's product is not deleted", nounsForeignProduct},
		{"an organization goes with all that is its own", nounsOrganizationGoes},
		{"records, keys, messages, notes and activations stay when the organization goes", nounsThatStay},
		{"ids differ by case", nounsCase},
		{"ids that are joined do not meet", nounsJoinedIDs},
		{"ids may be long, foreign and full of signs", nounsStrangeIDs},
		{"a payload of a megabyte is kept", nounsLarge},
		{"nothing known of support is the zero value", nounsNoSupport},
		{"every noun is got by its identity alone, or ErrNotFound", nounsGet},
		{"a member is got with its blocks", nounsGetMember},
		{"a product is got by its id, and not as another organization's", nounsGetProduct},
		{"a note of up to a mebibyte is kept as it is, and a longer one refused", nounsNote},
		{"a noun of one organization is not another's", nounsOfOneOrganization},
	}
}

// one of every kind of noun, with every member set.
func everyNoun() []datastore.Noun {
	return []datastore.Noun{
		datastore.Organization{ID: "acme", Name: "Acme & <Söhne>", Revision: 7, CreatedAt: at(1), Settings: &datastore.OrganizationSettings{
			AdministratorsManageBlockedProducts: new(true), BlocksMustEnd: new(false), ProductEventsTo: datastore.ToAdmins}},
		datastore.Member{Organization: "acme", ID: "lena", Name: "Léna", Email: "l@example.com", Language: "fr",
			Role: datastore.LegalRepresentative, Grants: []string{"acme-mail", "acme-site"}, ProductEvents: true},
		datastore.UserBlocks{Organization: "acme", User: "lena", Blocks: []datastore.Block{
			{ID: "b1", Origin: datastore.OriginSupport, Ticket: "T", By: "agent", Since: at(2), ExpiresAt: at(3), Channels: []string{"imap", "smtp"}},
			{ID: "b2", Origin: datastore.OriginAdministrator, By: "adam", Since: at(4)},
		}},
		datastore.Product{Organization: "acme", ID: "acme-mail", Name: "Mail", Kind: datastore.MailService,
			Blocks:      []datastore.Block{{ID: "b3", Origin: datastore.OriginHost, Reason: "unpaid", By: "key", Since: at(5), ExpiresAt: at(6)}},
			Maintenance: &datastore.Maintenance{ID: "m1", Reason: "move", Ticket: "T-2", By: "adam", Since: at(7), ExpiresAt: at(8)}},
		datastore.APIKey{ID: "key", Name: "Key", Hash: []byte{0, 255, 1}, Scopes: []string{"decide", "act"},
			Organization: "acme", CreatedAt: at(9), ExpiresAt: at(10), CreatedBy: "root", LastUsedAt: at(22)},
		datastore.Support{Organization: "acme",
			Codes:      []datastore.SupportCode{{User: "lena", Hash: []byte("hash"), ExpiresAt: at(11)}},
			WrongTries: []time.Time{at(12), at(13)}},
		datastore.FirstAnswer{Key: "key /v1/x 1", BodyHash: []byte("body"), At: at(14), Status: 200, Answer: []byte(`{"a":1}`)},
		datastore.Procedure{Organization: "acme", User: "lena", ID: "p1", By: "adam", At: at(15),
			Steps: []datastore.Step{{Name: "password", DoneAt: at(16)}, {Name: "sessions"}}},
		datastore.Webhook{Organization: "acme", ID: "hook", URL: "https://example.com/?a=b&c", Events: []string{"product.blocked"},
			Secrets: []datastore.Secret{{Key: []byte("new")}, {Key: []byte("old"), ExpiresAt: at(17)}}, CreatedAt: at(18)},
		datastore.Message{ID: "m", Kind: "mail", Organization: "acme", Event: "e", Recipient: "lena", Payload: []byte{0, 1, 2},
			State: datastore.MessageDead, NextAt: at(19), Lease: "lease", Attempts: 3,
			Log: []datastore.Attempt{{At: at(20), Result: "refused"}}, CreatedAt: at(21)},
		datastore.Note{Name: "a/note of mine", Body: []byte{0, 255, 1}},
		datastore.Activation{Set: "cordon", Number: 3, Digest: "sha256:c", Previous: "sha256:b", At: at(23), By: "olga", Caller: "key",
			Message: "for <Söhne>", Until: at(24), Reason: "a leak", Shadow: "sha256:d", Sample: 0.125},
	}
}

func nounsAreReadAsPut(t *testing.T, s datastore.Store) {
	put(t, s, everyNoun()...)
	for _, noun := range everyNoun() {
		same(t, "read", read(t, s, noun), noun)
	}
	// The least that a noun can be.
	least := []datastore.Noun{
		datastore.Organization{ID: "b", Revision: 1},
		datastore.Member{Organization: "b", ID: "u", Role: datastore.Client},
		datastore.Product{Organization: "b", ID: "p"},
		datastore.APIKey{ID: "k"},
		datastore.FirstAnswer{Key: "f", At: at(0)},
		datastore.Procedure{Organization: "b", User: "u", ID: "p"},
		datastore.Webhook{Organization: "b", ID: "w"},
		datastore.Message{ID: "n", State: datastore.MessagePending},
		datastore.Note{Name: "n"},
		datastore.Activation{Set: "s", Number: 1},
	}
	put(t, s, least...)
	for _, noun := range least {
		same(t, "read", read(t, s, noun), noun)
	}
}

func nounsKeepInstants(t *testing.T, s datastore.Store) {
	zone := time.FixedZone("east", 2*60*60)
	p := product("acme", "site", "web_hosting")
	p.Blocks = []datastore.Block{{ID: "b", Origin: datastore.OriginHost, By: "k", Since: at(1).In(zone), ExpiresAt: at(2).In(zone)}}
	put(t, s, organization("acme"), p)
	same[datastore.Noun](t, "product", read(t, s, p), p)
}

func nounsAreReplaced(t *testing.T, s datastore.Store) {
	put(t, s, everyNoun()...)
	replaced := []datastore.Noun{
		datastore.Organization{ID: "acme", Name: "New", Revision: 8, CreatedAt: at(1)},
		datastore.Member{Organization: "acme", ID: "lena", Name: "New", Role: datastore.Client},
		datastore.UserBlocks{Organization: "acme", User: "lena", Blocks: []datastore.Block{block("b9", datastore.OriginAdministrator)}},
		datastore.Product{Organization: "acme", ID: "acme-mail", Name: "New", Kind: datastore.MailService},
		datastore.APIKey{ID: "key", Name: "New"},
		datastore.Support{Organization: "acme", WrongTries: []time.Time{at(30)}},
		datastore.FirstAnswer{Key: "key /v1/x 1", At: at(31), Status: 403},
		datastore.Procedure{Organization: "acme", User: "lena", ID: "p1", By: "lena", At: at(15)},
		datastore.Webhook{Organization: "acme", ID: "hook", URL: "https://example.org"},
		datastore.Message{ID: "m", Kind: "webhook", State: datastore.MessageDone},
		datastore.Note{Name: "a/note of mine"},
		datastore.Activation{Set: "cordon", Number: 4, Digest: "sha256:d", At: at(25)},
	}
	put(t, s, replaced...)
	for _, noun := range replaced {
		same(t, "read", read(t, s, noun), noun)
	}
}

func nounsAreDeleted(t *testing.T, s datastore.Store) {
	remove(t, s, everyNoun()...)
	nouns := everyNoun()
	put(t, s, nouns...)
	for i := len(nouns) - 1; i >= 0; i-- { // the organization last, as it takes others with it
		remove(t, s, nouns[i])
		if got := read(t, s, nouns[i]); got != nil {
			t.Errorf("%T was deleted and is read: %v", nouns[i], got)
		}
		for _, noun := range nouns[:i] {
			if read(t, s, noun) == nil {
				t.Errorf("%T is gone with a %T", noun, nouns[i])
			}
		}
	}
}

func nounsGrants(t *testing.T, s datastore.Store) {
	put(t, s, company("acme")...)
	carl := datastore.Key{Organization: "acme", User: "carl"}
	for _, grants := range [][]string{{"acme-site"}, {"acme-mail"}, nil, {"acme-mail", "acme-site"}} {
		put(t, s, member("acme", "carl", datastore.Client, grants...))
		same(t, "grants", known(t, s, carl).Member.Grants, grants)
	}
}

func nounsBlocksOfMember(t *testing.T, s datastore.Store) {
	put(t, s, company("acme")...)
	put(t, s, datastore.UserBlocks{Organization: "acme", User: "carl", Blocks: []datastore.Block{block("b", datastore.OriginSupport)}})
	carl := member("acme", "carl", datastore.Client)
	carl.Blocks = []datastore.Block{block("x", datastore.OriginHost), block("y", datastore.OriginHost)}
	put(t, s, carl)
	facts := known(t, s, datastore.Key{Organization: "acme", User: "carl"})
	same(t, "blocks", facts.Member.Blocks, []datastore.Block{block("b", datastore.OriginSupport)})
}

func nounsBlocksSurvive(t *testing.T, s datastore.Store) {
	put(t, s, company("acme")...)
	blocks := []datastore.Block{block("b", datastore.OriginSupport)}
	put(t, s, datastore.UserBlocks{Organization: "acme", User: "carl", Blocks: blocks})
	remove(t, s, datastore.Member{Organization: "acme", ID: "carl"})

	facts := known(t, s, datastore.Key{Organization: "acme", User: "carl", Target: "carl"})
	if facts.Member != nil || facts.Target != nil {
		t.Errorf("the member is still there: %v %v", facts.Member, facts.Target)
	}
	same(t, "blocks without the member", facts.TargetBlocks, blocks)

	put(t, s, member("acme", "carl", datastore.Client))
	facts = known(t, s, datastore.Key{Organization: "acme", User: "carl", Target: "carl"})
	same(t, "blocks of the member", facts.Member.Blocks, blocks)
	same(t, "blocks of the target", facts.Target.Blocks, blocks)
	same(t, "target blocks", facts.TargetBlocks, blocks)
}

func nounsNoBlocks(t *testing.T, s datastore.Store) {
	put(t, s, company("acme")...)
	b := block("b", datastore.OriginSupport)
	b.ExpiresAt = at(5)
	put(t, s, datastore.UserBlocks{Organization: "acme", User: "carl", Blocks: []datastore.Block{b}})
	put(t, s, datastore.UserBlocks{Organization: "acme", User: "carl"})
	facts := known(t, s, datastore.Key{Organization: "acme", User: "carl", Target: "carl"})
	same(t, "blocks", facts.TargetBlocks, []datastore.Block{})
	same(t, "blocks of the member", facts.Member.Blocks, []datastore.Block{})
	due, err := s.Due(t.Context(), at(100), 0)
	must(t, err)
	same(t, "due", due, []datastore.Due{})
}

func nounsTaken(t *testing.T, s datastore.Store) {
	put(t, s, company("acme")...)
	put(t, s, company("beta")...)
	err := s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
		return tx.Put(ctx, product("beta", "acme-site", "web_hosting"))
	})
	wantError(t, "put another's product", err, datastore.ErrTaken)
	same(t, "product", known(t, s, datastore.Key{Product: "acme-site"}).Product, new(product("acme", "acme-site", "web_hosting")))

	// Once it is deleted, the id is free.
	remove(t, s, product("acme", "acme-site", ""))
	put(t, s, product("beta", "acme-site", "cloud_server"))
	same(t, "organization", known(t, s, datastore.Key{Product: "acme-site"}).Organization.ID, "beta")
}

func nounsProductAndGrants(t *testing.T, s datastore.Store) {
	put(t, s, company("acme")...)
	put(t, s, company("acme")...) // grants that were there before are still found
	remove(t, s, product("acme", "acme-site", ""))
	same(t, "grants of carl", known(t, s, datastore.Key{Organization: "acme", User: "carl"}).Member.Grants, []string{"acme-mail"})
	same(t, "grants of cora", known(t, s, datastore.Key{Organization: "acme", User: "cora"}).Member.Grants, []string{})
	put(t, s, product("acme", "acme-site", "web_hosting"))
	facts := known(t, s, datastore.Key{User: "cora", Product: "acme-site"})
	same(t, "grants after the id came back", facts.Member.Grants, []string{})
	put(t, s, member("acme", "cora", datastore.Collaborator, "acme-site")) // and granted again
	same(t, "grants", known(t, s, datastore.Key{User: "cora", Product: "acme-site"}).Member.Grants, []string{"acme-site"})
}

func nounsForeignProduct(t *testing.T, s datastore.Store) {
	put(t, s, company("acme")...)
	put(t, s, company("beta")...)
	remove(t, s, product("beta", "acme-site", ""))
	facts := known(t, s, datastore.Key{User: "cora", Product: "acme-site"})
	same(t, "product", facts.Product, new(product("acme", "acme-site", "web_hosting")))
	same(t, "grants", facts.Member.Grants, []string{"acme-site"})
}

func nounsOrganizationGoes(t *testing.T, s datastore.Store) {
	put(t, s, everyNoun()...)
	put(t, s, company("beta")...)
	remove(t, s, datastore.Organization{ID: "acme"})
	_, err := s.Facts(t.Context(), datastore.Key{Organization: "acme"})
	wantError(t, "facts", err, datastore.ErrNotFound)
	_, err = s.Facts(t.Context(), datastore.Key{Product: "acme-mail"})
	wantError(t, "facts of the product", err, datastore.ErrNotFound)

	// Nothing comes back with the id.
	again := organization("acme")
	again.Revision = 9 // everyNoun has it at 7
	put(t, s, again, member("acme", "lena", datastore.Client))
	facts := known(t, s, datastore.Key{Organization: "acme", User: "lena", Product: "acme-mail", Target: "lena"})
	want := member("acme", "lena", datastore.Client)
	same(t, "facts", facts, datastore.Facts{Organization: again, Member: &want, Target: &want})
	same(t, "products", all(t, datastore.List(t.Context(), s, datastore.Product{Organization: "acme"}, datastore.Page{})), []datastore.Product{})
	same(t, "procedures", all(t, datastore.List(t.Context(), s, datastore.Procedure{Organization: "acme", User: "lena"}, datastore.Page{Descending: true})), []datastore.Procedure{})
	same(t, "webhooks", all(t, datastore.List(t.Context(), s, datastore.Webhook{Organization: "acme"}, datastore.Page{})), []datastore.Webhook{})
	support, err := datastore.Get(t.Context(), s, datastore.Support{Organization: "acme"})
	must(t, err)
	same(t, "support", support, datastore.Support{Organization: "acme"})
	due, err := s.Due(t.Context(), at(1000), 0)
	must(t, err)
	same(t, "due", due, []datastore.Due{})
	same(t, "the other's members", len(all(t, datastore.List(t.Context(), s, datastore.Member{Organization: "beta"}, datastore.Page{}))), 4)

	// And everything may be put again, as if for the first time.
	put(t, s, everyNoun()...)
	for _, noun := range everyNoun() {
		same(t, "read", read(t, s, noun), noun)
	}
	remove(t, s, product("acme", "acme-mail", ""))
	same(t, "grants", known(t, s, datastore.Key{Organization: "acme", User: "lena"}).Member.Grants, []string{"acme-site"})
}

func nounsThatStay(t *testing.T, s datastore.Store) {
	put(t, s, everyNoun()...)
	must(t, s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
		return batch.Append(ctx, tx, change("r", "acme", 1))
	}))
	remove(t, s, datastore.Organization{ID: "acme"})
	same(t, "records", len(all(t, batch.Search(t.Context(), s, record.Filter{Organization: "acme"}))), 1)
	for _, noun := range everyNoun() {
		switch noun.(type) {
		case datastore.APIKey, datastore.FirstAnswer, datastore.Message, datastore.Note, datastore.Activation:
			same(t, "read", read(t, s, noun), noun)
		}
	}
}

func nounsCase(t *testing.T, s datastore.Store) {
	put(t, s, company("acme")...)
	put(t, s, organization("Acme"), member("acme", "Lena", datastore.Client), product("acme", "Acme-site", "other"), datastore.APIKey{ID: "Key"})
	_, err := s.Facts(t.Context(), datastore.Key{Organization: "ACME"})
	wantError(t, "facts", err, datastore.ErrNotFound)
	_, err = datastore.Get(t.Context(), s, datastore.APIKey{ID: "key"})
	wantError(t, "key", err, datastore.ErrNotFound)
	same(t, "role", known(t, s, datastore.Key{Organization: "acme", User: "Lena"}).Member.Role, datastore.Client)
	same(t, "role", known(t, s, datastore.Key{Organization: "acme", User: "lena"}).Member.Role, datastore.LegalRepresentative)
	same(t, "kind", known(t, s, datastore.Key{Product: "Acme-site"}).Product.Kind, "other")
	same(t, "no member", known(t, s, datastore.Key{Organization: "Acme", User: "lena"}).Member, (*datastore.Member)(nil))
}

func nounsJoinedIDs(t *testing.T, s datastore.Store) {
	for _, sign := range []string{".", "-", "_", "@"} {
		long, short := "a"+sign+"b", "a"
		put(t, s, organization(long), organization(short),
			member(long, "c", datastore.Administrator), member(short, "b"+sign+"c", datastore.Client),
			datastore.UserBlocks{Organization: long, User: "c", Blocks: []datastore.Block{block("x", datastore.OriginSupport)}},
			datastore.Webhook{Organization: long, ID: "c", URL: "long"}, datastore.Webhook{Organization: short, ID: "b" + sign + "c", URL: "short"})
		same(t, "role", known(t, s, datastore.Key{Organization: long, User: "c"}).Member.Role, datastore.Administrator)
		other := known(t, s, datastore.Key{Organization: short, User: "b" + sign + "c"}).Member
		same(t, "role", other.Role, datastore.Client)
		same(t, "blocks", other.Blocks, []datastore.Block{})
		same(t, "webhooks", all(t, datastore.List(t.Context(), s, datastore.Webhook{Organization: long}, datastore.Page{})), []datastore.Webhook{{Organization: long, ID: "c", URL: "long"}})
	}
}

func nounsStrangeIDs(t *testing.T, s datastore.Store) {
	for _, id := range []string{
		"$set", "a.b.c", "$", ".", "0", "null", "Ünïcödé-漢字-🦊", "per%cent_under", `quote"'\`, "<a>&b", strings.Repeat("long", 250),
	} {
		o := organization(id)
		m := member(id, "user "+id, datastore.Client, "product "+id)
		m.Name = id
		p := product(id, "product "+id, id)
		put(t, s, o, m, p, datastore.APIKey{ID: id, Name: id}, datastore.Support{Organization: id, WrongTries: []time.Time{at(0)}},
			datastore.FirstAnswer{Key: id, At: at(0)}, datastore.Procedure{Organization: id, User: m.ID, ID: id},
			datastore.Webhook{Organization: id, ID: id}, datastore.Message{ID: id, Organization: id, State: datastore.MessagePending})
		for _, noun := range []datastore.Noun{o, m, p, datastore.APIKey{ID: id, Name: id}, datastore.Webhook{Organization: id, ID: id},
			datastore.Procedure{Organization: id, User: m.ID, ID: id}, datastore.FirstAnswer{Key: id, At: at(0)}} {
			same(t, "read", read(t, s, noun), noun)
		}
		same(t, "messages", len(all(t, datastore.List(t.Context(), s, datastore.Message{Organization: id}, datastore.Page{}))), 1)
		remove(t, s, p)
		same(t, "grants", known(t, s, datastore.Key{Organization: id, User: m.ID}).Member.Grants, []string{})
	}
}

func nounsLarge(t *testing.T, s datastore.Store) {
	m := message("large", 0)
	m.Payload = bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	put(t, s, m, datastore.FirstAnswer{Key: "large", At: at(0), Answer: m.Payload})
	listed := all(t, datastore.List(t.Context(), s, datastore.Message{}, datastore.Page{}))
	claimed, err := s.Claim(t.Context(), mails(at(0), 1))
	must(t, err)
	answer, err := datastore.Get(t.Context(), s, datastore.FirstAnswer{Key: "large"})
	must(t, err)
	for _, got := range [][]byte{listed[0].Payload, claimed[0].Payload, answer.Answer} {
		if !bytes.Equal(got, m.Payload) {
			t.Errorf("a payload of %d bytes is read as another of %d", len(m.Payload), len(got))
		}
	}
}

func nounsNoSupport(t *testing.T, s datastore.Store) {
	for _, id := range []string{"acme", "nobody"} {
		support, err := datastore.Get(t.Context(), s, datastore.Support{Organization: id})
		must(t, err)
		same(t, "support", support, datastore.Support{Organization: id})
	}
}

// identities are the nouns of everyNoun with nothing but what names them.
func identities() []datastore.Noun {
	return []datastore.Noun{
		datastore.Organization{ID: "acme"}, datastore.Member{Organization: "acme", ID: "lena"},
		datastore.UserBlocks{Organization: "acme", User: "lena"}, datastore.Product{Organization: "acme", ID: "acme-mail"},
		datastore.APIKey{ID: "key"}, datastore.Support{Organization: "acme"}, datastore.FirstAnswer{Key: "key /v1/x 1"},
		datastore.Procedure{Organization: "acme", User: "lena", ID: "p1"}, datastore.Webhook{Organization: "acme", ID: "hook"},
		datastore.Message{ID: "m"}, datastore.Note{Name: "a/note of mine"}, datastore.Activation{Set: "cordon"},
	}
}

func nounsGet(t *testing.T, s datastore.Store) {
	absent := func(when string) {
		inAndOut(t, s, func(r datastore.Reader) {
			for _, noun := range identities() {
				got, err := r.Get(t.Context(), noun)
				if support, is := noun.(datastore.Support); is { // the zero value where nothing is known
					must(t, err)
					same(t, when+" support", got, datastore.Noun(support))
					continue
				}
				wantError(t, fmt.Sprintf("%s: get a %T", when, noun), err, datastore.ErrNotFound)
			}
		})
	}
	absent("before")
	put(t, s, everyNoun()...)
	for i, noun := range identities() {
		want := everyNoun()[i]
		if member, is := want.(datastore.Member); is {
			blocks, err := datastore.Get(t.Context(), s, datastore.UserBlocks{Organization: "acme", User: "lena"})
			must(t, err)
			member.Blocks = blocks.Blocks
			want = member
		}
		inAndOut(t, s, func(r datastore.Reader) {
			got, err := r.Get(t.Context(), noun)
			must(t, err)
			same(t, "got", got, want)
		})
	}
	for _, noun := range identities() {
		remove(t, s, noun)
	}
	absent("after")
}

func nounsGetMember(t *testing.T, s datastore.Store) {
	put(t, s, company("acme")...)
	blocks := []datastore.Block{block("b", datastore.OriginSupport)}
	put(t, s, datastore.UserBlocks{Organization: "acme", User: "carl", Blocks: blocks})
	want := member("acme", "carl", datastore.Client, "acme-mail", "acme-site")
	want.Blocks = blocks
	got, err := datastore.Get(t.Context(), s, datastore.Member{Organization: "acme", ID: "carl"})
	must(t, err)
	same(t, "member", got, want)

	remove(t, s, datastore.Member{Organization: "acme", ID: "carl"}) // the blocks stay
	_, err = datastore.Get(t.Context(), s, datastore.Member{Organization: "acme", ID: "carl"})
	wantError(t, "get what is left", err, datastore.ErrNotFound)
}

func nounsGetProduct(t *testing.T, s datastore.Store) {
	put(t, s, company("acme")...)
	for _, organization := range []string{"", "acme"} {
		got, err := datastore.Get(t.Context(), s, datastore.Product{Organization: organization, ID: "acme-site"})
		must(t, err)
		same(t, "product", got, product("acme", "acme-site", "web_hosting"))
	}
	_, err := datastore.Get(t.Context(), s, datastore.Product{Organization: "beta", ID: "acme-site"})
	wantError(t, "get another's", err, datastore.ErrNotFound)
}

func nounsNote(t *testing.T, s datastore.Store) {
	note := datastore.Note{Name: "large", Body: bytes.Repeat([]byte{0, 1, 2, 255}, datastore.NoteLimit/4)}
	put(t, s, note)
	got, err := datastore.Get(t.Context(), s, datastore.Note{Name: "large"})
	must(t, err)
	if !bytes.Equal(got.Body, note.Body) {
		t.Errorf("a body of %d bytes is read as another of %d", len(note.Body), len(got.Body))
	}
	err = s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
		return tx.Put(ctx, datastore.Note{Name: "larger", Body: append(note.Body, 0)})
	})
	if err == nil {
		t.Error("a body over the limit was put")
	}
	_, err = datastore.Get(t.Context(), s, datastore.Note{Name: "larger"})
	wantError(t, "get what was refused", err, datastore.ErrNotFound)
}

func nounsOfOneOrganization(t *testing.T, s datastore.Store) {
	put(t, s, company("acme")...)
	put(t, s, organization("beta"), member("beta", "lena", datastore.Client),
		datastore.UserBlocks{Organization: "beta", User: "lena", Blocks: []datastore.Block{block("b", datastore.OriginSupport)}},
		datastore.Procedure{Organization: "beta", User: "lena", ID: "p"})
	facts := known(t, s, datastore.Key{Organization: "acme", User: "lena", Target: "lena"})
	same(t, "role", facts.Member.Role, datastore.LegalRepresentative)
	same(t, "blocks", facts.TargetBlocks, []datastore.Block{})
	same(t, "procedures", all(t, datastore.List(t.Context(), s, datastore.Procedure{Organization: "acme", User: "lena"}, datastore.Page{Descending: true})), []datastore.Procedure{})
	remove(t, s, datastore.Member{Organization: "beta", ID: "lena"})
	same(t, "the other member", known(t, s, datastore.Key{Organization: "acme", User: "lena"}).Member.ID, "lena")
}

func nounsRoles(t *testing.T, s datastore.Store) {
	member := func(role string) error {
		return s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
			return tx.Put(ctx, datastore.Member{Organization: "acme", ID: "u", Role: role})
		})
	}
	put(t, s, organization("acme"))
	for _, role := range append(datastore.Roles(), "accountant", "r2_d2", strings.Repeat("a", 40)) {
		must(t, member(role))
		same(t, "its role", known(t, s, datastore.Key{Organization: "acme", User: "u"}).Member.Role, role)
	}
	for _, role := range []string{"", "Client", "9", "a b", "rôle", strings.Repeat("a", 41)} {
		if member(role) == nil {
			t.Errorf("a member with the role %q was put", role)
		}
	}
}
