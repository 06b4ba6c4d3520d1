package segment

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// page is an unpacked page of a column, in memory that is used again: its values are of use until the next one is read.
//
// Why not the library's own: it makes a page, the slice of it that is asked for, the column's dictionary and what reads values
// anew each time, and of what it makes of numbers it uses nothing again. A search reads thirty columns for a few rows.
type page struct {
	chunk      *chunk // whose page it is; nil: it is none
	dictionary *lexicon
	first      int64 // row

	rows     int
	levels   []byte // of each row: 1 where it has a value
	encoding format.Encoding
	plain    []byte
	numbers  []int64  // where it is of distances
	indexes  []int32  // where it is of places in a dictionary
	offsets  []uint32 // where it is of texts whose lengths come first

	// What is behind the cursor: rows, values, and of texts how many and their bytes.
	row, value, texts, at int

	header         format.PageHeader
	file, unpacked []byte
}

// turn makes it the page of a column that a row is in.
func (p *page) turn(from pieces, c *chunk, column int, row int64) (err error) {
	if p.chunk == c && p.first <= row && row < p.first+int64(p.rows) {
		return nil
	}
	if p.chunk != c {
		p.chunk = nil
		if p.dictionary, err = p.readDictionary(from, c, column); err != nil {
			return err
		}
	}
	p.chunk = nil
	at := c.page(row)
	if err := p.read(from, c, at); err != nil {
		return err
	}
	if p.first = int64(at.first); row >= p.first+int64(p.rows) {
		return fmt.Errorf("%w: a page ends early", ErrCorrupt)
	}
	p.chunk = c
	return nil
}

// read reads the page of a column that stands at a place.
func (p *page) read(from pieces, c *chunk, at site) error {
	body, err := p.body(from, at)
	if err != nil {
		return err
	}
	h := &p.header.DataPageHeaderV2.V
	if p.header.Type != format.DataPageV2 || h.NumRows < 1 || h.NumRows != h.NumValues || h.RepetitionLevelsByteLength != 0 {
		return fmt.Errorf("%w: a page of another kind", ErrCorrupt)
	}
	p.rows, p.encoding = int(h.NumRows), h.Encoding
	p.row, p.value, p.texts, p.at = 0, 0, 0, 0
	levels := h.DefinitionLevelsByteLength
	if p.levels, err = isThere.DecodeLevels(p.levels[:0], body[:levels]); err != nil {
		return fmt.Errorf("%w: a page does not say which values there are: %w", ErrCorrupt, err)
	}
	if c.optional && len(p.levels) < p.rows {
		return fmt.Errorf("%w: a page says of %d rows which values there are, and has %d", ErrCorrupt, len(p.levels), p.rows)
	}
	if h.IsCompressed.Valid && !h.IsCompressed.V {
		p.unpacked = append(p.unpacked[:0], body[levels:]...)
	} else if err = p.unpack(body[levels:], c.unpacked); err != nil {
		return err
	}
	p.plain = p.unpacked
	switch p.encoding {
	case format.Plain:
	case format.RLEDictionary:
		p.indexes, err = parquet.RLEDictionary.DecodeInt32(p.indexes[:0], p.plain)
	case format.DeltaBinaryPacked:
		p.numbers, err = parquet.DeltaBinaryPacked.DecodeInt64(p.numbers[:0], p.plain)
	case format.DeltaLengthByteArray:
		p.plain, p.offsets, err = parquet.DeltaLengthByteArray.DecodeByteArray(p.plain, p.plain, p.offsets) // in place
	default:
		err = fmt.Errorf("%w: a page is written in another way", ErrCorrupt)
	}
	return err
}

// isThere is how it is written which values there are.
var isThere = rle.Encoding{BitWidth: 1}

// body reads what stands at a place, and returns what is behind its header.
func (p *page) body(from pieces, at site) ([]byte, error) {
	data, err := from.part(&p.file, at)
	if err != nil {
		return nil, err
	}
	r := new(thrift.CompactProtocol).NewReaderFromBytes(data)
	p.header = format.PageHeader{}
	if err := thrift.NewDecoder(r).Decode(&p.header); err != nil {
		return nil, fmt.Errorf("%w: a page has no header: %w", ErrCorrupt, err)
	}
	return data[r.BytesRead():][:p.header.CompressedPageSize], nil
}

