package journal_test

import (
	"testing"
	"time"
)

// How old the backlog is comes from the oldest record in it, and it has no age when there is none.
func TestTheAgeOfTheBacklogIsThatOfItsOldestRecord(t *testing.T) {
	s := newStore()
	j := mustOpen(t, config(t, s))
	appendN(t, j, 1)
	flush(t, j)
	if got := j.Stats(); !got.Oldest.IsZero() || got.DiskBytes <= 0 {
		t.Errorf("with nothing to ship it says %v, %d bytes on disk", got.Oldest, got.DiskBytes)
	}
	s.set(func(s *store) { s.down = errDown })
	before := time.Now().Truncate(time.Millisecond)
	appendN(t, j, 1)
	after := time.Now()
	for range 3 { // however often it is tried, and however much comes behind it
		if err := j.Flush(t.Context()); err == nil {
			t.Fatal("a store that is down took records")
		}
		appendN(t, j, 5)
		if got := j.Stats().Oldest; got.Before(before) || got.After(after) {
			t.Errorf("the oldest is of %v, want between %v and %v", got, before, after)
		}
	}
	s.set(func(s *store) { s.down = nil })
	flush(t, j)
	if got := j.Stats().Oldest; !got.IsZero() {
		t.Errorf("once all is shipped it says %v", got)
	}
}
