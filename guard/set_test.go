package guard_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"cordon/datastore"
	"cordon/guard"
	"cordon/policies"
)

// What can cross an activation of a policy set, and who wins (docs/design.md 14, Apart):
//
//	a question, before it reads what is in force    it is decided by the later version
//	a question that has read it, and loads it       by the earlier one: it began before; the next by the later
//	one that was told of it before its answer       by the later one, a batch and a page whole
//	the feed, that is held up                       by the earlier one, for as long as the feed is trusted; then the store is read
//	the end of a set                                as another version: there is no such set

// notesOf is a version of the set notes in which some people read.
func notesOf(names ...string) policies.Source {
	list, _ := json.Marshal(names)
	return policies.Source{Files: map[string]string{"notes.rego": fmt.Sprintf("package authzen.notes\n\nallow if input.subject.id in %s\n", list)}}
}

// putSet keeps a version of a set and puts it in force; of none, it ends the set.
func putSet(t *testing.T, g *guard.Guard, name string, src policies.Source) {
	t.Helper()
	digest := ""
	if len(src.Files) > 0 {
		if err := g.Keep(t.Context(), src); err != nil {
			t.Fatal(err)
		}
		digest = src.Digest()
	}
	putDigest(t, g, name, digest)
}

func putDigest(t *testing.T, g *guard.Guard, name, digest string) {
	t.Helper()
	_, err := g.Administer(t.Context(), host(), &guard.Administration{
		Action: "activate_policy", Resource: guard.Entity{Type: "policy", ID: name},
		Effect: func(ctx context.Context, tx datastore.Tx, at time.Time) (*guard.Administered, error) {
			a, err := datastore.Get(ctx, tx, datastore.Activation{Set: name})
			if err != nil && !errors.Is(err, datastore.ErrNotFound) {
				return nil, err
			}
			return &guard.Administered{Activation: &datastore.Activation{Set: name, Number: a.Number + 1, Digest: digest, At: at.UTC()}}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// reads asks whether somebody may read a note.
func reads(user string) *guard.Question {
	return &guard.Question{
		Subject: guard.Entity{Type: "user", ID: user}, Action: guard.Action{Name: "read"}, Resource: guard.Entity{Type: "note", ID: "n1"},
		Input: json.RawMessage(`{"subject":{"type":"user","id":"` + user + `"},"action":{"name":"read"},"resource":{"type":"note","id":"n1"}}`),
	}
}

func decidedIn(t *testing.T, g *guard.Guard, user string, want policies.Source) {
	t.Helper()
	a, err := g.DecideIn(t.Context(), host(), "notes", reads(user))
	if err != nil || !a.Allowed || a.Policy != want.Digest() {
		t.Errorf("%s: %+v, %v, want yes by %s", user, a, err, want.Digest())
	}
}

func noSet(t *testing.T, g *guard.Guard, name string) {
	t.Helper()
	a, err := g.DecideIn(t.Context(), host(), name, reads("ann"))
	if missing, is := errors.AsType[*guard.NotFound](err); !is || a.Allowed {
		t.Errorf("got %+v, %v (%v), want that there is no such set", a, err, missing)
	}
}

func TestASetThatIsActivatedOnOneReplicaAnswersOnTheOther(t *testing.T) {
	eachStore(t, func(t *testing.T, store datastore.Store) {
		first, second, _ := twoReplicas(t, store)
		both := []*guard.Guard{first, second}
		one, two := notesOf("ann"), notesOf("ann", "bob")
		for _, g := range both {
			noSet(t, g, "notes")
		}
		putSet(t, first, "notes", one)
		for _, g := range both {
			decidedIn(t, g, "ann", one)
		}
		putSet(t, first, "notes", two)
		for _, g := range both {
			decidedIn(t, g, "bob", two)
		}
		putSet(t, first, "notes", policies.Source{})
		for _, g := range both {
			noSet(t, g, "notes")
		}
		names, err := guard.PolicySets(t.Context(), store)
		if err != nil || len(names) != 0 {
			t.Errorf("there are %q, %v", names, err)
		}
		putSet(t, first, "notes", one)
		for _, g := range both {
			decidedIn(t, g, "ann", one)
		}
		if a, err := datastore.Get(t.Context(), store, datastore.Activation{Set: "notes"}); err != nil || a.Number != 4 {
			t.Errorf("got %+v, %v: a number means two things", a, err)
		}
	})
}

// Another version comes into force while the one before is loaded for a question: the next is decided by it.
func TestASetThatIsActivatedWhileItIsLoadedIsLookedUpAgain(t *testing.T) {
	for name, elsewhere := range map[string]bool{"here": false, "on another replica": true} {
		t.Run(name, func(t *testing.T) {
			first, second, at := twoReplicas(t, openSQLite(t))
			one, two := notesOf("ann"), notesOf("ann", "bob")
			putSet(t, first, "notes", one)
			by, once := second, sync.Once{}
			if elsewhere {
				by = first
			}
			at.file = func(file string) {
				if file == "policy/"+one.Digest()+".json" {
					once.Do(func() { putSet(t, by, "notes", two) })
				}
			}
			want := one
			if !elsewhere { // it is told
				want = two
			}
			decidedIn(t, second, "ann", want)
			decidedIn(t, second, "bob", two)
		})
	}
}

// An activation, or the end of a set, overtakes who is deciding by it: nothing of what they answer is of the version before.
func TestWhoIsOvertakenByAnActivationDecidesAnew(t *testing.T) {
	for name, next := range map[string]policies.Source{"another version": notesOf("bob"), "the end": {}} {
		t.Run(name, func(t *testing.T) {
			var g *guard.Guard
			overtakes := false
			g = enforcing(t, openSQLite(t), func(c *guard.Config) {
				c.Observe.Decision = func(string, bool, string, time.Duration) {
					if overtakes {
						overtakes = false
						putSet(t, g, "notes", next)
					}
				}
			})
			batch := []guard.BatchItem{{Question: *reads("ann")}, {Question: *reads("bob")}}
			for way, ask := range map[string]func() (bool, string, error){
				"a question": func() (bool, string, error) {
					a, err := g.DecideIn(t.Context(), host(), "notes", reads("ann"))
					return a.Allowed, a.Policy, err
				},
				"a batch": func() (bool, string, error) {
					_, list, err := g.DecideAllIn(t.Context(), host(), "notes", batch, guard.ExecuteAll)
					if err != nil {
						return false, "", err
					}
					if list[0].Policy != list[1].Policy || !list[1].Allowed {
						t.Errorf("it is of two versions: %+v", list)
					}
					return list[0].Allowed, list[0].Policy, nil
				},
			} {
				putSet(t, g, "notes", notesOf("ann"))
				overtakes = true
				allowed, by, err := ask()
				_, gone := errors.AsType[*guard.NotFound](err)
				if ended := len(next.Files) == 0; allowed || gone != ended || !ended && by != next.Digest() {
					t.Errorf("%s: %v by %q, %v", way, allowed, by, err)
				}
			}
		})
	}
}

func TestNobodyDecidesByARetiredVersionOfASetForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := openSQLite(t)
		first := enforcing(t, store, nil)
		one, two := notesOf("ann"), notesOf("ann", "bob")
		putSet(t, first, "notes", one)
		var holds atomic.Bool
		goesOn, asked := make(chan bool), atomic.Int64{}
		feed := &held{Store: store, item: func(string, datastore.Change) error {
			if holds.Load() {
				<-goesOn
			}
			return nil
		}}
		second := newGuard(t, &counting{feed, &asked}, nil)
		synctest.Wait()
		time.Sleep(second.MaxStaleness() / 2) // of the bubble: a beat
		synctest.Wait()
		decidedIn(t, second, "ann", one)
		before := asked.Load()
		decidedIn(t, second, "ann", one)
		if asked.Load() != before {
			t.Error("the store is read, though the feed shows that nothing changed")
		}
		holds.Store(true)
		putSet(t, first, "notes", two)
		decidedIn(t, second, "ann", one)
		time.Sleep(second.MaxStaleness() + time.Second)
		decidedIn(t, second, "bob", two)
		holds.Store(false)
		close(goesOn)
		time.Sleep(second.MaxStaleness())
		synctest.Wait()
		putSet(t, first, "notes", policies.Source{})
		synctest.Wait()
		time.Sleep(time.Millisecond)
		synctest.Wait()
		noSet(t, second, "notes")
	})
}

// counting counts how often the activation of a set is read alone.
type counting struct {
	*held
	asked *atomic.Int64
}

func (c *counting) Get(ctx context.Context, identity datastore.Noun) (datastore.Noun, error) {
	if a, is := identity.(datastore.Activation); is && a.Set == "notes" {
		c.asked.Add(1)
	}
	return c.held.Get(ctx, identity)
}

// Rules that do not end, that cannot be loaded or that give nothing usable are no trouble of any other set, nor of the
// built-in one, and no yes.
func TestASetThatMisbehavesIsNoTroubleOfOthers(t *testing.T) {
	store := openSQLite(t)
	g := enforcing(t, store, nil)
	acme(t, g)
	good := notesOf("ann")
	putSet(t, g, "notes", good)
	putSet(t, g, "endless", policies.Source{Files: map[string]string{"a.rego": "package authzen.endless\n\nallow if {\n\tinput.subject.id == \"ann\"\n\tsome a in numbers.range(1, 30000)\n\tsome b in numbers.range(1, 30000)\n\ta * b < 0\n}\n\nallow if input.subject.id == \"bob\"\n"}})
	putSet(t, g, "wrong", policies.Source{Files: map[string]string{"a.rego": "package authzen.wrong\n\nallow := input.subject.id\n"}})
	putDigest(t, g, "lost", "sha256:none")
	var asked sync.WaitGroup
	for range 4 {
		asked.Go(func() {
			a, err := g.DecideIn(t.Context(), host(), "endless", reads("ann"))
			if failed, is := errors.AsType[*guard.SetFailed](err); !is || !errors.Is(err, guard.ErrPolicyTimeout) || a.Allowed || failed.ID == "" {
				t.Errorf("without end: %+v, %v", a, err)
			}
		})
	}
	decidedIn(t, g, "ann", good)
	if allowed, _ := decide(t, g, productQuestion("adam", "view", "shop")); !allowed {
		t.Error("the built-in policy")
	}
	asked.Wait()
	if a, err := g.DecideIn(t.Context(), host(), "endless", reads("bob")); err != nil || !a.Allowed {
		t.Errorf("its other questions: %+v, %v", a, err)
	}
	if a, err := g.DecideIn(t.Context(), host(), "wrong", reads("ann")); a.Allowed || errors.Is(err, guard.ErrPolicyTimeout) || err == nil {
		t.Errorf("no boolean: %+v, %v", a, err)
	}
	for range 2 {
		if a, err := g.DecideIn(t.Context(), host(), "lost", reads("ann")); a.Allowed || !errors.Is(err, guard.ErrPolicyNotLoaded) {
			t.Errorf("not kept: %+v, %v", a, err)
		}
	}
	putSet(t, g, "lost", policies.Source{Files: map[string]string{"a.rego": "package authzen.lost\n\nallow := true\n"}})
	if a, err := g.DecideIn(t.Context(), host(), "lost", reads("ann")); err != nil || !a.Allowed {
		t.Errorf("mended: %+v, %v", a, err)
	}
	for _, name := range []string{"", "cordon", "../notes", "NOTES", "policy"} {
		noSet(t, g, name)
	}
	limited := &guard.Origin{Caller: &guard.Caller{ID: "limited", Scopes: guard.Scopes(), Organization: "acme"}}
	for _, name := range []string{"notes", "none"} {
		if _, err := g.DecideIn(t.Context(), limited, name, reads("ann")); !errors.Is(err, guard.ErrOrganizationLimit) {
			t.Errorf("limited, of %s: %v", name, err)
		}
	}
}

// The items of a batch are decided by one version, each on record, and one that fails is its own error.
func TestABatchOfASetIsOfOneVersion(t *testing.T) {
	first, second, at := twoReplicas(t, openSQLite(t))
	one := policies.Source{Files: map[string]string{"notes.rego": "package authzen.notes\n\nallow if to_number(input.subject.id) < 3\n"}}
	putSet(t, first, "notes", one)
	at.file = func(string) { at.file = nil; putSet(t, first, "notes", notesOf("1")) }
	items := []guard.BatchItem{{Question: *reads("1")}, {Question: *reads("ann")}, {Invalid: errors.New("it is none")}, {Question: *reads("4")}, {Question: *reads("2")}}
	id, answers, err := second.DecideAllIn(t.Context(), host(), "notes", items, guard.ExecuteAll)
	if err != nil || id == "" || len(answers) != 5 {
		t.Fatalf("%+v, %v", answers, err)
	}
	for i, want := range []bool{true, false, false, false, true} {
		if a := answers[i]; a.Allowed != want || (i == 1 || i == 2) != (a.Err != nil) || i != 2 && a.Policy != one.Digest() {
			t.Errorf("item %d: %+v", i, a)
		}
	}
	for semantic, want := range map[guard.Semantic]int{guard.DenyOnFirstDeny: 1, guard.PermitOnFirstPermit: 1} {
		at.file = nil
		if _, answers, err := second.DecideAllIn(t.Context(), host(), "notes", []guard.BatchItem{{Question: *reads(map[guard.Semantic]string{guard.DenyOnFirstDeny: "x", guard.PermitOnFirstPermit: "1"}[semantic])}, {Question: *reads("1")}}, semantic); err != nil || len(answers) != want {
			t.Errorf("%s: %+v, %v", semantic, answers, err)
		}
	}
}
