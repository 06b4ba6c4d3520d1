package journal_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cordon/ledger/journal"
	"cordon/ledger/record"
)

// quietConfig is config for a journal that neither syncs nor ships by itself.
func quietConfig(t *testing.T, s *store) journal.Config {
	if runtime.GOOS != "linux" {
		t.Skip("records are written to the segment at once here")
	}
	c := config(t, s)
	c.Interval, c.Linger = time.Hour, time.Hour
	return c
}

// killed gives the configuration of a journal in what a process leaves that is killed now.
func killed(t *testing.T, c journal.Config) journal.Config {
	t.Helper()
	dir := t.TempDir()
	copyDir(t, c.Dir, dir)
	c.Dir = dir
	return c
}

// What is recent is in no segment when the process is killed, and nothing of it is lost, however often
// the file began anew and whatever is left behind its end.
func TestRecentRecordsOutliveTheProcess(t *testing.T) {
	s := newStore()
	c := quietConfig(t, s)
	var want []string
	for range 6 {
		j := mustOpen(t, c)
		for range 40 {
			rs := []*record.Record{newRecord(), newRecord(), newRecord()}
			rs[0].Caller = string(bytes.Repeat([]byte("x"), rand.IntN(20_000)))
			rs = rs[:1+rand.IntN(3)]
			if err := j.AppendAll(rs); err != nil {
				t.Fatal(err)
			}
			for _, r := range rs {
				want = append(want, r.ID)
			}
			if rand.IntN(15) == 0 {
				flush(t, j)
			}
		}
		want = append(want, appendN(t, j, 2)...)
		c = killed(t, c)
	}
	flush(t, mustOpen(t, c))
	checkStore(t, s, want)
}

func TestRecordThatWasBeingStoredIsNoRecord(t *testing.T) {
	s := newStore()
	c := quietConfig(t, s)
	j := mustOpen(t, c)
	appendN(t, j, 3)
	if err := j.Append(largeRecord()); err != nil { // so that older frames are behind the newer ones
		t.Fatal(err)
	}
	flush(t, j)
	before := s.ids("r1")
	path := filepath.Join(c.Dir, "recent")
	first := appendN(t, j, 1)
	one, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	appendN(t, j, 1)
	both, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	frameEnd := func(at int) int { return at + 24 + int(binary.LittleEndian.Uint32(both[at:])) }
	from := frameEnd(0)
	to := frameEnd(from)
	changes := func(at int) bool { return !bytes.Equal(one[at:to], both[at:to]) }
	for _, at := range []int{from, from + 3, from + 19, from + 30, from + 100} {
		if !changes(at) {
			t.Fatalf("nothing is new behind byte %d of %d to %d", at, from, to)
		}
		for name, half := range map[string][]byte{
			"its head is not there": slices.Concat(one[:from], make([]byte, 24), both[from+24:]),
			"its end is not there":  slices.Concat(both[:at], one[at:]),
		} {
			copied := killed(t, c)
			if err := os.WriteFile(filepath.Join(copied.Dir, "recent"), half, 0o600); err != nil {
				t.Fatal(err)
			}
			other := newStore()
			other.mark["r1"] = int64(len(before))
			copied.Ship = other.Ship
			flush(t, mustOpen(t, copied))
			if got := other.ids("r1"); !slices.Equal(got, first) {
				t.Errorf("%s, cut at %d: got %v, want the first record alone", name, at, got)
			}
		}
	}
}

// largeRecord has a frame that fits into the file of recent records, but not often.
func largeRecord() *record.Record {
	r := newRecord()
	r.Caller = string(bytes.Repeat([]byte("x"), journal.RecentBytes/2))
	return r
}

// Mapped memory may fault, as where somebody has cut the file. That is an error as that of a write is,
// and what was stored there before is written to a segment.
func TestFaultOfMappedMemoryLosesNothing(t *testing.T) {
	s := newStore()
	c := quietConfig(t, s)
	j := mustOpen(t, c)
	want := appendN(t, j, 2)
	if err := os.Truncate(filepath.Join(c.Dir, "recent"), 0); err != nil {
		t.Fatal(err)
	}
	if err := j.Append(newRecord()); !errors.Is(err, journal.ErrFailed) {
		t.Errorf("append: %v, want ErrFailed", err)
	}
	want = append(want, appendN(t, j, 2)...)
	flush(t, j)
	checkStore(t, s, want)
	if err := j.Stats().Err; err != nil {
		t.Error(err)
	}
}

// A journal that cannot have the file writes each record to the segment.
func TestJournalWorksWithoutRecent(t *testing.T) {
	s := newStore()
	c := quietConfig(t, s)
	if err := os.Mkdir(filepath.Join(c.Dir, "recent"), 0o700); err != nil {
		t.Fatal(err)
	}
	j := mustOpen(t, c)
	want := appendN(t, j, 3)
	path := segments(t, c.Dir)[0]
	if text, err := os.ReadFile(path); err != nil || !bytes.Contains(text, []byte(want[2])) {
		t.Errorf("%v, and the record is not in the segment", err)
	}
	flush(t, j)
	checkStore(t, s, want)
}

// Who appends while the journal is closed is told so, or is on record.
func TestAppendBesideClose(t *testing.T) {
	s := newStore()
	c := quietConfig(t, s)
	j, err := journal.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	var appenders sync.WaitGroup
	acked := make([][]*record.Record, 4)
	for n := range acked {
		appenders.Go(func() {
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
				acked[n] = append(acked[n], r)
			}
		})
	}
	for j.Stats().Accepted < 200 {
		runtime.Gosched()
	}
	if err := j.Close(t.Context()); err != nil {
		t.Error(err)
	}
	appenders.Wait()
	var want []string
	for _, rs := range acked {
		for _, r := range rs {
			want = append(want, make([]string, max(int(r.Sequence)-len(want), 0))...)
			want[r.Sequence-1] = r.ID
		}
	}
	checkStore(t, s, want)
}

// What is written between two fsyncs takes the memory of what was before them, as long as it is as much, and no more than
// that stays.
func TestMemoryIsUsedAgainAndGoesWhenThereIsLessToWrite(t *testing.T) {
	j := mustOpen(t, quietConfig(t, newStore()))
	write := func(records int) {
		for range records {
			r := newRecord()
			r.Caller = strings.Repeat("x", 100_000)
			if err := j.Append(r); err != nil {
				t.Fatal(err)
			}
		}
		flush(t, j)
	}
	for range 2 {
		write(100)
		if got := j.SpareBytes(); got < 9<<20 || got > 12<<20 {
			t.Errorf("%d bytes are there for what comes next, where ten million came", got)
		}
	}
	write(400)
	if got := j.SpareBytes(); got > 17<<20 {
		t.Errorf("%d bytes stay of what came to forty million once", got)
	}
	for range 100 {
		write(1)
	}
	if got := j.SpareBytes(); got > 1<<20 {
		t.Errorf("%d bytes stay where little is written", got)
	}
}
