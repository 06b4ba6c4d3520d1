package ledger_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"cordon/ledger"
	"cordon/ledger/record/recordtest"
)

// What is old enough is sealed without being asked, and what is not is left; a sealer that stops gives its lease back.
func TestWhatIsOldEnoughIsSealed(t *testing.T) {
	store := openSQLite(t)
	w := newWorld(t, store)
	w.fill()
	sealed := make(chan struct{}, 100)
	config := config(t, store, "r1").EndAt(func(step string) error {
		if step == "what is covered is removed" {
			sealed <- struct{}{}
		}
		return nil
	})
	config.SealAfter = 100 * time.Millisecond
	now := recordtest.Epoch.Add(time.Second + 500*time.Millisecond)
	config.Now = func() time.Time { return now }
	l := must[*ledger.Ledger](t)(ledger.New(config))
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	<-sealed
	stop()
	ok(t, <-done)
	if size, _, err := l.Committed(t.Context()); err != nil || size != 18 {
		t.Errorf("%d records are sealed (%v), want the 18 of the first two seconds", size, err)
	}
	w.holds(l)
	other := config
	other.Replica = "r2"
	if _, _, err := must[*ledger.Ledger](t)(ledger.New(other)).Round(t.Context()); err != nil {
		t.Errorf("the lease was not given back: %v", err)
	}
}

// What waits is left until its time, so that a burst of questions is answered before its records are sealed; but no more
// than so many segments of it.
func TestMuchThatWaitsIsSealedBeforeItsTime(t *testing.T) {
	w := newWorld(t, openSQLite(t))
	config := config(t, w.store, "r1").Block(4)
	config.SealAfter = time.Minute
	now := recordtest.Epoch
	config.Now = func() time.Time { return now }
	look := must[*ledger.Ledger](t)(ledger.New(config)).Looks()
	sealed := func(after time.Duration, want int) {
		t.Helper()
		now = now.Add(after)
		if size, err := look(t.Context()); err != nil || size != int64(want) {
			t.Errorf("%d records are sealed (%v), want %d", size, err, want)
		}
	}
	sealed(0, 0)
	w.ship("r1", now, 4*ledger.Behind-1)
	sealed(30*time.Second, 0)
	w.ship("r1", now, 1)
	sealed(time.Second, 4*ledger.Behind-1) // the last one has just come
	w.ship("r1", now, 5)
	sealed(30*time.Second, 4*ledger.Behind-1)
	sealed(time.Minute, 4*ledger.Behind+5)
}

// Whoever asks for the log to be sealed waits for what was there, and not for those who go on.
func TestSealingNowEndsWhileMoreIsShipped(t *testing.T) {
	w := newWorld(t, openSQLite(t))
	w.fill()
	rounds := 0
	c := config(t, w.store, "r1").Block(8).EndAt(func(step string) error {
		if step != "the lease is taken" {
			return nil
		}
		if rounds++; rounds > 100 {
			return errors.New("it does not end")
		}
		w.ship("r1", recordtest.Epoch.Add(time.Duration(rounds)*time.Minute), 8)
		return nil
	})
	l := must[*ledger.Ledger](t)(ledger.New(c))
	there := len(w.all)
	ok(t, l.SealNow(t.Context()))
	if size, _, err := l.Committed(t.Context()); err != nil || size < int64(there) {
		t.Errorf("%d records are sealed (%v), want the %d that were there", size, err, there)
	}
	w.holds(l)
}

// That the log is not sealed is told once, and that it is again.
func TestASealerThatFailsTellsOnce(t *testing.T) {
	w := newWorld(t, openSQLite(t))
	w.fill()
	var log bytes.Buffer
	rounds, sealed := 0, make(chan struct{}, 100)
	c := config(t, w.store, "r1").EndAt(func(step string) error {
		switch {
		case step == "records are gathered":
			if rounds++; rounds <= 3 {
				return errors.New("the disk is full")
			}
		case step == "what is covered is removed":
			sealed <- struct{}{}
		}
		return nil
	})
	c.SealAfter, c.Log = 100*time.Millisecond, slog.New(slog.NewTextHandler(&log, nil))
	l := must[*ledger.Ledger](t)(ledger.New(c))
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	<-sealed
	w.ship("r1", recordtest.Epoch.Add(time.Minute), 1)
	<-sealed // the look that sealed first has ended
	stop()
	ok(t, <-done)
	for _, line := range []string{"the log was not sealed", "the log is sealed again"} {
		if told := strings.Count(log.String(), line); told != 1 {
			t.Errorf("%q was told %d times, want once\n%s", line, told, log.String())
		}
	}
}
