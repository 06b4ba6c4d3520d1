package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/datastore/sqlite"
)

// update commits what fn does.
func update(t *testing.T, s *sqlite.Store, fn func(ctx context.Context, tx datastore.Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

// firstOf gives what a watch begins with.
func firstOf(t *testing.T, s *sqlite.Store, from string) (datastore.Change, error) {
	t.Helper()
	for change, err := range s.Watch(t.Context(), from) {
		return change, err
	}
	t.Fatal("the watch gave nothing")
	return datastore.Change{}, nil
}

func TestHistoryIsLost(t *testing.T) {
	dir := t.TempDir()
	s := open(t, sqlite.Config{Path: dir, History: 10})
	world(t, s, 1, 1, 1)
	beat, err := firstOf(t, s, "")
	if err != nil {
		t.Fatal(err)
	}
	bump := func(times int) {
		for range times {
			update(t, s, func(ctx context.Context, tx datastore.Tx) error { _, err := tx.Bump(ctx, "org-0000"); return err })
		}
	}
	bump(10)
	if _, err := firstOf(t, s, beat.Position); err != nil {
		t.Errorf("ten changes are kept, but: %v", err)
	}
	bump(1)
	other, err := firstOf(t, open(t, sqlite.Config{}), "")
	if err != nil {
		t.Fatal(err)
	}
	identity, _, _ := strings.Cut(beat.Position, "/")
	for name, position := range map[string]string{
		"too old": beat.Position, "of another store": other.Position, "of the future": identity + "/1000", "nonsense": "nonsense", "negative": identity + "/-5",
	} {
		if _, err := firstOf(t, s, position); !errors.Is(err, datastore.ErrHistoryLost) {
			t.Errorf("from a position that is %s: %v, want ErrHistoryLost", name, err)
		}
	}

	// A watch that is too slow learns it too, rather than miss a change.
	n := 0
	err = nil
	for _, e := range s.Watch(t.Context(), "") {
		if n++; n == 1 {
			bump(30)
			continue
		}
		if e != nil {
			err = e
			break
		}
		bump(11)
	}
	if !errors.Is(err, datastore.ErrHistoryLost) {
		t.Errorf("a slow watch ended with %v, want ErrHistoryLost", err)
	}
}

func TestTransactionIsOverWithItsFunction(t *testing.T) {
	s := open(t, sqlite.Config{})
	var leaked datastore.Tx
	update(t, s, func(ctx context.Context, tx datastore.Tx) error { leaked = tx; return nil })
	update(t, s, func(ctx context.Context, tx datastore.Tx) error {
		if err := leaked.Put(ctx, datastore.APIKey{ID: "smuggled"}); err == nil {
			t.Error("a transaction that is over wrote into another")
		}
		if _, err := leaked.Facts(ctx, datastore.Key{Organization: "o"}); err == nil || errors.Is(err, datastore.ErrNotFound) {
			t.Errorf("a transaction that is over reads: %v", err)
		}
		return nil
	})
	if _, err := datastore.Get(t.Context(), s, datastore.APIKey{ID: "smuggled"}); !errors.Is(err, datastore.ErrNotFound) {
		t.Errorf("the key was written: %v", err)
	}
}

func TestUnknownStatesAreRefused(t *testing.T) {
	s := open(t, sqlite.Config{})
	err := s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
		return tx.Put(ctx, datastore.Message{ID: "m", State: "lost"})
	})
	if err == nil || !strings.Contains(err.Error(), "CHECK") {
		t.Errorf("a message in an unknown state was put: %v", err)
	}
}

