package journal_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"cordon/datastore"
	"cordon/ledger/batch"
	"cordon/ledger/journal"
	"cordon/ledger/record"
)

func TestRecordsReachTheStoreOnceAndInOrder(t *testing.T) {
	eachSync(t, func(t *testing.T, sync journal.Sync) {
		s := newStore()
		c := config(t, s)
		c.Sync = sync
		j := mustOpen(t, c)
		var want []string
		for range 3 {
			want = append(want, appendN(t, j, 100)...)
			flush(t, j)
			checkStore(t, s, want)
		}
		if stats := j.Stats(); stats.Last != 300 || stats.Durable != 300 || stats.Shipped != 300 || stats.Unshipped != 0 ||
			stats.UnshippedBytes != 0 || stats.Accepted != 300 || stats.Err != nil {
			t.Errorf("%+v", stats)
		}
	})
}

func TestRecordIsInTheStoreWithinTwoSeconds(t *testing.T) {
	eachSync(t, func(t *testing.T, sync journal.Sync) {
		synctest.Test(t, func(t *testing.T) {
			s := newStore()
			c := config(t, s)
			c.Sync = sync
			j := mustOpen(t, c)
			var want []string
			for range 5 {
				want = append(want, appendN(t, j, 1)...)
				time.Sleep(500 * time.Millisecond) // the bubble's time
				synctest.Wait()
				checkStore(t, s, want)
			}
		})
	})
}

func TestShipperRestsWhenThereIsNothingToDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		c := config(t, s)
		calls := 0
		c.Ship = func(ctx context.Context, b datastore.Batch) (int64, error) { calls++; return s.Ship(ctx, b) }
		j := mustOpen(t, c)
		appendN(t, j, 3)
		time.Sleep(time.Minute)
		synctest.Wait()
		if calls > 3 {
			t.Errorf("the store was called %d times for 3 records and a minute's rest", calls)
		}
	})
}

func TestSequenceGoesOnAfterARestart(t *testing.T) {
	eachSync(t, func(t *testing.T, sync journal.Sync) {
		for name, reach := range map[string]error{"store up": nil, "store down": errDown} {
			t.Run(name, func(t *testing.T) {
				s := newStore()
				c := config(t, s)
				c.Sync = sync
				var want []string
				for n := range 4 {
					j, err := journal.Open(t.Context(), c)
					if err != nil {
						t.Fatal(err)
					}
					want = append(want, appendN(t, j, n)...)
					s.set(func(s *store) { s.down = reach })
					if err := j.Close(t.Context()); err != nil {
						t.Error(err)
					}
				}
				s.set(func(s *store) { s.down = nil })
				flush(t, mustOpen(t, c))
				checkStore(t, s, want)
			})
		}
	})
}

func TestCloseShipsWhatThereIs(t *testing.T) {
	s := newStore()
	j, err := journal.Open(t.Context(), config(t, s))
	if err != nil {
		t.Fatal(err)
	}
	want := appendN(t, j, 10)
	if err := j.Close(t.Context()); err != nil {
		t.Error(err)
	}
	checkStore(t, s, want)
	if err := j.Append(newRecord()); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("append after close: %v, want ErrClosed", err)
	}
	if err := j.Close(t.Context()); err != nil {
		t.Errorf("second close: %v", err)
	}
	if err := j.Flush(t.Context()); !errors.Is(err, journal.ErrClosed) {
		t.Errorf("flush after close: %v, want ErrClosed", err)
	}
}

func TestCloseWaitsForThoseWhoAppend(t *testing.T) {
	eachSync(t, func(t *testing.T, mode journal.Sync) {
		for range 10 {
			s := newStore()
			c := config(t, s)
			c.Sync = mode
			j, err := journal.Open(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			var group sync.WaitGroup
			var mu sync.Mutex
			acked := map[int64]string{}
			under := make(chan struct{}, 1000)
			for range 16 {
				group.Go(func() {
					for {
						r := newRecord()
						err := j.Append(r)
						if errors.Is(err, journal.ErrClosed) {
							return
						}
						if err != nil {
							t.Error(err)
							return
						}
						mu.Lock()
						acked[r.Sequence] = r.ID
						mu.Unlock()
						select {
						case under <- struct{}{}:
						default:
						}
					}
				})
			}
			for range 50 {
				<-under
			}
			if err := j.Close(t.Context()); err != nil {
				t.Error(err)
			}
			group.Wait()
			var want []string
			for n := range len(acked) {
				want = append(want, acked[int64(n+1)])
			}
			checkStore(t, s, want)
		}
	})
}

func TestReplicaIsNamedOnceAndKept(t *testing.T) {
	s := newStore()
	c := config(t, s)
	c.Replica = ""
	names := map[string]bool{}
	for range 2 {
		j, err := journal.Open(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		names[j.Replica()] = true
		if err := j.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if len(names) != 1 || names[""] {
		t.Errorf("the replica was named %v", names)
	}
	c.Replica = "another"
	if _, err := journal.Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), `not of "another"`) {
		t.Errorf("the journal of another replica was opened: %v", err)
	}
	for _, name := range []string{"a b", "-", strings.Repeat("a", 121), "a\n", "a.changes.03"} {
		c.Dir, c.Replica = t.TempDir(), name
		if _, err := journal.Open(t.Context(), c); err == nil {
			t.Errorf("replica name %q was taken", name)
		}
	}
}

func TestDirectoryServesOneJournalAtATime(t *testing.T) {
	c := config(t, newStore())
	j, err := journal.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := journal.Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("second open: %v", err)
	}
	if err := j.Close(t.Context()); err != nil {
		t.Error(err)
	}
	mustOpen(t, c)
}

