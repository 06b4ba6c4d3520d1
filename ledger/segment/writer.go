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
}

// NewWriter returns a writer of a file.
func NewWriter(w io.Writer) *Writer { return newWriter(w, MaxRows) }

func newWriter(w io.Writer, group int64) *Writer {
	return &Writer{out: newTable(w, parquet.MaxRowsPerRowGroup(group), parquet.WriteBufferSize(0)), reads: newLineReader()}
}

// Write adds the record of a leaf by its line.
func (w *Writer) Write(leaf int64, line []byte) error {
	if _, err := w.reads.row(leaf, line); err != nil {
		return fmt.Errorf("write Parquet: %w", err)
	}
	if len(w.reads.rows) < rowsAtOnce {
		return nil
	}
	return w.flush()
}

func (w *Writer) flush() error {
	if err := w.reads.flush(w.out); err != nil {
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
