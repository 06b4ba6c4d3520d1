package guard_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"cordon/datastore"
	"cordon/guard"
	"cordon/ledger/batch"
	"cordon/ledger/record"
	"cordon/policies"
)

// What can cross an activation of a policy set, or its end, while a page of a search is made (docs/design.md 14, Apart): until
// the page goes on record it is made anew, whole. Every moment at which a search looks something up, or whether it is to go
// on, is tried.

// asking is a context of who asks, told of each of these moments.
type asking struct {
	context.Context
	looks func()
}

func (a *asking) Done() <-chan struct{} {
	a.looks()
	return a.Context.Done()
}

// attended is a store that tells who is asking before and after each question to it. The store below is not told: it may hold
// locks as it looks.
type attended struct{ datastore.Store }

func (s attended) tell(ctx context.Context) (context.Context, func()) {
	a, is := ctx.(*asking)
	if !is {
		return ctx, func() {}
	}
	a.looks()
	return a.Context, a.looks
}

func (s attended) Get(ctx context.Context, identity datastore.Noun) (datastore.Noun, error) {
	ctx, after := s.tell(ctx)
	defer after()
	return s.Store.Get(ctx, identity)
}

func (s attended) ReadFile(ctx context.Context, name string, offset int64, length int) ([]byte, error) {
	ctx, after := s.tell(ctx)
	defer after()
	return s.Store.ReadFile(ctx, name, offset, length)
}

func (s attended) Update(ctx context.Context, fn func(context.Context, datastore.Tx) error) error {
	ctx, after := s.tell(ctx)
	defer after()
	return s.Store.Update(ctx, fn)
}

// knows is a version of the set notes that knows some notes, and allows to read each of them but one.
func knows(but string, ids ...string) policies.Source {
	list, _ := json.Marshal(ids)
	return policies.Source{Files: map[string]string{"notes.rego": fmt.Sprintf(
		"package authzen.notes\n\nentities.resource.note := %s\n\nallow if input.resource.id != %q\n", list, but)}}
}

// whichNotes searches for notes that ann may read.
func whichNotes(limit int) guard.Search {
	return guard.Search{Set: "notes", Find: guard.FindResources, Question: *reads("ann"), Limit: limit}
}

func TestAPageOfASetIsOfOneVersion(t *testing.T) {
	one := knows("", "a", "b", "c")
	for name, next := range map[string]policies.Source{"another version": knows("b", "b", "c", "d"), "the end": {}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := openSQLite(t)
				g, flush := flushed(t, attended{store}, nil)
				var made []string                         // the records of the pages
				for at, tried := 0, false; !tried; at++ { // at that moment; at none first
					putSet(t, g, "notes", one)
					synctest.Wait() // until the feed has told of it: what it tells later has the search look again
					moments := 0
					ctx := &asking{t.Context(), func() {
						if moments++; moments == at {
							putSet(t, g, "notes", next)
						}
					}}
					s, want, ids := whichNotes(10), one, []string{"a", "b", "c"}
					found, err := g.Search(ctx, host(), &s)
					if tried = moments < at; at > 0 && !tried { // it was overtaken
						want, ids = next, []string{"c", "d"}
					}
					if tried && at < 10 {
						t.Errorf("there are but %d moments", moments)
					}
					if _, gone := errors.AsType[*guard.NotFound](err); gone && len(want.Files) == 0 {
						continue
					}
					if err != nil || found.Policy != want.Digest() || !slices.Equal(idsOf(found), ids) || found.Next != "" {
						t.Fatalf("at moment %d: found %+v, %v, want %v by %s", at, found, err, ids, want.Digest())
					}
					made = append(made, found.ID)
				}
				flush()
				var kept []string
				for _, r := range gather(t, batch.Search(t.Context(), store, record.Filter{Kind: record.KindRead}), nil) {
					kept = append(kept, r.ID)
				}
				slices.Sort(made)
				if slices.Sort(kept); !slices.Equal(kept, made) {
					t.Errorf("%d pages were made, and on record are %d", len(made), len(kept))
				}
			})
		})
	}
}

// Between two pages another version comes into force, or the set ends and is added anew: the next page is of what is in force
// then, behind what was found.
func TestTheNextPageOfASetIsOfTheVersionThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := enforcing(t, openSQLite(t), nil)
		putSet(t, g, "notes", knows("", "a", "b", "c"))
		s := whichNotes(2)
		first := must[*guard.Found](t)(g.Search(t.Context(), host(), &s))
		s.Token = first.Next
		if got := pages(t, g, host(), s); !slices.Equal(idsOf(first), []string{"a", "b"}) || !slices.Equal(got, []string{"c"}) {
			t.Errorf("found %v, then %v", idsOf(first), got)
		}
		putSet(t, g, "notes", knows("c", "0", "aa", "b", "bb", "c", "d"))
		if got := pages(t, g, host(), s); !slices.Equal(got, []string{"bb", "d"}) {
			t.Errorf("of another version: found %v", got)
		}
		putSet(t, g, "notes", policies.Source{})
		if found, err := g.Search(t.Context(), host(), &s); !errors.As(err, new(*guard.NotFound)) {
			t.Errorf("after the end: found %+v, %v", found, err)
		}
		putSet(t, g, "notes", knows("", "a", "z"))
		if got := pages(t, g, host(), s); !slices.Equal(got, []string{"z"}) {
			t.Errorf("added anew: found %v", got)
		}
	})
}

