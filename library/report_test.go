package library_test

import (
	"context"
	"maps"
	"slices"
	"sync"
	"testing"

	"cordon/datastore"
	"cordon/library"
	"cordon/policies"
	"cordon/policies/table"
)

// Every gate about the content of a version holds up one that lacks just that, whoever asks for it.
func TestWhatTheChecksFindHoldsAVersionUp(t *testing.T) { // docs/design.md 12, Gates
	s := replica(t, openSQLite(t), newClock(), nil)
	s.Inspect()
	s.start(t)
	for gate, change := range map[string]func(map[string]string){
		library.GateTests: func(files map[string]string) {
			files["cordon/odd_test.rego"] = "package cordon_test\n\ntest_odd if 1 == 2\n"
		},
		library.GateFormat: func(files map[string]string) { files["cordon/cordon.rego"] += "\n\n\n\n# far below\n" },
		library.GateCoverage: func(files map[string]string) {
			files["cordon/roles/more.rego"] = "package cordon.roles\n\nnever if input.action.name == \"never\"\n"
		},
	} {
		t.Run(gate, func(t *testing.T) {
			files := maps.Clone(policies.Builtin().Files)
			change(files)
			pushed, err := s.Push(t.Context(), alice(), library.Set, library.Push{Files: files})
			if err != nil {
				t.Fatal(err)
			}
			v := pushed.Version
			wants(t, s.held(t, alice(), v.Digest, library.Activate{Message: "now", Acknowledged: nil}), gate)
			if v.State != library.Draft || !slices.ContainsFunc(v.Gates, func(g library.Gate) bool { return g.Name == gate }) {
				t.Errorf("it is %s, and %+v stand open", v.State, v.Gates)
			}
		})
	}
}

// An invariant that does not hold is named, with a question that shows it, until somebody sets it free by name.
func TestAnInvariantHoldsAVersionUpUntilItIsSetFree(t *testing.T) { // docs/design.md 12, Gates
	s := started(t, openSQLite(t))
	s.Break("B1", "R2")
	pushed, err := s.Push(t.Context(), alice(), library.Set, library.Push{Files: variant("one")})
	if err != nil {
		t.Fatal(err)
	}
	if r := pushed.Version.Report; r.Cells != 7 || len(r.Invariants) != len(table.Names()) || r.Invariants[0].Name != "B1" || r.Invariants[0].Counterexample == nil {
		t.Errorf("%+v", r)
	}
	wants(t, s.held(t, alice(), pushed.Version.Digest, now), library.GateInvariants)
	s.setGates(t, func(g *library.Gates) { g.InvariantsFree = []string{"R2"} })
	wants(t, s.held(t, alice(), pushed.Version.Digest, now), library.GateInvariants)
	s.setGates(t, func(g *library.Gates) { g.InvariantsFree = []string{"B1", "R2"} })
	wants(t, s.held(t, alice(), pushed.Version.Digest, now))
}

// Checks that are stopped show nothing: they hold a version up, and take the place of no report that is whole.
func TestChecksThatAreStoppedHoldAVersionUp(t *testing.T) { // docs/design.md 12, Gates
	store := openSQLite(t)
	s := started(t, store)
	digest := s.push(t, alice(), "one")
	s.StopProof()
	checked := func(s *shelf, want string) {
		t.Helper()
		r, err := s.Check(t.Context(), alice(), library.Set, digest)
		if err != nil || len(r.Problems) != 1 {
			t.Fatalf("%+v, %v", r, err)
		}
		v, err := s.Version(t.Context(), alice(), library.Set, digest)
		if err != nil || v.State != want || (len(v.Report.Problems) == 0) != (want == library.Checked) {
			t.Errorf("it is %+v, %v, want it %s", v, err, want)
		}
	}
	checked(s, library.Checked) // what this release has found stays
	next := replica(t, store, s.clock, func(c *library.Config) { c.Release = "2" })
	next.StopProof()
	if err := next.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	wants(t, next.held(t, alice(), digest, now), library.GateTests)
	checked(next, library.Draft)
	next.Quicken()
	wants(t, next.held(t, alice(), digest, now)) // it is checked again before it is judged
}

