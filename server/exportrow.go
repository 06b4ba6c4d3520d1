package server

import (
	"encoding/csv"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"cordon/guard"
)

// byteOrderMark is what a spreadsheet knows UTF-8 by.
const byteOrderMark = "\ufeff"

// csvColumn is a column of a CSV export: one fact of a record.
type csvColumn struct {
	name string
	of   func(*csvRecord) string
}

// csvRecord is a record with its input and its details taken apart.
type csvRecord struct {
	*guard.ExportRow
	input   map[string]map[string]cell // by section and member, as policies/schemas/input.jsonschema names them
	details map[string]cell
	event   map[string]cell // that an agent reported
	reasons []guard.Reason
	changes string
}

// csvTable holds the columns of a CSV export in their order, which openapi.yaml lists. A fact that is added goes to the
// end of its group; none is renamed.
func csvTable() []csvColumn {
	return slices.Concat(askedColumns(), answerColumns(), inputColumns(), detailColumns(), tracedColumns())
}

func askedColumns() []csvColumn {
	return []csvColumn{
		{"id", func(r *csvRecord) string { return r.ID }},
		{"time", func(r *csvRecord) string { return r.Time.UTC().Format("2006-01-02T15:04:05.000000Z") }},
		{"replica", func(r *csvRecord) string { return r.Replica }},
		{"sequence", func(r *csvRecord) string { return strconv.FormatInt(r.Sequence, 10) }},
		{"caller", func(r *csvRecord) string { return r.Caller }},
		{"actor", func(r *csvRecord) string { return r.Actor }},
		{"agent", func(r *csvRecord) string { return r.Agent }},
		{"kind", func(r *csvRecord) string { return r.Kind }},
		{"subject_type", func(r *csvRecord) string { return r.Question.Subject.Type }},
		{"subject_id", func(r *csvRecord) string { return r.Question.Subject.ID }},
		{"action", func(r *csvRecord) string { return r.Question.Action.Name }},
		{"action_channel", func(r *csvRecord) string { return r.Question.Action.Channel }},
		{"action_role", func(r *csvRecord) string { return r.Question.Action.Role }},
		{"resource_type", func(r *csvRecord) string { return r.Question.Resource.Type }},
		{"resource_id", func(r *csvRecord) string { return r.Question.Resource.ID }},
		{"resource_organization", func(r *csvRecord) string { return r.Question.Resource.Organization }},
	}
}

func answerColumns() []csvColumn {
	return []csvColumn{
		{"decision", func(r *csvRecord) string { return strconv.FormatBool(r.Decision) }},
		{"reasons", func(r *csvRecord) string { return r.joined(func(reason guard.Reason) string { return reason.Code }) }},
		{"message", func(r *csvRecord) string { return r.joined(func(reason guard.Reason) string { return reason.Message }) }},
		{"conflict", detail("conflict")},
		{"said", func(r *csvRecord) string { return string(r.details["reason"] + r.details["justification"]) }},
		{"ticket", detail("ticket")},
		{"code_of", detail("code_of")},
		{"expires_at", detail("expires_at")},
		{"changes", func(r *csvRecord) string { return r.changes }},
	}
}

// inputColumns are the facts that the record was decided on, named for their section and member.
func inputColumns() []csvColumn {
	facts := []struct{ section, members string }{
		{"subject", "kind member role granted blocked blocked_channels itself"},
		{"resource", "known kind blocks maintenance role channel"},
		{"organization", "other_admins other_legal_representatives settings"},
		{"act", "origin code justification ends"},
		{"time", "weekday hour minute"},
	}
	var columns []csvColumn
	for _, f := range facts {
		for member := range strings.FieldsSeq(f.members) {
			columns = append(columns, csvColumn{f.section + "_" + member, func(r *csvRecord) string { return string(r.input[f.section][member]) }})
		}
	}
	return columns
}

// detailColumns are what is asked for most of a change and a preview, and behind them the rest.
func detailColumns() []csvColumn {
	return []csvColumn{
		{"preview", detail("preview")},
		{"standing_blocks", detail("blocks")},
		{"channels", detail("channels")},
		{"purpose", detail("purpose")},
		{"looked_for", func(r *csvRecord) string { return lookedFor([]byte(r.details["filter"])) }},
		{"reported_at", func(r *csvRecord) string { return string(r.event["timestamp"]) }},
		{"details", func(r *csvRecord) string {
			var parts []string
			for _, name := range slices.Sorted(maps.Keys(r.details)) {
				if !slices.Contains(ownColumn, name) {
					parts = append(parts, name+": "+string(r.details[name]))
				}
			}
			return strings.Join(parts, "; ")
		}},
	}
}

// ownColumn names the details that have a column of their own.
var ownColumn = []string{"conflict", "reason", "justification", "ticket", "code_of", "expires_at", "changes", "preview", "blocks", "channels",
	"purpose", "filter"}

