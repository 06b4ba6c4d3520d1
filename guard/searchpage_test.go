package guard_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cordon/datastore"
	"cordon/guard"
)

// looking is a store whose views are looked at: how much they list, and what happens within them.
type looking struct {
	datastore.Store
	listed int
	within func() // after the first read of a view
}

func (l *looking) View(ctx context.Context, fn func(context.Context, datastore.Reader) error) error {
	return l.Store.View(ctx, func(ctx context.Context, r datastore.Reader) error { return fn(ctx, &lookingReader{r, l}) })
}

type lookingReader struct {
	datastore.Reader
	of *looking
}

func (r *lookingReader) Facts(ctx context.Context, key datastore.Key) (datastore.Facts, error) {
	f, err := r.Reader.Facts(ctx, key)
	if then := r.of.within; then != nil {
		r.of.within = nil
		then()
	}
	return f, err
}

func (r *lookingReader) List(ctx context.Context, among datastore.Noun, page datastore.Page) iter.Seq2[datastore.Noun, error] {
	return func(yield func(datastore.Noun, error) bool) {
		for noun, err := range r.Reader.List(ctx, among, page) {
			if r.of.listed++; !yield(noun, err) {
				return
			}
		}
	}
}

// shelf puts an organization with many products in place: lena may all, carl what is granted to him, and cleo nothing.
func shelf(t *testing.T, store datastore.Store, organization string, products int, granted ...int) {
	t.Helper()
	nouns := []datastore.Noun{datastore.Organization{ID: organization, Revision: 1}}
	carl := datastore.Member{Organization: organization, ID: "carl", Role: datastore.Collaborator}
	for i := range products {
		nouns = append(nouns, datastore.Product{Organization: organization, ID: shelved(organization, i), Kind: "domain"})
		if slices.Contains(granted, i) {
			carl.Grants = append(carl.Grants, shelved(organization, i))
		}
	}
	nouns = append(nouns, carl, datastore.Member{Organization: organization, ID: "lena", Role: datastore.LegalRepresentative},
		datastore.Member{Organization: organization, ID: "cleo", Role: datastore.Client})
	if err := store.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error { return tx.Put(ctx, nouns...) }); err != nil {
		t.Fatal(err)
	}
}

func shelved(organization string, i int) string { return fmt.Sprintf("%s-%05d", organization, i) }

func whichMay(user, action string) guard.Search {
	return guard.Search{Find: guard.FindResources, Question: *productQuestion(user, action, "")}
}

func idsOf(f *guard.Found) (ids []string) {
	for _, e := range f.Entities {
		ids = append(ids, e.ID)
	}
	return ids
}

// What little is granted is found without looking at all that is not.
func TestASearchForLittleDoesNotLookAtEverything(t *testing.T) {
	store := &looking{Store: openSQLite(t)}
	g := newGuard(t, store, nil)
	shelf(t, store, "acme", 5000, 7, 2500, 4999)
	for _, test := range []struct {
		user, action string
		want, most   int
	}{{"carl", "manage", 3, 5}, {"cleo", "manage", 0, 5}, {"carl", "view", 3, 5}, {"carl", "block", 0, 5}, {"lena", "manage", 50, 60}} {
		store.listed = 0
		s := whichMay(test.user, test.action)
		found := must[*guard.Found](t)(g.Search(t.Context(), host(), &s))
		if len(found.Entities) != test.want || store.listed > test.most || (found.Next == "") != (test.user != "lena") {
			t.Errorf("%+v: found %d with next %q, and looked at %d", test, len(found.Entities), found.Next, store.listed)
		}
	}
}

// Where much must be looked at, a page is short and says where to go on; nothing is left out.
func TestAPageThatTakesLongIsShort(t *testing.T) {
	store := openSQLite(t)
	g := newGuard(t, store, nil)
	shelf(t, store, "acme", 4500)
	block := datastore.Block{ID: "b", Origin: datastore.OriginHost}
	mail := datastore.Product{Organization: "acme", ID: shelved("acme", 4499) + "-mail", Kind: datastore.MailService, Blocks: []datastore.Block{block}}
	if err := store.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error { return tx.Put(ctx, mail) }); err != nil {
		t.Fatal(err)
	}
	s, sizes := whichMay("lena", "start_maintenance"), []int{}
	var ids []string
	for {
		found := must[*guard.Found](t)(g.Search(t.Context(), host(), &s))
		ids, sizes = append(ids, idsOf(found)...), append(sizes, len(found.Entities))
		if s.Token = found.Next; found.Next == "" {
			break
		}
	}
	if len(ids) > 1 || len(sizes) != 3 || sizes[0] != 0 {
		t.Errorf("found %v on pages of %v", ids, sizes)
	}
	if yes, _ := decide(t, g, productQuestion("lena", "start_maintenance", mail.ID)); yes != (len(ids) == 1) {
		t.Errorf("it may: %v, found %v", yes, ids)
	}
}

