package library_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/guard"
	"cordon/library"
	"cordon/policies/table"
)

// held activates a version, and gives the names of the gates that stand open.
func (s *shelf) held(t *testing.T, o *guard.Origin, digest string, ask library.Activate) []string {
	t.Helper()
	_, err := s.Activate(t.Context(), o, library.Set, digest, ask)
	if err == nil {
		return nil
	}
	var names []string
	for _, gate := range openGates(t, err) {
		names = append(names, gate.Name)
		if gate.Detail == "" || gate.Scope == "" || !strings.Contains(err.Error(), gate.Name) {
			t.Errorf("%+v does not say who closes it, or is not in %q", gate, err)
		}
	}
	return names
}

// openGates are those that an activation says stand open.
func openGates(t *testing.T, err error) []library.Gate {
	t.Helper()
	refused, is := errors.AsType[*guard.Conflict](err)
	if !is || refused.Code != library.CodeGatesOpen {
		t.Fatalf("got error %v, want open gates", err)
	}
	return refused.Shown.([]library.Gate)
}

func (s *shelf) setGates(t *testing.T, change func(*library.Gates)) {
	t.Helper()
	gates := s.standing(t).Gates
	change(&gates)
	if _, err := s.SetGates(t.Context(), alice(), library.Set, gates); err != nil {
		t.Fatal(err)
	}
}

func (s *shelf) approve(t *testing.T, o *guard.Origin, digest string) {
	t.Helper()
	if _, err := s.Approve(t.Context(), o, library.Set, digest, "fine"); err != nil {
		t.Fatal(err)
	}
}

func wants(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("the gates %v stand open, want %v", got, want)
	}
}

var now = library.Activate{Message: "now"}

func TestWithoutAMessageNothingIsActivated(t *testing.T) { // docs/design.md 12, Gates
	s := started(t, openSQLite(t))
	digest := s.push(t, alice(), "one")
	wants(t, s.held(t, alice(), digest, library.Activate{}), library.GateMessage)
	wants(t, s.held(t, alice(), digest, library.Activate{Message: " \n"}), library.GateMessage)
	wants(t, s.held(t, alice(), digest, now))
}

func TestASecondPersonIsNeverTheAuthor(t *testing.T) { // docs/design.md 12, Gates
	eachStore(t, func(t *testing.T, store datastore.Store) {
		s := started(t, store)
		one, two := s.key(t, "one", guard.ScopePolicy), s.key(t, "two", guard.ScopeApprove)
		digest := s.push(t, by(one, "alice"), "one")
		wants(t, s.held(t, by(two, "bob"), digest, now), library.GateSecondPerson)
		// A key is one person, whatever name it gives.
		for _, name := range []string{"alice", "bob"} {
			if _, err := s.Approve(t.Context(), by(one, name), library.Set, digest, ""); conflict(t, err) != library.CodeOwnVersion {
				t.Errorf("%s: %v", name, err)
			}
		}
		wants(t, s.held(t, by(one, "carol"), digest, now), library.GateSecondPerson)
		// The same name with another key is another person.
		s.approve(t, by(two, "alice"), digest)
		wants(t, s.held(t, by(one, "alice"), digest, now))
	})
}

func TestTheOpenGateNamesWhoMayCloseIt(t *testing.T) { // docs/design.md 12, Gates
	s := started(t, openSQLite(t))
	one := s.key(t, "one", guard.ScopePolicy)
	two := s.key(t, "two", guard.ScopeApprove)
	s.key(t, "drafts", guard.ScopeDraft)
	digest := s.push(t, by(one, "alice"), "one")
	v, err := s.Version(t.Context(), alice(), library.Set, digest)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(v.Gates, func(g library.Gate) bool { return g.Name == library.GateSecondPerson })
	if i < 0 || !slices.Equal(v.Gates[i].Keys, []library.Key{{ID: two.ID, Name: "two"}}) || v.Gates[i].Scope != guard.ScopeApprove {
		t.Errorf("%+v", v.Gates)
	}
}

