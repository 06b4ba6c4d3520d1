package segment

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"cordon/datastore"
	"cordon/ledger/record"

	"github.com/parquet-go/parquet-go"
)

// Built is a segment that is ready to be written: Data as Info.Name, Index as Info.IndexName.
type Built struct {
	Info  Info
	Data  []byte
	Index []byte
}

// rowsAtOnce is how many rows are read in one go.
const rowsAtOnce = 256

// pageBytes is about how much of a column has to be unpacked for one value of it, and dictionaryBytes how much more at
// most where the column has a dictionary: enough for some hundred different inputs.
const (
	pageBytes       = 16 << 10
	dictionaryBytes = 256 << 10
)

// Build makes a segment of a pile of lines, the canonical lines of records, the first of which is the leaf first. An empty line
// stands for a record that was removed: its row is there and says nothing. The order is that of the leaves; where it
// is that of the ids too, as it is but for what was shipped late, the index is smaller.
//
// Every line comes out again as it went in: one that the columns do not make again is kept beside them.
//
// Where a pause is given it is called often, for the most part several times in a millisecond, and ends it with an error.
func Build(first, generation int64, lines *Pile, pause ...Pause) (Built, error) {
	b := Built{Info: Info{First: first, Count: int64(lines.Len()), Generation: generation, FirstID: noID, LastID: noID}}
	if !b.Info.valid() {
		return Built{}, fmt.Errorf("build a segment of %d lines from leaf %d: there may be 1 to %d", lines.Len(), first, MaxRows)
	}
	var data bytes.Buffer
	w := newTable(&data, parquet.PageBufferSize(pageBytes), parquet.DictionaryMaxBytes(dictionaryBytes))
	x := newIndexer(b.Info.Count)
	reads, turn := newLineReader(w), newPacer(pause)
	i := 0
	for line := range lines.From(0) {
		r, err := reads.row(first+int64(i), line)
		if err == nil {
			err = turn.line(line)
		}
		if err != nil {
			return Built{}, fmt.Errorf("build a segment: %w", err)
		}
		if !r.removed {
			x.add(&r.Record, uint16(i))
		}
		i++
	}
	if err := reads.flush(); err != nil {
		return Built{}, fmt.Errorf("build a segment: %w", err)
	}
	data.Grow(int(w.Size()))
	if err := w.Close(); err != nil {
		return Built{}, fmt.Errorf("build a segment: %w", err)
	}
	b.Data = data.Bytes()
	var err error
	if b.Info, b.Index, err = x.index(b.Info, b.Data, pause); err != nil {
		return Built{}, fmt.Errorf("build a segment: %w", err)
	}
	if len(b.Data) > datastore.MaxFileBytes || len(b.Index) > datastore.MaxFileBytes {
		return Built{}, fmt.Errorf("build a segment of %d lines: %w", lines.Len(), ErrTooLarge)
	}
	return b, nil
}

// newTable returns a writer of rows. A new one each time: one that is used again leaves the names of columns out, and
// other readers fail.
func newTable(w io.Writer, options ...parquet.WriterOption) *parquet.GenericWriter[any] {
	return parquet.NewGenericWriter[any](w, append(options, schema(),
		parquet.Compression(newCodec()), parquet.CreatedBy("cordon", "1", ""))...)
}

// Pause is called by what takes long, so that it need not hold up others. It returns when there is more time to take.
type Pause func() error

func paused(pause []Pause) error {
	for _, p := range pause {
		if err := p(); err != nil {
			return err
		}
	}
	return nil
}

// pacer pauses by how much was done: to look at the clock for each line would be a good part of it.
type pacer struct {
	pause []Pause
	done  int // bytes, since the last
}

// pacedBytes is how much there is between two pauses: some tenth of a millisecond.
const pacedBytes = 8 << 10

// newPacer returns one that pauses with the first line.
func newPacer(pause []Pause) pacer { return pacer{pause, pacedBytes} }

// line is called for each line. One that is empty takes time, too.
func (p *pacer) line(line []byte) error {
	if p.done += 64 + len(line); p.done < pacedBytes {
		return nil
	}
	p.done = 0
	return paused(p.pause)
}

// lineReader makes rows of lines, and has them written. It remembers the codes of reasons, which are the same in many records.
type lineReader struct {
	decoder record.Decoder
	codes   map[string][]string
	made    row // all rows are made in the same memory
	columns [34]column
	text    []byte

	// The values of the columns, until so many rows are written.
	writers []*parquet.ColumnWriter
	values  [34][]parquet.Value
	room    room
	count   int
}

// rowsWritten is how many rows are written in one go: a page may be longer by so many values than it should be.
const rowsWritten = 64

func newLineReader(w *parquet.GenericWriter[any]) *lineReader {
	l := &lineReader{codes: map[string][]string{}, writers: w.ColumnWriters()}
	l.columns = columns(&l.made)
	return l
}

// row reads a line, and adds its values to those that are to be written. The row is there until the next.
func (l *lineReader) row(leaf int64, line []byte) (*row, error) {
	r := &l.made
	r.leaf, r.removed, r.codes, r.line = leaf, len(line) == 0, nil, nil
	if r.removed {
		return r, l.add()
	}
	if err := l.decoder.Decode(line, &r.Record); err != nil {
		return nil, fmt.Errorf("leaf %d: %w", leaf, err)
	}
	if _, ok := record.IDTime(r.ID); !ok {
		return nil, fmt.Errorf("leaf %d: %q is no id of a record", leaf, r.ID)
	}
	var known bool
	if r.codes, known = l.codes[string(r.Reasons)]; !known {
		r.codes = slices.Collect(r.Counted("reason"))
		if len(l.codes) < rowsAtOnce {
			l.codes[string(r.Reasons)] = r.codes
		}
	}
	// Whether the file makes the line again is seen when it is checked; here, whether what it is given does.
	if l.text = r.appendText(l.text[:0]); !bytes.Equal(l.text, line) {
		r.line = line
	}
	return r, l.add()
}

// add adds the values of the row, and has the rows written that are there if they are enough.
func (l *lineReader) add() error {
	for i := range l.columns {
		l.values[i] = l.columns[i].appendTo(l.values[i], l.made.removed, &l.room)
	}
	if l.count++; l.count < rowsWritten {
		return nil
	}
	return l.flush()
}

// flush has the rows written that are there, of which the library keeps no memory.
func (l *lineReader) flush() error {
	if l.count == 0 {
		return nil // the library takes no empty list of values
	}
	for i, values := range l.values {
		if _, err := l.writers[i].WriteRowValues(values); err != nil {
			return err
		}
		l.values[i] = values[:0]
	}
	l.room, l.count = l.room[:0], 0
	return nil
}

// appendLine appends the line of a record that was not removed.
func (r *row) appendLine(dst []byte) []byte {
	if len(r.line) > 0 {
		return append(dst, r.line...)
	}
	return r.appendText(dst)
}

// appendText appends the line that the columns make.
func (r *row) appendText(dst []byte) []byte {
	r.Compact = true // the members come from a line, and were held against it when the segment was built
	dst = r.AppendJSON(dst)
	r.Compact = false
	return dst
}

// finish brings the record to what its line says.
func (r *row) finish() error {
	if len(r.line) == 0 {
		return nil
	}
	r.Record = record.Record{}
	if err := record.Decode(r.line, &r.Record); err != nil {
		return errors.Join(ErrCorrupt, err)
	}
	return nil
}