// Whoever is a member of many organizations finds what is of them on several pages.
func TestASearchOfManyOrganizationsTakesSeveralPages(t *testing.T) {
	store := openSQLite(t)
	g := newGuard(t, store, nil)
	const organizations = 300
	var want []string
	for i := range organizations {
		organization := fmt.Sprintf("o%03d", i)
		shelf(t, store, organization, i%2)
		if i%2 == 1 {
			want = append(want, shelved(organization, 0))
		}
	}
	for find, s := range map[string]guard.Search{
		"products":      whichMay("lena", "manage"),
		"organizations": {Find: guard.FindResources, Question: guard.Question{Subject: guard.Entity{Type: "user", ID: "lena"}, Action: guard.Action{Name: "view"}, Resource: guard.Entity{Type: "organization"}}},
	} {
		s.Limit = 500
		found := must[*guard.Found](t)(g.Search(t.Context(), host(), &s))
		if len(found.Entities) > 130 || found.Next == "" || found.Organization != "" {
			t.Errorf("%s: the first page has %d", find, len(found.Entities))
		}
		all := pages(t, g, host(), s)
		if find == "products" && !slices.Equal(all, want) || find == "organizations" && len(all) != organizations {
			t.Errorf("%s: found %d: %v", find, len(all), all)
		}
	}
}

// The orders in which a change and a page can come: what was passed stays passed, what comes is as it is then.
func TestAPageIsDecidedOnWhatIsThen(t *testing.T) {
	ids := func(numbers ...int) (list []string) {
		for _, i := range numbers {
			list = append(list, shelved("acme", i))
		}
		return list
	}
	put := func(nouns ...datastore.Noun) func(ctx context.Context, tx datastore.Tx) error {
		return func(ctx context.Context, tx datastore.Tx) error {
			_, err := tx.Bump(ctx, "acme")
			return errors.Join(err, tx.Put(ctx, nouns...))
		}
	}
	remove := func(noun datastore.Noun) func(ctx context.Context, tx datastore.Tx) error {
		return func(ctx context.Context, tx datastore.Tx) error {
			_, err := tx.Bump(ctx, "acme")
			return errors.Join(err, tx.Delete(ctx, noun))
		}
	}
	carl := datastore.Member{Organization: "acme", ID: "carl", Role: datastore.Collaborator, Grants: ids(1, 2, 3, 5)}
	blocked := datastore.Product{Organization: "acme", ID: shelved("acme", 3), Kind: "domain", Blocks: []datastore.Block{{ID: "b", Origin: datastore.OriginHost}}}
	for name, test := range map[string]struct {
		between func(ctx context.Context, tx datastore.Tx) error
		want    []string // on the page after 1 and 2
	}{
		"nothing":                      {put(), ids(3, 4, 5)},
		"one before is granted":        {put(func() datastore.Member { m := carl; m.Grants = ids(0, 1, 2, 3, 4, 5); return m }()), ids(3, 4, 5)},
		"one after is taken":           {put(carl), ids(3, 5)},
		"the last one is taken":        {put(func() datastore.Member { m := carl; m.Grants = ids(1, 3, 4); return m }()), ids(3, 4)},
		"one after is blocked":         {put(blocked), ids(4, 5)},
		"one after is deleted":         {remove(blocked), ids(4, 5)},
		"they are no member any more":  {remove(carl), nil},
		"they become an administrator": {put(func() datastore.Member { m := carl; m.Role = datastore.Administrator; return m }()), ids(3, 4, 5, 6)},
		"the organization is deleted": {func(ctx context.Context, tx datastore.Tx) error {
			return tx.Delete(ctx, datastore.Organization{ID: "acme"})
		}, nil},
	} {
		for _, within := range []bool{false, true} { // after the page, or while it is read
			t.Run(fmt.Sprintf("%s/%v", name, within), func(t *testing.T) {
				store := &looking{Store: openSQLite(t)}
				g := newGuard(t, store, nil)
				shelf(t, store, "acme", 7, 1, 2, 3, 4, 5)
				change := func() {
					if err := store.Update(t.Context(), test.between); err != nil {
						t.Error(err)
					}
				}
				s := whichMay("carl", "manage")
				s.Limit = 2
				if within {
					store.within = change
				}
				first := must[*guard.Found](t)(g.Search(t.Context(), host(), &s))
				if !slices.Equal(idsOf(first), ids(1, 2)) || first.Next == "" || first.Revision != 1 {
					t.Fatalf("the first page: %+v", first)
				}
				if !within {
					change()
				}
				s.Token, s.Limit = first.Next, 0
				if got := pages(t, g, host(), s); !slices.Equal(got, append([]string{}, test.want...)) {
					t.Errorf("then found %v, want %v", got, test.want)
				}
			})
		}
	}
}

