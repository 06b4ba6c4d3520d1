package journal_test

import (
	"bytes"
	"errors"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"cordon/guard/journal"
)

// A process may end between any two bytes that it writes to mapped memory. Of a group's first frame the
// checksum of the head comes last, so whatever of the rest is there, nothing of the group counts.
func TestFrameWithoutItsChecksumIsTorn(t *testing.T) {
	build := func(known bool) (text []byte, ends []int) {
		text = journal.AppendHead(nil, 1)
		for n := range int64(4) {
			lag := n + 1
			if known && n == 3 {
				lag = 1
			}
			r := record()
			r.Replica, r.Sequence = "r1", n+1
			text = journal.AppendFrame(text, r, lag)
			ends = append(ends, len(text))
		}
		return append(text, make([]byte, 4096)...), ends
	}
	whole, ends := build(false)
	third, end := ends[1], ends[2]
	for name, spoil := range map[string]func(text []byte){
		"the rest is there":            func(text []byte) { clear(text[third+20 : third+24]) },
		"no head is":                   func(text []byte) { clear(text[third : third+24]) },
		"part of the head is":          func(text []byte) { clear(text[third+16 : third+24]) },
		"only the end of the frame is": func(text []byte) { clear(text[third : end-10]) },
		"nothing behind it is": func(text []byte) {
			clear(text[third+20 : third+24])
			clear(text[end:])
		},
	} {
		text := slices.Clone(whole)
		spoil(text)
		if at, last, damage := journal.Scan(text, 1, 0); at != third || last != 2 || !errors.Is(damage, journal.ErrTorn) {
			t.Errorf("%s: good up to %d, record %d, %v; want %d, 2, torn", name, at, last, damage, third)
		}
	}
	text, ends := build(true) // a later frame says that the third was on disk
	clear(text[ends[1]+20 : ends[1]+24])
	if _, _, damage := journal.Scan(text, 1, 0); damage == nil || errors.Is(damage, journal.ErrTorn) {
		t.Errorf("a frame that was on disk: %v, want damage", damage)
	}
}

// What a killed process leaves has room for more records behind the last one, and a torn record may be
// in it.
func TestRoomForTheNextRecordsIsPassedOver(t *testing.T) {
	s := newStore()
	c := config(t, s)
	c.Interval, c.Linger = time.Hour, time.Hour
	want := appendN(t, mustOpen(t, c), 3)
	for range 3 {
		dir := t.TempDir()
		copyDir(t, c.Dir, dir)
		c.Dir = dir
		path := segments(t, dir)[0]
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		filled := bytes.TrimRight(text, "\x00")
		if runtime.GOOS == "linux" && len(text)-len(filled) < 4096 {
			t.Errorf("%d bytes of room in %d", len(text)-len(filled), len(text))
		}
		torn := journal.AppendFrame(nil, record(), 1)
		text = append(append(filled, make([]byte, 24)...), torn[24:]...)
		if err := os.WriteFile(path, append(text, make([]byte, 10000)...), 0o600); err != nil {
			t.Fatal(err)
		}
		want = append(want, appendN(t, mustOpen(t, c), 2)...)
	}
	dir := t.TempDir()
	copyDir(t, c.Dir, dir)
	c.Dir = dir
	flush(t, mustOpen(t, c))
	checkStore(t, s, want)
}

// Mapped memory may fault, as where somebody has cut the file. That is an error as that of a write is.
func TestFaultOfMappedMemoryIsAnError(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("frames are written by system calls here")
	}
	s := newStore()
	c := config(t, s)
	c.Interval, c.Linger = time.Hour, time.Hour
	j := mustOpen(t, c)
	appendN(t, j, 2)
	if err := os.Truncate(segments(t, c.Dir)[0], 0); err != nil {
		t.Fatal(err)
	}
	if err := j.Append(record()); !errors.Is(err, journal.ErrFailed) {
		t.Errorf("append: %v, want ErrFailed", err)
	}
	if j.Stats().Err == nil {
		t.Error("Stats hide the failure")
	}
}

// Records of all sizes go into one file, by memory and by system calls, in their order.
func TestSmallAndLargeGroupsFollowEachOther(t *testing.T) {
	s := newStore()
	c := config(t, s)
	c.Interval, c.Linger, c.SegmentBytes = time.Millisecond, time.Millisecond, 300<<10
	j := mustOpen(t, c)
	var want []string
	for n := range 400 {
		r := record()
		if n%7 == 0 {
			r.Caller = string(bytes.Repeat([]byte("x"), 100*n))
		}
		if err := j.Append(r); err != nil {
			t.Fatal(err)
		}
		want = append(want, r.ID)
	}
	dir := t.TempDir()
	copyDir(t, c.Dir, dir)
	flush(t, j)
	checkStore(t, s, want)
	c.Dir = dir
	mustOpen(t, c)
}
