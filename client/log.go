package client

import (
	"context"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// RecordFilter selects records of the decision log; what is empty selects all. Subject, Action and
// Resource are the ids and the name in the question.
type RecordFilter struct {
	Organization         string
	Subject, Action      string
	Resource             string
	Decision             *bool
	Reason               string // a code among the reasons
	Kind                 string
	Caller, Actor, Agent string
	Policy, Replica      string
	RequestID, TraceID   string
	Batch                string
	From, To             time.Time // From <= time < To
}

// query is the filter as the server is asked.
func (f RecordFilter) query() url.Values {
	q := url.Values{}
	for name, value := range map[string]string{
		"organization": f.Organization,
		"subject":      f.Subject,
		"action":       f.Action,
		"resource":     f.Resource,
		"reasons":      f.Reason,
		"kind":         f.Kind,
		"caller":       f.Caller,
		"actor":        f.Actor,
		"agent":        f.Agent,
		"policy":       f.Policy,
		"replica":      f.Replica,
		"request_id":   f.RequestID,
		"trace_id":     f.TraceID,
		"batch":        f.Batch,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if f.Decision != nil {
		q.Set("decision", strconv.FormatBool(*f.Decision))
	}
	for name, t := range map[string]time.Time{"from": f.From, "to": f.To} {
		if !t.IsZero() {
			q.Set(name, t.UTC().Format(time.RFC3339Nano))
		}
	}
	return q
}

// Records gives the records that the filter selects, newest first, page by page: expect is how many
// the caller means to read, so that no page is larger than that; 0 is many.
func (c *Client) Records(ctx context.Context, filter RecordFilter, expect int) iter.Seq2[Record, error] {
	q := filter.query()
	if expect > 0 && expect < pageSize {
		q.Set("limit", strconv.Itoa(expect))
	}
	return list[Record](ctx, c, q, "v1/decisions")
}

// Record gives one record.
func (c *Client) Record(ctx context.Context, id string) (Record, error) {
	return one[Record](ctx, c, http.MethodGet, nil, "v1/decisions", id)
}

// Formats of an export.
const (
	FormatNDJSON = "ndjson"
	FormatCSV    = "csv"
)

// ExportRecords gives the records that the filter selects, oldest first, as a stream of any length.
// The caller closes it; an export that breaks off is an error of Read, not its end.
func (c *Client) ExportRecords(ctx context.Context, filter RecordFilter, format string) (io.ReadCloser, error) {
	q := filter.query()
	q.Set("format", format)
	target, err := c.target(call{path: []string{"v1", "decisions", "export"}, query: q})
	if err != nil {
		return nil, fmt.Errorf("export records: %w", err)
	}
	header := c.header()
	header.Set("Accept", "*/*")
	var body io.ReadCloser
	err = c.retry(ctx, func(ctx context.Context) error {
		res, err := c.send(ctx, http.MethodGet, target, header, nil) //nolint:bodyclose // the caller closes it
		if err == nil {
			body = res.Body
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("export records: %w", err)
	}
	return body, nil
}