func TestASecondPersonIsAskedForWhereThereAreTwo(t *testing.T) { // docs/design.md 12, Gates
	limited := func(s *shelf, t *testing.T) {
		if _, err := s.guard.PutOrganization(t.Context(), &guard.Origin{Caller: root()}, "acme", guard.PutOrganization{
			Name: "Acme", LegalRepresentativeID: "lena", LegalRepresentative: &guard.PutMember{Name: "Lena", Email: "l@example.org"},
		}); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.guard.CreateKey(t.Context(), &guard.Origin{Caller: root()}, guard.PutKey{Name: "l", Scopes: []string{guard.ScopePolicy}, Organization: "acme"}); err != nil {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct {
		with func(*shelf, *testing.T)
		want []string
	}{
		"no key":                 {func(*shelf, *testing.T) {}, nil},
		"one that may":           {func(s *shelf, t *testing.T) { s.key(t, "a", guard.ScopePolicy); s.key(t, "b", guard.ScopeActivate) }, nil},
		"one of an organization": {func(s *shelf, t *testing.T) { s.key(t, "a", guard.ScopePolicy); limited(s, t) }, nil},
		"two":                    {func(s *shelf, t *testing.T) { s.key(t, "a", guard.ScopePolicy); s.key(t, "b", guard.ScopeApprove) }, []string{library.GateSecondPerson}},
		"two, and nobody asks": {func(s *shelf, t *testing.T) {
			s.key(t, "a", guard.ScopePolicy)
			s.key(t, "b", guard.ScopeApprove)
			s.second(t, false)
		}, nil},
		"none, and somebody asks": {func(s *shelf, t *testing.T) { s.second(t, true) }, []string{library.GateSecondPerson}},
		"one, and one that is over": {func(s *shelf, t *testing.T) {
			s.key(t, "a", guard.ScopePolicy)
			if _, _, err := s.guard.CreateKey(t.Context(), &guard.Origin{Caller: root()}, guard.PutKey{Name: "o", Scopes: []string{guard.ScopePolicy}, ExpiresAt: s.clock.now().Add(time.Minute)}); err != nil {
				t.Fatal(err)
			}
			s.clock.pass(time.Minute)
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := started(t, openSQLite(t))
			test.with(s, t)
			wants(t, s.held(t, alice(), s.push(t, alice(), "one"), now), test.want...)
		})
	}
	// Where tokens are taken there are always several.
	s := replica(t, openSQLite(t), newClock(), func(c *library.Config) { c.Tokens = true })
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	digest := s.push(t, alice(), "one")
	wants(t, s.held(t, alice(), digest, now), library.GateSecondPerson)
	s.approve(t, &guard.Origin{Caller: &guard.Caller{ID: "root", Token: true}}, digest) // no key's
	wants(t, s.held(t, alice(), digest, now))
}

func (s *shelf) second(t *testing.T, asked bool) {
	t.Helper()
	s.setGates(t, func(g *library.Gates) { g.SecondPerson = &asked })
}

// What is approved is a step: once something else is in force it is another one.
func TestAnApprovalIsOfTheStepFromWhatIsInForce(t *testing.T) { // docs/design.md 12, Gates
	s := started(t, openSQLite(t))
	two := s.key(t, "two", guard.ScopeApprove)
	one, other := s.push(t, alice(), "one"), s.push(t, alice(), "other")
	s.approve(t, by(two, "bob"), one)
	s.activate(t, alice(), other)
	s.second(t, true)
	wants(t, s.held(t, alice(), one, now), library.GateSecondPerson)
	s.approve(t, by(two, "bob"), one)
	wants(t, s.held(t, alice(), one, now))
}

// A key that is revoked, or may no longer, approves nothing any more.
func TestAnApprovalEndsWithItsKey(t *testing.T) { // docs/design.md 12, Gates
	eachStore(t, func(t *testing.T, store datastore.Store) {
		s := started(t, store)
		s.second(t, true)
		two := s.key(t, "two", guard.ScopeApprove)
		digest := s.push(t, alice(), "one")
		s.approve(t, by(two, "bob"), digest)
		if err := s.guard.RevokeKey(t.Context(), alice(), two.ID); err != nil {
			t.Fatal(err)
		}
		wants(t, s.held(t, alice(), digest, now), library.GateSecondPerson)
	})
}

func TestWhoActivatesReadsTheDifferenceFirst(t *testing.T) { // docs/design.md 12, Gates
	s := started(t, openSQLite(t))
	s.setGates(t, func(g *library.Gates) { g.DiffRead = true })
	shipped := s.standing(t).Activation.Digest
	one, other := s.push(t, alice(), "one"), s.push(t, alice(), "other")
	wants(t, s.held(t, alice(), one, now), library.GateDiffRead)
	if _, err := s.Diff(t.Context(), by(s.key(t, "k", guard.ScopePolicy), "alice"), library.Set, one, shipped); err != nil {
		t.Fatal(err)
	}
	wants(t, s.held(t, alice(), one, now), library.GateDiffRead)
	for _, against := range []string{other, shipped} {
		if _, err := s.Diff(t.Context(), alice(), library.Set, one, against); err != nil {
			t.Fatal(err)
		}
	}
	wants(t, s.held(t, alice(), one, now))
	// Of another step it is another difference.
	if _, err := s.Diff(t.Context(), alice(), library.Set, other, shipped); err != nil {
		t.Fatal(err)
	}
	wants(t, s.held(t, alice(), other, now), library.GateDiffRead)
}

func TestGatesAreSetAndOnRecord(t *testing.T) { // docs/design.md 12, Gates
	eachStore(t, func(t *testing.T, store datastore.Store) {
		s := started(t, store)
		if g := s.standing(t).Gates; g.Coverage != 100 || g.SecondPerson != nil || !g.AcknowledgeFlips || len(g.InvariantsFree) != 0 || g.DiffRead {
			t.Errorf("a fresh store asks for %+v", g)
		}
		yes := true
		want := library.Gates{SecondPerson: &yes, Coverage: 80, InvariantsFree: []string{"R1", "B1", "R1"}}
		if _, err := s.SetGates(t.Context(), alice(), library.Set, want); err != nil {
			t.Fatal(err)
		}
		if g := s.standing(t).Gates; !*g.SecondPerson || g.Coverage != 80 || g.AcknowledgeFlips || !slices.Equal(g.InvariantsFree, []string{"B1", "R1"}) {
			t.Errorf("%+v", g)
		}
		for pointer, g := range map[string]library.Gates{
			"/coverage": {Coverage: 100.5}, "/invariants_free/1": {InvariantsFree: []string{"B1", "B9"}},
		} {
			_, err := s.SetGates(t.Context(), alice(), library.Set, g)
			if invalid, is := errors.AsType[*guard.Invalid](err); !is || invalid.Errors[0].Pointer != pointer {
				t.Errorf("%s: %v", pointer, err)
			}
		}
	})
}

// The gates are judged in the transaction that activates: whatever is committed before it counts, however late.
func TestGatesAreJudgedWhereTheVersionIsActivated(t *testing.T) { // docs/design.md 12, Gates
	for name, meanwhile := range map[string]func(*testing.T, *shelf, string, *guard.Caller){
		"a gate is set": func(t *testing.T, s *shelf, _ string, _ *guard.Caller) {
			s.setGates(t, func(g *library.Gates) { g.DiffRead = true })
		},
		"a key is revoked": func(t *testing.T, s *shelf, _ string, two *guard.Caller) {
			if err := s.guard.RevokeKey(t.Context(), alice(), two.ID); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			inner := openSQLite(t)
			store := &hooked{Store: inner}
			s := started(t, store)
			s.second(t, true)
			two := s.key(t, "two", guard.ScopeApprove)
			digest := s.push(t, alice(), "one")
			s.approve(t, by(two, "bob"), digest)
			store.before = func() { store.before = nil; meanwhile(t, s, digest, two) }
			if got := s.held(t, alice(), digest, now); len(got) != 1 {
				t.Errorf("%v stand open", got)
			}
		})
	}
	t.Run("another is activated", func(t *testing.T) {
		store := &hooked{Store: openSQLite(t)}
		s := started(t, store)
		one, other := s.push(t, alice(), "one"), s.push(t, alice(), "other")
		store.before = func() { store.before = nil; s.activate(t, alice(), other) }
		_, err := s.Activate(t.Context(), alice(), library.Set, one, now)
		if conflict(t, err) != guard.CodePrecondition {
			t.Errorf("%v", err)
		}
	})
}

// hooked is a store that calls before the next transaction begins.
type hooked struct {
	datastore.Store
	before func()
}

func (h *hooked) Update(ctx context.Context, fn func(context.Context, datastore.Tx) error) error {
	if h.before != nil {
		h.before()
	}
	return h.Store.Update(ctx, fn)
}

func TestFlipsAreAcknowledgedGroupByGroup(t *testing.T) { // docs/design.md 12, Gates
	s := started(t, openSQLite(t))
	s.Differ(table.Group{ID: "one", From: table.AnswerDeny, To: table.AnswerAllow}, table.Group{ID: "two", From: table.AnswerAllow, To: table.AnswerDeny},
		table.Group{ID: "reasons", From: table.AnswerDeny, To: table.AnswerDeny})
	digest := s.push(t, alice(), "one")
	for _, acknowledged := range [][]string{nil, {"one"}, {"two", "another"}} {
		wants(t, s.held(t, alice(), digest, library.Activate{Message: "now", Acknowledged: acknowledged}), library.GateFlips)
	}
	_, err := s.Activate(t.Context(), alice(), library.Set, digest, library.Activate{Message: "now", Acknowledged: []string{"one"}})
	if open := openGates(t, err); !slices.Equal(open[0].Missing, []string{"two"}) {
		t.Errorf("%v does not name what is missing", err)
	}
	wants(t, s.held(t, alice(), digest, library.Activate{Message: "now", Acknowledged: []string{"two", "one"}}))
	other := s.push(t, alice(), "other")
	s.setGates(t, func(g *library.Gates) { g.AcknowledgeFlips = false })
	wants(t, s.held(t, alice(), other, now))
}
