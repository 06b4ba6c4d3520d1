package journal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/ledger/journal"
	"cordon/ledger/record"

	"github.com/google/go-cmp/cmp"
)

// leftBehind gives a directory as a killed process leaves it, with records that were not shipped.
func leftBehind(t *testing.T, s *store, n int) (c journal.Config, ids []string) {
	t.Helper()
	c = config(t, s)
	killed := c // it never reaches the store: once killed it must not ship beside the one that follows it
	killed.Ship = func(context.Context, datastore.Batch) (int64, error) { return 0, errDown }
	seed := mustOpenSeeded(t, killed)
	ids = appendN(t, seed, n)
	_ = seed.Flush(t.Context()) // to the segment
	dir := t.TempDir()
	copyDir(t, c.Dir, dir)
	c.Dir = dir
	return c, ids
}

// mustOpenSeeded opens a journal of r1 that begins with 1 though the store is down.
func mustOpenSeeded(t *testing.T, c journal.Config) *journal.Journal {
	t.Helper()
	if err := os.WriteFile(filepath.Join(c.Dir, fmt.Sprintf("%019d.log", 1)), journal.AppendHead(nil, 1), 0o600); err != nil {
		t.Fatal(err)
	}
	return mustOpen(t, c)
}

func TestKilledProcessLosesNothing(t *testing.T) {
	s := newStore()
	c, want := leftBehind(t, s, 20)
	j := mustOpen(t, c)
	want = append(want, appendN(t, j, 5)...)
	flush(t, j)
	checkStore(t, s, want)
}

func TestKilledProcessThatHadShippedRepeatsNothing(t *testing.T) {
	s := newStore()
	c := config(t, s)
	j := mustOpen(t, c)
	want := appendN(t, j, 10)
	flush(t, j)
	want = append(want, appendN(t, j, 10)...)
	dir := t.TempDir()
	copyDir(t, c.Dir, dir)
	c.Dir = dir
	j = mustOpen(t, c)
	want = append(want, appendN(t, j, 1)...)
	flush(t, j)
	checkStore(t, s, want)
}

func TestTornTailIsCutOffAtAnyByte(t *testing.T) {
	s := newStore()
	c, ids := leftBehind(t, s, 3)
	path := segments(t, c.Dir)[0]
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	third := bytes.LastIndex(whole, []byte(`{"id":"`+ids[2])) // a little behind the frame's begin
	begin := lastFrame(t, whole)
	if begin >= third {
		t.Fatal("the last frame was not found")
	}
	for size := begin; size < len(whole); size++ {
		text := whole[:size]
		if size%2 == 0 { // what the file system had room for may read as zeros
			text = append(slices.Clone(text), make([]byte, 4096)...)
			if end, last, damage := journal.Scan(text, 1, 0); end != begin || last != 2 || !errors.Is(damage, journal.ErrTorn) {
				t.Fatalf("zeros from byte %d on: good up to %d, record %d, %v; want %d, 2, torn", size, end, last, damage, begin)
			}
		}
		end, last, damage := journal.Scan(whole[:size], 1, 0)
		if end != begin || last != 2 || (size > begin && !errors.Is(damage, journal.ErrTorn)) {
			t.Fatalf("cut at byte %d: good up to %d, record %d, %v; want %d, 2, torn", size, end, last, damage, begin)
		}
	}
	// And all the way to the store, for some.
	for size := begin; size < len(whole); size += 97 {
		s := newStore()
		c := c
		c.Ship, c.Dir = s.Ship, t.TempDir()
		writeJournal(t, c.Dir, whole[:size])
		j := mustOpen(t, c)
		small := newRecord()
		small.Input = nil
		if err := j.Append(small); err != nil {
			t.Fatal(err)
		}
		again := t.TempDir() // and nothing is left of the tail behind a smaller record
		copyDir(t, c.Dir, again)
		c.Dir = again
		flush(t, mustOpen(t, c))
		checkStore(t, s, append(slices.Clone(ids[:2]), small.ID))
	}
}

// lastFrame finds where the last frame begins: the scan of everything but the last byte stops there.
func lastFrame(t *testing.T, segment []byte) int {
	t.Helper()
	end, _, damage := journal.Scan(segment[:len(segment)-1], 1, 0)
	if !errors.Is(damage, journal.ErrTorn) {
		t.Fatal(damage)
	}
	return end
}