// A candidate that the rules give no answer about is nobody who is found, and is not left out either: the page fails, on
// record. Where they are mended, the search goes on behind the page before.
func TestACandidateWithoutAnAnswerFailsThePage(t *testing.T) {
	const endless = "some a in numbers.range(1, 30000)\n\tsome b in numbers.range(1, 30000)\n\ta * b < 0"
	sound, of := knows("", "a", "b", "c", "d"), func(rules string) policies.Source {
		return policies.Source{Files: map[string]string{"notes.rego": "package authzen.notes\n\n" + rules + "\n"}}
	}
	about := func(rule string) policies.Source { // the third of them
		return of(strings.TrimPrefix(knows("c", "a", "b", "c", "d").Files["notes.rego"], "package authzen.notes\n\n") + "\n" + rule)
	}
	for name, test := range map[string]struct {
		src  policies.Source
		made []string // on pages before
		why  error
	}{
		"no boolean":              {about("allow := input.resource.id if input.resource.id == \"c\""), []string{"a"}, policies.ErrResult},
		"two answers":             {about("allow := false if input.resource.id != \"b\"\n\nallow := true if input.resource.id == \"c\""), nil, policies.ErrResult},
		"an error of a builtin":   {about("allow if {\n\tinput.resource.id == \"c\"\n\tto_number(input.resource.id) > 1\n}"), []string{"a"}, policies.ErrResult},
		"no end":                  {about("allow if {\n\tinput.resource.id == \"c\"\n\t" + endless + "\n}"), []string{"a"}, policies.ErrTimeout},
		"an id that is no text":   {of("entities.resource.note := [\"a\", 7]\n\nallow := true"), nil, policies.ErrResult},
		"an entity without an id": {of("resource_search := [{\"type\": \"note\", \"name\": \"a\"}]\n\nallow := true"), nil, policies.ErrResult},
		"no list of them":         {of("entities.resource.note := \"a\"\n\nallow := true"), nil, policies.ErrResult},
		"a list without end":      {of("resource_search contains \"a\" if {\n\t" + endless + "\n}\n\nallow := true"), nil, policies.ErrTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			bubble := synctest.Test
			if errors.Is(test.why, policies.ErrTimeout) { // in a bubble no time passes while rules are evaluated
				bubble = func(t *testing.T, run func(*testing.T)) { run(t) }
			}
			bubble(t, func(t *testing.T) {
				store := openSQLite(t)
				g, flush := flushed(t, store, nil)
				putSet(t, g, "notes", test.src)
				s := whichNotes(1)
				var made []string
				var err error
				for err == nil && len(made) < 5 {
					var found *guard.Found
					if found, err = g.Search(t.Context(), host(), &s); err == nil {
						made, s.Token = append(made, idsOf(found)...), found.Next
					} else if found != nil {
						t.Errorf("found %+v beside %v", found, err)
					}
				}
				failed, is := errors.AsType[*guard.SetFailed](err)
				if !is || !errors.Is(err, test.why) || !slices.Equal(made, test.made) {
					t.Fatalf("found %v, then %v", made, err)
				}
				flush()
				list := gather(t, batch.Search(t.Context(), store, record.Filter{ID: failed.ID}), nil)
				if len(list) != 1 {
					t.Fatalf("on record are %+v", list)
				}
				var details struct {
					Set, Search, Error string
					Count              int
					More               bool
				}
				r := list[0]
				if err := json.Unmarshal(r.Details, &details); err != nil || details.Set != "notes" || details.Search != "resource" || details.Error != failed.Error() || details.Count != 0 || details.More {
					t.Errorf("on record are the details %s, %v", r.Details, err)
				}
				if r.Kind != record.KindRead || r.Decision || r.Policy != test.src.Digest() || r.Question.Subject.ID != "ann" || r.Question.Resource != (guard.Entity{Type: "note"}) {
					t.Errorf("on record is %+v", r)
				}
				putSet(t, g, "notes", sound)
				if got := append(made, pages(t, g, host(), s)...); !slices.Equal(got, []string{"a", "b", "c", "d"}) {
					t.Errorf("mended: found %v", got)
				}
			})
		})
	}
}

