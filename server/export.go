package server

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"time"

	"cordon/guard"
)

// flushEvery is how many records an export holds back at most.
const flushEvery = 256

// exportFormat is a form in which the log is exported.
type exportFormat struct {
	name, media, file string
	open              func(*exportWriter) exporter
}

// exporter writes records in a form.
type exporter interface {
	begin() error
	write(r *guard.Record) error
	flush() error // what is held back, into the buffer
}

// exportFormats holds the forms; the first is the one without a word.
func exportFormats() []exportFormat {
	return []exportFormat{
		{"ndjson", "application/x-ndjson", "decisions.ndjson", func(w *exportWriter) exporter { return &lineExport{w: w, of: appendLine} }},
		{"csv", "text/csv; charset=utf-8; header=present", "decisions.csv", func(w *exportWriter) exporter { return newCSVExport(w) }},
		{"opa", "application/x-ndjson", "decisions.opa.ndjson", func(w *exportWriter) exporter { return &lineExport{w: w, of: guard.AppendEvent} }},
	}
}

// formatOf reads which form is asked for.
func formatOf(query url.Values) (exportFormat, error) {
	formats := exportFormats()
	names := make([]string, len(formats))
	for i, f := range formats {
		names[i] = f.name
	}
	name, err := oneOf(query, "format", names...)
	if err != nil {
		return exportFormat{}, err
	}
	return formats[max(slices.Index(names, name), 0)], nil
}

// exportRecords streams the selected records, oldest first, in the form that is asked for. One that breaks off
// ends without its last chunk, which every HTTP client tells from a whole one.
func exportRecords(c *call) error {
	query := c.req.URL.Query()
	format, err := formatOf(query)
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
	h.Set("Content-Type", format.media)
	h.Set("Content-Disposition", `attachment; filename="`+format.file+`"`)
	out := &exportWriter{call: c, control: c.control()}
	out.buffer = bufio.NewWriterSize(out, 32<<10)
	exporter := format.open(out)
	c.begin(http.StatusOK)
	err = exporter.begin()
	for n := 1; more && err == nil; n++ {
		if err = exporter.write(&record); err == nil && n%flushEvery == 0 {
			err = errors.Join(exporter.flush(), out.flush())
		}
		if err == nil {
			record, err, more = next()
		}
	}
	if err == nil {
		err = errors.Join(exporter.flush(), out.flush())
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
}

func (w *exportWriter) Write(p []byte) (int, error) {
	err := w.control.SetWriteDeadline(time.Now().Add(writeTimeout))
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	return w.call.write(p)
}

// flush sends what is held back.
func (w *exportWriter) flush() error {
	if err := w.buffer.Flush(); err != nil {
		return err
	}
	if err := w.control.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}

// lineExport writes each record as a line of JSON.
type lineExport struct {
	w    *exportWriter
	of   func(dst []byte, r *guard.Record) []byte
	line []byte
}

func appendLine(dst []byte, r *guard.Record) []byte { return r.AppendJSON(dst) }

func (*lineExport) begin() error { return nil }
func (*lineExport) flush() error { return nil }

func (e *lineExport) write(r *guard.Record) error {
	e.line = append(e.of(e.line[:0], r), '\n')
	_, err := e.w.buffer.Write(e.line)
	return err
}

var _ io.Writer = (*exportWriter)(nil)