func TestAppendersAreServedTogether(t *testing.T) {
	eachSync(t, func(t *testing.T, mode journal.Sync) {
		s := newStore()
		c := config(t, s)
		c.Sync, c.SegmentBytes, c.Linger, c.Interval = mode, 64<<10, time.Millisecond, time.Millisecond
		var j *journal.Journal
		c.Ship = func(ctx context.Context, b datastore.Batch) (int64, error) {
			if b.Count > 0 && b.LastSequence > j.Stats().Durable {
				t.Error("a record was shipped that was not on disk")
			}
			return s.Ship(ctx, b)
		}
		j = mustOpen(t, c)
		const appenders, each = 64, 40
		var group sync.WaitGroup
		acked := make([][]*record.Record, appenders)
		for n := range appenders {
			group.Go(func() {
				for i := range each {
					some := []*record.Record{newRecord()}
					if i%5 == 0 {
						some = append(some, newRecord(), newRecord())
					}
					if err := j.AppendAll(some); err != nil {
						t.Error(err)
					}
					acked[n] = append(acked[n], some...)
				}
			})
		}
		group.Wait()
		flush(t, j)
		want := make([]string, s.mark["r1"])
		for _, some := range acked {
			for i, r := range some {
				if i > 0 && r.Sequence <= some[i-1].Sequence {
					t.Error("an appender's records are out of order")
				}
				want[r.Sequence-1] = r.ID
			}
			for i := 0; i < len(some); i++ {
				if i%7 == 0 && (some[i+1].Sequence != some[i].Sequence+1 || some[i+2].Sequence != some[i].Sequence+2) {
					t.Error("AppendAll's sequences do not follow each other")
				}
			}
		}
		checkStore(t, s, want)
	})
}

func TestRefusedRecordUsesUpNoSequence(t *testing.T) {
	s := newStore()
	j := mustOpen(t, config(t, s))
	want := appendN(t, j, 1)
	for name, spoil := range map[string]func(*record.Record){
		"no id":     func(r *record.Record) { r.ID = "" },
		"other id":  func(r *record.Record) { r.Time = r.Time.Add(time.Second) },
		"too large": func(r *record.Record) { r.Caller = strings.Repeat("x", record.MaxBytes) },
		"too many reasons": func(r *record.Record) {
			r.Reasons = []byte("[" + strings.Repeat(`{"code":"a"},`, 66_000) + "{}]")
		},
	} {
		bad := newRecord()
		spoil(bad)
		if err := j.AppendAll([]*record.Record{newRecord(), bad}); err == nil || bad.Sequence != 0 {
			t.Errorf("%s was taken as %d: %v", name, bad.Sequence, err)
		}
	}
	want = append(want, appendN(t, j, 1)...)
	flush(t, j)
	checkStore(t, s, want)
}

func TestLargeRecordsAreShipped(t *testing.T) {
	s := newStore()
	j := mustOpen(t, config(t, s))
	var want []string
	for range 5 {
		r := newRecord()
		r.Caller = strings.Repeat("x", record.MaxBytes-2000)
		if err := j.Append(r); err != nil {
			t.Fatal(err)
		}
		want = append(append(want, r.ID), appendN(t, j, 1)...)
	}
	flush(t, j)
	checkStore(t, s, want)
}

