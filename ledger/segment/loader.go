package segment

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/parquet-go/parquet-go/format"
)

// loader loads rows of a segment, some at a time. What it has in its hands until it is closed is used again by others.
type loader struct {
	s      *Segment
	wanted func(column string) bool
	// onward: each load is for the most part of rows behind those of the one before it, so pages are kept from one to the next.
	onward bool
	*desk
}

// desk is the memory in which loaders work.
type desk struct {
	rows    []row
	sorted  []*row
	numbers []int64
	read    []int    // which columns
	into    []column // of each row, and where they go
	pages   []page   // one, or of each column where it goes onward
	text    []byte
}

// desks are those at which nobody works. largestDesk keeps what records of uncommon length have taken from staying there.
var desks = sync.Pool{New: func() any { return new(desk) }}

const largestDesk = 4 << 20

func everything(string) bool { return true }

// sit gives the loader its memory, if it has none.
func (l *loader) sit() {
	if l.desk == nil {
		l.desk, _ = desks.Get().(*desk)
	}
}

// close gives the memory back. The loader may be used again.
func (l *loader) close() {
	d := l.desk
	if l.desk = nil; d == nil {
		return
	}
	const rowBytes, columnBytes = 1 << 10, 40 // about
	size := cap(d.text) + rowBytes*cap(d.rows) + columnBytes*cap(d.into)
	for i := range d.pages {
		p := &d.pages[i]
		p.chunk, p.dictionary = nil, nil
		size += p.size()
	}
	if size > largestDesk {
		return
	}
	d.rows, d.sorted, d.into = emptied(d.rows), emptied(d.sorted), emptied(d.into)
	desks.Put(d)
}

// emptied returns the memory of things that refer to others', which may go. What is behind them refers to nothing.
func emptied[T any](things []T) []T {
	clear(things)
	return things[:0]
}

// paged returns a page, or one of each column where the loader goes onward.
func (l *loader) paged(columns int) []page {
	l.sit()
	if !l.onward {
		columns = 1
	}
	if len(l.pages) < columns {
		l.pages = slices.Grow(l.pages, columns-len(l.pages))[:columns]
	}
	return l.pages
}

// made returns rows with these leaves, in the loader's memory.
func (l *loader) made(leaves []int64) []row {
	l.sit()
	l.rows = emptied(l.rows)
	for _, leaf := range leaves {
		l.rows = append(l.rows, row{leaf: leaf})
	}
	return l.rows
}

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
	chunks, err := s.opened(ctx, h)
	if err != nil {
		return err
	}
	l.sit()
	// A page is read forwards, the caller may go another way.
	l.sorted, l.numbers = emptied(l.sorted), l.numbers[:0]
	for i := range rows {
		l.sorted = append(l.sorted, &rows[i])
	}
	slices.SortFunc(l.sorted, func(a, b *row) int { return int(a.leaf - b.leaf) })
	for _, r := range l.sorted {
		l.numbers = append(l.numbers, r.leaf-s.info.First)
	}
	if err := l.fill(chunks, pieces{ctx, s, h}); err != nil {
		return err
	}
	for i, r := range l.sorted {
		if r.leaf != s.info.First+l.numbers[i] {
			return errors.Join(ErrCorrupt, errors.New("a row is of another leaf"))
		}
	}
	return nil
}

// fill reads columns of the sorted rows. It reads and unpacks only the pages that have one of them.
func (l *loader) fill(chunks []*chunk, from pieces) (err error) {
	defer contain(&err)
	l.read = l.read[:0]
	for i, c := range columns(l.sorted[0]) {
		if chunks[i] != nil && l.wanted(c.name) {
			l.read = append(l.read, i)
		}
	}
	l.into = emptied(l.into)
	for _, r := range l.sorted {
		table := columns(r)
		for _, i := range l.read {
			l.into = append(l.into, table[i])
		}
	}
	pages := l.paged(len(chunks))
	for at, i := range l.read {
		if err := from.ctx.Err(); err != nil {
			return err
		}
		p := &pages[0]
		if l.onward {
			p = &pages[i]
		}
		same, texts := repeated{}, texts{room: l.text}
		for row, number := range l.numbers {
			into := &l.into[row*len(l.read)+at]
			if err := p.turn(from, chunks[i], i, number); err != nil {
				return fmt.Errorf("column %s: %w", into.name, err)
			}
			value := p.of(int(number - p.first))
			switch {
			case value.IsNull():
			case into.textual():
				into.setText(texts.of(into, value.ByteArray(), p.encoding == format.RLEDictionary))
			default:
				into.set(value, same)
			}
		}
		l.text = texts.room
	}
	return nil
}

// texts makes the strings of a column: one of values that follow each other and are the same of a dictionary.
type texts struct {
	last []byte
	made string
	room []byte
}

func (t *texts) of(c *column, data []byte, listed bool) string {
	if listed && len(data) > 0 && len(data) == len(t.last) && &data[0] == &t.last[0] {
		return t.made
	}
	t.room = c.appendText(t.room[:0], data)
	t.made, t.last = string(t.room), nil
	if listed { // what is not is in memory that another text will be in
		t.last = data
	}
	return t.made
}

// row returns a row that was loaded. It has no part in the loader's memory.
func (l *loader) row(r *row) *Row {
	loaded := &Row{Leaf: r.leaf, Record: r.Record}
	if !r.removed {
		l.text = r.appendLine(l.text[:0])
		loaded.Line = bytes.Clone(l.text)
	}
	return loaded
}
