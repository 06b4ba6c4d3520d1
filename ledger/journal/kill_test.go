package journal_test

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/ledger/journal"
	"cordon/ledger/record"

	"go.uber.org/goleak"
)

// The test's program is also the process that is killed: CORDON_TEST_JOURNAL names its directory.
const childDir, childSync = "CORDON_TEST_JOURNAL", "CORDON_TEST_JOURNAL_SYNC"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		fmt.Fprintln(os.Stderr, child(dir, os.Getenv(childSync)))
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// said is what the child tells its parent: a record whose Append has returned, or a batch to ship, which
// the parent answers with a mark.
type said struct {
	Acked string
	Batch *datastore.Batch
}

// child appends from many goroutines until it is killed.
func child(dir, mode string) error {
	out, in := gob.NewEncoder(os.Stdout), gob.NewDecoder(os.Stdin)
	var outMu, shipMu sync.Mutex
	say := func(s said) error {
		outMu.Lock()
		defer outMu.Unlock()
		return out.Encode(s)
	}
	c := journal.Config{
		Dir: dir, Replica: "r1", SegmentBytes: 32 << 10, Interval: time.Millisecond, Linger: time.Millisecond,
		Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
		Ship: func(_ context.Context, b datastore.Batch) (mark int64, err error) {
			shipMu.Lock()
			defer shipMu.Unlock()
			if err := say(said{Batch: &b}); err != nil {
				return 0, err
			}
			err = in.Decode(&mark)
			return mark, err
		},
	}
	if err := c.Sync.UnmarshalText([]byte(mode)); err != nil {
		return err
	}
	j, err := journal.Open(context.Background(), c)
	if err != nil {
		return err
	}
	failed := make(chan error)
	for n := range 8 {
		go func() {
			for {
				rs := []*record.Record{newRecord()}
				if n == 0 {
					rs = append(rs, newRecord(), newRecord())
				}
				if err := j.AppendAll(rs); err != nil {
					failed <- err
				}
				for _, r := range rs {
					if err := say(said{Acked: r.ID}); err != nil {
						failed <- err
					}
				}
			}
		}()
	}
	return <-failed
}

func TestKilledUnderLoadLosesAndRepeatsNothing(t *testing.T) {
	eachSync(t, func(t *testing.T, mode journal.Sync) {
		s := newStore()
		c := config(t, s)
		c.Sync = mode
		acked := map[string]int{}
		rounds := 12
		if testing.Short() {
			rounds = 4
		}
		for range rounds {
			for _, id := range runAndKill(t, c, s, 1+rand.IntN(2500)) {
				acked[id] = 0
			}
		}
		flush(t, mustOpen(t, c))
		for i, r := range s.records["r1"] {
			if r.Sequence != int64(i)+1 {
				t.Fatalf("record %d has sequence %d", i+1, r.Sequence)
			}
			if _, promised := acked[r.ID]; promised {
				acked[r.ID]++
			}
		}
		for id, n := range acked {
			if n != 1 {
				t.Errorf("record %s is in the store %d times", id, n)
			}
		}
		t.Logf("%d records were acknowledged, %d are in the store", len(acked), len(s.records["r1"]))
	})
}

// runAndKill runs a child, kills it after so many words, and gives what it had acknowledged by then.
func runAndKill(t *testing.T, c journal.Config, s *store, words int) (acked []string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), childDir+"="+c.Dir, childSync+"="+c.Sync.String())
	cmd.Stderr = t.Output()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	in, out := gob.NewDecoder(stdout), gob.NewEncoder(stdin)
	for word := 0; ; word++ {
		if word == words {
			if err := cmd.Process.Kill(); err != nil {
				t.Error(err)
			}
		}
		var s1 said
		err := in.Decode(&s1)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			if word < words {
				t.Error("the child ended by itself")
			}
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if s1.Batch == nil {
			acked = append(acked, s1.Acked)
			continue
		}
		mark, err := s.take(*s1.Batch)
		if err != nil {
			t.Fatal(err)
		}
		_ = out.Encode(mark) // it may be dead by now
	}
	_ = cmd.Wait() // it was killed
	return acked
}
