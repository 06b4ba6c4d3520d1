package datastoretest

import (
	"cmp"
	"context"
	"slices"
	"testing"
	"time"

	"cordon/datastore"
)

func due() []test {
	return []test{
		{"what has ended at that instant is due, what has not is not", dueInstant},
		{"the earliest end counts", dueEarliest},
		{"what is lifted, deleted or put without an end is due no more", dueNoMore},
		{"at most the limit", dueLimit},
	}
}

// dueAt lists what is due, in order: the contract promises none.
func dueAt(t tester, r datastore.Reader, now time.Time, limit int) []datastore.Due {
	t.Helper()
	list, err := r.Due(t.Context(), now, limit)
	must(t, err)
	slices.SortFunc(list, func(a, b datastore.Due) int {
		return cmp.Or(cmp.Compare(a.Organization, b.Organization), cmp.Compare(a.Product, b.Product), cmp.Compare(a.User, b.User))
	})
	return list
}

// ending gives a block that ends.
func ending(id string, end time.Time) datastore.Block {
	b := block(id, datastore.OriginAdministrator)
	b.ExpiresAt = end
	return b
}

func dueInstant(t *testing.T, s datastore.Store) {
	site, mail := product("acme", "site", "web_hosting"), product("acme", "mail", datastore.MailService)
	site.Blocks = []datastore.Block{ending("b", at(10))}
	mail.Maintenance = &datastore.Maintenance{ID: "m", Reason: "r", By: "adam", Since: at(0), ExpiresAt: at(20)}
	endless := product("acme", "endless", "other")
	endless.Blocks = []datastore.Block{block("b", datastore.OriginHost)}
	put(t, s, organization("acme"), site, mail, endless,
		datastore.UserBlocks{Organization: "acme", User: "carl", Blocks: []datastore.Block{ending("b", at(30))}},
		datastore.UserBlocks{Organization: "acme", User: "cora", Blocks: []datastore.Block{block("b", datastore.OriginSupport)}})
	ofSite, ofMail, ofCarl := datastore.Due{Organization: "acme", Product: "site"}, datastore.Due{Organization: "acme", Product: "mail"},
		datastore.Due{Organization: "acme", User: "carl"}
	const instant = time.Microsecond
	inAndOut(t, s, func(r datastore.Reader) {
		same(t, "before any end", dueAt(t, r, at(10).Add(-instant), 0), []datastore.Due{})
		same(t, "at the first end", dueAt(t, r, at(10), 0), []datastore.Due{ofSite})
		same(t, "before the second end", dueAt(t, r, at(20).Add(-instant), 0), []datastore.Due{ofSite})
		same(t, "at the second end", dueAt(t, r, at(20), 0), []datastore.Due{ofMail, ofSite})
		same(t, "before the third end", dueAt(t, r, at(30).Add(-instant), 0), []datastore.Due{ofMail, ofSite})
		same(t, "at the third end", dueAt(t, r, at(30), 0), []datastore.Due{ofCarl, ofMail, ofSite})
		same(t, "in another zone", dueAt(t, r, at(30).In(time.FixedZone("west", -5*60*60)), 0), []datastore.Due{ofCarl, ofMail, ofSite})
		same(t, "long after", dueAt(t, r, at(1_000_000_000), 0), []datastore.Due{ofCarl, ofMail, ofSite})
	})
}

func dueEarliest(t *testing.T, s datastore.Store) {
	mail := product("acme", "mail", datastore.MailService)
	mail.Blocks = []datastore.Block{block("a", datastore.OriginHost), ending("b", at(30)), ending("c", at(20))}
	mail.Maintenance = &datastore.Maintenance{ID: "m", Reason: "r", By: "adam", Since: at(0), ExpiresAt: at(40)}
	put(t, s, organization("acme"), mail, datastore.UserBlocks{Organization: "acme", User: "carl",
		Blocks: []datastore.Block{block("a", datastore.OriginSupport), ending("b", at(50)), ending("c", at(25))}})
	same(t, "before", dueAt(t, s, at(19), 0), []datastore.Due{})
	same(t, "the product", dueAt(t, s, at(20), 0), []datastore.Due{{Organization: "acme", Product: "mail"}})
	same(t, "both, once each", dueAt(t, s, at(100), 0), []datastore.Due{{Organization: "acme", User: "carl"}, {Organization: "acme", Product: "mail"}})
}

func dueNoMore(t *testing.T, s datastore.Store) {
	site := product("acme", "site", "web_hosting")
	site.Blocks = []datastore.Block{ending("b", at(1))}
	carl := datastore.UserBlocks{Organization: "acme", User: "carl", Blocks: []datastore.Block{ending("b", at(1))}}
	set := func() { put(t, s, organization("acme"), site, carl); same(t, "due", len(dueAt(t, s, at(2), 0)), 2) }

	set()
	later := carl
	later.Blocks = []datastore.Block{ending("b", at(10))}
	put(t, s, product("acme", "site", "web_hosting"), later)
	same(t, "after it was lifted or put off", dueAt(t, s, at(2), 0), []datastore.Due{})
	set()
	remove(t, s, site, carl)
	same(t, "after it was deleted", dueAt(t, s, at(2), 0), []datastore.Due{})
	set()
	remove(t, s, organization("acme"))
	same(t, "after the organization went", dueAt(t, s, at(2), 0), []datastore.Due{})
}

func dueLimit(t *testing.T, s datastore.Store) {
	must(t, s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
		for i := range 5 {
			p := product("acme", numbered("p", i), "other")
			p.Blocks = []datastore.Block{ending("b", at(i))}
			u := datastore.UserBlocks{Organization: "acme", User: numbered("u", i), Blocks: p.Blocks}
			if err := tx.Put(ctx, p, u); err != nil {
				return err
			}
		}
		return nil
	}))
	for limit, want := range map[int]int{0: 10, 1: 1, 4: 4, 7: 7, 10: 10, 11: 10} {
		same(t, "due", len(slices.Compact(dueAt(t, s, at(100), limit))), want)
	}
}
