package segment

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// pieces reads a Parquet file for the library, each piece held against its checksum.
type pieces struct {
	ctx context.Context
	s   *Segment
	h   *head
}

// ReadAt reads from the pieces that it needs.
func (p pieces) ReadAt(into []byte, offset int64) (n int, err error) {
	if offset < 0 {
		return 0, errors.New("read before the beginning")
	}
	if err := pace(p.ctx, p.s.files); err != nil { // what is read is unpacked next
		return 0, err
	}
	for n < len(into) {
		if offset >= p.h.size {
			return n, io.EOF
		}
		piece, err := p.piece(offset / pieceBytes)
		if err != nil {
			return n, err
		}
		copied := copy(into[n:], piece[offset%pieceBytes:])
		n, offset = n+copied, offset+int64(copied)
	}
	return n, nil
}

// part returns what stands at a place. It is in the memory of others, not to be changed, or in the room where it is of several
// pieces.
func (p pieces) part(room *[]byte, at site) ([]byte, error) {
	if at.offset < 0 || at.length < 0 || at.offset > p.h.size-int64(at.length) {
		return nil, fmt.Errorf("%w: there is nothing at %d", ErrCorrupt, at.offset)
	}
	if from := at.offset % pieceBytes; from+int64(at.length) <= pieceBytes {
		if err := pace(p.ctx, p.s.files); err != nil {
			return nil, err
		}
		piece, err := p.piece(at.offset / pieceBytes)
		if err != nil {
			return nil, err
		}
		return piece[from:][:at.length], nil
	}
	*room = slices.Grow((*room)[:0], int(at.length))[:at.length]
	_, err := p.ReadAt(*room, at.offset)
	return *room, err
}

func (p pieces) piece(number int64) ([]byte, error) {
	name, at := p.s.name, number*pieceBytes
	return cachedOr(p.s.cache, cacheKey{name, at}, func() ([]byte, int64, error) {
		length := int(min(pieceBytes, p.h.size-at))
		data, err := p.s.files.ReadFile(p.ctx, name, at, length)
		if err != nil {
			return nil, 0, fmt.Errorf("read %s: %w", name, err)
		}
		p.s.cache.counts(len(data))
		if len(data) != length || crc32.Checksum(data, castagnoli) != p.h.sums[number] {
			return nil, 0, fmt.Errorf("%s: %w: its piece at %d is another", name, ErrCorrupt, at)
		}
		return data, int64(len(data)), nil
	})
}

// mostUnpacked is more than a column has: a sealer puts some hundred MiB of text into a segment at most.
const mostUnpacked = 1 << 30

// site is where something stands in a file.
type site struct {
	offset int64
	length int32
	first  int32 // of a page its first row
}

// chunk is a column of a file.
type chunk struct {
	kind       parquet.Kind
	optional   bool
	dictionary site // of no length where there is none
	pages      []site
	unpacked   int64 // how many bytes they all have when they are unpacked
}

// page returns the page that a row is in.
func (c *chunk) page(row int64) site {
	at, _ := slices.BinarySearchFunc(c.pages, row+1, func(p site, row int64) int { return cmp.Compare(int64(p.first), row) })
	return c.pages[at-1]
}

// opened returns the file's columns; nil stands for one that holds nothing but nulls, or lists.
func (s *Segment) opened(ctx context.Context, h *head) ([]*chunk, error) {
	return cachedOr(s.cache, cacheKey{s.name, tableOffset}, func() (_ []*chunk, _ int64, err error) {
		defer contain(&err)
		from := pieces{ctx, s, h}
		f, err := parquet.OpenFile(from, h.size, parquet.SkipBloomFilters(true), parquet.SkipPageIndex(true), parquet.ReadBufferSize(2<<10))
		if err != nil {
			return nil, 0, err
		}
		groups, want := f.RowGroups(), columns(new(row))
		if len(groups) != 1 || groups[0].NumRows() != s.info.Count || len(f.Root().Columns()) != len(want) {
			return nil, 0, fmt.Errorf("%w: it has other rows or columns", ErrCorrupt)
		}
		chunks, bytes := make([]*chunk, len(want)), int64(0)
		for i, column := range f.Root().Columns() {
			if column.Name() != want[i].name {
				return nil, 0, fmt.Errorf("%w: its column %q is %q", ErrCorrupt, want[i].name, column.Name())
			}
			said := &f.Metadata().RowGroups[0].Columns[i]
			if !column.Leaf() || said.MetaData.Statistics.NullCount >= s.info.Count {
				continue
			}
			if chunks[i], err = from.chunk(column, said); err != nil {
				return nil, 0, fmt.Errorf("column %s: %w", column.Name(), err)
			}
			const chunkBytes, siteBytes = 100, 16
			bytes += chunkBytes + siteBytes*int64(cap(chunks[i].pages))
		}
		return chunks, bytes, nil
	})
}

// chunk reads where the pages of a column are.
func (p pieces) chunk(column *parquet.Column, said *format.ColumnChunk) (*chunk, error) {
	m := &said.MetaData
	// Another codec may take any amount of memory.
	if m.Codec != format.Zstd || m.TotalUncompressedSize > mostUnpacked {
		return nil, fmt.Errorf("%w: it is packed in another way", ErrCorrupt)
	}
	text, err := p.part(new([]byte), site{offset: said.OffsetIndexOffset, length: said.OffsetIndexLength})
	if err != nil {
		return nil, err
	}
	var index format.OffsetIndex
	if err := thrift.Unmarshal(new(thrift.CompactProtocol), text, &index); err != nil {
		return nil, fmt.Errorf("%w: it does not say where its pages are: %w", ErrCorrupt, err)
	}
	c := &chunk{kind: column.Type().Kind(), optional: column.Optional(), unpacked: m.TotalUncompressedSize}
	for _, at := range index.PageLocations {
		c.pages = append(c.pages, site{at.Offset, at.CompressedPageSize, int32(at.FirstRowIndex)})
	}
	if at := m.DictionaryPageOffset; at > 0 {
		c.dictionary = site{offset: at, length: int32(m.DataPageOffset - at)}
	}
	return c, nil
}

// failed says of which segment an error is. What neither the store nor the caller did is damage.
func (s *Segment) failed(err error) error { return fmt.Errorf("segment %s: %w", s.name, err) }

// contain turns a panic of what reads a file into an error. A file that passes its checksums is what a
// segment's writer wrote, so only a hostile writer gets here, and the program goes on.
func contain(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("%w: %v", ErrCorrupt, r)
	}
}