// unpack unpacks as many bytes as the header says, if these are not more than the most.
func (p *page) unpack(packed []byte, most int64) error {
	size := int(p.header.UncompressedPageSize)
	if size < 0 || int64(size) > most {
		return fmt.Errorf("%w: a page of %d bytes", ErrCorrupt, size)
	}
	d, err := decoder()
	if err != nil {
		return err
	}
	if p.unpacked, err = d.DecodeAll(packed, slices.Grow(p.unpacked[:0], size)); err != nil {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return nil
}

// decoder unpacks no more than there is room for. It serves any number of goroutines, two at a time.
var decoder = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecodeAllCapLimit(true))
})

// of returns the value of a row of the page, null where it has none. It goes forwards, and begins again for a row before.
func (p *page) of(row int) parquet.Value {
	if row < p.row {
		p.row, p.value, p.texts, p.at = 0, 0, 0, 0
	}
	if p.chunk.optional {
		p.value += bytes.Count(p.levels[p.row:row], []byte{1})
	} else {
		p.value = row
	}
	if p.row = row; p.chunk.optional && p.levels[row] == 0 {
		return parquet.Value{}
	}
	switch p.encoding {
	case format.RLEDictionary:
		return p.dictionary.of(int(p.indexes[p.value]))
	case format.DeltaBinaryPacked:
		return parquet.Int64Value(p.numbers[p.value])
	case format.DeltaLengthByteArray:
		return parquet.ByteArrayValue(p.plain[p.offsets[p.value]:p.offsets[p.value+1]])
	default: // plain, as there is no other that was read
		return p.plainValue()
	}
}

// plainValue returns the value at the cursor of a page that has one after the other.
func (p *page) plainValue() parquet.Value {
	if p.chunk.kind != parquet.ByteArray {
		return fixed(p.chunk.kind, p.plain, p.value)
	}
	for ; p.texts < p.value; p.texts++ {
		p.at += textHead + len(textAt(p.plain, p.at))
	}
	return parquet.ByteArrayValue(textAt(p.plain, p.at))
}

// size returns how much memory it has.
func (p *page) size() int {
	return cap(p.file) + cap(p.unpacked) + cap(p.levels) + 4*cap(p.indexes) + 4*cap(p.offsets) + 8*cap(p.numbers)
}

// fixed returns one of values that are all as long.
func fixed(kind parquet.Kind, data []byte, n int) parquet.Value {
	switch kind {
	case parquet.Boolean:
		return parquet.BooleanValue(data[n/8]>>(n%8)&1 == 1)
	case parquet.Int64:
		return parquet.Int64Value(int64(binary.LittleEndian.Uint64(data[8*n:])))
	default:
		const uuidBytes = 16
		return parquet.FixedLenByteArrayValue(data[uuidBytes*n:][:uuidBytes])
	}
}

// textHead is what stands before a text: how long it is.
const textHead = 4

func textAt(data []byte, at int) []byte {
	return data[at+textHead:][:binary.LittleEndian.Uint32(data[at:])]
}

// lexicon is the different values of a column. It serves many goroutines at once.
type lexicon struct {
	kind   parquet.Kind
	plain  []byte
	begins []uint32 // where it is of texts
}

// readDictionary returns that of a column; nil where it has none.
func (p *page) readDictionary(from pieces, c *chunk, column int) (*lexicon, error) {
	if c.dictionary.length == 0 {
		return nil, nil
	}
	return cachedOr(from.s.cache, cacheKey{from.s.name, dictionaryOffset - int64(column)}, func() (*lexicon, int64, error) {
		body, err := p.body(from, c.dictionary)
		if err != nil {
			return nil, 0, err
		}
		if p.header.Type != format.DictionaryPage {
			return nil, 0, fmt.Errorf("%w: it has no dictionary", ErrCorrupt)
		}
		if err := p.unpack(body, c.unpacked); err != nil {
			return nil, 0, err
		}
		d := &lexicon{kind: c.kind, plain: bytes.Clone(p.unpacked)}
		if d.kind == parquet.ByteArray {
			for at := 0; at < len(d.plain); at += textHead + len(textAt(d.plain, at)) {
				d.begins = append(d.begins, uint32(at))
			}
		}
		return d, int64(len(d.plain) + 4*cap(d.begins)), nil
	})
}

func (d *lexicon) of(n int) parquet.Value {
	if d.kind == parquet.ByteArray {
		return parquet.ByteArrayValue(textAt(d.plain, int(d.begins[n])))
	}
	return fixed(d.kind, d.plain, n)
}
