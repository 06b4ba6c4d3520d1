package sqlite_test

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"

	"cordon/datastore/sqlite"
)

// looseRows tells how many pieces are in a log that are no file's, and of how many files that are none.
func looseRows(t *testing.T, dir string) string {
	t.Helper()
	return queryText(t, filepath.Join(dir, "decisions.db"), `SELECT
		(SELECT count(*) FROM chunks WHERE file NOT IN (SELECT id FROM files)) || ' pieces, ' || (SELECT count(*) FROM loose) || ' loose'`)
}

// TestShippingGoesOnWhileALargeFileIsWritten: those who ship have their turn between its pieces, and while it is
// removed. The test is one of them: it gets in line while a piece waits, and has its turn before the next piece has.
func TestShippingGoesOnWhileALargeFileIsWritten(t *testing.T) {
	s := open(t, sqlite.Config{})
	data := make([]byte, 4<<20)
	for name, long := range map[string]func() error{
		"written": func() error { return s.WriteFile(t.Context(), "f", data) },
		"removed": func() error { return s.RemoveFiles(t.Context(), "f") },
	} {
		t.Run(name, func(t *testing.T) {
			if err := s.WriteFile(t.Context(), "f", data); err != nil {
				t.Fatal(err)
			}
			release := s.HoldLog()()
			done := make(chan error, 1)
			go func() { done <- long() }()
			turns := 0
			for ; len(done) == 0; turns++ {
				for s.LogWaiting() == 0 && len(done) == 0 {
					runtime.Gosched()
				}
				wait := s.HoldLog()
				release()
				release = wait()
			}
			release()
			if err := <-done; err != nil || turns < 8 {
				t.Errorf("whoever shipped had %d turns meanwhile, %v", turns, err)
			}
		})
	}
}

// patient is done once it was asked so often whether it is.
type patient struct {
	context.Context
	left atomic.Int64
}

func (p *patient) Err() error {
	if p.left.Add(-1) < 0 {
		return context.Canceled
	}
	return nil
}

// TestAFileThatIsBrokenOffLeavesNothing ends a call at every place where it looks whether it should go on.
func TestAFileThatIsBrokenOffLeavesNothing(t *testing.T) {
	s := open(t, sqlite.Config{})
	before, after := bytes.Repeat([]byte{1}, 1<<20), bytes.Repeat([]byte{2}, 1<<20)
	for looks, written := int64(0), false; !written; looks++ {
		if err := s.WriteFile(t.Context(), "f", before); err != nil {
			t.Fatal(err)
		}
		ctx := &patient{Context: t.Context()}
		ctx.left.Store(looks)
		err := s.WriteFile(ctx, "f", after)
		want := before
		if written = err == nil; written {
			want = after
		} else if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if got, err := s.ReadFile(t.Context(), "f", 0, 2<<20); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("broken off at look %d (%t): the file has %d bytes, %v", looks, !written, len(got), err)
		}
		if kept := looseRows(t, s.Dir()); kept != "0 pieces, 0 loose" {
			t.Fatalf("broken off at look %d it leaves %s", looks, kept)
		}
		if written && looks < 4 {
			t.Errorf("it looked %d times: it is written in one turn", looks)
		}
	}
}

// TestFilesOfAnEarlierVersionStay: what is written now is never taken for a file that was there before.
func TestFilesOfAnEarlierVersionStay(t *testing.T) {
	dir := t.TempDir()
	err := sqlite.WriteLogVersion(t.Context(), dir, 3, `
		INSERT INTO files (id, name, size) VALUES (1, 'a', 1), (7, 'b', 2);
		INSERT INTO chunks (file, number, data) VALUES (1, 0, x'01'), (7, 0, x'0202');`)
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, sqlite.Config{Path: dir})
	for i, name := range []string{"c", "d"} {
		if err := s.WriteFile(t.Context(), name, bytes.Repeat([]byte{byte(3 + i)}, 3+i)); err != nil {
			t.Fatal(err)
		}
	}
	for i, name := range []string{"a", "b", "c", "d"} {
		if got, err := s.ReadFile(t.Context(), name, 0, 9); err != nil || !bytes.Equal(got, bytes.Repeat([]byte{byte(i + 1)}, i+1)) {
			t.Errorf("%s holds %v, %v", name, got, err)
		}
	}
}
