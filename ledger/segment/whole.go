package segment

import (
	"context"
	"fmt"

	"github.com/parquet-go/parquet-go"
)

// whole reads all rows of a segment, in their order: where everything is needed, at a fraction of what a [loader] takes.
// Every page is unpacked once, and the texts of a column are made together.
type whole struct {
	s    *Segment
	in   loader // whose pages they are
	next int64
	made row
	runs []*run // of the columns that hold something
}

// run is a column as it is read from its first value to its last.
type run struct {
	column
	number int
	chunk  *chunk
	from   pieces
	next   int64 // row
	page   *page

	read     [valuesAtOnce]parquet.Value
	texts    [valuesAtOnce]string // of these, where it is a column of texts
	at, many int
	room     []byte
}

// valuesAtOnce is how many values are read at a time.
const valuesAtOnce = 128

// whole returns a reader that stands before the first row. It is to be closed.
func (s *Segment) whole(ctx context.Context) (*whole, error) {
	h, err := s.index().head(ctx)
	if err != nil {
		return nil, err
	}
	chunks, err := s.opened(ctx, h)
	if err != nil {
		return nil, err
	}
	w := &whole{s: s, in: loader{s: s, onward: true}}
	pages := w.in.paged(len(chunks))
	for i, c := range columns(&w.made) {
		if chunks[i] != nil {
			w.runs = append(w.runs, &run{column: c, number: i, chunk: chunks[i], from: pieces{ctx, s, h}, page: &pages[i]})
		}
	}
	return w, nil
}

func (w *whole) close() { w.in.close() }

// row reads the next row. It is there until the one behind it.
func (w *whole) row() (r *row, err error) {
	defer contain(&err)
	w.made = row{}
	for _, c := range w.runs {
		if err := c.set(); err != nil {
			return nil, fmt.Errorf("column %s: %w", c.name, err)
		}
	}
	if w.made.leaf != w.s.info.First+w.next {
		return nil, fmt.Errorf("%w: a row is of another leaf", ErrCorrupt)
	}
	w.next++
	return &w.made, nil
}

// set puts the next value into the row.
func (r *run) set() error {
	if r.at == r.many {
		if err := r.more(); err != nil {
			return err
		}
	}
	value := &r.read[r.at]
	if !value.IsNull() && !r.setText(r.texts[r.at]) {
		r.column.set(*value, nil)
	}
	r.at++
	return nil
}

// more reads values. They are in the memory of their page, which stays until they are used.
func (r *run) more() error {
	p := r.page
	if err := p.turn(r.from, r.chunk, r.number, r.next); err != nil {
		return err
	}
	r.at, r.many = 0, int(min(valuesAtOnce, p.first+int64(p.rows)-r.next))
	for i := range r.many {
		r.read[i] = p.of(int(r.next - p.first))
		r.next++
	}
	r.makeTexts()
	return nil
}

// makeTexts makes the texts of the values that were read, all in one piece of memory. One that is that of the value
// before it is not made again.
func (r *run) makeTexts() {
	if !r.textual() {
		return
	}
	var begins, ends [valuesAtOnce]int
	room, begin := r.room[:0], 0
	var last []byte
	for i := range r.read[:r.many] {
		// Of a dictionary come not only the same bytes, but the same memory.
		if data := r.read[i].ByteArray(); len(data) > 0 && (len(data) != len(last) || &data[0] != &last[0]) {
			from := len(room)
			if room = r.appendText(room, data); string(room[from:]) == string(room[begin:from]) {
				room = room[:from]
			} else {
				begin = from
			}
			last = data
		}
		begins[i], ends[i] = begin, len(room)
	}
	all := string(room)
	for i, begin := range begins[:r.many] {
		r.texts[i] = all[begin:ends[i]]
	}
	r.room = room
}