// Another policy may come into force between two pages, or while one is looked for: each page is of one.
func TestAPageIsOfOnePolicy(t *testing.T) {
	store := &looking{Store: openSQLite(t)}
	g := newGuard(t, store, nil)
	shelf(t, store, "acme", 4, 1)
	s := whichMay("carl", "manage")
	before := must[*guard.Found](t)(g.Search(t.Context(), host(), &s))
	store.within = func() { activate(t, g, opening(t)) }
	during := must[*guard.Found](t)(g.Search(t.Context(), host(), &s))
	after := must[*guard.Found](t)(g.Search(t.Context(), host(), &s))
	if len(before.Entities) != 1 || len(after.Entities) != 4 || before.Policy == after.Policy {
		t.Errorf("before %+v, after %+v", before, after)
	}
	for _, page := range []*guard.Found{before, after} {
		if during.Policy == page.Policy && len(during.Entities) == len(page.Entities) {
			return
		}
	}
	t.Errorf("during %+v", during)
}

// undone is a store whose views do not come to their end: what they read is undone, as where a primary steps down.
type undone struct{ datastore.Store }

func (u *undone) View(ctx context.Context, fn func(context.Context, datastore.Reader) error) error {
	return errors.Join(u.Store.View(ctx, func(ctx context.Context, r datastore.Reader) error { return fn(ctx, &undoneReader{r}) }), datastore.ErrUnavailable)
}

type undoneReader struct{ datastore.Reader }

func (r *undoneReader) Facts(ctx context.Context, key datastore.Key) (datastore.Facts, error) {
	f, err := r.Reader.Facts(ctx, key)
	if f.Member != nil {
		f.Member.Role = datastore.LegalRepresentative
	}
	return f, err
}

func TestWhatAViewReadStaysOnlyWithItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := openSQLite(t)
		shelf(t, store, "acme", 2)
		g := newGuard(t, &undone{store}, nil)
		synctest.Wait()
		time.Sleep(g.MaxStaleness() / 2) // of the bubble: a beat, from which on the cache is trusted
		synctest.Wait()
		s := whichMay("cleo", "manage")
		if found, err := g.Search(t.Context(), host(), &s); !errors.Is(err, datastore.ErrUnavailable) {
			t.Fatalf("found %+v, %v", found, err)
		}
		ask := &guard.Question{Subject: guard.Entity{Type: "user", ID: "cleo"}, Action: guard.Action{Name: "view_decisions"}, Resource: guard.Entity{Type: "organization", ID: "acme"}}
		if yes, _ := decide(t, g, ask); yes {
			t.Error("it is decided on what was undone")
		}
	})
}

