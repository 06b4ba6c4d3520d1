package sqlite_test

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/datastore/sqlite"
	"cordon/ledger/batch"
	"cordon/ledger/record"
)

// childOf names the directory that a child process of these tests is to write to.
const childOf = "CORDON_SQLITE_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childOf); dir != "" {
		fmt.Println(writeUntilKilled(dir))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// writeUntilKilled commits from several goroutines and prints each commit once it is acknowledged.
func writeUntilKilled(dir string) error {
	ctx := context.Background()
	s, err := sqlite.Open(ctx, sqlite.Config{Path: dir})
	if err != nil {
		return err
	}
	fmt.Println("open")
	var mu sync.Mutex
	acknowledged := func(what string, n int64) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Println(what, n)
	}
	for range 8 {
		go func() {
			for {
				var revision int64
				err := s.Update(ctx, func(ctx context.Context, tx datastore.Tx) (err error) {
					if revision, err = tx.Bump(ctx, "org-0000"); err != nil {
						return err
					}
					return batch.Append(ctx, tx, newRecord("r.changes", revision))
				})
				if err != nil {
					acknowledged(err.Error(), 0)
				}
				acknowledged("revision", revision)
			}
		}()
	}
	go func() {
		first, _ := s.ReadFile(ctx, "f", 0, 1) // none the first time
		for n := byte(1); ; n++ {
			if len(first) == 1 {
				n, first = first[0]+1, nil
			}
			if err := s.WriteFile(ctx, "f", versionOfFile(n)); err != nil {
				acknowledged(err.Error(), 0)
			}
			acknowledged("file", int64(n))
		}
	}()
	last, err := s.Ship(ctx, datastore.Batch{Replica: "r"})
	if err != nil {
		return err
	}
	for sequence := last + 1; ; sequence++ {
		r := newRecord("r", sequence)
		r.Sequence = sequence
		batch, err := batch.Pack([]record.Record{*r})
		if err != nil {
			return err
		}
		if last, err := s.Ship(ctx, batch); err != nil || last != sequence {
			acknowledged("not shipped", sequence)
		}
		acknowledged("shipped", sequence)
	}
}

// versionOfFile is of a size and a content that no other version but every 256th has.
func versionOfFile(n byte) []byte {
	return bytes.Repeat([]byte{n}, (int(n)*7919)%(12*datastore.FileChunk)+1)
}

func newRecord(replica string, revision int64) *record.Record {
	now := time.Now()
	return &record.Record{ID: record.NewID(now), Time: now, Replica: replica, Kind: record.KindChange,
		Organization: "org-0000", Revision: revision, Reasons: []byte("[]")}
}

// child starts this test binary as a process that writes to dir.
func child(t *testing.T, dir string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childOf+"="+dir)
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "open" {
		t.Fatalf("the child said %q", lines.Text())
	}
	return cmd, lines
}

func TestCrashLosesNothingAcknowledged(t *testing.T) {
	dir := t.TempDir()
	seed, err := sqlite.Open(t.Context(), sqlite.Config{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	world(t, seed, 1, 3, 3)
	if err := seed.Close(); err != nil {
		t.Fatal(err)
	}
	rounds := 4
	if testing.Short() {
		rounds = 1
	}
	for round := range rounds {
		cmd, lines := child(t, dir)
		var revision, shipped, file int64
		for n := 0; lines.Scan(); n++ {
			what, number, _ := strings.Cut(lines.Text(), " ")
			var at int64
			if _, err := fmt.Sscan(number, &at); err != nil {
				t.Fatalf("the child said %q", lines.Text())
			}
			switch what {
			case "revision":
				revision = max(revision, at)
			case "shipped":
				shipped = at
			case "file":
				file = at
			default:
				t.Fatalf("the child said %q", lines.Text())
			}
			if n == 300+100*round {
				if err := cmd.Process.Kill(); err != nil { // SIGKILL
					t.Fatal(err)
				}
			}
		}
		if err := cmd.Wait(); err == nil {
			t.Fatal("the child ended by itself")
		}
		checkSurvivors(t, dir, revision, shipped, byte(file))
	}
}

func checkSurvivors(t *testing.T, dir string, revision, shipped int64, file byte) {
	t.Helper()
	for _, name := range []string{"state.db", "decisions.db"} {
		db, err := sql.Open("sqlite", filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		var result string
		if err := db.QueryRowContext(t.Context(), `PRAGMA integrity_check`).Scan(&result); err != nil || result != "ok" {
			t.Errorf("integrity of %s: %q, %v", name, result, err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s, err := sqlite.Open(t.Context(), sqlite.Config{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	facts, err := s.Facts(t.Context(), datastore.Key{Organization: "org-0000"})
	if err != nil || facts.Organization.Revision < revision {
		t.Errorf("revision %d survived (%v), %d was acknowledged", facts.Organization.Revision, err, revision)
	}
	if last, err := s.Ship(t.Context(), datastore.Batch{Replica: "r"}); err != nil || last < shipped {
		t.Errorf("sequence %d survived (%v), %d was acknowledged", last, err, shipped)
	}
	got, err := s.ReadFile(t.Context(), "f", 0, datastore.MaxFileBytes)
	if file != 0 && (err != nil || len(got) == 0 || !bytes.Equal(got, versionOfFile(got[0])) || got[0] != file && got[0] != file+1) {
		t.Errorf("the file is %d bytes (%v), version %d was acknowledged", len(got), err, file)
	}
	if kept := looseRows(t, dir); kept != "0 pieces, 0 loose" {
		t.Errorf("of what was being written when it was killed the next start keeps %s", kept)
	}
	// A change and its record survive together.
	want := int64(1)
	for r, err := range batch.Search(t.Context(), s, record.Filter{Replica: "r.changes", OldestFirst: true}) {
		if err != nil {
			t.Fatal(err)
		}
		want = max(want, r.Revision)
	}
	if want != facts.Organization.Revision {
		t.Errorf("the records go to revision %d, the organization is at %d", want, facts.Organization.Revision)
	}
}

func TestSecondProcessIsRefused(t *testing.T) {
	dir := t.TempDir()
	seed, err := sqlite.Open(t.Context(), sqlite.Config{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	world(t, seed, 1, 1, 1)
	if _, err := sqlite.Open(t.Context(), sqlite.Config{Path: dir}); err == nil || !strings.Contains(err.Error(), "in use by another cordon") {
		t.Errorf("a second store in this process: %v", err)
	}
	if err := seed.Close(); err != nil {
		t.Fatal(err)
	}
	cmd, _ := child(t, dir)
	_, err = sqlite.Open(t.Context(), sqlite.Config{Path: dir})
	if err == nil || !strings.Contains(err.Error(), "in use by another cordon") || !strings.Contains(err.Error(), dir) {
		t.Errorf("a second process: %v", err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	open(t, sqlite.Config{Path: dir}) // the lock went with its process
}
