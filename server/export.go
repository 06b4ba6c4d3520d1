package server

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"time"

	"cordon/guard"
)

// flushEvery is how many records an export holds back at most.
const flushEvery = 256

// exportRecords streams the selected records, oldest first, as NDJSON or CSV. One that breaks off
// ends without its last chunk, which every HTTP client tells from a whole one.
func exportRecords(c *call) error {
	query := c.req.URL.Query()
	format, err := oneOf(query, "format", "ndjson", "csv")
	if err != nil {
		return err
	}
	filter, err := selected(c, query)
	if err != nil {
		return err
	}
	filter.OldestFirst = true
	found, err := c.server.config.Guard.Records(c.context(), &c.origin, filter)
	if err != nil {
		return err
	}
	// The first record is fetched before the status is sent: until then a failure can be told.
	next, stop := iter.Pull2(found)
	defer stop()
	record, err, more := next()
	if err != nil {
		return fmt.Errorf("read records: %w", err)
	}
	h := c.header()
	out := &exportWriter{call: c, control: c.control()}
	out.buffer = bufio.NewWriterSize(out, 32<<10)
	write := out.ndjson
	if format == "csv" {
		h.Set("Content-Type", "text/csv; charset=utf-8; header=present")
		h.Set("Content-Disposition", `attachment; filename="decisions.csv"`)
		out.csv = csv.NewWriter(out.buffer)
		write = out.csvLine
	} else {
		h.Set("Content-Type", "application/x-ndjson")
	}
	c.begin(http.StatusOK)
	if out.csv != nil {
		if _, err = out.buffer.WriteString(byteOrderMark); err == nil {
			out.rows = newCSVRows()
			err = out.csv.Write(out.rows.head())
		}
	}
	for n := 1; more && err == nil; n++ {
		if err = write(&record); err == nil && n%flushEvery == 0 {
			err = out.flush()
		}
		if err == nil {
			record, err, more = next()
		}
	}
	if err == nil {
		err = out.flush()
	}
	if err != nil {
		return fmt.Errorf("export records: %w", err)
	}
	return nil
}

// exportWriter writes an export, which may take as long as data flows.
type exportWriter struct {
	call    *call
	control *http.ResponseController
	buffer  *bufio.Writer
	csv     *csv.Writer
	rows    *csvRows
	line    []byte
}

func (w *exportWriter) Write(p []byte) (int, error) {
	err := w.control.SetWriteDeadline(time.Now().Add(writeTimeout))
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	return w.call.write(p)
}

func (w *exportWriter) flush() error {
	if w.csv != nil {
		w.csv.Flush()
		if err := w.csv.Error(); err != nil {
			return err
		}
	}
	if err := w.buffer.Flush(); err != nil {
		return err
	}
	if err := w.control.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}

func (w *exportWriter) ndjson(r *guard.Record) error {
	w.line = append(r.AppendJSON(w.line[:0]), '\n')
	_, err := w.buffer.Write(w.line)
	return err
}

func (w *exportWriter) csvLine(r *guard.Record) error { return w.csv.Write(w.rows.of(r)) }

// harmless keeps a spreadsheet from running a cell: ids in questions may be anything. An apostrophe
// goes before what could begin a formula, and before an apostrophe, so that it can be taken away
// again.
func harmless(cell string) string {
	if cell == "" || !strings.ContainsRune("=+-@\t\r\n'|%", rune(cell[0])) && cell[0] < 0x80 {
		return cell
	}
	if first := []rune(cell)[0]; cell[0] >= 0x80 && !strings.ContainsRune("＝＋－＠", first) {
		return cell
	}
	return "'" + cell
}

var _ io.Writer = (*exportWriter)(nil)
