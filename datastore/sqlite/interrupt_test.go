package sqlite_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/datastore/sqlite"
)

// endless never comes to a row.
const endless = `WITH RECURSIVE n(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM n) SELECT x FROM n WHERE x < 0`

// brief is a context that is done while an endless statement runs.
func brief(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

func TestAReadIsInterrupted(t *testing.T) {
	s := open(t, sqlite.Config{})
	for range 2 * 4 { // more often than there are connections: each is of use again
		if err := s.Query(brief(t), endless); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v, want the end of the context", err)
		}
	}
	world(t, s, 1, 1, 1)
	if _, err := s.Facts(t.Context(), datastore.Key{Organization: "org-0000"}); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// TestAnInterruptedWriteTakesNobodyWithIt: SQLite rolls back all of the transaction in which a write is
// interrupted, and several callers share one. In whatever order they come, the others are committed,
// and nothing of the interrupted one is, even if it goes on as if nothing had happened.
func TestAnInterruptedWriteTakesNobodyWithIt(t *testing.T) {
	put := func(ctx context.Context, tx datastore.Tx, id string) error {
		return tx.Put(ctx, datastore.APIKey{ID: id, Scopes: []string{"decide"}})
	}
	for _, order := range []string{"XAB", "AXB", "ABX", "AXXB", "XX"} {
		t.Run(order, func(t *testing.T) {
			s := open(t, sqlite.Config{})
			var group sync.WaitGroup
			held, free := make(chan struct{}), make(chan struct{})
			hold := sync.OnceFunc(func() { close(held) }) // its transaction may run again as well
			group.Go(func() {
				update(t, s, func(context.Context, datastore.Tx) error { hold(); <-free; return nil })
			})
			<-held
			for i, who := range strings.Split(order, "") {
				group.Go(func() {
					err := s.Update(t.Context(), func(ctx context.Context, tx datastore.Tx) error {
						if err := put(ctx, tx, who); err != nil || who != "X" {
							return err
						}
						// The error is passed over, and the transaction used on.
						interrupted := sqlite.Exec(brief(t), tx, `INSERT INTO api_keys `+strings.Replace(endless, "SELECT x FROM", "SELECT x, x FROM", 1))
						if !errors.Is(interrupted, context.DeadlineExceeded) {
							t.Errorf("got %v, want the end of the context", interrupted)
						}
						_ = put(ctx, tx, "smuggled")
						return nil
					})
					if who == "X" && !errors.Is(err, context.DeadlineExceeded) || who != "X" && err != nil {
						t.Errorf("%s ends with %v", who, err)
					}
				})
				for s.Waiting() <= i {
					runtime.Gosched()
				}
			}
			close(free)
			group.Wait()
			var got []string
			for key, err := range datastore.List(t.Context(), s, datastore.APIKey{}, datastore.Page{}) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, key.ID)
			}
			if want := strings.Split(strings.ReplaceAll(order, "X", ""), ""); !slices.Equal(got, want) && len(want) > 0 {
				t.Errorf("committed are %q, want %q", got, want)
			}
		})
	}
}
