package segment

import (
	"bytes"
	"context"
	"fmt"
	"iter"
)

// Lines returns the rows of the leaves from one to before another, in their order; of those it holds.
func (s *Segment) Lines(ctx context.Context, from, to int64) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		from, to = max(from, s.info.First), min(to, s.info.End())
		for from < to {
			rows := make([]row, min(to-from, rowsAtOnce))
			for i := range rows {
				rows[i].leaf = from + int64(i)
			}
			if err := s.load(ctx, rows, everything); err != nil {
				yield(Row{}, s.failed(err))
				return
			}
			for i := range rows {
				r := &rows[i]
				if err := r.finish(); err != nil {
					yield(Row{}, s.failed(err))
					return
				}
				if !yield(Row{Leaf: r.leaf, Line: r.text(), Record: r.Record}, nil) {
					return
				}
			}
			from += int64(len(rows))
		}
	}
}

// Check reads a segment back from where it was written, all of it, and reports where it does not hold the lines that
// it was built of, or where its index is not that of these lines. Batches may go when it is content. It pauses as [Build]
// does.
func Check(ctx context.Context, files Files, info Info, lines [][]byte, pause ...Pause) error {
	s := Open(files, info, NewCache(2*maxHead))
	if int64(len(lines)) != info.Count {
		return s.failed(fmt.Errorf("%w: it says %d rows for %d lines", ErrCorrupt, info.Count, len(lines)))
	}
	x := newIndexer(info.Count)
	at := 0
	for row, err := range s.Lines(ctx, info.First, info.End()) {
		if err != nil {
			return err
		}
		if !bytes.Equal(row.Line, lines[at]) {
			return s.failed(fmt.Errorf("%w: leaf %d is another", ErrCorrupt, row.Leaf))
		}
		if row.Line != nil {
			x.add(&row.Record, uint16(at))
		}
		if err := paused(pause); err != nil {
			return err
		}
		at++
	}
	return s.checkIndex(ctx, x, pause)
}

// checkIndex holds the whole index against the one that the rows make.
func (s *Segment) checkIndex(ctx context.Context, x *indexer, pause []Pause) error {
	h, err := s.index().head(ctx)
	if err != nil {
		return err
	}
	data, err := s.files.ReadFile(ctx, s.name, 0, int(h.size)+1)
	if err != nil {
		return err
	}
	info, want, err := x.index(s.info, data, pause)
	if err != nil {
		return err
	}
	got, err := s.files.ReadFile(ctx, s.indexName, 0, len(want)+1)
	if err != nil {
		return err
	}
	if info != s.info || !bytes.Equal(got, want) {
		return s.failed(fmt.Errorf("%w: its index is not that of its rows", ErrCorrupt))
	}
	return nil
}
