package segment_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"cordon/ledger/segment"
)

// What many rows have is kept in another way until the index is written, which is then the same: in the order of ids and in
// another, with rows that were removed, and where the first rows have other keys than those behind them.
func TestAnIndexIsThatOfItsPostings(t *testing.T) {
	inOrder := varied(3000)
	other := append(sample(400), inOrder...)
	random := rand.New(rand.NewPCG(1, 2))
	random.Shuffle(len(inOrder), func(i, j int) { other[i], other[j] = other[j], other[i] })
	some := append([][]byte(nil), other...)
	for range 500 {
		some[random.IntN(len(some))] = nil
	}
	for name, lines := range map[string][][]byte{
		"in order": inOrder, "in another": other, "some removed": some, "few": inOrder[:255], "no more than the first": inOrder[:256],
	} {
		_, b := built(t, 7, lines)
		want, err := segment.IndexOfPostings(&b, lines)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(b.Index, want) {
			t.Errorf("%s: %d bytes that are not the %d of its postings", name, len(b.Index), len(want))
		}
	}
}
