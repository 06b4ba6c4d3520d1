package library_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/guard"
	"cordon/library"
	"cordon/policies"
)

// notes is the content of a policy set in which somebody reads.
func notes(who string) map[string]string {
	return map[string]string{"notes.rego": fmt.Sprintf("package authzen.notes\n\nallow if input.subject.id == %q\n", who)}
}

func (s *shelf) addSet(t *testing.T, files map[string]string) *library.Added {
	t.Helper()
	added, err := s.AddSet(t.Context(), alice(), library.NewSet{Name: "notes", Message: "the notes", Files: files})
	if err != nil {
		t.Fatal(err)
	}
	return added
}

func (s *shelf) sets(t *testing.T) string {
	t.Helper()
	names, err := s.Sets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(names, " ")
}

// A set has versions as the built-in one has: whatever is said of one is said of the other, but for what only a policy has
// whose facts and words are known.
func TestASetOfAnOperatorHasVersions(t *testing.T) {
	eachStore(t, func(t *testing.T, store datastore.Store) {
		s := started(t, store)
		added := s.addSet(t, notes("ann"))
		one := added.Version.Digest
		if added.Activation.Number != 1 || added.Version.State != library.Active || added.Version.Author.Name != "alice" || added.Version.Report == nil || s.sets(t) != "cordon notes" {
			t.Errorf("got %+v", added)
		}
		ctx := t.Context()
		pushed, err := s.Push(ctx, alice(), "notes", library.Push{Message: "bob, too", Files: notes("bob")})
		if err != nil || !pushed.Created || pushed.Version.State != library.Checked || pushed.Version.Parent != one {
			t.Fatalf("got %+v, %v", pushed, err)
		}
		two := pushed.Version.Digest
		if d, err := s.Diff(ctx, alice(), "notes", two, ""); err != nil || len(d.Files) != 1 || d.Table.Cells != 0 || !strings.Contains(d.Table.Summary(), "as it is written") {
			t.Errorf("difference: %+v, %v", d, err)
		}
		if r, err := s.Check(ctx, alice(), "notes", two); err != nil || len(r.Problems) > 0 || len(r.Invariants) > 0 {
			t.Errorf("checked: %+v, %v", r, err)
		}
		if _, err := s.Activate(ctx, alice(), "notes", two, library.Activate{}); conflict(t, err) != library.CodeGatesOpen {
			t.Errorf("without a message: %v", err)
		}
		a, err := s.Activate(ctx, knowing(alice(), 1), "notes", two, library.Activate{Message: "now"})
		if err != nil || a.Number != 2 || a.Digest != two || a.Previous != one || s.number(t) != 1 {
			t.Errorf("activated: %+v, %v", a, err)
		}
		if _, err := s.SetGates(ctx, alice(), "notes", library.Gates{Coverage: 80}); err != nil {
			t.Error(err)
		}
		if v, err := s.Version(ctx, alice(), "notes", one); err != nil || v.State != library.Superseded && v.State != library.Draft {
			t.Errorf("got %+v, %v", v, err)
		}
		if _, err := s.Activate(ctx, alice(), "notes", one, library.Activate{Message: "back"}); conflict(t, err) != library.CodeGatesOpen {
			t.Errorf("without coverage: %v", err)
		}
		if back, err := s.Rollback(ctx, alice(), "notes", ""); err != nil || back.Digest != one || back.Number != 3 {
			t.Errorf("rolled back: %+v, %v", back, err)
		}
		if bundle, err := s.Bundle(ctx, alice(), "notes", two); err != nil || len(bundle) == 0 {
			t.Errorf("bundle: %v", err)
		}
		for name, try := range map[string]func() error{
			"replay": func() error { _, err := s.Replay(ctx, alice(), "notes", two, library.Window{}, nil); return err },
			"shadow": func() error { _, err := s.SetShadow(ctx, alice(), "notes", two, 1); return err },
			"test":   func() error { _, err := s.AddTest(ctx, alice(), "notes", two, library.Life{Record: "x"}); return err },
			"remove": func() error { _, err := s.RemoveSet(ctx, alice(), "cordon", ""); return err },
		} {
			if code := conflict(t, try()); code != library.CodeBuiltInOnly {
				t.Errorf("%s: got %q", name, code)
			}
		}
		if _, err := s.Files(ctx, alice(), "cordon", one); !isMissing(err) {
			t.Errorf("a version of another set: %v", err)
		}
		if _, err := s.RemoveSet(ctx, alice(), "notes", "no more"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Standing(ctx, alice(), "notes"); !isMissing(err) || s.sets(t) != "cordon" {
			t.Errorf("it is there still: %v", err)
		}
		for name, try := range map[string]func() error{
			"push": func() error { _, err := s.Push(ctx, alice(), "notes", library.Push{Files: notes("cid")}); return err },
			"activate": func() error {
				_, err := s.Activate(ctx, alice(), "notes", two, library.Activate{Message: "x"})
				return err
			},
			"remove": func() error { _, err := s.RemoveSet(ctx, alice(), "notes", ""); return err },
		} {
			if err := try(); !isMissing(err) {
				t.Errorf("%s after its end: %v", name, err)
			}
		}
		again := s.addSet(t, notes("bob"))
		history, _, err := s.History(ctx, alice(), "notes", library.Page{})
		if err != nil || again.Activation.Number != 5 || len(history) != 5 || history[1].How != library.Removed || history[1].Message != "no more" {
			t.Errorf("got %+v, %+v, %v", again.Activation, history, err)
		}
		if standing, err := s.Standing(ctx, alice(), "notes"); err != nil || standing.Gates.Coverage != 80 {
			t.Errorf("its gates are not as they were: %+v, %v", standing, err)
		}
	})
}

func isMissing(err error) bool {
	_, is := errors.AsType[*guard.NotFound](err)
	return is
}

func TestOfTwoWhoAddASetOneDoes(t *testing.T) {
	eachStore(t, func(t *testing.T, store datastore.Store) {
		s := started(t, store)
		var both sync.WaitGroup
		codes := make([]string, 2)
		digests := make([]string, 2)
		for i, who := range []string{"ann", "bob"} {
			both.Go(func() {
				added, err := s.AddSet(t.Context(), alice(), library.NewSet{Name: "notes", Files: notes(who)})
				if codes[i] = conflict(t, err); err == nil {
					digests[i] = added.Version.Digest
				}
			})
		}
		both.Wait()
		standing, err := s.Standing(t.Context(), alice(), "notes")
		if err != nil || strings.Join(codes, "") != library.CodeSetExists || strings.Join(digests, "") != standing.Activation.Digest || standing.Activation.Number != 1 {
			t.Errorf("got %q, %q, %+v, %v", codes, digests, standing, err)
		}
	})
}

// halfway is a store whose transactions fail.
type halfway struct {
	datastore.Store
	fails bool
}

func (h *halfway) Update(ctx context.Context, fn func(context.Context, datastore.Tx) error) error {
	if h.fails {
		return datastore.ErrUnavailable
	}
	return h.Store.Update(ctx, fn)
}

// What was kept of a set when its server ended, or the store went away, is no set; whoever adds it again has it.
func TestASetThatIsHalfAddedIsNone(t *testing.T) {
	store := &halfway{Store: openSQLite(t)}
	s := started(t, store)
	store.fails = true
	if _, err := s.AddSet(t.Context(), alice(), library.NewSet{Name: "notes", Files: notes("ann")}); !errors.Is(err, datastore.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	store.fails = false
	if _, err := s.Standing(t.Context(), alice(), "notes"); !isMissing(err) || s.sets(t) != "cordon" {
		t.Errorf("there is one: %v", err)
	}
	if added := s.addSet(t, notes("ann")); added.Activation.Number != 1 {
		t.Errorf("got %+v", added)
	}
}

func TestWhatIsNoSetIsNotAdded(t *testing.T) {
	s := started(t, openSQLite(t))
	before := kept(t, s.store, "")
	refused := func(name string, files map[string]string) error {
		_, err := s.AddSet(t.Context(), alice(), library.NewSet{Name: name, Files: files})
		return err
	}
	for _, name := range []string{"", "cordon", "Notes", "no-tes", "a/b", "..", strings.Repeat("n", 64)} {
		if wrong, is := errors.AsType[*guard.Invalid](refused(name, notes("ann"))); !is || wrong.Errors[0].Pointer != "/set" {
			t.Errorf("%q: %v", name, wrong)
		}
	}
	many := map[string]string{}
	for i := range policies.MaxFiles + 1 {
		many[fmt.Sprintf("a%d.json", i)] = "{}"
	}
	for name, files := range map[string]map[string]string{
		"of another package": {"a.rego": "package cordon\n\nallow := true\n"}, "no decision": {"a.rego": "package authzen.notes\n\nx := true\n"},
		"a text": {"a.rego": "package authzen.notes\n\nallow := \"yes\"\n"}, "huge data": {"a.rego": notes("ann")["notes.rego"], "a.json": `{"a": "` + strings.Repeat("x", policies.MaxFileBytes) + `"}`},
		"too many files": many, "a path out of it": {"../a.rego": notes("ann")["notes.rego"]},
	} {
		if r, is := errors.AsType[*library.Refused](refused("notes", files)); !is || len(r.Problems) == 0 || r.Problems[0].Message == "" {
			t.Errorf("%s: %v", name, r)
		}
	}
	for name, files := range map[string]map[string]string{
		"a rule without end": {"a.rego": "package authzen.notes\n\nallow if {\n\tsome a in numbers.range(1, 30000)\n\tsome b in numbers.range(1, 30000)\n\ta * b < 0\n}\n"},
		"not formatted":      {"a.rego": "package authzen.notes\nallow   :=   true\n"},
	} {
		if code := conflict(t, refused("notes", files)); code != library.CodeGatesOpen {
			t.Errorf("%s: %q", name, code)
		}
	}
	if _, err := s.AddSet(t.Context(), &guard.Origin{Caller: root()}, library.NewSet{Name: "notes", Files: notes("ann")}); !errors.Is(err, library.ErrNobody) {
		t.Errorf("nobody: %v", err)
	}
	limited := &guard.Origin{Actor: "ann", Caller: &guard.Caller{ID: "limited", Scopes: guard.Scopes(), Organization: "acme"}}
	if _, err := s.AddSet(t.Context(), limited, library.NewSet{Name: "notes", Files: notes("ann")}); !errors.Is(err, guard.ErrOrganizationLimit) {
		t.Errorf("limited: %v", err)
	}
	if s.sets(t) != "cordon" || kept(t, s.store, "") != before {
		t.Errorf("there are %s, and %d files more of policies", s.sets(t), kept(t, s.store, "")-before)
	}
}

// There are a hundred at most, whoever was quicker, and of what finds no room nothing is kept.
func TestThereIsRoomForAHundredSets(t *testing.T) { // docs/design.md 14, Policy sets
	store := openSQLite(t)
	s := started(t, store)
	there := func(sets int) {
		names := make([]string, sets)
		for i := range names {
			names[i] = fmt.Sprintf("a%02d", i)
		}
		body, err := json.Marshal(names)
		if err == nil {
			err = store.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
				return tx.Put(ctx, datastore.Note{Name: "policy.sets", Body: body})
			})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	crossed := &rewritten{Store: store, before: func(string) { there(guard.MostSets) }}
	late := replica(t, store, s.clock, func(c *library.Config) { c.Store = crossed })
	add := func(s *shelf, who string) string {
		_, err := s.AddSet(t.Context(), alice(), library.NewSet{Name: "notes", Files: notes(who)})
		return conflict(t, err)
	}
	there(guard.MostSets)
	before := kept(t, store, "")
	if code := add(s, "ann"); code != "too_many_sets" || kept(t, store, "") != before {
		t.Errorf("one more: %q, and %d files more", code, kept(t, store, "")-before)
	}
	there(guard.MostSets - 1)
	if code := add(late, "bob"); code != "too_many_sets" {
		t.Errorf("while another takes the room: %q", code)
	}
	there(guard.MostSets - 1)
	if code := add(s, "cid"); code != "" || !strings.HasSuffix(s.sets(t), "notes") {
		t.Errorf("the last: %q, %s", code, s.sets(t))
	}
}

// Whoever removes a set and adds it again does no more than what its gates leave to one person.
func TestARemovalIsNoWayAroundTheGates(t *testing.T) {
	eachStore(t, func(t *testing.T, store datastore.Store) {
		s := started(t, store)
		ctx, yes := t.Context(), true
		one := s.addSet(t, notes("ann"))
		if _, err := s.SetGates(ctx, alice(), "notes", library.Gates{SecondPerson: &yes}); err != nil {
			t.Fatal(err)
		}
		pushed, err := s.Push(ctx, alice(), "notes", library.Push{Files: notes("bob")})
		if err != nil {
			t.Fatal(err)
		}
		until := s.clock.now().Add(time.Hour)
		broken := library.Activate{Message: "now", BreakGlass: &library.BreakGlass{Reason: "nobody gets in", Until: until}}
		if _, err := s.Activate(ctx, alice(), "notes", pushed.Version.Digest, broken); err != nil {
			t.Fatal(err)
		}
		if _, err := s.RemoveSet(ctx, alice(), "notes", ""); err != nil {
			t.Fatal(err)
		}
		for name, files := range map[string]map[string]string{"never in force": notes("cid"), "in force for a time": notes("bob")} {
			_, err := s.AddSet(ctx, alice(), library.NewSet{Name: "notes", Files: files})
			if conflict(t, err) != library.CodeGatesOpen || !strings.Contains(err.Error(), library.GateSecondPerson) {
				t.Errorf("%s: %v", name, err)
			}
		}
		again := s.addSet(t, notes("ann"))
		standing, err := s.Standing(ctx, alice(), "notes")
		if err != nil || again.Version.Digest != one.Version.Digest || again.Activation.Number != 4 || standing.Gates.SecondPerson == nil || len(standing.Reviews) != 1 {
			t.Errorf("got %+v, %+v, %v", again, standing, err)
		}
		if again.Version.Report == nil || again.Version.ReportFile == one.Version.ReportFile {
			t.Errorf("its report is that of before: %+v", again.Version)
		}
	})
}

// A glass is broken in one set and in no other, and its time is over in each by itself.
func TestTheGlassOfASetIsBrokenForATime(t *testing.T) { // docs/design.md 12, Break-glass; 14, Policy sets
	eachStore(t, func(t *testing.T, store datastore.Store) {
		s := started(t, store)
		one := s.addSet(t, notes("ann")).Version.Digest
		pushed, err := s.Push(t.Context(), alice(), "notes", library.Push{Files: notes("bob")})
		if err != nil {
			t.Fatal(err)
		}
		two := pushed.Version.Digest
		inForce := func(set string) datastore.Activation {
			t.Helper()
			standing, err := s.Standing(t.Context(), alice(), set)
			if err != nil {
				t.Fatal(err)
			}
			return standing.Activation
		}
		decides := func(who, digest string) {
			t.Helper()
			q := guard.Question{
				Subject: guard.Entity{Type: "user", ID: who}, Action: guard.Action{Name: "read"}, Resource: guard.Entity{Type: "note", ID: "n"},
				Input: json.RawMessage(fmt.Sprintf(`{"subject":{"type":"user","id":%q},"action":{"name":"read"},"resource":{"type":"note","id":"n"}}`, who)),
			}
			if a, err := s.guard.DecideIn(t.Context(), alice(), "notes", &q); err != nil || !a.Allowed || a.Policy != digest {
				t.Errorf("%s: %+v, %v, want yes by %s", who, a, err, digest)
			}
		}
		a, err := s.Activate(t.Context(), alice(), "notes", two, library.Activate{
			BreakGlass: &library.BreakGlass{Reason: "nobody reads", Until: s.clock.now().Add(time.Hour)},
		})
		if err != nil || a.Previous != one {
			t.Fatalf("got %+v, %v", a, err)
		}
		decides("bob", two)
		s.breakGlass(t, alice(), s.push(t, alice(), "broken"), 2*time.Hour) // of the built-in one
		s.clock.pass(time.Hour)
		s.expire(t)
		s.expire(t)
		if a := inForce("notes"); a.Number != 3 || a.Digest != one || !a.Until.IsZero() || a.By != "cordon" {
			t.Errorf("the time was over: %+v", a)
		}
		decides("ann", one)
		if a := inForce(library.Set); a.Number != 2 || a.Until.IsZero() {
			t.Errorf("the built-in one's is not: %+v", a)
		}
		if _, err := s.RemoveSet(t.Context(), alice(), "notes", ""); err != nil {
			t.Fatal(err)
		}
		s.clock.pass(time.Hour)
		if s.expire(t); s.number(t) != 3 {
			t.Errorf("the built-in one's is: %+v", inForce(library.Set))
		}
	})
}
