package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"time"
)

// Formats of an export.
const (
	FormatNDJSON   = "ndjson"
	FormatCSV      = "csv"
	FormatParquet  = "parquet"
	FormatOPA      = "opa"      // NDJSON in the shape of OPA's decision log
	FormatManifest = "manifest" // the manifest alone
)

// ExportOptions say how records are exported. The zero value exports all of them as NDJSON.
type ExportOptions struct {
	Format string
	// Cursor is one of an earlier [Export]: its Cursor for the same records again, its NextCursor for those behind them.
	Cursor string
	// After is the id of the last record that is there, of an export with this Cursor that broke off: it goes on behind it.
	After string
}

// Export is an export under way. The caller closes it. One that breaks off is an error of Read, not its end.
type Export struct {
	io.ReadCloser
	Cursor, NextCursor string
}

// Export returns the records that the filter selects, oldest first, as a stream of any length.
func (c *Client) Export(ctx context.Context, filter RecordFilter, options ExportOptions) (*Export, error) {
	q := filter.query()
	for name, value := range map[string]string{"format": options.Format, "cursor": options.Cursor, "after": options.After} {
		if value != "" {
			q.Set(name, value)
		}
	}
	res, err := c.open(ctx, call{method: http.MethodGet, path: []string{"v1", "decisions", "export"}, query: q}) //nolint:bodyclose // the caller closes it
	if err != nil {
		return nil, fmt.Errorf("export records: %w", err)
	}
	return &Export{res.Body, res.Header.Get(HeaderCursor), res.Header.Get(HeaderNextCursor)}, nil
}

// ExportRecords is Export in a format.
func (c *Client) ExportRecords(ctx context.Context, filter RecordFilter, format string) (io.ReadCloser, error) {
	export, err := c.Export(ctx, filter, ExportOptions{Format: format})
	if err != nil {
		return nil, err
	}
	return export, nil
}

// Manifest is what the last line of an export as NDJSON says of the lines before it. `cordon audit verify` checks the
// rest of it, which proves them.
type Manifest struct {
	Filter     map[string]string `json:"filter"`
	Masked     bool              `json:"masked"` // parts of them were hidden from the reader, so they are not proved
	ExportedAt time.Time         `json:"exported_at"`
	Cursor     string            `json:"cursor"`
	NextCursor string            `json:"next_cursor"`
	Lines      int64             `json:"lines"`
	FirstLeaf  int64             `json:"first_leaf"`
	LastLeaf   int64             `json:"last_leaf"`
	Checkpoint string            `json:"checkpoint"`
}

// ErrIncomplete is wrapped where the end of an export is missing.
var ErrIncomplete = errors.New("the export is incomplete")

// ReadExport reads an export as NDJSON, and its last line into manifest (nil: it is only looked at).
func ReadExport(from io.Reader, manifest *Manifest) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		lines, count := bufio.NewReaderSize(from, 64<<10), int64(0)
		for {
			line, err := lines.ReadBytes('\n')
			if err != nil {
				yield(Record{}, fmt.Errorf("%w: %w", ErrIncomplete, err))
				return
			}
			if bytes.HasPrefix(line, []byte(`{"manifest":`)) {
				if err := readManifest(line, manifest, count); err != nil {
					yield(Record{}, err)
				}
				return
			}
			var r Record
			if err := json.Unmarshal(line, &r); err != nil {
				yield(Record{}, fmt.Errorf("read line %d of an export: %w", count+1, err))
				return
			}
			if count++; !yield(r, nil) {
				return
			}
		}
	}
}

func readManifest(line []byte, into *Manifest, lines int64) error {
	var last struct{ Manifest Manifest }
	if err := json.Unmarshal(line, &last); err != nil {
		return fmt.Errorf("read the manifest of an export: %w", err)
	}
	if last.Manifest.Lines != lines {
		return fmt.Errorf("%w: it has %d records, and its manifest says %d", ErrIncomplete, lines, last.Manifest.Lines)
	}
	if into != nil {
		*into = last.Manifest
	}
	return nil
}
