package sqlite_test

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cordon/datastore"
	"cordon/datastore/sqlite"

	"go.uber.org/goleak"
)

func TestPragmas(t *testing.T) {
	for name, test := range map[string]struct {
		config      sqlite.Config
		synchronous string
	}{
		"file":   {sqlite.Config{Path: filepath.Join(t.TempDir(), "a b?c#d%20", "x")}, "2"},
		"memory": {sqlite.Config{}, "0"},
	} {
		t.Run(name, func(t *testing.T) {
			open(t, test.config).Inspect(func(file string, writes bool, c *sql.Conn, _ []string) {
				queryOnly := "1"
				if writes {
					queryOnly = "0"
				}
				for pragma, want := range map[string]string{
					"journal_mode": "wal", "synchronous": test.synchronous, "query_only": queryOnly, "busy_timeout": "5000",
					"auto_vacuum": "2",
				} {
					var got string
					if err := c.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
						t.Errorf("%s, writes %t: %s is %q (%v), want %q", file, writes, pragma, got, err, want)
					}
				}
			})
		})
	}
}

func TestFilesAreTheOwnersAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	world(t, open(t, sqlite.Config{Path: dir}), 1, 1, 1)
	names := map[string]os.FileMode{".": 0o700, "state.db": 0o600, "state.db-wal": 0o600, "state.db-shm": 0o600,
		"decisions.db": 0o600, "store.lock": 0o600}
	for name, want := range names {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", name, got, want)
		}
	}
}

func TestTemporaryStoreLeavesNothing(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	s, err := sqlite.Open(t.Context(), sqlite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	world(t, s, 1, 1, 1)
	for _, err := range datastore.List(t.Context(), s, datastore.Member{Organization: "org-0000"}, datastore.Page{}) {
		if err != nil {
			t.Fatal(err)
		}
		break
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("%v is left (%v)", left, err)
	}
}

func TestRefusedFiles(t *testing.T) {
	newer := t.TempDir()
	s, err := sqlite.Open(t.Context(), sqlite.Config{Path: newer})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	execute(t, filepath.Join(newer, "state.db"), `PRAGMA user_version = 1000`)

	damaged := t.TempDir()
	if err := os.WriteFile(filepath.Join(damaged, "state.db"), []byte(strings.Repeat("this is no database ", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ path, says string }{
		"newer schema": {newer, "written by a newer cordon"},
		"no database":  {damaged, "state.db"},
		"no directory": {file, "not a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := sqlite.Open(t.Context(), sqlite.Config{Path: test.path})
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got error %v, want one that says %q", err, test.says)
			}
			if name == "no database" && !errors.Is(err, datastore.ErrUnavailable) {
				t.Errorf("got error %v, want ErrUnavailable", err)
			}
		})
	}
}

// execute runs statements on a file from outside, as somebody with access to it could.
func execute(t *testing.T, path string, statements ...string) []error {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	errs := make([]error, len(statements))
	for i, statement := range statements {
		_, errs[i] = db.ExecContext(t.Context(), statement)
	}
	return errs
}

func TestLogIsOnlyAppendedTo(t *testing.T) {
	s := open(t, sqlite.Config{})
	shipped(t, s, 1, 3)
	for i, err := range execute(t, filepath.Join(s.Dir(), "decisions.db"),
		`UPDATE batches SET body = x'00'`, `DELETE FROM batches`, `REPLACE INTO batches SELECT * FROM batches`) {
		if i < 2 && (err == nil || !strings.Contains(err.Error(), "only appended to")) {
			t.Errorf("statement %d: got error %v, want a refusal", i, err)
		}
	}
}