func writeJournal(t *testing.T, dir string, segment []byte) {
	t.Helper()
	for name, text := range map[string][]byte{fmt.Sprintf("%019d.log", 1): segment, "replica": []byte("r1")} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDamageIsToldFromATornTail(t *testing.T) {
	c, ids := leftBehind(t, newStore(), 4)
	whole, err := os.ReadFile(segments(t, c.Dir)[0])
	if err != nil {
		t.Fatal(err)
	}
	for at := range whole {
		for bit := range 8 {
			if testing.Short() && bit > 0 {
				break
			}
			text := slices.Clone(whole)
			text[at] ^= 1 << bit
			if _, last, damage := journal.Scan(text, 1, 0); damage == nil || errors.Is(damage, journal.ErrTorn) {
				t.Fatalf("bit %d of byte %d was turned: good up to record %d, %v; want damage", bit, at, last, damage)
			}
		}
	}
	for range 10 {
		s := newStore()
		c := c
		c.Ship, c.Dir = s.Ship, t.TempDir()
		text := slices.Clone(whole)
		text[rand.IntN(len(text))] ^= 1
		writeJournal(t, c.Dir, text)
		_, err := journal.Open(t.Context(), c)
		if err == nil || !strings.Contains(err.Error(), "is damaged at byte") || !strings.Contains(err.Error(), "Restore that file") {
			t.Errorf("open: %v; want a refusal that says what to do", err)
		}
		if n := len(s.ids("r1")); n != 0 {
			t.Errorf("%d records of %d were shipped", n, len(ids))
		}
	}
}

// A sector of zeros where a later record says that it was on disk is damage; where none says so, the
// power went before it was written.
func TestZerosAreTornOnlyWhereNothingWasKnownToBeOnDisk(t *testing.T) {
	build := func(lag func(n int64) int64) (text []byte, ends []int) {
		text = journal.AppendHead(nil, 1)
		for n := range int64(6) {
			r := newRecord()
			r.Replica, r.Sequence = "r1", n+1
			text = journal.AppendFrame(text, r, lag(n+1))
			ends = append(ends, len(text))
		}
		return text, ends
	}
	for name, c := range map[string]struct {
		lag  func(n int64) int64
		torn bool
	}{
		"nothing was synced":                   {func(n int64) int64 { return n }, true},
		"the first was":                        {func(n int64) int64 { return max(n-1, 1) }, true},
		"each was before the next was written": {func(int64) int64 { return 1 }, false},
	} {
		text, ends := build(c.lag)
		from := (ends[1] + 511) / 512 * 512 // within the third frame
		clear(text[from : from+512])
		_, last, damage := journal.Scan(text, 1, 0)
		if last != 2 || damage == nil || errors.Is(damage, journal.ErrTorn) == !c.torn {
			t.Errorf("%s: good up to record %d, %v; want 2, torn %v", name, last, damage, c.torn)
		}
	}
}

func TestMissingOrStrangeSegmentsAreRefused(t *testing.T) {
	s := newStore()
	c := config(t, s)
	c.SegmentBytes = 1
	s.set(func(s *store) { s.down = errDown })
	j := mustOpenSeeded(t, c)
	for range 4 {
		appendN(t, j, 2)
		_ = j.Flush(t.Context()) // to disk, and begins a segment
	}
	whole := c.Dir
	paths := segments(t, whole)
	if len(paths) != 5 {
		t.Fatalf("segments %v, want 5", paths)
	}
	name := func(n int) string { return filepath.Base(paths[n]) }
	for what, spoil := range map[string]func(dir string) error{
		"a middle one is missing": func(dir string) error { return os.Remove(filepath.Join(dir, name(2))) },
		"a middle one is cut":     func(dir string) error { return os.Truncate(filepath.Join(dir, name(1)), 100) },
		"a middle one is empty":   func(dir string) error { return os.Truncate(filepath.Join(dir, name(1)), 0) },
		"the last one is empty":   func(dir string) error { return os.Truncate(filepath.Join(dir, name(4)), 0) },
		"one has another's name": func(dir string) error {
			return os.Rename(filepath.Join(dir, name(4)), filepath.Join(dir, fmt.Sprintf("%019d.log", 12)))
		},
	} {
		c := c
		c.Dir = t.TempDir()
		copyDir(t, whole, c.Dir)
		if err := spoil(c.Dir); err != nil {
			t.Fatal(err)
		}
		if _, err := journal.Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("%s: open: %v, want a refusal", what, err)
		}
	}
}

