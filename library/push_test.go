package library_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"cordon/datastore"
	"cordon/guard"
	"cordon/library"
	"cordon/policies"

	"github.com/google/go-cmp/cmp"
)

func TestPushKeepsAVersionOnce(t *testing.T) { // docs/design.md 12, Versions
	eachStore(t, func(t *testing.T, store datastore.Store) {
		s := started(t, store)
		shipped := policies.Builtin().Digest()
		files := variant("one")
		pushed, err := s.Push(t.Context(), alice(), library.Set, library.Push{Message: "a remark", Files: files})
		if err != nil {
			t.Fatal(err)
		}
		v := pushed.Version
		want := policies.Source{Files: files}.Digest()
		if !pushed.Created || v.Digest != want || v.Parent != shipped || v.Message != "a remark" || v.Author != (library.Person{Name: "alice", Caller: "root"}) {
			t.Errorf("pushed %+v", v)
		}
		again, err := s.Push(t.Context(), by(root(), "bob"), library.Set, library.Push{Message: "another", Files: maps.Clone(files)})
		if err != nil || again.Created || again.Version.Message != "a remark" || again.Version.Author.Name != "alice" {
			t.Errorf("the same content again: %+v, %v", again, err)
		}
		got, err := s.Files(t.Context(), alice(), library.Set, v.Digest)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(files, got); diff != "" {
			t.Error(diff)
		}
		list, next, err := s.Versions(t.Context(), alice(), library.Set, library.Page{})
		if err != nil || next != "" || len(list) != 2 || list[0].Digest != v.Digest || list[1].Digest != shipped || list[1].State != library.Active {
			t.Errorf("%+v, %q, %v", list, next, err)
		}
		if s.number(t) != 1 {
			t.Error("a push changed what is in force")
		}
	})
}

func TestPushOfWhatIsNoPolicyKeepsNothing(t *testing.T) { // docs/design.md 12, Versions
	s := started(t, openSQLite(t))
	s.Inspect()
	files := variant("broken")
	files["cordon/rules/host/host.rego"] += "\ndeny if input.subject.rol == 1\n"
	_, err := s.Push(t.Context(), alice(), library.Set, library.Push{Files: files})
	refused, is := errors.AsType[*library.Refused](err)
	if !is || len(refused.Problems) == 0 || refused.Problems[0].File != "cordon/rules/host/host.rego" || refused.Problems[0].Row == 0 {
		t.Fatalf("%v", err)
	}
	digest := policies.Source{Files: files}.Digest()
	if _, err := s.Version(t.Context(), alice(), library.Set, digest); !errors.As(err, new(*guard.NotFound)) {
		t.Errorf("the version: %v", err)
	}
	for file, err := range s.store.Files(t.Context(), "policy/"+digest, "") {
		t.Errorf("kept %+v, %v", file, err)
	}
}

func TestPushIsRefusedBeforeItIsChecked(t *testing.T) {
	s := started(t, openSQLite(t))
	limited := &guard.Caller{ID: "l", Scopes: guard.Scopes(), Organization: "acme"}
	token := &guard.Caller{ID: "tess", Scopes: guard.Scopes(), Token: true}
	long := strings.Repeat("é", 2001)
	push := func(o *guard.Origin, set string, p library.Push) error {
		_, err := s.Push(t.Context(), o, set, p)
		return err
	}
	if err := push(&guard.Origin{Caller: root()}, library.Set, library.Push{Files: variant("x")}); !errors.Is(err, library.ErrNobody) {
		t.Errorf("nobody: %v", err)
	}
	if err := push(by(limited, "a"), library.Set, library.Push{Files: variant("x")}); !errors.Is(err, guard.ErrOrganizationLimit) {
		t.Errorf("a limited key: %v", err)
	}
	if err := push(alice(), "other", library.Push{Files: variant("x")}); !errors.As(err, new(*guard.NotFound)) {
		t.Errorf("another set: %v", err)
	}
	for pointer, p := range map[string]library.Push{
		"/files":   {},
		"/message": {Files: variant("x"), Message: long},
		"/parent":  {Files: variant("x"), Parent: "sha256:none"},
	} {
		invalid, is := errors.AsType[*guard.Invalid](push(alice(), library.Set, p))
		if !is || invalid.Errors[0].Pointer != pointer {
			t.Errorf("%s: %v", pointer, invalid)
		}
	}
	if err := push(&guard.Origin{Caller: token}, library.Set, library.Push{Files: variant("x")}); err != nil {
		t.Errorf("a token names its subject: %v", err)
	}
}

// Two editors: whoever pushes on an activation that is no longer the last is told, whatever they push.
func TestPushKnowsTheActivationThatItsAuthorKnew(t *testing.T) { // docs/design.md 12, Two editors
	eachStore(t, func(t *testing.T, store datastore.Store) {
		s := started(t, store)
		first := s.push(t, knowing(alice(), 1), "first")
		s.activate(t, alice(), first)
		_, err := s.Push(t.Context(), knowing(by(root(), "bob"), 1), library.Set, library.Push{Files: variant("second")})
		if conflict(t, err) != guard.CodePrecondition {
			t.Errorf("%v", err)
		}
		s.push(t, knowing(by(root(), "bob"), 2), "second")
	})
}

func TestTheSameContentOfManyIsOneVersion(t *testing.T) {
	eachStore(t, func(t *testing.T, store datastore.Store) {
		s := started(t, store)
		const many = 8
		created := make([]bool, many)
		var running sync.WaitGroup
		for i := range many {
			running.Go(func() {
				pushed, err := s.Push(t.Context(), by(root(), fmt.Sprint("p", i)), library.Set, library.Push{Files: variant("same")})
				if err != nil {
					t.Error(err)
					return
				}
				created[i] = pushed.Created
			})
		}
		running.Wait()
		if n := len(slices.DeleteFunc(created, func(c bool) bool { return !c })); n != 1 {
			t.Errorf("%d of them made it", n)
		}
		if list, _, err := s.Versions(t.Context(), alice(), library.Set, library.Page{}); len(list) != 2 || err != nil {
			t.Errorf("%d versions, %v", len(list), err)
		}
	})
}

func TestVersionsArePaged(t *testing.T) { // docs/design.md 12, Versions
	eachStore(t, func(t *testing.T, store datastore.Store) {
		s := started(t, store)
		want := []string{policies.Builtin().Digest()}
		for i := range 5 {
			s.clock.pass(1)
			want = slices.Insert(want, 0, s.push(t, alice(), fmt.Sprint(i)))
		}
		// What sorts around them is none of them.
		if err := store.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
			return tx.Put(ctx, datastore.Note{Name: "policy/cordon/versions0"}, datastore.Note{Name: "policy/cordon/versions"}, datastore.Note{Name: "policy/cordon2/versions/x"})
		}); err != nil {
			t.Fatal(err)
		}
		for limit := range 8 {
			var got []string
			page := library.Page{Limit: limit}
			for {
				list, next, err := s.Versions(t.Context(), alice(), library.Set, page)
				if err != nil {
					t.Fatal(err)
				}
				for i := range list {
					got = append(got, list[i].Digest)
				}
				if page.After = next; next == "" {
					break
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("limit %d: %s", limit, diff)
			}
		}
	})
}
