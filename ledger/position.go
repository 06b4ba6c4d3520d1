package ledger

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"maps"
	"slices"
)

// Position is up to where the log was read by somebody who follows it. It says so of each stream by the last sequence
// that was read: a stream's numbers have no gap, so whatever is beyond them was not read yet, however late a replica
// ships it, and nothing is read twice. The zero position is that of the log's beginning.
type Position struct {
	// Leaf is how many leaves were read, from the first. Streams that have nothing beyond them need not be in Streams.
	Leaf    int64
	Streams map[string]int64
}

// Has reports whether a stream's record lies before the position. It says nothing of records that are before Leaf.
func (p *Position) Has(stream string, sequence int64) bool { return sequence <= p.Streams[stream] }

// Pass moves the position behind a stream's record, and never back.
func (p *Position) Pass(stream string, sequence int64) {
	if p.Has(stream, sequence) {
		return
	}
	if p.Streams == nil {
		p.Streams = map[string]int64{}
	}
	p.Streams[stream] = sequence
}

// Clone returns a position that moves by itself.
func (p *Position) Clone() Position { return Position{Leaf: p.Leaf, Streams: maps.Clone(p.Streams)} }

// ErrPosition is what a text is that is no [Position].
var ErrPosition = errors.New("the text is no position in the log")

// A position's text is base64url, without padding, of: a byte for the format, the leaf, how many streams there are, and
// by name for each of them how many bytes its name shares with the one before, the rest of its name after its length,
// and its sequence; all numbers as varints; at last CRC-32 (Castagnoli) of all that. The streams of one replica have
// nearly one name, so a position stands in few bytes beside each record.
const (
	positionFormat  = 1
	longestPosition = 64 << 10 // of its text
	longestStream   = 512
)

// String returns the position as a text that [ParsePosition] reads: one word of letters, digits, "-" and "_".
func (p *Position) String() string {
	text := binary.AppendUvarint([]byte{positionFormat}, uint64(p.Leaf))
	text = binary.AppendUvarint(text, uint64(len(p.Streams)))
	before := ""
	for _, name := range slices.Sorted(maps.Keys(p.Streams)) {
		shared := 0
		for shared < min(len(before), len(name)) && before[shared] == name[shared] {
			shared++
		}
		text = binary.AppendUvarint(text, uint64(shared))
		text = binary.AppendUvarint(text, uint64(len(name)-shared))
		text = append(text, name[shared:]...)
		text = binary.AppendUvarint(text, uint64(p.Streams[name]))
		before = name
	}
	text = binary.BigEndian.AppendUint32(text, crc32.Checksum(text, crc32.MakeTable(crc32.Castagnoli)))
	return base64.RawURLEncoding.EncodeToString(text)
}

// ParsePosition reads what [Position.String] wrote, and nothing else: ErrPosition.
func ParsePosition(word string) (Position, error) {
	if len(word) > longestPosition {
		return Position{}, ErrPosition
	}
	text, err := base64.RawURLEncoding.Strict().DecodeString(word)
	if err != nil || len(text) < 5 || text[0] != positionFormat {
		return Position{}, ErrPosition
	}
	text, sum := text[:len(text)-4], binary.BigEndian.Uint32(text[len(text)-4:])
	if sum != crc32.Checksum(text, crc32.MakeTable(crc32.Castagnoli)) {
		return Position{}, ErrPosition
	}
	r := positionReader{rest: text[1:]}
	p := Position{Leaf: r.number()}
	before := ""
	for count := r.number(); count > 0 && !r.bad; count-- {
		name := r.name(before)
		sequence := r.number()
		if r.bad || name <= before && len(p.Streams) > 0 || sequence == 0 {
			return Position{}, ErrPosition
		}
		p.Pass(name, sequence)
		before = name
	}
	if r.bad || len(r.rest) > 0 || p.String() != word { // there is one text of each position
		return Position{}, ErrPosition
	}
	return p, nil
}

// positionReader reads a position's parts, and is bad from the first on that is none.
type positionReader struct {
	rest []byte
	bad  bool
}

func (r *positionReader) number() int64 {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 || int64(n) < 0 {
		r.bad = true
		return 0
	}
	r.rest = r.rest[size:]
	return int64(n)
}

func (r *positionReader) name(before string) string {
	shared, more := r.number(), r.number()
	if r.bad || shared > int64(len(before)) || more > int64(len(r.rest)) || shared+more > longestStream {
		r.bad = true
		return ""
	}
	name := before[:shared] + string(r.rest[:more])
	r.rest = r.rest[more:]
	return name
}
