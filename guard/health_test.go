package guard_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"cordon/datastore"
	"cordon/guard"
)

// hanging is a store that hangs while it is told to, until the caller gives up.
type hanging struct {
	datastore.Store
	on    atomic.Bool
	hangs chan struct{} // has something while a call hangs
	outs  chan struct{} // has something when the outbox was counted
}

func (s *hanging) Ready(ctx context.Context) error {
	if !s.on.Load() {
		return s.Store.Ready(ctx)
	}
	select {
	case s.hangs <- struct{}{}:
	default:
	}
	<-ctx.Done()
	return ctx.Err()
}

func (s *hanging) Outbox(ctx context.Context) ([]datastore.Waiting, error) {
	defer func() {
		select {
		case s.outs <- struct{}{}:
		default:
		}
	}()
	return s.Store.Outbox(ctx)
}

// said keeps what is logged.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *said) count(line string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Count(s.text.String(), line)
}

// Who asks how the store stands never waits for it; that it hangs is said once, and once that it is back.
func TestAStoreThatHangsHoldsNobodyUp(t *testing.T) { // docs/design.md 11, Readiness
	store := &hanging{Store: openSQLite(t), hangs: make(chan struct{}, 1), outs: make(chan struct{}, 1)}
	var log said
	g := newGuard(t, store, func(config *guard.Config) { config.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	<-store.outs
	store.on.Store(true)
	for range 3 { // three looks
		<-store.hangs
		g.Standing() // while one hangs: it would wait here, were it to ask the store
	}
	if s := g.Standing(); s.Up || s.Outbox != nil {
		t.Errorf("of a store that hangs it says %+v", s)
	}
	store.on.Store(false)
	<-store.outs
	<-store.outs // counted again, so the first count is there to be seen
	if s := g.Standing(); !s.Up || s.Outbox == nil || s.Sizes["state"] == 0 {
		t.Errorf("of a store that is back it says %+v", s)
	}
	if off, back := log.count("store does not answer"), log.count("store answers again"); off != 1 || back != 1 {
		t.Errorf("said %d times that it is away and %d times that it is back, want once each", off, back)
	}
}

// What was counted is told until it is counted again, and where that fails for long, it is not known.
func TestAFigureOutlastsASlowCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		counts, slow := 0, false
		look := guard.Looks(func(ctx context.Context) (string, error) {
			if counts++; slow {
				<-ctx.Done()
			}
			return fmt.Sprint("count ", counts), ctx.Err()
		})
		expect := func(want string, wantErr error) {
			t.Helper()
			if got, err := look(t.Context()); got != want || !errors.Is(err, wantErr) {
				t.Errorf("it told %q and %v after %d counts, want %q and %v", got, err, counts, want, wantErr)
			}
		}
		expect("count 1", nil)
		expect("count 1", nil) // within 5 seconds
		time.Sleep(5 * time.Second)
		expect("count 2", nil)
		slow = true
		time.Sleep(5 * time.Second)
		expect("count 2", context.DeadlineExceeded)
		time.Sleep(39 * time.Second) // a twentieth of the time, and no more, is spent counting
		expect("count 2", nil)
		time.Sleep(time.Second)
		expect("count 2", context.DeadlineExceeded)
		time.Sleep(38 * time.Second) // 87 seconds after it was counted
		expect("", nil)
		slow = false
		time.Sleep(2 * time.Second)
		expect("count 5", nil)
	})
}
