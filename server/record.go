package server

import (
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"cordon/guard"
)

// selection is which records of the log a request asks for.
type selection struct {
	filter guard.RecordFilter
	// Those that the log has no index for are looked at here.
	sequence, revision *int64
}

// selected reads the filters of the log (docs/design.md 11, Records): the members of a record by name.
func selected(query url.Values) (selection, error) {
	var s selection
	f := &s.filter
	for name, into := range map[string]*string{
		"id": &f.ID, "replica": &f.Replica, "caller": &f.Caller, "actor": &f.Actor, "agent": &f.Agent,
		"subject": &f.Subject, "action": &f.Action, "resource": &f.Resource, "reasons": &f.Reason, "policy": &f.Policy,
		"organization": &f.Organization, "request_id": &f.RequestID, "trace_id": &f.TraceID, "batch": &f.Batch,
	} {
		var err error
		if *into, err = single(query, name); err != nil {
			return s, err
		}
	}
	var err error
	if f.Kind, err = oneOf(query, "kind", "decision", "change", "read", "gap"); err != nil {
		return s, err
	}
	decision, err := oneOf(query, "decision", "true", "false")
	if err != nil {
		return s, err
	}
	if decision != "" {
		allowed := decision == "true"
		f.Decision = &allowed
	}
	for name, into := range map[string]*time.Time{"from": &f.From, "to": &f.To} {
		if !query.Has(name) {
			continue
		}
		if *into, err = time.Parse(time.RFC3339, query.Get(name)); err != nil || into.IsZero() {
			return s, because(errQuery, name+" must be a time like 2026-01-31T12:00:00Z")
		}
	}
	for name, into := range map[string]**int64{"sequence": &s.sequence, "revision": &s.revision} {
		if !query.Has(name) {
			continue
		}
		n, err := strconv.ParseInt(query.Get(name), 10, 64)
		if err != nil || n < 0 {
			return s, because(errQuery, name+" must be a whole number")
		}
		*into = &n
	}
	return s, nil
}

// records gives the selected ones, at most limit of them (0: all).
func (c *call) records(s selection, limit int) (iter.Seq2[guard.Record, error], error) {
	looked := s.sequence != nil || s.revision != nil
	if !looked {
		s.filter.Limit = limit
	}
	found, err := c.server.config.Guard.Records(c.context(), &c.origin, s.filter)
	if err != nil || !looked {
		return found, err
	}
	return func(yield func(guard.Record, error) bool) {
		given := 0
		for record, err := range found {
			if err == nil && (s.sequence != nil && record.Sequence != *s.sequence || s.revision != nil && record.Revision != *s.revision) {
				continue
			}
			if !yield(record, err) {
				return
			}
			if given++; given == limit {
				return
			}
		}
	}, nil
}

// listRecords answers a page of the log, newest first.
func listRecords(c *call) error {
	page, err := c.page()
	if err != nil {
		return err
	}
	s, err := selected(c.req.URL.Query())
	if err != nil {
		return err
	}
	s.filter.After = page.After
	found, err := c.records(s, page.Limit+1)
	if err != nil {
		return err
	}
	body, last, given := []byte(`{"items":[`), "", 0
	next := ""
	for record, err := range found {
		if err != nil {
			return fmt.Errorf("read records: %w", err)
		}
		if given == page.Limit {
			next = last
			break
		}
		if given > 0 {
			body = append(body, ',')
		}
		body = record.AppendJSON(body)
		last = record.ID
		given++
	}
	body = append(body, `],"next_cursor":`...)
	if body, err = jsontext.AppendQuote(body, c.cursor(next)); err != nil {
		return fmt.Errorf("write cursor: %w", err)
	}
	c.send(http.StatusOK, append(body, '}'))
	return nil
}

// getRecord answers one record.
func getRecord(c *call) error {
	record, err := c.server.config.Guard.Record(c.context(), &c.origin, c.param("id"))
	if err != nil {
		return err
	}
	c.send(http.StatusOK, record.AppendJSON(nil))
	return nil
}
