package server

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"cordon/guard"
)

// byteOrderMark is what a spreadsheet knows UTF-8 by.
const byteOrderMark = "\ufeff"

// csvColumns are the columns of a CSV export, one a fact; openapi.yaml describes them.
var csvColumns = []string{
	"id", "time", "replica", "sequence", "caller", "actor", "agent", "kind",
	"subject_type", "subject_id", "action", "action_channel", "action_role", "resource_type", "resource_id", "resource_organization",
	"decision", "reasons", "message", "conflict", "said", "ticket", "code_of", "expires_at", "changes",
	"subject_role", "subject_granted", "subject_blocked", "resource_kind", "resource_blocks", "resource_maintenance",
	"policy", "organization", "revision", "duration_us", "request_id", "trace_id", "batch",
}

// csvRow is a record as a row of a CSV export. NDJSON has what no column has.
func csvRow(r *guard.Record) []string {
	var input struct {
		Subject  struct{ Role, Granted, Blocked cell }
		Resource struct{ Kind, Blocks, Maintenance cell }
	}
	var details struct {
		Reason, Justification, Ticket, Conflict cell
		CodeOf                                  cell `json:"code_of"`
		ExpiresAt                               cell `json:"expires_at"`
		Changes                                 []guard.Changed
	}
	var reasons []guard.Reason
	// What cannot be read leaves its cells empty: the rest of the record is still told.
	_ = json.Unmarshal(r.Input, &input)
	_ = json.Unmarshal(r.Details, &details)
	_ = json.Unmarshal(r.Reasons, &reasons)
	codes, messages := make([]string, len(reasons)), make([]string, len(reasons))
	for i, reason := range reasons {
		codes[i], messages[i] = reason.Code, reason.Message
	}
	q := &r.Question
	row := []string{
		r.ID, r.Time.UTC().Format("2006-01-02T15:04:05.000000Z"), r.Replica, strconv.FormatInt(r.Sequence, 10), r.Caller, r.Actor, r.Agent, r.Kind,
		q.Subject.Type, q.Subject.ID, q.Action.Name, q.Action.Channel, q.Action.Role, q.Resource.Type, q.Resource.ID, q.Resource.Organization,
		strconv.FormatBool(r.Decision), strings.Join(codes, " "), strings.Join(messages, " "), string(details.Conflict),
		string(details.Reason + details.Justification), string(details.Ticket), string(details.CodeOf), string(details.ExpiresAt), told(details.Changes),
		string(input.Subject.Role), string(input.Subject.Granted), string(input.Subject.Blocked),
		string(input.Resource.Kind), string(input.Resource.Blocks), string(input.Resource.Maintenance),
		r.Policy, r.Organization, strconv.FormatInt(r.Revision, 10), strconv.FormatInt(r.DurationUS, 10), r.RequestID, r.TraceID, r.Batch,
	}
	for i := range row {
		row[i] = harmless(row[i])
	}
	return row
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

// told is changes as one cell: "user carl email: a -> b; ...".
func told(changes []guard.Changed) string {
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
