package segment_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"cordon/ledger/segment"

	"pgregory.net/rapid"
)

// gathered is what a pile gives from a number on, by itself.
func gathered(p *segment.Pile, from int) [][]byte {
	var lines [][]byte
	for line := range p.From(from) {
		lines = append(lines, bytes.Clone(line))
	}
	return lines
}

func sameLines(a, b [][]byte) bool { return slices.EqualFunc(a, b, bytes.Equal) }

func TestAPileIsAListOfLines(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Enough for some bundles, with lines that are longer than one.
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		var lines [][]byte
		size, empty := 0, 0
		for range rapid.IntRange(0, 400).Draw(t, "lines") {
			line := bytes.Repeat([]byte{byte('a' + random.IntN(26))}, []int{0, 1, 600, 2000, 100_000}[min(random.IntN(40), 4)])
			lines = append(lines, line)
			if size += len(line); len(line) == 0 {
				empty++
			}
		}
		p := segment.NewPile(lines...)
		if p.Len() != len(lines) || p.Bytes() != size || p.Empty() != empty {
			t.Fatalf("it has %d lines of %d bytes, %d of them empty; want %d, %d, %d", p.Len(), p.Bytes(), p.Empty(), len(lines), size, empty)
		}
		from := rapid.IntRange(0, len(lines)).Draw(t, "from")
		if got := gathered(p, from); !sameLines(got, lines[from:]) {
			t.Fatalf("from %d on it gives %d lines", from, len(got))
		}
		to := rapid.IntRange(from, len(lines)).Draw(t, "to")
		more := segment.NewPile(lines...)
		if err := more.Append(p, from, to); err != nil || !sameLines(gathered(more, len(lines)), lines[from:to]) {
			t.Fatalf("from %d to %d it gives %d lines, %v", from, to, more.Len()-len(lines), err)
		}
		if both := segment.NewPile(append(slices.Clone(lines), lines[from:to]...)...); more.Len() != both.Len() || more.Bytes() != both.Bytes() || more.Empty() != both.Empty() {
			t.Fatalf("with them it says that it has %d of %d bytes, %d of them empty", more.Len(), more.Bytes(), more.Empty())
		}
		order := random.Perm(len(lines))
		want := make([][]byte, len(lines))
		for i, number := range order {
			want[i] = lines[number]
		}
		if ordered, err := p.Ordered(order, rapid.IntRange(0, 3).Draw(t, "places")); err != nil || !sameLines(gathered(ordered, 0), want) {
			t.Fatalf("in another order it gives other lines, %v", err)
		}
	})
}

func TestWhatTakesLongWithAPilePauses(t *testing.T) {
	ended := errors.New("ended")
	end := func() error { return ended }
	p := segment.NewPile(sample(3)...)
	if err := new(segment.Pile).Append(p, 0, 3, end); !errors.Is(err, ended) {
		t.Errorf("append: %v", err)
	}
	if _, err := p.Ordered([]int{2, 1, 0}, 1, end); !errors.Is(err, ended) {
		t.Errorf("order: %v", err)
	}
}
