package segment

import (
	"bytes"
	"context"
	"errors"
	"hash/crc32"
	"io"

	"cordon/ledger/record"

	"github.com/parquet-go/parquet-go"
)

// LinesByTheLibrary returns the lines that a file makes where the library reads its pages, and not we.
func LinesByTheLibrary(data []byte) (lines [][]byte, err error) {
	file, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	rows, read := file.RowGroups()[0].Rows(), make([]parquet.Row, 1)
	defer func() { _ = rows.Close() }()
	for {
		n, err := rows.ReadRows(read)
		if n == 0 {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return lines, err
		}
		var r row
		into := columns(&r)
		for _, value := range read[0] {
			into[value.Column()].set(value, nil)
		}
		var line []byte
		if !r.removed {
			line = r.appendLine(nil)
		}
		lines = append(lines, line)
	}
}

// Trusting makes an index of anything that has right checksums: its head those of the data, one block that holds
// what is given. It is what a hostile writer would make.
func Trusting(info Info, data, body []byte) []byte {
	h := head{name: info.Name(), size: int64(len(data)), live: int(info.Count), samples: make([]uint64, (info.Count+stride-1)/stride)}
	for at := 0; at < len(data); at += pieceBytes {
		h.sums = append(h.sums, crc32.Checksum(data[at:min(at+pieceBytes, len(data))], castagnoli))
	}
	h.blocks = []block{{length: len(body), sum: crc32.Checksum(body, castagnoli)}}
	return append(h.encode(), body...)
}

// WithoutPairs returns the file of a group as it was made before there were pairs.
func WithoutPairs(g Group, data []byte) ([]byte, error) {
	h, err := parseHead(data, g.Name())
	if err != nil {
		return nil, err
	}
	body := data[h.lead.offset+int64(h.lead.length):]
	h.lead = block{}
	return append(h.encode(), body...), nil
}

// Pairs reads pairs and writes them again.
func Pairs(text []byte) ([]byte, error) {
	p, err := parsePairs(text)
	if err != nil {
		return nil, err
	}
	return p.encode(nil), nil
}

// IndexOfPostings returns the index of a segment with these lines as it is where each key of each row is a posting.
func IndexOfPostings(b *Built, lines [][]byte) ([]byte, error) {
	x := newIndexer(b.Info.Count)
	x.ids = make([]place, sampledRows) // so no row is the last of the first ones
	for i, line := range lines {
		var r record.Record
		if err := record.Decode(line, &r); err == nil {
			x.add(&r, uint16(i))
		}
	}
	x.ids = x.ids[sampledRows:]
	_, index, err := x.index(b.Info, b.Data, nil)
	return index, err
}

// NewSmallWriter returns a writer of row groups of so many rows.
func NewSmallWriter(w io.Writer, group int64) *Writer { return newWriter(w, group) }

// BuildGroupOf is [BuildGroup] with another bound.
func BuildGroupOf(ctx context.Context, files Files, g Group, segments []Info, groups []Group, pause func(context.Context) error, most int) ([]byte, error) {
	return g.build(ctx, files, segments, groups, pause, most)
}
