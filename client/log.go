package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"time"
)

// RecordFilter selects records of the decision log; what is empty selects all. Subject, Action and
// Resource are the ids and the name in the question.
type RecordFilter struct {
	ID           string    `query:"id"`
	Organization string    `query:"organization"`
	Subject      string    `query:"subject"`
	Action       string    `query:"action"`
	Resource     string    `query:"resource"`
	Decision     *bool     `query:"decision"`
	Reason       string    `query:"reason"` // a code among the reasons
	Origin       string    `query:"origin"` // of a block that it is about: administrator, support or host
	Text         string    `query:"text"`   // words, all of which are in the reason or the justification given
	Kind         string    `query:"kind"`
	Caller       string    `query:"caller"`
	Actor        string    `query:"actor"`
	Agent        string    `query:"agent"`
	Policy       string    `query:"policy"`
	Replica      string    `query:"replica"`
	Sequence     int64     `query:"sequence"`
	Revision     int64     `query:"revision"`
	RequestID    string    `query:"request_id"`
	TraceID      string    `query:"trace_id"`
	Batch        string    `query:"batch_id"`
	From         time.Time `query:"from"` // From <= time < To
	To           time.Time `query:"to"`
}

// query is the filter as the server is asked: each member under the name of its tag.
func (f RecordFilter) query() url.Values {
	q := url.Values{}
	for member, value := range reflect.ValueOf(f).Fields() {
		name := member.Tag.Get("query")
		switch asked := value.Interface().(type) {
		case string:
			if asked != "" {
				q.Set(name, asked)
			}
		case int64:
			if asked != 0 {
				q.Set(name, strconv.FormatInt(asked, 10))
			}
		case *bool:
			if asked != nil {
				q.Set(name, strconv.FormatBool(*asked))
			}
		case time.Time:
			if !asked.IsZero() {
				q.Set(name, asked.UTC().Format(time.RFC3339Nano))
			}
		}
	}
	return q
}

// Records gives the records that the filter selects, newest first, page by page: expect is how many
// the caller means to read, so that no page is larger than that; 0 is many.
func (c *Client) Records(ctx context.Context, filter RecordFilter, expect int) iter.Seq2[Record, error] {
	return c.records(ctx, filter.query(), expect)
}

// OldestRecords gives the same the other way round.
func (c *Client) OldestRecords(ctx context.Context, filter RecordFilter, expect int) iter.Seq2[Record, error] {
	q := filter.query()
	q.Set("order", "oldest")
	return c.records(ctx, q, expect)
}

func (c *Client) records(ctx context.Context, q url.Values, expect int) iter.Seq2[Record, error] {
	if expect > 0 && expect < pageSize {
		q.Set("limit", strconv.Itoa(expect))
	}
	return list[Record](ctx, c, q, "v1/decisions")
}

// Record gives one record.
func (c *Client) Record(ctx context.Context, id string) (Record, error) {
	return one[Record](ctx, c, http.MethodGet, nil, "v1/decisions", id)
}
