package datastoretest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"cordon/datastore"
	"cordon/ledger/batch"
	"cordon/ledger/record"
)

func lists() []test {
	return []test{
		{"lists are in the order of ids, byte by byte", listsOrder},
		{"a page has at most its limit, after its cursor", listsPages},
		{"a page that names ids holds no others", listsByID},
		{"memberships are those of one user who is a member", listsMemberships},
		{"members are listed with their blocks", listsBlocks},
		{"procedures are those of one user", listsProcedures},
		{"messages are selected by every member that is set", listsMessages},
		{"other nouns are not listed", listsOthers},
		{"a list is of one point in time while others write", listsNotTorn},
		{"paging neither skips nor repeats while others insert", listsPagingUnderInserts},
		{"a list may be left early, read again, and nested", listsNested},
		{"what a list gives may be written while it goes on", listsWrite},
		{"lists of nothing are empty", listsEmpty},
	}
}

// listing names a list that takes a page.
type listing struct {
	name string
	put  func(id string) datastore.Noun
	list func(ctx context.Context, r datastore.Reader, page datastore.Page) iter.Seq2[string, error]
}

// listings are all lists that take a page. What they list belongs to organization "acme".
func listings() []listing {
	return []listing{
		{"organizations", func(id string) datastore.Noun { return datastore.Organization{ID: id, Revision: 1} },
			func(ctx context.Context, r datastore.Reader, page datastore.Page) iter.Seq2[string, error] {
				return each(datastore.List(ctx, r, datastore.Organization{}, page), organizationID)
			}},
		{"members", func(id string) datastore.Noun {
			return datastore.Member{Organization: "acme", ID: id, Role: datastore.Client}
		},
			func(ctx context.Context, r datastore.Reader, page datastore.Page) iter.Seq2[string, error] {
				return each(datastore.List(ctx, r, datastore.Member{Organization: "acme"}, page), memberID)
			}},
		{"memberships", func(id string) datastore.Noun {
			return datastore.Member{Organization: id, ID: "lena", Role: datastore.Client}
		},
			func(ctx context.Context, r datastore.Reader, page datastore.Page) iter.Seq2[string, error] {
				return each(datastore.List(ctx, r, datastore.Membership{User: "lena"}, page), membershipIn)
			}},
		{"products", func(id string) datastore.Noun { return datastore.Product{Organization: "acme", ID: id} },
			func(ctx context.Context, r datastore.Reader, page datastore.Page) iter.Seq2[string, error] {
				return each(datastore.List(ctx, r, datastore.Product{Organization: "acme"}, page), productID)
			}},
		{"keys", func(id string) datastore.Noun { return datastore.APIKey{ID: id} },
			func(ctx context.Context, r datastore.Reader, page datastore.Page) iter.Seq2[string, error] {
				return each(datastore.List(ctx, r, datastore.APIKey{}, page), keyID)
			}},
		{"webhooks", func(id string) datastore.Noun { return datastore.Webhook{Organization: "acme", ID: id} },
			func(ctx context.Context, r datastore.Reader, page datastore.Page) iter.Seq2[string, error] {
				return each(datastore.List(ctx, r, datastore.Webhook{Organization: "acme"}, page), webhookID)
			}},
		{"procedures", func(id string) datastore.Noun { return datastore.Procedure{Organization: "acme", User: "lena", ID: id} },
			func(ctx context.Context, r datastore.Reader, page datastore.Page) iter.Seq2[string, error] {
				return each(datastore.List(ctx, r, datastore.Procedure{Organization: "acme", User: "lena"}, page), procedureID)
			}},
		{"notes", func(id string) datastore.Noun { return datastore.Note{Name: id} },
			func(ctx context.Context, r datastore.Reader, page datastore.Page) iter.Seq2[string, error] {
				return each(datastore.List(ctx, r, datastore.Note{}, page), noteName)
			}},
		{"messages", func(id string) datastore.Noun {
			return datastore.Message{ID: id, State: datastore.MessagePending, NextAt: at(0)}
		},
			func(ctx context.Context, r datastore.Reader, page datastore.Page) iter.Seq2[string, error] {
				return each(datastore.List(ctx, r, datastore.Message{}, page), messageID)
			}},
	}
}