// Where candidates take long to look at, a page is short and says where to go on; nothing is left out. One that takes longer
// than a page may is a page of its own.
func TestAPageWhoseCandidatesTakeLongIsShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &looking{Store: openSQLite(t)}
		g := enforcing(t, attended{store}, nil)
		const candidates = 40
		var want []string
		for i := range candidates {
			want = append(want, fmt.Sprintf("o%02d", i))
			shelf(t, store, want[i], 0)
		}
		putSet(t, g, "notes", knows("", want...))
		takes := time.Duration(0)
		var slow func()
		slow = func() { time.Sleep(takes); store.within = slow } // of the bubble
		store.within = slow
		organizations := guard.Search{Find: guard.FindResources, Question: guard.Question{
			Subject: guard.Entity{Type: "user", ID: "lena"}, Action: guard.Action{Name: "view"}, Resource: guard.Entity{Type: "organization"}}}
		for _, test := range []struct { // in this order: a set remembers what it was asked
			name        string
			search      guard.Search
			takes       time.Duration // an answer of the store to the built-in policy, a moment to a set
			least, most int           // pages
		}{
			{"the built-in policy, without a wait", organizations, 0, 1, 1},
			{"the built-in policy", organizations, 300 * time.Millisecond, 5, candidates - 1},
			{"the built-in policy, slower", organizations, 1200 * time.Millisecond, candidates, candidates + 1},
			{"a policy set", whichNotes(0), 50 * time.Millisecond, 2, candidates / 2}, // less than a question may take
			{"a policy set, without a wait", whichNotes(0), 0, 1, 1},
		} {
			var ids []string
			s, made := test.search, 0
			for takes = test.takes; made == 0 || s.Token != "" && made <= test.most; made++ {
				ctx := context.Context(t.Context())
				if s.Set != "" {
					ctx = &asking{ctx, func() { time.Sleep(takes) }}
				}
				began := time.Now()
				found := must[*guard.Found](t)(g.Search(ctx, host(), &s))
				if took := time.Since(began); took > time.Second+4*max(takes, 300*time.Millisecond) {
					t.Errorf("%s: %d are found in %v", test.name, len(found.Entities), took)
				}
				ids, s.Token = append(ids, idsOf(found)...), found.Next
			}
			if !slices.Equal(ids, want) || made < test.least || made > test.most {
				t.Errorf("%s: found %v on %d pages", test.name, ids, made)
			}
		}
	})
}

// drawn is a policy set that knows and allows what a question's context says, and what is open. Of subjects and actions it has
// entities, of notes a search of its own.
const drawn = `package authzen.drawn

entities.subject.user contains id if some id in input.context.known

entities.action := {id: {} | some id in input.context.known}

resource_search := [{"type": kind, "id": concat("", [id, behind]), "properties": {"open": true}} |
	some id in input.context.known
	some kind, behind in {"note": "", "other": "other"}
]

allow if [input.subject.id, input.action.name, input.resource.id] in input.context.granted

allow if input[_].properties.open
`

// TestASearchOfASetIsWhatItWouldAllow: of what a set knows, what is found on all pages are exactly those of whom an evaluation
// says yes that asks about them by their type and id alone.
func TestASearchOfASetIsWhatItWouldAllow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard(t, openSQLite(t), nil)
		putSet(t, g, "drawn", policies.Source{Files: map[string]string{"drawn.rego": drawn}})
		rapid.Check(struct{ rapid.TB }{t}, func(r *rapid.T) { // the deadline of a test is none of a bubble
			known := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "a-b", "a.b", "A", "\u00e9", "0", "a b", "\"", "<", "\u2028", "ab"}), 1, 5, rapid.ID).Draw(r, "known")
			id := rapid.SampledFrom(known)
			asked := [3]string{id.Draw(r, "subject"), id.Draw(r, "action"), id.Draw(r, "resource")}
			granted := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) [3]string {
				grant := asked
				for range 2 {
					grant[rapid.IntRange(0, 2).Draw(r, "at")] = id.Draw(r, "id")
				}
				return grant
			}), 0, 9).Draw(r, "granted")
			open := rapid.IntRange(-3, 2).Draw(r, "open") // below 0: nothing
			question := func(of [3]string, open int) guard.Question {
				q := guard.Question{
					Subject: guard.Entity{Type: "user", ID: of[0]}, Action: guard.Action{Name: of[1]}, Resource: guard.Entity{Type: "note", ID: of[2]},
				}
				parts := []map[string]any{{"type": "user", "id": of[0]}, {"name": of[1]}, {"type": "note", "id": of[2]}}
				if open >= 0 {
					parts[open]["properties"] = map[string]any{"open": true}
				}
				q.Input, _ = json.Marshal(map[string]any{
					"subject": parts[0], "action": parts[1], "resource": parts[2], "context": map[string]any{"known": known, "granted": granted},
				})
				return q
			}
			limit := rapid.SampledFrom([]int{0, 1, 2, 500}).Draw(r, "limit")
			for at, find := range []string{guard.FindSubjects, guard.FindActions, guard.FindResources} {
				want := []string{}
				for _, id := range known {
					of, with := asked, open
					of[at] = id
					if open == at { // of what is found nothing is said
						with = -1
					}
					q := question(of, with)
					answer, err := g.DecideIn(t.Context(), host(), "drawn", &q)
					if err != nil {
						r.Fatalf("%+v: %v", q, err)
					}
					if answer.Allowed {
						want = append(want, id)
					}
				}
				slices.Sort(want)
				s := guard.Search{Set: "drawn", Find: find, Question: question(asked, open), Limit: limit}
				if got := pages(r, g, host(), s); !slices.Equal(got, want) {
					r.Fatalf("%s by %s: found %q by pages of %d, want %q", find, s.Question.Input, got, limit, want)
				}
			}
		})
	})
}
