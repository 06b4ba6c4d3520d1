package segment

import (
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
)

// Writer writes records as one Parquet file of any length, with the columns of a segment, for whoever takes them away.
// It keeps the records of one row group in memory, packed.
type Writer struct {
	out   *parquet.GenericWriter[any]
	reads *lineReader
	group int64 // how many rows one has
	rows  int64 // of the last one
}

// NewWriter returns a writer of a file.
func NewWriter(w io.Writer) *Writer { return newWriter(w, MaxRows) }

func newWriter(w io.Writer, group int64) *Writer {
	out := newTable(w, parquet.WriteBufferSize(0))
	return &Writer{out: out, reads: newLineReader(out), group: group}
}

// Write adds the record of a leaf by its line.
func (w *Writer) Write(leaf int64, line []byte) error {
	if _, err := w.reads.row(leaf, line); err != nil {
		return fmt.Errorf("write Parquet: %w", err)
	}
	if w.rows++; w.rows < w.group {
		return nil
	}
	return w.flush()
}

// flush ends a group of rows.
func (w *Writer) flush() error {
	w.rows = 0
	err := w.reads.flush()
	if err == nil {
		err = w.out.Flush()
	}
	if err != nil {
		return fmt.Errorf("write Parquet: %w", err)
	}
	return nil
}

// Close writes the end of the file, without which it is none.
func (w *Writer) Close() error {
	if err := w.flush(); err != nil {
		return err
	}
	if err := w.out.Close(); err != nil {
		return fmt.Errorf("write Parquet: %w", err)
	}
	return nil
}