func each[T any](list iter.Seq2[T, error], id func(T) string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for item, err := range list {
			if !yield(id(item), err) {
				return
			}
		}
	}
}

func itself(id string) string { return id }

// inAndOut runs a check with the store and within a transaction.
func inAndOut(t *testing.T, s datastore.Store, check func(r datastore.Reader)) {
	check(s)
	must(t, s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error { check(tx); return nil }))
}

func listsOrder(t *testing.T, s datastore.Store) {
	names := []string{"b", "B", "a", "A", "a.b", "a-b", "a_b", "a@b", "ab", "aB", "a1", "10", "9", "é", "z", "漢", "🦊", "～"}
	for _, l := range listings() {
		for _, name := range names {
			put(t, s, l.put(name))
		}
	}
	inAndOut(t, s, func(r datastore.Reader) {
		for _, l := range listings() {
			for _, descending := range []bool{false, true} {
				if slices.Sort(names); descending {
					slices.Reverse(names)
				}
				page := datastore.Page{Descending: descending}
				same(t, l.name, ids(t, l.list(t.Context(), r, page), itself), names)
				for i, name := range names {
					page.After = name
					same(t, fmt.Sprintf("%s of %+v", l.name, page), ids(t, l.list(t.Context(), r, page), itself), names[i+1:])
				}
			}
		}
	})
}

func listsPages(t *testing.T, s datastore.Store) {
	var names []string
	var nouns []datastore.Noun
	for i := range 9 {
		names = append(names, numbered("x", i))
		for _, l := range listings() {
			nouns = append(nouns, l.put(numbered("x", i)))
		}
	}
	put(t, s, nouns...)
	inAndOut(t, s, func(r datastore.Reader) {
		for _, l := range listings() {
			for _, limit := range []int{1, 2, 3, 4, 9, 10} {
				for _, descending := range []bool{false, true} {
					var pages, got []string
					page := datastore.Page{Limit: limit, Descending: descending}
					for {
						items := ids(t, l.list(t.Context(), r, page), itself)
						if len(items) == 0 {
							break
						}
						pages, got = append(pages, fmt.Sprint(len(items))), append(got, items...)
						page.After = items[len(items)-1]
					}
					want := slices.Clone(names)
					if descending {
						slices.Reverse(want)
					}
					same(t, fmt.Sprintf("%s by %d", l.name, limit), got, want)
					same(t, fmt.Sprintf("%s: pages by %d", l.name, limit), len(pages), (len(names)+limit-1)/limit)
				}
			}
			same(t, l.name+" after what is not there", ids(t, l.list(t.Context(), r, datastore.Page{After: "x-0003x", Limit: 2}), itself), names[4:6])
			same(t, l.name+" before what is not there",
				ids(t, l.list(t.Context(), r, datastore.Page{After: "x-0003x", Limit: 2, Descending: true}), itself), []string{names[3], names[2]})
			same(t, l.name+" after the last", ids(t, l.list(t.Context(), r, datastore.Page{After: "y"}), itself), []string{})
		}
	})
}

func listsByID(t *testing.T, s datastore.Store) {
	var nouns []datastore.Noun
	for i := range 9 {
		for _, l := range listings() {
			nouns = append(nouns, l.put(numbered("x", i)))
		}
	}
	put(t, s, nouns...)
	named := []string{numbered("x", 7), numbered("x", 1), "none", numbered("x", 4), numbered("x", 1)}
	inAndOut(t, s, func(r datastore.Reader) {
		for _, l := range listings() {
			of := func(page datastore.Page) []string {
				page.IDs = named
				return ids(t, l.list(t.Context(), r, page), itself)
			}
			same(t, l.name+" by id", of(datastore.Page{}), []string{numbered("x", 1), numbered("x", 4), numbered("x", 7)})
			same(t, l.name+" by id after", of(datastore.Page{After: numbered("x", 1), Limit: 1}), []string{numbered("x", 4)})
			same(t, l.name+" by id before", of(datastore.Page{After: numbered("x", 7), Descending: true}), []string{numbered("x", 4), numbered("x", 1)})
			same(t, l.name+" by no id", ids(t, l.list(t.Context(), r, datastore.Page{IDs: []string{}}), itself), []string{})
		}
	})
}

