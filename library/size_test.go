package library_test

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/ledger/record"
	"cordon/library"
	"cordon/policies"
)

// A page of a list costs what is on it, however many versions there are.
func TestManyVersionsCostAPageWhatIsOnIt(t *testing.T) { // docs/design.md 12, Versions
	counted := &counting{Store: openSQLite(t)}
	s := started(t, counted)
	s.fill(t, 3000)
	counted.listed = 0
	list, next, err := s.Versions(t.Context(), alice(), library.Set, library.Page{Limit: 50})
	if err != nil || len(list) != 50 || next == "" {
		t.Fatalf("%d, %q, %v", len(list), next, err)
	}
	if counted.listed > 51 {
		t.Errorf("%d notes were read", counted.listed)
	}
}

// fill puts many versions in place, with no content.
func (s *shelf) fill(t testing.TB, count int) {
	t.Helper()
	at := s.clock.now()
	for first := 0; first < count; first += 1000 {
		if err := s.store.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
			for i := first; i < min(first+1000, count); i++ {
				id, digest := record.NewID(at.Add(time.Duration(i)*time.Millisecond)), fmt.Sprintf("sha256:%d", i)
				body := fmt.Appendf(nil, `{"id": %q, "digest": %q, "author": {"name": "a", "caller": "k"}, "message": "", "created_at": "2026-01-01T00:00:00Z"}`, id, digest)
				if err := tx.Put(ctx, datastore.Note{Name: "policy/cordon/versions/" + id, Body: body},
					datastore.Note{Name: "policy/cordon/digests/" + digest, Body: fmt.Appendf(nil, "%q", id)}); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// counting counts the nouns that lists give.
type counting struct {
	datastore.Store
	listed int
}

func (c *counting) List(ctx context.Context, among datastore.Noun, page datastore.Page) iter.Seq2[datastore.Noun, error] {
	return func(yield func(datastore.Noun, error) bool) {
		for noun, err := range c.Store.List(ctx, among, page) {
			c.listed++
			if !yield(noun, err) {
				return
			}
		}
	}
}

// A version of the largest size that is taken is kept, read and listed.
func TestAVersionOfMegabytes(t *testing.T) { // docs/design.md 12, Versions
	eachStore(t, func(t *testing.T, store datastore.Store) {
		s := started(t, store)
		files := policies.Builtin().Files
		for i := range 7 {
			files[fmt.Sprintf("cordon/large%d.json", i)] = fmt.Sprintf(`{"large%d": %q}`, i, strings.Repeat("x", 250<<10))
		}
		pushed, err := s.Push(t.Context(), alice(), library.Set, library.Push{Files: files})
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Files(t.Context(), alice(), library.Set, pushed.Version.Digest)
		if err != nil || len(got) != len(files) {
			t.Errorf("%d files, %v", len(got), err)
		}
		s.activate(t, alice(), pushed.Version.Digest)
	})
}

func BenchmarkVersions(b *testing.B) {
	s := replica(b, openSQLite(b), newClock(), nil)
	if err := s.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	s.fill(b, 30_000)
	for b.Loop() {
		if _, _, err := s.Versions(b.Context(), alice(), library.Set, library.Page{Limit: 50}); err != nil {
			b.Fatal(err)
		}
	}
}
