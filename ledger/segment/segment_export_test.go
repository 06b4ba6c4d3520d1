package segment

import (
	"context"
	"hash/crc32"
	"io"
)

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

// NewSmallWriter returns a writer of row groups of so many rows.
func NewSmallWriter(w io.Writer, group int64) *Writer { return newWriter(w, group) }

// BuildGroupOf is [BuildGroup] with another bound.
func BuildGroupOf(ctx context.Context, files Files, g Group, segments []Info, groups []Group, pause func(context.Context) error, most int) ([]byte, error) {
	return g.build(ctx, files, segments, groups, pause, most)
}