func listsMemberships(t *testing.T, s datastore.Store) {
	put(t, s, company("acme")...)
	put(t, s, company("beta")...)
	put(t, s, datastore.UserBlocks{Organization: "gamma", User: "carl", Blocks: []datastore.Block{block("b", datastore.OriginSupport)}})
	remove(t, s, datastore.Member{Organization: "beta", ID: "adam"})
	inAndOut(t, s, func(r datastore.Reader) {
		for user, want := range map[string][]string{"carl": {"acme", "beta"}, "adam": {"acme"}, "nobody": nil} {
			var named []datastore.Membership
			for _, organization := range want {
				named = append(named, datastore.Membership{Organization: organization, User: user})
			}
			same(t, user, all(t, datastore.List(t.Context(), r, datastore.Membership{User: user}, datastore.Page{})), named)
		}
	})
}

func listsBlocks(t *testing.T, s datastore.Store) {
	put(t, s, company("acme")...)
	put(t, s, company("beta")...)
	blocks := []datastore.Block{block("b", datastore.OriginSupport)}
	put(t, s, datastore.UserBlocks{Organization: "acme", User: "carl", Blocks: blocks})
	adam, carl := member("acme", "adam", datastore.Administrator), member("acme", "carl", datastore.Client, "acme-mail", "acme-site")
	carl.Blocks = blocks
	inAndOut(t, s, func(r datastore.Reader) {
		same(t, "members", all(t, datastore.List(t.Context(), r, datastore.Member{Organization: "acme"}, datastore.Page{Limit: 2})), []datastore.Member{adam, carl})
		same(t, "members of the other", len(all(t, datastore.List(t.Context(), r, datastore.Member{Organization: "beta"}, datastore.Page{}))), 4)
	})
}

func listsProcedures(t *testing.T, s datastore.Store) {
	for _, id := range []string{"0190-b", "0190-a", "0191-a"} {
		put(t, s, datastore.Procedure{Organization: "acme", User: "lena", ID: id, At: at(0)})
		put(t, s, datastore.Procedure{Organization: "acme", User: "carl", ID: "of-carl-" + id})
	}
	inAndOut(t, s, func(r datastore.Reader) {
		same(t, "procedures", ids(t, datastore.List(t.Context(), r, datastore.Procedure{Organization: "acme", User: "lena"}, datastore.Page{Descending: true}), procedureID), []string{"0191-a", "0190-b", "0190-a"})
	})
}

func listsMessages(t *testing.T, s datastore.Store) {
	var messages []datastore.Message
	var nouns []datastore.Noun
	for i := range 48 {
		m := message(numbered("m", i), i)
		m.Organization = []string{"acme", "beta"}[i%2]
		m.Kind = []string{"mail", "webhook"}[i/2%2]
		m.State = []string{datastore.MessagePending, datastore.MessageDone, datastore.MessageDead}[i/4%3]
		m.Recipient = []string{"lena", "hook"}[i/12%2]
		m.Decision = []string{"", "d-1", "d-2"}[i/8%3]
		messages, nouns = append(messages, m), append(nouns, m)
	}
	put(t, s, nouns...)
	inAndOut(t, s, func(r datastore.Reader) {
		for _, f := range messagesAmong() {
			for _, page := range []datastore.Page{{}, {After: "m-0020", Limit: 2}, {Descending: true}, {After: "m-0020", Limit: 2, Descending: true}} {
				var want []string
				for _, m := range messages {
					if (f.Organization == "" || f.Organization == m.Organization) && (f.Kind == "" || f.Kind == m.Kind) &&
						(f.State == "" || f.State == m.State) && (f.Recipient == "" || f.Recipient == m.Recipient) &&
						(f.Decision == "" || f.Decision == m.Decision) && seen(m.ID, page) {
						want = append(want, m.ID)
					}
				}
				if page.Descending {
					slices.Reverse(want)
				}
				if page.Limit > 0 {
					want = want[:min(len(want), page.Limit)]
				}
				same(t, fmt.Sprintf("messages of %+v, %+v", f, page), ids(t, datastore.List(t.Context(), r, f, page), messageID), want)
			}
		}
	})
}