// Replicas and restarts share the secret of the tokens, and a token is good for what it was given for alone.
func TestATokenIsGoodElsewhereAndLater(t *testing.T) {
	eachStore(t, func(t *testing.T, store datastore.Store) {
		shelf(t, store, "acme", 5)
		s := whichMay("lena", "manage")
		s.Limit = 2
		first := must[*guard.Found](t)(newGuard(t, store, nil).Search(t.Context(), host(), &s))
		other := newGuard(t, store, nil)
		s.Token = first.Next
		if got := pages(t, other, host(), s); len(got) != 3 {
			t.Errorf("another replica found %v", got)
		}
		if again := must[*guard.Found](t)(other.Search(t.Context(), host(), &guard.Search{Find: s.Find, Question: s.Question, Limit: 2})); again.Next != first.Next {
			t.Errorf("equal pages go on with %s and %s", first.Next, again.Next)
		}
		if strings.Contains(first.Next, "acme") {
			t.Errorf("a token says what it stands for: %s", first.Next)
		}
		for name, change := range map[string]func(*guard.Origin, *guard.Search){
			"caller":       func(o *guard.Origin, _ *guard.Search) { o.Caller = &guard.Caller{ID: "another"} },
			"kind":         func(o *guard.Origin, _ *guard.Search) { o.Caller = &guard.Caller{ID: everyScope.ID, Token: true} },
			"limit":        func(_ *guard.Origin, s *guard.Search) { s.Limit = 3 },
			"find":         func(_ *guard.Origin, s *guard.Search) { s.Find = guard.FindSubjects },
			"subject":      func(_ *guard.Origin, s *guard.Search) { s.Question.Subject.ID = "carl" },
			"action":       func(_ *guard.Origin, s *guard.Search) { s.Question.Action.Name = "view" },
			"channel":      func(_ *guard.Origin, s *guard.Search) { s.Question.Action.Channel = "imap" },
			"type":         func(_ *guard.Origin, s *guard.Search) { s.Question.Resource.Type = "user" },
			"organization": func(_ *guard.Origin, s *guard.Search) { s.Question.Resource.Organization = "acme" },
			"context":      func(_ *guard.Origin, s *guard.Search) { s.Asked = []byte(`{"context":{}}`) },
			"no token":     func(_ *guard.Origin, s *guard.Search) { s.Token = "x" },
			"cut":          func(_ *guard.Origin, s *guard.Search) { s.Token = s.Token[:len(s.Token)-1] },
			"longer":       func(_ *guard.Origin, s *guard.Search) { s.Token += "A" },
		} {
			o, changed := host(), s
			change(o, &changed)
			found, err := other.Search(t.Context(), o, &changed)
			if invalid, ok := errors.AsType[*guard.Invalid](err); !ok || len(invalid.Errors) != 1 || !strings.HasPrefix(invalid.Errors[0].Pointer, "/page/") {
				t.Errorf("with another %s: %+v, %v", name, found, err)
			}
		}
		// Where the store is set back, its secret is taken anew.
		if err := store.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
			return tx.Delete(ctx, datastore.Note{Name: "search/secret"})
		}); err != nil {
			t.Fatal(err)
		}
		begun := guard.Search{Find: s.Find, Question: s.Question, Limit: 2}
		third := newGuard(t, store, nil)
		begun.Token = must[*guard.Found](t)(third.Search(t.Context(), host(), &begun)).Next
		if got := pages(t, other, host(), begun); len(got) != 3 {
			t.Errorf("after the store was set back: %v", got)
		}
	})
}

// Nobody makes a token, or changes one.
func FuzzSearchToken(f *testing.F) {
	store := openFiles(f)
	g := benchedGuard(f, store, false)
	s := whichMay("lena", "manage")
	s.Limit = 1
	if err := store.Update(f.Context(), func(ctx context.Context, tx datastore.Tx) error {
		return tx.Put(ctx, datastore.Organization{ID: "acme", Revision: 1}, datastore.Member{Organization: "acme", ID: "lena", Role: datastore.LegalRepresentative},
			datastore.Product{Organization: "acme", ID: "a", Kind: "domain"}, datastore.Product{Organization: "acme", ID: "b", Kind: "domain"})
	}); err != nil {
		f.Fatal(err)
	}
	found, err := g.Search(f.Context(), host(), &s)
	if err != nil || found.Next == "" {
		f.Fatal(found, err)
	}
	for _, seed := range []string{found.Next, "", "x", found.Next + "=", strings.ToUpper(found.Next), strings.Repeat("A", 10_000), found.Next[:20], "\x00", "é"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		s := s
		s.Token = token
		got, err := g.Search(t.Context(), host(), &s)
		_, invalid := errors.AsType[*guard.Invalid](err)
		if good := token == "" || token == found.Next; good != (err == nil) || !good && !invalid {
			t.Fatalf("token %q: %+v, %v", token, got, err)
		}
	})
}
