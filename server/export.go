package server

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strconv"
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
	filter, err := selected(query)
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
		err = out.csv.Write(csvColumns)
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

// csvColumns are the columns of a CSV export; openapi.yaml describes them.
var csvColumns = []string{
	"id", "time", "replica", "sequence", "caller", "actor", "agent", "kind",
	"subject_type", "subject_id", "action", "action_channel", "action_role", "resource_type", "resource_id", "resource_organization",
	"decision", "reasons", "policy", "organization", "revision", "duration_us", "request_id", "trace_id", "batch", "input", "details",
}

func (w *exportWriter) csvLine(r *guard.Record) error {
	q := &r.Question
	row := []string{
		r.ID, r.Time.UTC().Format("2006-01-02T15:04:05.000000Z"), r.Replica, strconv.FormatInt(r.Sequence, 10), r.Caller, r.Actor, r.Agent, r.Kind,
		q.Subject.Type, q.Subject.ID, q.Action.Name, q.Action.Channel, q.Action.Role, q.Resource.Type, q.Resource.ID, q.Resource.Organization,
		strconv.FormatBool(r.Decision), reasonCodes(r.Reasons), r.Policy, r.Organization, strconv.FormatInt(r.Revision, 10),
		strconv.FormatInt(r.DurationUS, 10), r.RequestID, r.TraceID, r.Batch, string(r.Input), string(r.Details),
	}
	for i := range row {
		row[i] = harmless(row[i])
	}
	return w.csv.Write(row)
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

// reasonCodes gives the codes of reasons, with spaces between them.
func reasonCodes(raw json.RawMessage) string {
	var reasons []guard.Reason
	if err := json.Unmarshal(raw, &reasons); err != nil {
		return ""
	}
	codes := make([]string, len(reasons))
	for i, r := range reasons {
		codes[i] = r.Code
	}
	return strings.Join(codes, " ")
}

var _ io.Writer = (*exportWriter)(nil)