// seen reports whether a page may hold an id.
func seen(id string, page datastore.Page) bool {
	if page.Descending {
		return page.After == "" || id < page.After
	}
	return id > page.After
}

// messagesAmong are those that a store must tell apart. What selects nothing is set as well.
func messagesAmong() (among []datastore.Message) {
	for _, organization := range []string{"", "acme", "gamma"} {
		for _, kind := range []string{"", "webhook"} {
			for _, state := range []string{"", datastore.MessageDead} {
				for _, recipient := range []string{"", "lena"} {
					among = append(among, datastore.Message{
						ID: "m-0003", Event: "e", Attempts: 7, Organization: organization, Kind: kind, State: state, Recipient: recipient})
				}
			}
		}
	}
	return append(among, datastore.Message{Decision: "d-1"}, datastore.Message{Decision: "d-3"},
		datastore.Message{Decision: "d-2", Organization: "acme", State: datastore.MessageDead})
}

func listsOthers(t *testing.T, s datastore.Store) {
	put(t, s, everyNoun()...)
	inAndOut(t, s, func(r datastore.Reader) {
		for _, among := range []datastore.Noun{datastore.UserBlocks{Organization: "acme"}, datastore.Support{}, datastore.FirstAnswer{}} {
			if err := firstError(r.List(t.Context(), among, datastore.Page{})); err == nil {
				t.Errorf("%T: got no error", among)
			}
		}
	})
}

// listsNotTorn has writers rename all members and products at once.
func listsNotTorn(t *testing.T, s datastore.Store) {
	const items, writers, rounds = 8, 2, 25
	write := func(name string) error {
		return s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
			if _, err := tx.Bump(ctx, "acme"); err != nil {
				return err
			}
			for i := range items {
				m, p := member("acme", numbered("m", i), datastore.Client), product("acme", numbered("p", i), "other")
				m.Name, p.Name = name, name
				if err := tx.Put(ctx, m, p); err != nil {
					return err
				}
			}
			return nil
		})
	}
	put(t, s, organization("acme"))
	must(t, write("first"))
	for _, err := range race(writers+2, func(i int) error {
		for round := range rounds {
			if i < writers {
				if err := write(fmt.Sprintf("%d-%d", i, round)); err != nil {
					return err
				}
				continue
			}
			var names []string
			for m, err := range datastore.List(t.Context(), s, datastore.Member{Organization: "acme"}, datastore.Page{}) {
				if err != nil {
					return err
				}
				names = append(names, m.Name)
			}
			if i == writers {
				names = nil
				for p, err := range datastore.List(t.Context(), s, datastore.Product{Organization: "acme"}, datastore.Page{}) {
					if err != nil {
						return err
					}
					names = append(names, p.Name)
				}
			}
			if len(names) != items || len(slices.Compact(names)) != 1 {
				return fmt.Errorf("the list is torn: %v", names)
			}
		}
		return nil
	}) {
		must(t, err)
	}
}

