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
		in := loader{s: s, wanted: everything, onward: true}
		defer in.close()
		for r, err := range in.all(ctx, from, to) {
			if err != nil {
				yield(Row{}, err)
				return
			}
			if !yield(*in.row(r), nil) {
				return
			}
		}
	}
}

// Pile returns all lines, in their order.
func (s *Segment) Pile(ctx context.Context, pause ...Pause) (*Pile, error) {
	in, err := s.whole(ctx)
	if err != nil {
		return nil, s.failed(err)
	}
	defer in.close()
	lines, turn := new(Pile), newPacer(pause)
	var text []byte
	for range s.info.Count {
		r, err := in.row()
		if err != nil {
			return nil, s.failed(err)
		}
		if text = text[:0]; !r.removed {
			text = r.appendLine(text)
		}
		lines.Add(text)
		if err := turn.line(text); err != nil {
			return nil, err
		}
	}
	return lines, nil
}

// all loads the rows of leaves; each is there until the next.
func (l *loader) all(ctx context.Context, from, to int64) iter.Seq2[*row, error] {
	return func(yield func(*row, error) bool) {
		from, to = max(from, l.s.info.First), min(to, l.s.info.End())
		rows := make([]row, max(min(to-from, rowsAtOnce), 0))
		for from < to {
			rows = rows[:min(to-from, rowsAtOnce)]
			for i := range rows {
				rows[i] = row{leaf: from + int64(i)}
			}
			if err := l.load(ctx, rows); err != nil {
				yield(nil, l.s.failed(err))
				return
			}
			for i := range rows {
				r := &rows[i]
				if err := r.finish(); err != nil {
					yield(nil, l.s.failed(err))
					return
				}
				if !yield(r, nil) {
					return
				}
			}
			from += int64(len(rows))
		}
	}
}

// Check reads what was built back from where it was written, all of it, and reports where that is another, or does not hold
// the lines that it was built of. Batches may go when it is content. It pauses as [Build] does.
func (b *Built) Check(ctx context.Context, files Files, lines *Pile, pause ...Pause) error {
	s := Open(b, b.Info, NewCache(2*maxHead))
	for _, name := range []string{s.name, s.indexName} {
		want := b.file(name)
		got, err := files.ReadFile(ctx, name, 0, len(want)+1)
		if err != nil {
			return s.failed(err)
		}
		if !bytes.Equal(got, want) {
			return s.failed(fmt.Errorf("%w: %s is not what was written", ErrCorrupt, name))
		}
	}
	return s.checkRows(ctx, lines, nil, pause)
}

// ReadFile reads of the files as they were built.
func (b *Built) ReadFile(_ context.Context, name string, offset int64, length int) ([]byte, error) {
	data := b.file(name)
	from := min(offset, int64(len(data)))
	return data[from:min(from+int64(length), int64(len(data)))], nil
}

func (b *Built) file(name string) []byte {
	if name == b.Info.IndexName() {
		return b.Index
	}
	return b.Data
}

// Check reads a segment, all of it, and reports where it does not hold the lines that it is said to be of, or where its
// index is not that of these lines. It pauses as [Build] does.
func Check(ctx context.Context, files Files, info Info, lines *Pile, pause ...Pause) error {
	s, x := Open(files, info, NewCache(2*maxHead)), newIndexer(info.Count)
	if err := s.checkRows(ctx, lines, x, pause); err != nil {
		return err
	}
	return s.checkIndex(ctx, x, pause)
}

// checkRows holds the rows against lines, and adds them to an indexer if there is one.
func (s *Segment) checkRows(ctx context.Context, lines *Pile, x *indexer, pause []Pause) error {
	if int64(lines.Len()) != s.info.Count {
		return s.failed(fmt.Errorf("%w: it says %d rows for %d lines", ErrCorrupt, s.info.Count, lines.Len()))
	}
	in, err := s.whole(ctx)
	if err != nil {
		return s.failed(err)
	}
	defer in.close()
	var text []byte
	at, turn := 0, newPacer(pause)
	for line := range lines.From(0) {
		r, err := in.row()
		if err != nil {
			return s.failed(err)
		}
		if text = text[:0]; !r.removed {
			text = r.appendLine(text)
		}
		if !bytes.Equal(text, line) {
			return s.failed(fmt.Errorf("%w: leaf %d is another", ErrCorrupt, r.leaf))
		}
		if x != nil && !r.removed {
			if err := r.finish(); err != nil {
				return s.failed(err)
			}
			x.add(&r.Record, uint16(at))
		}
		if err := turn.line(line); err != nil {
			return err
		}
		at++
	}
	return nil
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
