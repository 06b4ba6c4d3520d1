package sqlite_test

import (
	"fmt"
	"runtime"
	"testing"

	"cordon/datastore"
	"cordon/datastore/sqlite"
)

// What is hot is read a little at a time, so that who searches can give way in between: between two batches there is never
// more read than a page has, be they large or many.
func TestHotIsReadInSmallPages(t *testing.T) {
	for _, of := range []struct {
		name         string
		filter, body int    // bytes of a batch
		most         uint64 // that are taken for a page, with what reading itself takes
	}{
		{"large filters", 48 << 10, 1, 450 << 10},
		{"large bodies", 1, 64 << 10, 450 << 10},
		{"small batches", 64, 64, 60 << 10},
	} {
		t.Run(of.name, func(t *testing.T) {
			s := open(t, sqlite.Config{})
			const many = 200
			for n := range int64(many) {
				id := fmt.Sprintf("%036d", n)
				b := datastore.Batch{Replica: "r", FirstSequence: n + 1, LastSequence: n + 1, Count: 1, FirstID: id, LastID: id,
					Bloom: make([]byte, of.filter), Body: make([]byte, of.body)}
				if _, err := s.Ship(t.Context(), b); err != nil {
					t.Fatal(err)
				}
			}
			in := datastore.HotRange{OldestFirst: true}
			if of.filter > of.body {
				in = in.Heads()
			}
			given, most, before := 0, uint64(0), allocated()
			for _, err := range s.Hot(t.Context(), in) {
				if err != nil {
					t.Fatal(err)
				}
				given++
				now := allocated()
				most, before = max(most, now-before), now
			}
			if given != many {
				t.Errorf("%d batches were given, want %d", given, many)
			}
			if most > of.most {
				t.Errorf("%d bytes were taken between two batches, want %d at most", most, of.most)
			}
		})
	}
}

// allocated returns how many bytes were ever taken.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}
