package journal_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"cordon/ledger/journal"
	"cordon/ledger/record"
)

func TestDiskThatIsReallyFull(t *testing.T) {
	eachSync(t, func(t *testing.T, mode journal.Sync) {
		s := newStore()
		c := config(t, s)
		if err := syscall.Mount("tmpfs", c.Dir, "tmpfs", 0, "size=256k"); err != nil {
			t.Skipf("no small file system can be mounted here (%v); TestNothingPromisedIsLostWhateverFails has one that acts full", err)
		}
		t.Cleanup(func() {
			if err := syscall.Unmount(c.Dir, 0); err != nil {
				t.Error(err)
			}
		})
		c.Sync, c.SegmentBytes = mode, 32<<10
		j := mustOpen(t, c)
		var want []string
		for range 3 {
			s.set(func(s *store) { s.down = errDown })
			failed := 0
			for n := 0; failed < 20; n++ {
				r := newRecord()
				switch err := j.Append(r); {
				case err == nil:
					want = append(want, r.ID)
				case errors.Is(err, journal.ErrFailed):
					failed++
				default:
					t.Fatal(err)
				}
				if n%20 == 0 {
					_ = j.Flush(t.Context()) // to disk; the store is down
				}
			}
			if err := j.Stats().Err; !errors.Is(err, syscall.ENOSPC) {
				t.Errorf("Stats say %v, want ENOSPC", err)
			}
			s.set(func(s *store) { s.down = nil })
			flush(t, j) // shipped segments are removed, and there is room again
			want = append(want, appendN(t, j, 1)...)
		}
		// And space that comes back from elsewhere.
		ballast := filepath.Join(c.Dir, "ballast")
		if err := os.WriteFile(ballast, make([]byte, 1<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
		for {
			r := newRecord()
			if err := j.Append(r); errors.Is(err, journal.ErrFailed) {
				break
			}
			want = append(want, r.ID)
		}
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		want = append(want, appendN(t, j, 5)...)
		flush(t, j)
		checkStore(t, s, want)
		if err := j.Stats().Err; err != nil {
			t.Error(err)
		}
	})
}

// Nobody appends to a server that says that it is not ready, so the journal itself finds out that the
// disk is well again.
func TestJournalThatFailedIsTriedAgainWithoutAnAppend(t *testing.T) {
	for name, spoil := range map[string]func(*disk){
		"no room":                    func(d *disk) { d.limited = true },
		"no room and nothing to cut": func(d *disk) { d.limited, d.noCut = true, true },
		"no sync":                    func(d *disk) { d.noSyncs, d.limited, d.room, d.noCreate = 1<<30, true, 100, true },
	} {
		t.Run(name, func(t *testing.T) {
			eachSync(t, func(t *testing.T, mode journal.Sync) {
				s := newStore()
				c := config(t, s)
				c.Sync, c.Interval, c.Log = mode, time.Millisecond, nil
				d := &disk{}
				j, err := journal.OpenOn(t.Context(), c, d.open)
				if err != nil {
					t.Fatal(err)
				}
				closeLater(t, j)
				want := appendN(t, j, 3)
				flush(t, j) // nothing waits to be written
				d.mu.Lock()
				spoil(d)
				d.mu.Unlock()
				if err := j.Append(newRecord()); !errors.Is(err, journal.ErrFailed) {
					t.Fatalf("append: %v, want ErrFailed", err)
				}
				if j.Stats().Err == nil {
					t.Error("Stats hide the failure")
				}
				d.heal()
				for j.Stats().Err != nil { // the test's deadline bounds the wait
					runtime.Gosched()
				}
				want = append(want, appendN(t, j, 2)...)
				flush(t, j)
				checkStore(t, s, want)
			})
		})
	}
}

// Failures come and go while many append: who was refused is not on record, everybody else is, and no
// sequence is missing.
func TestAppendersThroughFailures(t *testing.T) {
	eachSync(t, func(t *testing.T, mode journal.Sync) {
		s := newStore()
		c := config(t, s)
		c.Sync, c.SegmentBytes, c.Log = mode, 16<<10, nil
		d := &disk{}
		j, err := journal.OpenOn(t.Context(), c, d.open)
		if err != nil {
			t.Fatal(err)
		}
		closeLater(t, j)
		const appenders, each = 32, 60
		acked := make([][]*record.Record, appenders)
		var group sync.WaitGroup
		for n := range appenders {
			group.Go(func() {
				for i := range each {
					if n == 0 && i%3 == 0 {
						d.mu.Lock()
						d.limited, d.room = i%2 == 0, 5000
						d.noSyncs = i % 4
						d.noCut = i%5 == 0
						d.noCreate = i%7 == 0
						d.mu.Unlock()
					}
					rs := []*record.Record{newRecord(), newRecord()}
					switch err := j.AppendAll(rs); {
					case err == nil:
						acked[n] = append(acked[n], rs...)
					case !errors.Is(err, journal.ErrFailed):
						t.Error(err)
					}
				}
			})
		}
		group.Wait()
		d.heal()
		appendedLast := newRecord()
		if err := j.Append(appendedLast); err != nil {
			t.Fatal(err)
		}
		flush(t, j)
		want := make([]string, appendedLast.Sequence)
		want[appendedLast.Sequence-1] = appendedLast.ID
		for _, rs := range acked {
			for _, r := range rs {
				want[r.Sequence-1] = r.ID
			}
		}
		checkStore(t, s, want)
		stats := j.Stats()
		if stats.Failed == 0 || stats.Accepted != int64(len(want)) {
			t.Errorf("%+v: want failures, and %d records accepted", stats, len(want))
		}
	})
}