func TestUnfinishedSegmentIsRemoved(t *testing.T) {
	s := newStore()
	c, want := leftBehind(t, s, 3)
	if err := os.WriteFile(filepath.Join(c.Dir, fmt.Sprintf("%019d.log.new", 3)), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	flush(t, mustOpen(t, c))
	checkStore(t, s, want)
	if left, _ := filepath.Glob(filepath.Join(c.Dir, "*.new")); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}

// After a failed fsync the records that were not confirmed are written anew: the later segment is right.
func TestLaterSegmentTakesThePlaceOfAnEarliersEnd(t *testing.T) {
	s := newStore()
	c, ids := leftBehind(t, s, 3)
	path := segments(t, c.Dir)[0]
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)-1] ^= 1 // what the failed fsync left of the third
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	again := newRecord()
	again.Replica, again.Sequence = "r1", 3
	if err := os.WriteFile(filepath.Join(c.Dir, fmt.Sprintf("%019d.log", 3)),
		journal.AppendFrame(journal.AppendHead(nil, 3), again, 1), 0o600); err != nil {
		t.Fatal(err)
	}
	j := mustOpen(t, c)
	want := append(ids[:2:2], again.ID)
	want = append(want, appendN(t, j, 1)...)
	flush(t, j)
	checkStore(t, s, want)
}

func TestStoreThatIsAheadIsFollowed(t *testing.T) {
	for name, down := range map[string]bool{"asked at the start": false, "asked later": true} {
		t.Run(name, func(t *testing.T) {
			s := newStore()
			first := mustOpen(t, config(t, s))
			want := appendN(t, first, 7)
			flush(t, first)

			c := config(t, s) // an empty directory, the same name: the volume was lost
			if down {
				s.set(func(s *store) { s.down = errDown })
			}
			j := mustOpen(t, c)
			if down {
				if err := j.Append(newRecord()); !errors.Is(err, journal.ErrFailed) {
					t.Errorf("append before the store was asked: %v, want ErrFailed", err)
				}
				s.set(func(s *store) { s.down = nil })
				flush(t, j)
			}
			want = append(want, appendN(t, j, 2)...)
			flush(t, j)
			checkStore(t, s, want)
		})
	}
}

func TestTwoProcessesOfOneNameAreFoundOut(t *testing.T) {
	s := newStore()
	one, other := mustOpen(t, config(t, s)), mustOpen(t, config(t, s))
	appendN(t, one, 1)
	appendN(t, other, 3)
	flush(t, other)
	if err := one.Flush(t.Context()); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("flush: %v, want the conflict", err)
	}
	if err := one.Append(newRecord()); !errors.Is(err, journal.ErrFailed) {
		t.Errorf("append: %v, want ErrFailed", err)
	}
	if one.Stats().Err == nil {
		t.Error("Stats hide the conflict")
	}
}

