package sqlite_test

import (
	"bytes"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/datastore/sqlite"
)

// TestADamagedFileIsNoShortOne: where pieces are missing, a reader hears of it.
func TestADamagedFileIsNoShortOne(t *testing.T) {
	const size = 3 * datastore.FileChunk
	for name, damage := range map[string]string{
		"the first piece is missing": `DELETE FROM chunks WHERE number = 0`,
		"one between is missing":     `DELETE FROM chunks WHERE number = 1`,
		"the last piece is missing":  `DELETE FROM chunks WHERE number = 2`,
		"all are missing":            `DELETE FROM chunks`,
		"a piece is cut off":         `UPDATE chunks SET data = substr(data, 1, 100) WHERE number = 1`,
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, sqlite.Config{})
			if err := s.WriteFile(t.Context(), "f", make([]byte, size)); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(execute(t, filepath.Join(s.Dir(), "decisions.db"), damage)...); err != nil {
				t.Fatal(err)
			}
			if got, err := s.ReadFile(t.Context(), "f", 0, size); !errors.Is(err, datastore.ErrDamaged) {
				t.Errorf("got %d bytes, %v, want ErrDamaged", len(got), err)
			}
		})
	}
}

func sizeOf(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// waitForSize waits until a file of the disk has at most so many bytes.
func waitForSize(t *testing.T, path string, most int64) {
	t.Helper()
	end := time.Now().Add(20 * time.Second)
	for size := sizeOf(t, path); size > most; size = sizeOf(t, path) {
		if time.Now().After(end) {
			t.Fatalf("%s has %d bytes, want at most %d", filepath.Base(path), size, most)
		}
		runtime.Gosched()
	}
}

// TestRoomIsGivenBack removes most of what is there, while others write; what is left is whole.
func TestRoomIsGivenBack(t *testing.T) {
	s := open(t, sqlite.Config{Path: t.TempDir()})
	path := filepath.Join(s.Dir(), "decisions.db")
	const mib = 1 << 20
	write := func(name string, fill byte, size int) {
		if err := s.WriteFile(t.Context(), name, bytes.Repeat([]byte{fill}, size)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range byte(12) {
		write(string('a'+rune(i)), i, mib)
	}
	shipped(t, s, 3, 5)
	if size := sizeOf(t, path); size < 8*mib {
		t.Fatalf("the file has %d bytes only", size)
	}
	if err := s.RemoveFiles(t.Context(), "a", "b", "c", "d", "e", "f", "h", "i", "j", "k", "l"); err != nil {
		t.Fatal(err)
	}
	write("small", 9, 5)
	waitForSize(t, path, 2*mib)
	got, err := s.ReadFile(t.Context(), "g", 0, 2*mib)
	if err != nil || !bytes.Equal(got, bytes.Repeat([]byte{6}, mib)) {
		t.Errorf("what was left is %d bytes, %v", len(got), err)
	}
	if last, err := s.Ship(t.Context(), datastore.Batch{Replica: "r"}); err != nil || last != 15 {
		t.Errorf("the last batch ends at %d, %v, want 15", last, err)
	}
}

// TestAnOldFileLearnsToGiveBack: a file that was made before could is written anew when it is opened.
func TestAnOldFileLearnsToGiveBack(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "decisions.db")
	s := open(t, sqlite.Config{Path: dir})
	shipped(t, s, 3, 5)
	if err := s.WriteFile(t.Context(), "f", make([]byte, 3<<20)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(execute(t, path, `PRAGMA journal_mode = DELETE`)...); err != nil {
		t.Fatal(err)
	}
	withoutVacuum(t, path)
	s = open(t, sqlite.Config{Path: dir})
	if last, err := s.Ship(t.Context(), datastore.Batch{Replica: "r"}); err != nil || last != 15 {
		t.Errorf("the last batch ends at %d, %v, want 15", last, err)
	}
	if err := s.RemoveFiles(t.Context(), "f"); err != nil {
		t.Fatal(err)
	}
	waitForSize(t, path, 1<<20)
}

// withoutVacuum writes a file anew as one that gives nothing back.
func withoutVacuum(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(t.Context(), `PRAGMA auto_vacuum = NONE; VACUUM`); err != nil {
		t.Fatal(err)
	}
	var mode int
	if err := db.QueryRowContext(t.Context(), `PRAGMA auto_vacuum`).Scan(&mode); err != nil || mode != 0 {
		t.Fatalf("auto_vacuum is %d, %v", mode, err)
	}
}

// queryText asks a file from outside for one text.
func queryText(t *testing.T, path, query string) (text string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(t.Context(), query).Scan(&text); err != nil {
		t.Fatal(err)
	}
	return text
}