func tracedColumns() []csvColumn {
	return []csvColumn{
		{"policy", func(r *csvRecord) string { return r.Policy }},
		{"organization", func(r *csvRecord) string { return r.Organization }},
		{"revision", func(r *csvRecord) string { return strconv.FormatInt(r.Revision, 10) }},
		{"duration_us", func(r *csvRecord) string { return strconv.FormatInt(r.DurationUS, 10) }},
		{"request_id", func(r *csvRecord) string { return r.RequestID }},
		{"trace_id", func(r *csvRecord) string { return r.TraceID }},
		{"batch", func(r *csvRecord) string { return r.Batch }},
		{"leaf", func(r *csvRecord) string { return strconv.FormatInt(r.Leaf, 10) }},
	}
}

func detail(name string) func(*csvRecord) string {
	return func(r *csvRecord) string { return string(r.details[name]) }
}

func (r *csvRecord) joined(what func(guard.Reason) string) string {
	texts := make([]string, len(r.reasons))
	for i, reason := range r.reasons {
		texts[i] = what(reason)
	}
	return strings.Join(texts, " ")
}

// csvRows makes rows of records.
type csvRows struct {
	columns []csvColumn
	row     []string
}

func newCSVRows() *csvRows {
	columns := csvTable()
	return &csvRows{columns: columns, row: make([]string, len(columns))}
}

// head is the first row: the names of the columns.
func (c *csvRows) head() []string {
	names := make([]string, len(c.columns))
	for i := range c.columns {
		names[i] = c.columns[i].name
	}
	return names
}

// of is a record as a row, which is good until the next call. What cannot be read leaves its cells empty: the rest of
// the record is still told. NDJSON has what no column has.
func (c *csvRows) of(record *guard.ExportRow) []string {
	r := csvRecord{ExportRow: record}
	_ = json.Unmarshal(record.Reasons, &r.reasons)
	_ = json.Unmarshal(record.Details, &r.details)
	var sections map[string]json.RawMessage
	_ = json.Unmarshal(record.Input, &sections)
	r.input = make(map[string]map[string]cell, len(sections))
	for name, section := range sections {
		var members map[string]cell
		_ = json.Unmarshal(section, &members)
		r.input[name] = members
	}
	if event, ok := r.details["opa"]; ok {
		_ = json.Unmarshal([]byte(event), &r.event)
	}
	if changes, ok := r.details["changes"]; ok {
		r.changes = told([]byte(changes))
	}
	for i := range c.columns {
		c.row[i] = harmless(c.columns[i].of(&r))
	}
	return c.row
}

// csvExport writes records as rows.
type csvExport struct {
	w    *exportWriter
	csv  *csv.Writer
	rows *csvRows
}

func newCSVExport(w *exportWriter) *csvExport {
	return &csvExport{w: w, csv: csv.NewWriter(w.buffer), rows: newCSVRows()}
}

func (e *csvExport) begin() error {
	if e.w.continued {
		return nil
	}
	if _, err := e.w.buffer.WriteString(byteOrderMark); err != nil {
		return err
	}
	return e.csv.Write(e.rows.head())
}

func (e *csvExport) write(r *guard.ExportRow) error { return e.csv.Write(e.rows.of(r)) }

func (e *csvExport) end() error { return e.flush() }

func (e *csvExport) flush() error {
	e.csv.Flush()
	return e.csv.Error()
}

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

// cell is a JSON value as a cell shows it: a text without its quotes, a list of texts with spaces between them,
// anything else as it is.
type cell string

// UnmarshalJSON reads any value.
func (c *cell) UnmarshalJSON(raw []byte) error {
	var text string
	var list []string
	switch {
	case json.Unmarshal(raw, &text) == nil:
		*c = cell(text)
	case json.Unmarshal(raw, &list) == nil:
		*c = cell(strings.Join(list, " "))
	default:
		*c = cell(raw)
	}
	return nil
}

// lookedFor is the filter of a reading as one cell: "kind=change; subject=carl".
func lookedFor(raw []byte) string {
	var filter map[string]string
	if json.Unmarshal(raw, &filter) != nil {
		return string(raw)
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(filter)) {
		parts = append(parts, name+"="+filter[name])
	}
	return strings.Join(parts, "; ")
}

// told is changes as one cell: "user carl email: a -> b; ...". Changes of another shape are told as they are.
func told(raw []byte) string {
	var changes []guard.Changed
	if json.Unmarshal(raw, &changes) != nil {
		return string(raw)
	}
	var parts []string
	for _, c := range changes {
		for _, name := range slices.Sorted(maps.Keys(c.Set)) {
			var from, to cell
			_ = from.UnmarshalJSON(c.Set[name].From) // it reads anything
			_ = to.UnmarshalJSON(c.Set[name].To)
			parts = append(parts, c.Noun+" "+c.ID+" "+name+": "+string(from)+" -> "+string(to))
		}
	}
	return strings.Join(parts, "; ")
}
