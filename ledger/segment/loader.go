package segment

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/parquet-go/parquet-go"
)

// loader loads rows of a segment, some at a time, in memory that it uses again.
type loader struct {
	s      *Segment
	wanted func(column string) bool

	sorted  []*row
	numbers []int64
	into    []column
	read    []parquet.Value
	text    []byte
}

func everything(string) bool { return true }

// load fills the wanted columns of rows whose leaves are set.
func (l *loader) load(ctx context.Context, rows []row) error {
	if len(rows) == 0 {
		return nil
	}
	s := l.s
	h, err := s.index().head(ctx)
	if err != nil {
		return err
	}
	o, err := s.opened(ctx, h)
	if err != nil {
		return err
	}
	// The library goes forwards, the caller may go another way.
	l.sorted, l.numbers = l.sorted[:0], l.numbers[:0]
	for i := range rows {
		l.sorted = append(l.sorted, &rows[i])
	}
	slices.SortFunc(l.sorted, func(a, b *row) int { return int(a.leaf - b.leaf) })
	for _, r := range l.sorted {
		l.numbers = append(l.numbers, r.leaf-s.info.First)
	}
	if err := l.fill(o, pieces{ctx, s, h}); err != nil {
		return err
	}
	for i, r := range l.sorted {
		if r.leaf != s.info.First+l.numbers[i] {
			return errors.Join(ErrCorrupt, errors.New("a row is of another leaf"))
		}
	}
	return nil
}

// row returns a row that was loaded. It has no part in the loader's memory.
func (l *loader) row(r *row) Row {
	loaded := Row{Leaf: r.leaf, Record: r.Record}
	if !r.removed {
		l.text = r.appendLine(l.text[:0])
		loaded.Line = bytes.Clone(l.text)
	}
	return loaded
}