// TestFullDisk fills the file within a group of transactions: those fail, as unavailable, and the
// store goes on once there is room.
func TestFullDisk(t *testing.T) {
	s := open(t, sqlite.Config{})
	world(t, s, 1, 1, 1)
	bound := func(pages int64) {
		s.Inspect(func(file string, writes bool, c *sql.Conn, _ []string) {
			if writes && file == "state.db" {
				if _, err := c.ExecContext(t.Context(), fmt.Sprintf("PRAGMA max_page_count = %d", pages)); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	bound(1) // no smaller than it is now
	const writers = 8
	errs := make([]error, writers)
	var group sync.WaitGroup
	for i := range writers {
		group.Go(func() {
			for n := 0; errs[i] == nil && n < 200; n++ {
				errs[i] = s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
					m := datastore.Message{ID: fmt.Sprintf("m-%d-%d", i, n), State: datastore.MessagePending, Payload: make([]byte, 5000)}
					if _, err := tx.Bump(ctx, "org-0000"); err != nil {
						return err
					}
					return tx.Put(ctx, m)
				})
			}
		})
	}
	group.Wait()
	for _, err := range errs {
		if !errors.Is(err, datastore.ErrUnavailable) {
			t.Errorf("got error %v, want ErrUnavailable", err)
		}
	}
	revision := func() int64 {
		facts, err := s.Facts(t.Context(), datastore.Key{Organization: "org-0000"})
		if err != nil {
			t.Fatal(err)
		}
		return facts.Organization.Revision
	}
	messages := int64(0)
	for _, err := range datastore.List(t.Context(), s, datastore.Message{}, datastore.Page{}) {
		if err != nil {
			t.Fatal(err)
		}
		messages++
	}
	if revision() != 1+messages {
		t.Errorf("%d messages are there at revision %d", messages, revision())
	}
	bound(1 << 30)
	update(t, s, func(ctx context.Context, tx datastore.Tx) error { _, err := tx.Bump(ctx, "org-0000"); return err })
	if revision() != 2+messages {
		t.Errorf("revision %d, want %d", revision(), 2+messages)
	}
}

// TestSlowListHoldsNobodyUp leaves many lists open at once, while others write and read.
func TestSlowListHoldsNobodyUp(t *testing.T) {
	s := open(t, sqlite.Config{})
	world(t, s, 3, 5, 5)
	var nest func(depth int)
	nest = func(depth int) {
		if depth == 0 {
			update(t, s, func(ctx context.Context, tx datastore.Tx) error { _, err := tx.Bump(ctx, "org-0000"); return err })
			if _, err := s.Facts(t.Context(), datastore.Key{Organization: "org-0000"}); err != nil {
				t.Fatal(err)
			}
			return
		}
		for _, err := range datastore.List(t.Context(), s, datastore.Organization{}, datastore.Page{}) {
			if err != nil {
				t.Fatal(err)
			}
			nest(depth - 1)
			return
		}
	}
	nest(20)
}

// TestWatchCatchesUp resumes behind more changes than are read at a time.
func TestWatchCatchesUp(t *testing.T) {
	s := open(t, sqlite.Config{})
	world(t, s, 1, 1, 1)
	beat, err := firstOf(t, s, "")
	if err != nil {
		t.Fatal(err)
	}
	const bumps = 1500
	update(t, s, func(ctx context.Context, tx datastore.Tx) error {
		for range bumps {
			if _, err := tx.Bump(ctx, "org-0000"); err != nil {
				return err
			}
		}
		return nil
	})
	want := int64(2)
	for change, err := range s.Watch(t.Context(), beat.Position) {
		if err != nil {
			t.Fatal(err)
		}
		if change.Organization == "" {
			continue
		}
		if change.Revision != want {
			t.Fatalf("revision %d comes after %d", change.Revision, want-1)
		}
		if want++; want == bumps+2 {
			break
		}
	}
}

// TestWaitingTransactionsGiveUp cancels transactions that wait for the writer, while it is held and
// while it is passed on.
func TestWaitingTransactionsGiveUp(t *testing.T) {
	s := open(t, sqlite.Config{})
	world(t, s, 1, 1, 1)
	for range 50 {
		ctx, cancel := context.WithCancel(t.Context())
		held, free := make(chan struct{}), make(chan struct{})
		var group sync.WaitGroup
		group.Go(func() {
			_ = s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error { close(held); <-free; return nil })
		})
		<-held
		for range 8 {
			group.Go(func() {
				err := s.Update(ctx, func(ctx context.Context, tx datastore.Tx) error { return nil })
				if err != nil && !errors.Is(err, context.Canceled) {
					t.Errorf("got error %v, want that of the context or none", err)
				}
			})
		}
		group.Go(cancel)
		group.Go(func() { close(free) })
		group.Wait()
	}
	update(t, s, func(ctx context.Context, tx datastore.Tx) error { _, err := tx.Bump(ctx, "org-0000"); return err })
}

// TestWatchIsWoken looks that a change is not told by the next beat only.
func TestWatchIsWoken(t *testing.T) {
	s := open(t, sqlite.Config{})
	world(t, s, 1, 1, 1)
	begun, bumps := time.Now(), 0
	for change, err := range s.Watch(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if change.Organization == "" && bumps > 0 {
			continue
		}
		if bumps++; bumps == 50 {
			break
		}
		update(t, s, func(ctx context.Context, tx datastore.Tx) error { _, err := tx.Bump(ctx, "org-0000"); return err })
	}
	if took := time.Since(begun); took > 5*time.Second { // by beats it would be ten
		t.Errorf("50 changes took %s", took)
	}
}
