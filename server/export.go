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

	"cordon.example/client"
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
	write(r *guard.ExportRow) error
	flush() error // what is held back, into the buffer
	end() error
}

const mediaLines = "application/x-ndjson"

// exportFormats holds the forms; the first is the one without a word.
func exportFormats() []exportFormat {
	return []exportFormat{
		{"ndjson", mediaLines, "decisions.ndjson", func(w *exportWriter) exporter { return &lineExport{w: w, of: recordLine} }},
		{"csv", "text/csv; charset=utf-8; header=present", "decisions.csv", func(w *exportWriter) exporter { return newCSVExport(w) }},
		{formParquet, "application/vnd.apache.parquet", "decisions.parquet",
			func(w *exportWriter) exporter { return &parquetExport{guard.NewParquet(w.buffer)} }},
		{"opa", mediaLines, "decisions.opa.ndjson", func(w *exportWriter) exporter { return &lineExport{w: w, of: eventLine} }},
		{formManifest, mediaLines, "decisions.manifest.ndjson", func(w *exportWriter) exporter { return &lineExport{w: w, of: noLine} }},
	}
}

// formManifest is the form that is the manifest alone, for a file beside one in a form that has none.
const formManifest = "manifest"

// formParquet is the form that has no use for a part of it.
const formParquet = "parquet"

// proves reports whether an export ends with its manifest.
func (f *exportFormat) proves() bool { return f.name == "ndjson" || f.name == formManifest }

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

// exportQuery is what an export is asked for by beside the filters.
var exportQuery = []string{"format", "cursor", "after"}

// exportOf begins the export that a call asks for.
func exportOf(c *call, query url.Values) (*guard.Export, error) {
	filter, err := selected(query)
	if err != nil {
		return nil, err
	}
	cursor, err := single(query, "cursor")
	if err != nil {
		return nil, err
	}
	if filter.After, err = single(query, "after"); err != nil {
		return nil, err
	}
	return c.server.config.Guard.Export(c.context(), &c.origin, filter, cursor)
}

// exportRecords streams the selected records, oldest first, in the form that is asked for. One that breaks off
// ends without its last chunk, which every HTTP client tells from a whole one.
func exportRecords(c *call) error {
	query := c.req.URL.Query()
	format, err := formatOf(query)
	if err != nil {
		return err
	}
	if format.name == formParquet && query.Has("after") {
		return because(errQuery, "a Parquet file is whole or none: leave after out, and the cursor gives the same file again")
	}
	export, err := exportOf(c, query)
	if err != nil {
		return err
	}
	// The first record is fetched before the status is sent: until then a failure can be told.
	next, stop := iter.Pull2(export.Rows(c.context()))
	defer stop()
	row, err, more := next()
	if err != nil {
		return fmt.Errorf("read records: %w", err)
	}
	h := c.header()
	h.Set("Content-Type", format.media)
	h.Set("Content-Disposition", `attachment; filename="`+format.file+`"`)
	h.Set(client.HeaderCursor, export.Cursor)
	h.Set(client.HeaderNextCursor, export.Next)
	out := &exportWriter{call: c, control: c.control(), continued: query.Get("after") != ""}
	out.buffer = bufio.NewWriterSize(out, 32<<10)
	exporter := format.open(out)
	c.begin(http.StatusOK)
	err = exporter.begin()
	for n := 1; more && err == nil; n++ {
		if err = exporter.write(&row); err == nil && n%flushEvery == 0 {
			err = errors.Join(exporter.flush(), out.flush())
		}
		if err == nil {
			row, err, more = next()
		}
	}
	if err == nil {
		err = exporter.end()
	}
	if err == nil && format.proves() {
		err = export.WriteManifest(c.context(), out.buffer)
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

	continued bool // behind what the reader has
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
	of   func(dst []byte, r *guard.ExportRow) []byte // with its newline
	line []byte
}

func recordLine(dst []byte, r *guard.ExportRow) []byte { return append(append(dst, r.Line...), '\n') }
func eventLine(dst []byte, r *guard.ExportRow) []byte {
	return append(guard.AppendEvent(dst, &r.Record), '\n')
}
func noLine(dst []byte, _ *guard.ExportRow) []byte { return dst }

func (*lineExport) begin() error { return nil }
func (*lineExport) flush() error { return nil }
func (*lineExport) end() error   { return nil }

func (e *lineExport) write(r *guard.ExportRow) error {
	e.line = e.of(e.line[:0], r)
	_, err := e.w.buffer.Write(e.line)
	return err
}

// parquetExport writes a Parquet file.
type parquetExport struct{ file *guard.Parquet }

func (*parquetExport) begin() error { return nil }
func (*parquetExport) flush() error { return nil }
func (e *parquetExport) end() error { return e.file.Close() }

func (e *parquetExport) write(r *guard.ExportRow) error { return e.file.Write(r.Leaf, r.Line) }

var _ io.Writer = (*exportWriter)(nil)
