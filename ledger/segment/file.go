package segment

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"

	"github.com/parquet-go/parquet-go"
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

// opened is a Parquet file whose footer was read.
type opened struct {
	chunks []*parquet.FileColumnChunk // by column; nil: it holds nothing but nulls
}

// opened returns the file's columns.
func (s *Segment) opened(ctx context.Context, h *head) (*opened, error) {
	return cachedOr(s.cache, cacheKey{s.name, tableOffset}, func() (_ *opened, _ int64, err error) {
		defer contain(&err)
		// What is opened is kept for others, so what it was opened with must not end with this caller.
		f, err := parquet.OpenFile(pieces{context.WithoutCancel(ctx), s, h}, h.size,
			parquet.SkipBloomFilters(true), parquet.ReadBufferSize(2<<10))
		if err != nil {
			return nil, 0, err
		}
		groups, want := f.RowGroups(), columns(new(row))
		if len(groups) != 1 || groups[0].NumRows() != s.info.Count || len(f.Root().Columns()) != len(want) {
			return nil, 0, fmt.Errorf("%w: it has other rows or columns", ErrCorrupt)
		}
		o := &opened{chunks: make([]*parquet.FileColumnChunk, len(want))}
		for i, column := range f.Root().Columns() {
			if column.Name() != want[i].name {
				return nil, 0, fmt.Errorf("%w: its column %q is %q", ErrCorrupt, want[i].name, column.Name())
			}
			chunk, ok := groups[0].ColumnChunks()[i].(*parquet.FileColumnChunk)
			if !ok {
				return nil, 0, errors.New("the library reads columns in another way")
			}
			said := &f.Metadata().RowGroups[0].Columns[i].MetaData
			// Another codec may take any amount of memory.
			if said.Codec != format.Zstd || said.TotalCompressedSize > h.size || said.TotalUncompressedSize > mostUnpacked {
				return nil, 0, fmt.Errorf("%w: its column %q is packed in another way", ErrCorrupt, column.Name())
			}
			if said.Statistics.NullCount < s.info.Count {
				o.chunks[i] = chunk
			}
		}
		const columnBytes = 2 << 10 // of its description and where its pages are, about
		return o, int64(len(want)) * columnBytes, nil
	})
}

// failed says of which segment an error is. What neither the store nor the caller did is damage.
func (s *Segment) failed(err error) error { return fmt.Errorf("segment %s: %w", s.name, err) }

// contain turns a panic of a library that reads a file into an error. A file that passes its checksums is what a
// segment's writer wrote, so only a hostile writer gets here, and the program goes on.
func contain(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("%w: %v", ErrCorrupt, r)
	}
}

// fill reads columns of the sorted rows. It reads and unpacks only the pages that have one of them.
func (l *loader) fill(o *opened, p pieces) (err error) {
	defer contain(&err)
	var read []int // numbers of columns
	for i, c := range columns(l.sorted[0]) {
		if _, list := c.of.(*codeList); !list && o.chunks[i] != nil && l.wanted(c.name) {
			read = append(read, i)
		}
	}
	into := slices.Grow(l.into[:0], len(l.sorted)*len(read))
	for _, r := range l.sorted {
		table := columns(r)
		for _, i := range read {
			into = append(into, table[i])
		}
	}
	l.into = into
	for at, i := range read {
		if err := p.ctx.Err(); err != nil {
			return err
		}
		same := repeated{}
		err := l.values(o.chunks[i].PagesFrom(p), func(row int, value parquet.Value) {
			into[row*len(read)+at].set(value, same)
		})
		if err != nil {
			return fmt.Errorf("column %s: %w", into[at].name, err)
		}
	}
	return nil
}

// near is how many rows are read over between two that are asked for, because to begin again costs more.
const near = 16

// valuesAtOnce is how many values are read at a time.
const valuesAtOnce = 128

// values gives the values of the sorted rows in a column that has one for each.
func (l *loader) values(pages *parquet.FilePages, set func(row int, value parquet.Value)) error {
	defer func() { _ = pages.Close() }()
	numbers := l.numbers
	if l.read == nil {
		l.read = make([]parquet.Value, valuesAtOnce)
	}
	for at := 0; at < len(numbers); {
		start := numbers[at]
		if err := pages.SeekToRow(start); err != nil {
			return err
		}
		page, err := pages.ReadPage()
		if err != nil {
			return err
		}
		if page.NumRows() < 1 {
			return fmt.Errorf("%w: an empty page", ErrCorrupt)
		}
		end := start + page.NumRows()
		for at < len(numbers) && numbers[at] < end {
			run := at + 1
			for run < len(numbers) && numbers[run] < end && numbers[run]-numbers[run-1] <= near {
				run++
			}
			from := numbers[at]
			part := page.Slice(from-start, numbers[run-1]+1-start)
			read := part.Values()
			for row := from; at < run; {
				n, err := read.ReadValues(l.read)
				for _, value := range l.read[:n] {
					if at < run && numbers[at] == row {
						set(at, value)
						at++
					}
					row++
				}
				if at < run && (n == 0 || err != nil) {
					return fmt.Errorf("%w: a page ends early", ErrCorrupt)
				}
			}
			parquet.Release(part)
		}
		parquet.Release(page)
	}
	return nil
}
