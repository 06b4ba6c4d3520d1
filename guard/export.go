package guard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"cordon/ledger"
	"cordon/ledger/record"
)

// ErrExportCursor: a cursor is none that an export has given, or the record to go on behind is none.
var ErrExportCursor = errors.New("the cursor is none of an export")

// Export is a part of the log to be taken away: the records that are sealed when it is begun, or from where an earlier
// one ended until then. They stay the same however often they are read, so one that breaks off is gone on with.
type Export struct {
	Cursor string // of these records: they are exported again, from any of them on
	Next   string // of those that come behind them: nothing is missed and nothing comes twice

	guard    *Guard
	filter   RecordFilter
	after    string // the last record that the reader has
	leaves   ledger.Leaves
	view     view
	shown    func(organization string) (bool, error) // nil: all are
	manifest *ledger.Manifest
	at       time.Time
}

// ExportRow is a record of an export.
type ExportRow struct {
	Record
	Leaf int64  // of the tree that the record is in
	Line []byte // as it is exported: of a reader who sees all of it the line that was sealed, to the byte
}

// Export begins an export of the records that a filter selects and the caller may see, as [Guard.Records] has it,
// oldest first. With a cursor it is the part of the log that the cursor stands for; what After of the filter names
// and all before it the reader has then. Everything that is in the store is sealed first, so that each line can be
// proved. ErrExportCursor: the cursor or After is none.
func (g *Guard) Export(ctx context.Context, o *Origin, f RecordFilter, cursor string) (*Export, error) {
	var leaves ledger.Leaves
	if cursor != "" {
		var err error
		if leaves, err = ledger.ParseLeaves(cursor); err != nil {
			return nil, ErrExportCursor
		}
	}
	if _, ok := record.IDTime(f.After); f.After != "" && (!ok || leaves.To == 0) {
		return nil, ErrExportCursor
	}
	e := &Export{guard: g, after: f.After, view: o.view(), at: g.now()}
	f.After, f.OldestFirst = "", true
	reader := *o
	reader.how = "export"
	all, err := g.admit(ctx, &reader, &f)
	if err != nil {
		return nil, err
	}
	if !all {
		e.shown = g.shown(ctx, &reader, &f)
	}
	if leaves.To == 0 {
		leaves, err = g.ledger.SealedFrom(ctx, leaves.From)
	} else if reached, wrong := g.ledger.Reached(ctx, leaves); wrong != nil || !reached {
		err = errors.Join(wrong, ErrExportCursor)
	}
	if errors.Is(err, ledger.ErrPosition) {
		err = ErrExportCursor
	}
	if err != nil {
		return nil, fmt.Errorf("begin an export: %w", err)
	}
	e.filter, e.leaves = f, leaves
	e.Cursor, e.Next = leaves.String(), ledger.Leaves{From: leaves.To}.String()
	e.manifest = ledger.NewManifest(e.view.whole())
	return e, nil
}

// Rows returns the records that the reader does not have yet, once. The manifest is of all of them.
func (e *Export) Rows(ctx context.Context) iter.Seq2[ExportRow, error] {
	return func(yield func(ExportRow, error) bool) {
		e.guard.reading.Add(1)
		defer e.guard.reading.Add(-1)
		for row, err := range e.guard.ledger.EntriesAmong(ctx, e.leaves, e.filter) {
			if err == nil && e.shown != nil {
				var allowed bool
				if allowed, err = e.shown(row.Record.Organization); err == nil && !allowed {
					continue
				}
			}
			if err != nil {
				yield(ExportRow{}, err)
				return
			}
			entry := ExportRow{row.Record, row.Leaf, row.Line}
			if !e.view.whole() {
				e.view.mask(&entry.Record)
				entry.Line = entry.AppendJSON(nil)
			}
			e.manifest.Add(row.Leaf, entry.Line)
			if entry.ID > e.after && !yield(entry, nil) {
				return
			}
		}
	}
}

// WriteManifest writes what is proved of the records, when all of them were read: the last line of an export as NDJSON
// ([ledger.Manifest]).
func (e *Export) WriteManifest(ctx context.Context, w io.Writer) error {
	return e.guard.ledger.WriteManifest(ctx, w, e.manifest, struct {
		Filter map[string]string `json:"filter"`
		Masked bool              `json:"masked,omitempty"`
		From   int64             `json:"from_leaf"` // all leaves from here on were looked at
		To     int64             `json:"to_leaf"`   // and before here
		At     time.Time         `json:"exported_at"`
		Cursor string            `json:"cursor"`
		Next   string            `json:"next_cursor"`
	}{e.filter.Asked(), !e.view.whole(), e.leaves.From, e.leaves.To, e.at.UTC(), e.Cursor, e.Next})
}

// Parquet writes the rows of an export as a Parquet file.
type Parquet = ledger.Parquet

// NewParquet returns what writes such a file.
func NewParquet(w io.Writer) *Parquet { return ledger.NewParquet(w) }
