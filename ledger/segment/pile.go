package segment

import (
	"bytes"
	"encoding/binary"
	"iter"
	"slices"

	"github.com/klauspost/compress/s2"
)

// Pile is lines of records in an order, packed: those of a full segment are 60 MB, and in a pile some 5. The zero value
// is an empty one. Many may read it at once while nobody adds to it.
type Pile struct {
	bundles []bundle
	open    []byte // lines behind the bundles, each behind its length
	room    []byte
	count   int
	bytes   int
	empty   int
}

// bundle is lines that follow each other, packed.
type bundle struct {
	packed []byte
	end    int // the number behind the last of them
}

// bundleBytes is about how much of a pile is unpacked at a time.
const bundleBytes = 64 << 10

// NewPile returns a pile of lines.
func NewPile(lines ...[]byte) *Pile {
	p := new(Pile)
	for _, line := range lines {
		p.Add(line)
	}
	return p
}

// Len returns how many lines there are.
func (p *Pile) Len() int { return p.count }

// Bytes returns how long the lines are together.
func (p *Pile) Bytes() int { return p.bytes }

// Empty returns how many of the lines are empty.
func (p *Pile) Empty() int { return p.empty }

// Add adds a line, an empty one for a record that was removed. It keeps none of its memory.
func (p *Pile) Add(line []byte) {
	p.open = append(binary.AppendUvarint(p.open, uint64(len(line))), line...)
	p.count++
	p.bytes += len(line)
	if len(line) == 0 {
		p.empty++
	}
	if len(p.open) >= bundleBytes {
		p.room = s2.Encode(p.room[:cap(p.room)], p.open)
		p.bundles = append(p.bundles, bundle{bytes.Clone(p.room), p.count})
		p.open = p.open[:0]
	}
}

// Append adds the lines of another pile from a number on, and before another.
func (p *Pile) Append(more *Pile, from, to int, pause ...Pause) error {
	at := from
	for line := range more.From(from) {
		if at == to {
			return nil
		}
		if err := paused(pause); err != nil {
			return err
		}
		p.Add(line)
		at++
	}
	return nil
}

// From gives the lines from a number on, nil for an empty one. Each is there until the next.
func (p *Pile) From(number int) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		var room []byte
		at := 0
		for i := range len(p.bundles) + 1 {
			if i < len(p.bundles) && p.bundles[i].end <= number {
				at = p.bundles[i].end
				continue
			}
			for line := range lines(p.text(i, &room)) {
				if at >= number && !yield(line) {
					return
				}
				at++
			}
		}
	}
}

// text returns the text of a bundle in a room, or of the lines behind them all.
func (p *Pile) text(i int, room *[]byte) []byte {
	if i == len(p.bundles) {
		return p.open
	}
	text, err := s2.Decode((*room)[:cap(*room)], p.bundles[i].packed)
	if err != nil {
		panic(err) // it is our own memory
	}
	*room = text
	return text
}

func lines(text []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for len(text) > 0 {
			length, size := binary.Uvarint(text)
			line := text[size : size+int(length) : size+int(length)]
			if text = text[size+len(line):]; len(line) == 0 {
				line = nil
			}
			if !yield(line) {
				return
			}
		}
	}
}

// Ordered returns the lines in another order, which names their numbers. It may run to and fro between so many places of
// the pile: their bundles are held unpacked.
func (p *Pile) Ordered(order []int, places int, pause ...Pause) (*Pile, error) {
	ordered := new(Pile)
	held, oldest := map[int][][]byte{}, []int(nil)
	for _, number := range order {
		if err := paused(pause); err != nil {
			return nil, err
		}
		at, _ := slices.BinarySearchFunc(p.bundles, number, func(b bundle, number int) int { return b.end - number - 1 })
		if held[at] == nil {
			if len(oldest) > places {
				delete(held, oldest[0])
				oldest = oldest[1:]
			}
			held[at], oldest = slices.Collect(lines(p.text(at, new([]byte)))), append(oldest, at)
		}
		first := 0
		if at > 0 {
			first = p.bundles[at-1].end
		}
		ordered.Add(held[at][number-first])
	}
	return ordered, nil
}