// What the journal has kept is shipped, and what neither has is told by a record in its place.
func TestStoreThatLostRecordsIsToldOfTheGap(t *testing.T) {
	for name, c := range map[string]struct {
		restart bool // the journal is opened on the older store
		kept    int  // records that the journal still has
		fails   bool // the answer to the record of the gap is lost
	}{
		"while it runs":                  {},
		"while it runs, with more":       {kept: 3},
		"at its start":                   {restart: true},
		"at its start, with more":        {restart: true, kept: 3},
		"at its start, answer lost":      {restart: true, fails: true},
		"while it runs, answer lost too": {kept: 3, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore()
			conf := config(t, s)
			conf.SegmentBytes, conf.Linger = 1, time.Hour
			j := mustOpen(t, conf)
			want := appendN(t, j, 5)[:2]
			flush(t, j)
			appendN(t, j, 5)
			flush(t, j)
			s.set(func(s *store) { s.down = errDown })
			want = append(want, appendN(t, j, c.kept)...)
			_ = j.Flush(t.Context()) // to disk, and to nowhere else
			s.set(func(s *store) { s.down, s.mark["r1"], s.records["r1"] = nil, 2, s.records["r1"][:2] })
			if c.restart {
				dir := t.TempDir()
				copyDir(t, conf.Dir, dir)
				conf.Dir = dir
				j = mustOpen(t, conf)
			}
			if c.fails {
				s.set(func(s *store) {
					s.after = func(datastore.Batch) error { s.set(func(s *store) { s.after = nil }); return errDown }
				})
				_ = j.Flush(t.Context())
			}
			want = append(want, appendN(t, j, 2)...)
			_ = j.Flush(t.Context()) // what runs may learn of the loss by this
			flush(t, j)

			var got []string
			gaps := 0
			follows := int64(1)
			for _, r := range s.records["r1"] {
				if r.Kind != record.KindGap {
					got = append(got, r.ID)
				} else if gaps++; r.Sequence != 10 || string(r.Details) != `{"from":3,"to":10}` || r.CheckID() != nil {
					t.Errorf("gap %+v, want sequence 10 and what is lost: 3 to 10", r)
				} else {
					follows = r.Sequence
				}
				if r.Sequence != follows {
					t.Errorf("sequence %d where %d follows", r.Sequence, follows)
				}
				follows++
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("records in the store (-want +got):\n%s", diff)
			}
			if gaps != 1 || j.Stats().Err != nil || j.Stats().Unshipped != 0 {
				t.Errorf("%d records of the gap, %+v; want one, and all shipped", gaps, j.Stats())
			}
		})
	}
}

func TestStoreThatWasSetBackIsGivenAgainWhatTheJournalHas(t *testing.T) {
	s := newStore()
	j := mustOpen(t, config(t, s))
	want := appendN(t, j, 5)
	flush(t, j)
	s.set(func(s *store) { s.mark["r1"], s.records["r1"] = 2, s.records["r1"][:2] })
	want = append(want, appendN(t, j, 1)...)
	if err := j.Flush(t.Context()); err == nil {
		t.Error("the loss was not noticed")
	}
	flush(t, j)
	checkStore(t, s, want)
}

func TestSegmentThatCannotGetItsNameIsTriedAgain(t *testing.T) {
	s := newStore()
	c := config(t, s)
	c.SegmentBytes = 1
	j := mustOpen(t, c)
	want := appendN(t, j, 2)
	inTheWay := filepath.Join(c.Dir, fmt.Sprintf("%019d.log", 3))
	if err := os.Mkdir(inTheWay, 0o700); err != nil {
		t.Fatal(err)
	}
	flush(t, j)
	if err := j.Append(newRecord()); !errors.Is(err, journal.ErrFailed) {
		t.Errorf("append: %v, want ErrFailed", err)
	}
	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	want = append(want, appendN(t, j, 2)...)
	flush(t, j)
	checkStore(t, s, want)
}

func FuzzScan(f *testing.F) {
	text := journal.AppendHead(nil, 1)
	for n := range int64(3) {
		r := newRecord()
		r.Replica, r.Sequence = "r1", n+1
		text = journal.AppendFrame(text, r, n+1)
	}
	f.Add(text, int64(1), int64(0))
	f.Add(text, int64(1), int64(2))
	f.Add(append(text[:len(text)-10:len(text)-10], make([]byte, 1024)...), int64(1), int64(0))
	f.Add(journal.AppendHead(nil, 7), int64(7), int64(0))
	f.Fuzz(func(t *testing.T, text []byte, first, until int64) {
		end, last, damage := journal.Scan(text, first, until)
		if end > len(text) || last < first-1 || (damage == nil && until == 0 && end != len(text)) {
			t.Fatalf("good up to %d of %d, records %d to %d, %v", end, len(text), first, last, damage)
		}
		if end == 0 {
			return
		}
		// What was found good is good without the rest, and nothing less is.
		if again, same, damage := journal.Scan(text[:end], first, 0); again != end || same != last || damage != nil {
			t.Errorf("scanned again: %d, record %d, %v; want %d, %d", again, same, damage, end, last)
		}
	})
}
