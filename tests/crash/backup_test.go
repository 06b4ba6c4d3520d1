package crash_test

import (
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cordon/tests/program"

	_ "modernc.org/sqlite"
)

// backUp backs a server up on the command line.
func backUp(t *testing.T, s *program.Server, dir string) {
	t.Helper()
	if out, errs, code := s.CLI("backup", dir); code != 0 || !strings.Contains(out, "files") {
		t.Fatalf("backup exits %d: %s%s", code, out, errs)
	}
}

// restoreTo makes a place of a backup.
func restoreTo(t *testing.T, s *program.Server, dir string) program.Place {
	t.Helper()
	place := program.Place{"--data", filepath.Join(t.TempDir(), "restored")}
	if out, errs, code := s.CLI("restore", dir, place[0], place[1]); code != 0 {
		t.Fatalf("restore exits %d: %s%s", code, out, errs)
	}
	return place
}

// TestABackupUnderLoadHasEveryRecord backs up while decisions and changes go on, restores, and looks that everything
// that was answered before is on record, with no gap in any stream's numbers.
func TestABackupUnderLoadHasEveryRecord(t *testing.T) { // docs/design.md 10
	place := program.Embedded(t)
	key := program.FirstKey(t, place)
	s := program.Serve(t, place, key)
	directory(t, s)
	a := newAnswered(300)
	wait := load(t.Context(), s, a)
	<-a.enough
	for _, name := range []string{"first", "second"} {
		t.Run(name, func(t *testing.T) {
			a.mu.Lock()
			before := newAnswered(0)
			maps.Copy(before.ids, a.ids)
			a.mu.Unlock()
			dir := filepath.Join(t.TempDir(), "backup")
			backUp(t, s, dir)
			restored := program.Serve(t, restoreTo(t, s, dir), key)
			whole(t, restored, before)
			if err := restored.Stop(); err != nil {
				t.Fatal(err)
			}
		})
	}
	s.Kill()
	wait()
}

// TestABackupIsWholeOrRefused: what was damaged since is not restored, and nothing is written over.
func TestABackupIsWholeOrRefused(t *testing.T) {
	place := program.Embedded(t)
	s := program.Serve(t, place, program.FirstKey(t, place))
	directory(t, s)
	dir := filepath.Join(t.TempDir(), "backup")
	backUp(t, s, dir)
	for name, args := range map[string][]string{
		"into a folder that is in use": {"backup", dir},
		"of no backup":                 {"restore", place[1], "--data", filepath.Join(t.TempDir(), "new")},
		"over a store":                 {"restore", dir, "--data", place[1]},
	} {
		if out, errs, code := s.CLI(args...); code != 2 || errs == "" {
			t.Errorf("%s: exits %d, want 2: %s%s", name, code, out, errs)
		}
	}
	for _, name := range []string{"state.db", "decisions.db", filepath.Join("journal", "replica")} {
		path := filepath.Join(dir, name)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		damaged := append([]byte(nil), text...)
		damaged[len(damaged)/2] ^= 1
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(t.TempDir(), "new")
		if _, errs, code := s.CLI("restore", dir, "--data", to); code != 3 || !strings.Contains(errs, "is not whole") {
			t.Errorf("with another %s: exits %d: %s", name, code, errs)
		}
		if entries, err := os.ReadDir(filepath.Dir(to)); err != nil || len(entries) > 0 {
			t.Errorf("what could not be restored left %v, %v", entries, err)
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	restoreTo(t, s, dir)
	for _, path := range []string{dir, filepath.Join(dir, "state.db"), filepath.Join(dir, "journal")} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is for more than its owner: %v, %v", path, info.Mode(), err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(place[1], ".backup-*")); len(left) > 0 {
		t.Errorf("the server left %v", left)
	}
}

func TestAStoreInMongoDBIsBackedUpByItsOwnTools(t *testing.T) {
	place := program.MongoDB(t)
	s := program.Serve(t, place, program.FirstKey(t, place))
	dir := filepath.Join(t.TempDir(), "backup")
	if _, errs, code := s.CLI("backup", dir); code != 3 || !strings.Contains(errs, "mongodump") {
		t.Errorf("exits %d: %s", code, errs)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("there is a backup")
	}
}

// TestABackupOfAnotherLogIsNotRestored: whoever changes what is sealed, and makes the backup's sums anew, is found out by
// the tree.
func TestABackupOfAnotherLogIsNotRestored(t *testing.T) {
	place := program.Embedded(t)
	key := program.FirstKey(t, place)
	s := program.Serve(t, place, key)
	directory(t, s)
	whole(t, s, newAnswered(0)) // an export has everything sealed
	dir := filepath.Join(t.TempDir(), "backup")
	backUp(t, s, dir)
	restoreTo(t, s, dir)

	path := filepath.Join(dir, "decisions.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	const spoil = `UPDATE chunks SET data = zeroblob(length(data)) WHERE file IN (SELECT id FROM files WHERE name LIKE 'segment/%.parquet')`
	changed, err := db.ExecContext(t.Context(), spoil)
	if err == nil {
		_, err = db.ExecContext(t.Context(), `PRAGMA journal_mode = DELETE`)
	}
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	if rows, err := changed.RowsAffected(); err != nil || rows == 0 {
		t.Fatalf("%d pieces of segments were changed, %v", rows, err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	manifest, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err == nil {
		err = json.Unmarshal(manifest, &m)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range m["files"].([]any) {
		if f := f.(map[string]any); f["name"] == "decisions.db" {
			f["size"], f["sha256"] = len(text), fmt.Sprintf("%x", sha256.Sum256(text))
		}
	}
	if manifest, err = json.Marshal(m); err == nil {
		err = os.WriteFile(filepath.Join(dir, "manifest.json"), manifest, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "new")
	if _, errs, code := s.CLI("restore", dir, "--data", to); code != 3 || !strings.Contains(errs, "not what was signed") {
		t.Errorf("restore exits %d: %s", code, errs)
	}
	if _, err := os.Stat(to); err == nil {
		t.Error("it was restored")
	}
}