// An invariant that was not looked at is as one that does not hold.
func TestEveryInvariantIsShown(t *testing.T) { // docs/design.md 12, Gates
	s := started(t, openSQLite(t))
	s.ProveLess("B1")
	digest := s.push(t, alice(), "one")
	wants(t, s.held(t, alice(), digest, now), library.GateInvariants)
	s.setGates(t, func(g *library.Gates) {
		g.InvariantsFree = slices.DeleteFunc(table.Names(), func(name string) bool { return name == "B1" })
	})
	wants(t, s.held(t, alice(), digest, now))
}

// rewritten is a store in which something happens before a file is written.
type rewritten struct {
	datastore.Store
	before func(name string)
}

func (s *rewritten) WriteFile(ctx context.Context, name string, data []byte) error {
	s.before(name)
	return s.Store.WriteFile(ctx, name, data)
}

// Of two replicas that check a version at once, the one whose checks are stopped takes nothing from the one whose are whole,
// also where these were not there yet when it began.
func TestStoppedChecksMeetWholeOnes(t *testing.T) { // docs/design.md 12, Gates
	store := openSQLite(t)
	old := started(t, store)
	digest := old.push(t, alice(), "one")
	whole := replica(t, store, old.clock, func(c *library.Config) { c.Release = "2" })
	meanwhile := &rewritten{Store: store, before: func(string) {
		if _, err := whole.Check(t.Context(), alice(), library.Set, digest); err != nil {
			t.Error(err)
		}
	}}
	stopped := replica(t, store, old.clock, func(c *library.Config) { c.Store, c.Release = meanwhile, "2" })
	stopped.StopChecks()
	if r, err := stopped.Check(t.Context(), alice(), library.Set, digest); err != nil || len(r.Problems) != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	for _, s := range []*shelf{whole, stopped} {
		v, err := s.Version(t.Context(), alice(), library.Set, digest)
		if err != nil || v.State != library.Checked || v.Report == nil || len(v.Report.Problems) > 0 || v.Report.Cells != 7 {
			t.Errorf("it is %+v, %v", v, err)
		}
	}
	if n := reports(t, store, digest); n != 1 {
		t.Errorf("%d reports of it are kept", n)
	}
}

// reports counts those that are kept of a version.
func reports(t *testing.T, store datastore.Store, digest string) int {
	t.Helper()
	return kept(t, store, digest+".report")
}

// kept counts the files of policies whose names begin so.
func kept(t *testing.T, store datastore.Store, name string) int {
	t.Helper()
	n := 0
	for _, err := range store.Files(t.Context(), "policy/"+name, "") {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

// What was checked for an act that somebody else came before leaves no report behind.
func TestARefusedActLeavesNoReport(t *testing.T) { // docs/design.md 12, Two editors
	store := openSQLite(t)
	s := started(t, store)
	other := s.push(t, alice(), "other")
	var meanwhile func()
	crossed := &rewritten{Store: store, before: func(string) { meanwhile() }}
	late := replica(t, store, s.clock, func(c *library.Config) { c.Store = crossed })
	for name, act := range map[string]struct {
		digest    string
		meanwhile func()
		do        func() error
	}{
		"a push": {policies.Source{Files: variant("late")}.Digest(), func() { s.activate(t, alice(), other) }, func() error {
			_, err := late.Push(t.Context(), knowing(alice(), s.number(t)), library.Set, library.Push{Files: variant("late")})
			return err
		}},
		"a set": {policies.Source{Files: notes("late")}.Digest(), func() { s.addSet(t, notes("first")) }, func() error {
			_, err := late.AddSet(t.Context(), alice(), library.NewSet{Name: "notes", Files: notes("late")})
			return err
		}},
	} {
		meanwhile = sync.OnceFunc(act.meanwhile)
		if code := conflict(t, act.do()); code == "" || reports(t, store, act.digest) != 0 {
			t.Errorf("%s: %q, and %d reports are kept", name, code, reports(t, store, act.digest))
		}
	}
}
