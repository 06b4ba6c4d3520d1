package sqlite_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"

	"cordon/datastore"
	"cordon/datastore/sqlite"
)

// openBackup opens a copy, as a restore does, after SQLite has looked it over.
func openBackup(t *testing.T, dir string) *sqlite.Store {
	t.Helper()
	for _, name := range []string{"state.db", "decisions.db"} {
		if got := queryText(t, filepath.Join(dir, name), `PRAGMA integrity_check`); got != "ok" {
			t.Fatalf("integrity of %s: %s", name, got)
		}
	}
	return open(t, sqlite.Config{Path: dir})
}

// TestABackupIsOfOneMoment backs up while others write to both files, each time the log's first: a copy
// in which the state is ahead of the log is of two moments.
func TestABackupIsOfOneMoment(t *testing.T) {
	s := open(t, sqlite.Config{Path: t.TempDir()})
	world(t, s, 3, 5, 5)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var writers sync.WaitGroup
	begun := make(chan struct{})
	first := sync.OnceFunc(func() { close(begun) })
	revision := func(s datastore.Store, organization string) int64 {
		facts, err := s.Facts(t.Context(), datastore.Key{Organization: organization})
		if err != nil {
			t.Fatal(err)
		}
		return facts.Organization.Revision
	}
	for _, organization := range []string{"org-0000", "org-0001"} {
		writers.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				data := make([]byte, 20_000+n)
				if err := s.WriteFile(ctx, organization, data); err != nil {
					return
				}
				err := s.Update(ctx, func(ctx context.Context, tx datastore.Tx) error { _, err := tx.Bump(ctx, organization); return err })
				if err != nil {
					return
				}
				if n > 3 {
					first()
				}
			}
		})
	}
	<-begun
	for range 5 {
		before := revision(s, "org-0000")
		dir := t.TempDir()
		if err := s.Backup(t.Context(), dir); err != nil {
			t.Fatal(err)
		}
		b := openBackup(t, dir)
		if got := revision(b, "org-0000"); got < before {
			t.Errorf("the copy is at revision %d, %d was acknowledged before", got, before)
		}
		for _, organization := range []string{"org-0000", "org-0001"} {
			n := revision(b, organization) - 1 // so many turns are done, and the file of another may be there
			for f, err := range b.Files(t.Context(), organization, "") {
				if turns := f.Size - 20_000 + 1; err != nil || turns != n && turns != n+1 {
					t.Errorf("the file is of turn %d (%v), the state of turn %d", turns, err, n)
				}
			}
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	writers.Wait()
}

func TestABackupEndsWithItsContext(t *testing.T) {
	s := open(t, sqlite.Config{})
	world(t, s, 1, 1, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Backup(ctx, t.TempDir()); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the end of the context", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Backup(t.Context(), t.TempDir()); !errors.Is(err, datastore.ErrClosed) {
		t.Errorf("got %v, want ErrClosed", err)
	}
}