func TestBatchesAreBounded(t *testing.T) {
	s := newStore()
	s.down = errDown
	j := mustOpen(t, func() journal.Config { c := config(t, s); c.Dir = t.TempDir(); c.Replica = ""; return c }())
	start := time.Now()
	for n := range 9000 {
		r := newRecord()
		r.Time = start.Add(time.Duration(n) * time.Millisecond)
		if n%100 == 7 { // who began earlier may append later
			r.Time = r.Time.Add(-400 * time.Millisecond)
		}
		r.ID = record.NewID(r.Time)
		if err := j.Append(r); err != nil {
			t.Fatal(err)
		}
	}
	s.set(func(s *store) { s.down = nil })
	flush(t, j)
	if got := len(s.ids(j.Replica())); got != 9000 {
		t.Errorf("%d records, want 9000", got)
	}
	for _, b := range s.batches {
		if b.Count > 4000 || b.Count < 500 {
			t.Errorf("a batch of %d records", b.Count)
		}
	}
}

func TestFullJournalRefusesAndRecovers(t *testing.T) {
	eachSync(t, func(t *testing.T, mode journal.Sync) {
		s := newStore()
		c := config(t, s)
		c.Sync, c.MaxBytes, c.SegmentBytes = mode, 16<<10, 4<<10
		j := mustOpen(t, c)
		var want []string
		for range 3 {
			s.set(func(s *store) { s.down = errDown })
			for {
				r := newRecord()
				err := j.Append(r)
				if errors.Is(err, journal.ErrFull) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				want = append(want, r.ID)
			}
			if stats := j.Stats(); stats.UnshippedBytes > c.MaxBytes || stats.UnshippedBytes < c.MaxBytes*3/4 || stats.Full == 0 {
				t.Errorf("%+v", stats)
			}
			s.set(func(s *store) { s.down = nil })
			flush(t, j)
			want = append(want, appendN(t, j, 1)...)
		}
		flush(t, j)
		checkStore(t, s, want)
		if n := len(segments(t, c.Dir)); n > 2 {
			t.Errorf("%d segments are left of what is shipped", n)
		}
	})
}

func TestUnshippedBytesCountAfterARestart(t *testing.T) {
	s := newStore()
	c := config(t, s)
	c.MaxBytes, c.SegmentBytes = 16<<10, 4<<10
	j, err := journal.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	s.set(func(s *store) { s.down = errDown })
	appendN(t, j, 8)
	before := j.Stats().UnshippedBytes
	if err := j.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	j = mustOpen(t, c)
	if got := j.Stats().UnshippedBytes; got != before {
		t.Errorf("%d bytes unshipped, want %d", got, before)
	}
}

// half fails every second shipment after the store has committed it, and every third before.
func half(s *store) {
	n := 0
	s.before = func(datastore.Batch) error {
		if n++; n%3 == 0 {
			return errDown
		}
		return nil
	}
	s.after = func(datastore.Batch) error {
		if n%2 == 0 {
			return errors.New("the connection was lost")
		}
		return nil
	}
}

func TestShippingIsExactlyOnceThroughFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore()
		half(s)
		c := config(t, s)
		c.SegmentBytes = 8 << 10
		j := mustOpen(t, c)
		var want []string
		for range 40 {
			want = append(want, appendN(t, j, 10)...)
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		checkStore(t, s, want)
		if err := j.Stats().Err; err != nil {
			t.Error(err)
		}
	})
}

func TestRecordsAreFoundByTheirMembers(t *testing.T) {
	s := newStore()
	j := mustOpen(t, config(t, s))
	r := newRecord()
	r.Organization, r.Reasons = "other", []byte(`[{"code":"product_blocked","message":"m"}]`)
	if err := j.Append(r); err != nil {
		t.Fatal(err)
	}
	appendN(t, j, 50)
	flush(t, j)
	for _, f := range []record.Filter{{ID: r.ID}, {Organization: "other"}, {Reason: "product_blocked"}} {
		var got []string
		seq := func(yield func(datastore.Batch, error) bool) { yield(s.batches[0], nil) }
		for found, err := range batch.Select(seq, f) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, found.ID)
		}
		if !slices.Equal(got, []string{r.ID}) {
			t.Errorf("%+v found %v, want %s", f, got, r.ID)
		}
	}
}

func TestSyncHasAName(t *testing.T) {
	for _, name := range []string{"interval", "always"} {
		var got journal.Sync
		if err := got.UnmarshalText([]byte(name)); err != nil || got.String() != name {
			t.Errorf("%s was read as %v: %v", name, got, err)
		}
	}
	if err := new(journal.Sync).UnmarshalText([]byte("never")); err == nil {
		t.Error("never was taken")
	}
}

func TestOpenNeedsADirectoryThatItCanUse(t *testing.T) {
	c := config(t, newStore())
	c.Dir = filepath.Join(c.Dir, "file")
	if err := os.WriteFile(c.Dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := journal.Open(t.Context(), c); err == nil {
		t.Error("a file was taken for a directory")
	}
	c.Ship = nil
	if _, err := journal.Open(t.Context(), c); err == nil {
		t.Error("a journal was opened without a store")
	}
}
