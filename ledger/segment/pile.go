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
	// The number behind the last of them, how long they are with all before them, and how many of these are empty.
	end, bytes, empty int
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
		p.pack()
	}
}

// pack packs the lines that are not.
func (p *Pile) pack() {
	p.room = s2.Encode(p.room[:cap(p.room)], p.open)
	p.bundles = append(p.bundles, bundle{packed: bytes.Clone(p.room), end: p.count, bytes: p.bytes, empty: p.empty})
	p.open = p.open[:0]
}

// add adds a bundle, which says of itself what it says in a pile of those before it, too.
func (p *Pile) add(b bundle) {
	if len(p.open) > 0 {
		p.pack()
	}
	p.count, p.bytes, p.empty = p.count+b.end, p.bytes+b.bytes, p.empty+b.empty
	b.end, b.bytes, b.empty = p.count, p.bytes, p.empty
	p.bundles = append(p.bundles, b)
}

// Append adds the lines of another pile from a number on, and before another. What is packed there stays packed.
func (p *Pile) Append(more *Pile, from, to int, pause ...Pause) error {
	before := bundle{}
	for _, b := range more.bundles {
		whole := before.end >= from && b.end <= to
		if whole {
			p.add(bundle{b.packed, b.end - before.end, b.bytes - before.bytes, b.empty - before.empty})
			from = b.end
		} else if err := p.appendLines(more, from, min(to, b.end), pause); err != nil {
			return err
		} else {
			from = max(from, min(to, b.end))
		}
		before = b
	}
	return p.appendLines(more, from, to, pause)
}

// appendLines adds lines of another pile one by one.
func (p *Pile) appendLines(more *Pile, from, to int, pause []Pause) error {
	if from >= to {
		return nil
	}
	at, turn := from, newPacer(pause)
	for line := range more.From(from) {
		if err := turn.line(line); err != nil {
			return err
		}
		p.Add(line)
		if at++; at == to {
			return nil
		}
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
			for line := range p.lines(i, &room) {
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
	packed := p.bundles[i].packed
	size, err := s2.DecodedLen(packed)
	if size > cap(*room) {
		*room = make([]byte, 0, size+size/8) // the next may be a little longer
	}
	if err == nil {
		*room, err = s2.Decode((*room)[:cap(*room)], packed)
	}
	if err != nil {
		panic(err) // it is our own memory
	}
	return *room
}

// lines gives the lines of a bundle, which is unpacked in a room, or those behind them all.
func (p *Pile) lines(i int, room *[]byte) iter.Seq[[]byte] {
	text := p.text(i, room)
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
	turn := newPacer(pause)
	for _, number := range order {
		at, _ := slices.BinarySearchFunc(p.bundles, number, func(b bundle, number int) int { return b.end - number - 1 })
		if held[at] == nil {
			if len(oldest) > places {
				delete(held, oldest[0])
				oldest = oldest[1:]
			}
			held[at], oldest = slices.Collect(p.lines(at, new([]byte))), append(oldest, at)
		}
		first := 0
		if at > 0 {
			first = p.bundles[at-1].end
		}
		line := held[at][number-first]
		if err := turn.line(line); err != nil {
			return nil, err
		}
		ordered.Add(line)
	}
	return ordered, nil
}