func listsPagingUnderInserts(t *testing.T, s datastore.Store) {
	put(t, s, organization("acme"))
	var there []string // from the start, and must be given once each
	for i := range 40 {
		there = append(there, numbered("m", i*2))
		put(t, s, member("acme", there[i], datastore.Client))
	}
	var over atomic.Bool
	errs := race(3, func(i int) error {
		if i > 0 {
			for n := 0; !over.Load() && n < 60; n++ {
				id := numbered("m", (n*7%40)*2+1)
				err := s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
					if n%3 == 2 {
						return tx.Delete(ctx, member("acme", id, ""))
					}
					return tx.Put(ctx, member("acme", id, datastore.Client))
				})
				if err != nil {
					return err
				}
			}
			return nil
		}
		defer over.Store(true)
		for range 4 {
			seen := map[string]int{}
			page := datastore.Page{Limit: 3}
			for {
				count := 0
				for m, err := range datastore.List(t.Context(), s, datastore.Member{Organization: "acme"}, page) {
					if err != nil {
						return err
					}
					if m.ID <= page.After {
						return fmt.Errorf("%s comes after %s", m.ID, page.After)
					}
					page.After = m.ID
					seen[m.ID]++
					count++
				}
				if count < page.Limit {
					break
				}
			}
			for _, id := range there {
				if seen[id] != 1 {
					return fmt.Errorf("%s was given %d times", id, seen[id])
				}
			}
		}
		return nil
	})
	must(t, errors.Join(errs...))
}

func listsNested(t *testing.T, s datastore.Store) {
	for i := range 12 {
		put(t, s, company(numbered("org", i))...)
	}
	inAndOut(t, s, func(r datastore.Reader) {
		var got []string
		members := datastore.List(t.Context(), r, datastore.Member{Organization: "org-0003"}, datastore.Page{})
		for range 2 {
			for m, err := range members {
				must(t, err)
				got = append(got, m.ID)
				break
			}
		}
		same(t, "first members", got, []string{"adam", "adam"})
		// Deeper than any pool of connections is wide.
		var nest func(depth int, path string)
		deepest := ""
		nest = func(depth int, path string) {
			if depth == 12 {
				deepest = path
				return
			}
			for m, err := range datastore.List(t.Context(), r, datastore.Member{Organization: numbered("org", depth)}, datastore.Page{}) {
				must(t, err)
				f := known(t, r, datastore.Key{Organization: m.Organization, User: m.ID})
				nest(depth+1, path+f.Member.ID+" ")
				break
			}
		}
		nest(0, "")
		same(t, "deepest", deepest, strings.Repeat("adam ", 12))
	})
}

func listsWrite(t *testing.T, s datastore.Store) {
	put(t, s, company("acme")...)
	for m, err := range datastore.List(t.Context(), s, datastore.Member{Organization: "acme"}, datastore.Page{}) {
		must(t, err)
		m.Name = "renamed"
		put(t, s, m)
	}
	must(t, s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
		for m, err := range datastore.List(ctx, tx, datastore.Member{Organization: "acme"}, datastore.Page{}) {
			must(t, err)
			m.Email = "moved"
			must(t, tx.Put(ctx, m))
			must(t, tx.Delete(ctx, member("acme", "nobody", "")))
		}
		return nil
	}))
	for m, err := range datastore.List(t.Context(), s, datastore.Member{Organization: "acme"}, datastore.Page{}) {
		must(t, err)
		same(t, "member", []string{m.Name, m.Email}, []string{"renamed", "moved"})
	}
}

func listsEmpty(t *testing.T, s datastore.Store) {
	inAndOut(t, s, func(r datastore.Reader) {
		for _, l := range listings() {
			same(t, l.name, ids(t, l.list(t.Context(), r, datastore.Page{}), itself), []string{})
		}
		same(t, "procedures", ids(t, datastore.List(t.Context(), r, datastore.Procedure{Organization: "acme", User: "lena"}, datastore.Page{Descending: true}), procedureID), []string{})
	})
	same(t, "records", len(all(t, batch.Search(t.Context(), s, record.Filter{}))), 0)
}
