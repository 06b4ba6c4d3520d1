package segment_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"cordon/ledger/record"
	"cordon/ledger/record/recordtest"
	"cordon/ledger/segment"
)

// Loaders work in the memory of others before them: nothing of these is in what they give.
func TestRowsAreTheirOwn(t *testing.T) {
	lines := varied(700)
	kept, b := built(t, 0, lines)
	s := segment.Open(kept, b.Info, segment.NewCache(64<<20))
	first := collect(t, s.Search(t.Context(), record.Filter{OldestFirst: true, Limit: 100}.Query()))
	before := make([][]byte, 0, len(first))
	for _, row := range first {
		before = append(before, row.Record.AppendJSON(nil))
	}
	for range 3 {
		collect(t, s.Lines(t.Context(), 0, b.Info.Count))
		collect(t, s.Search(t.Context(), record.Filter{}.Query()))
	}
	for i, row := range first {
		if got := row.Record.AppendJSON(nil); !slices.Equal(got, before[i]) {
			t.Errorf("a row is %s after others were read, it was %s", got, before[i])
		}
	}
}

// A page need not be of few values, nor small: a column that has too many for its dictionary goes on without one, and a long
// record lies over several pieces of the file.
func TestPagesOfEachKindAreRead(t *testing.T) {
	const many = 6000
	lines := make([][]byte, many)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range lines {
		r := recordtest.Sample(int64(i + 1))
		r.Input = fmt.Appendf(nil, `{"seen":%d,"text":"%0128d"}`, i/2, random.Uint64())
		r.Revision = random.Int64()
		if i%2000 == 1000 {
			text := make([]byte, 150<<10)
			for at := range text {
				text[at] = byte('a' + random.IntN(26))
			}
			r.Details = fmt.Appendf(nil, `"%s"`, text)
		}
		lines[i] = r.AppendJSON(nil)
	}
	kept, b := built(t, 0, lines)
	s := segment.Open(kept, b.Info, segment.NewCache(64<<20))
	for at := int64(0); at < many; at += 500 { // from the end to the beginning, and not each one
		from := many - at - 250
		for i, row := range collect(t, s.Lines(t.Context(), from, from+250)) {
			if !slices.Equal(row.Line, lines[from+int64(i)]) {
				t.Fatalf("leaf %d is %.300s, want %.300s", row.Leaf, row.Line, lines[from+int64(i)])
			}
		}
	}
	for _, row := range collect(t, s.Search(t.Context(), record.Filter{}.Query())) {
		if !slices.Equal(row.Line, lines[row.Leaf]) {
			t.Fatalf("leaf %d is %.300s, want %.300s", row.Leaf, row.Line, lines[row.Leaf])
		}
	}
	if err := segment.Check(t.Context(), kept, b.Info, segment.NewPile(lines...)); err != nil {
		t.Error(err)
	}
}
