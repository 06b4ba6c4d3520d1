package client

import (
	"context"
	"net/http"
	"time"
)

// What records are counted by.
const (
	CountByReason       = "reason" // a record counts once for each of its reasons
	CountByAction       = "action"
	CountByOrganization = "organization"
	CountByHour         = "hour"
)

// CountsBy are all of them.
func CountsBy() []string {
	return []string{CountByReason, CountByAction, CountByOrganization, CountByHour}
}

// RecordCounts are how many records allowed and how many denied.
type RecordCounts struct {
	Items    []RecordCount `json:"items"` // hours in their order, else those with most first
	Complete bool          `json:"complete"`
	// Since is from when on all was counted, where it is not complete: ask for what was before it by itself (To), or
	// with a narrower filter.
	Since time.Time `json:"since,omitzero"`
}

// RecordCount is how many records allowed and how many denied that have one thing in common.
type RecordCount struct {
	Key     string `json:"key"` // the reason's code, the action, the organization ("" for none), or the hour as 2026-01-31T12:00:00Z
	Allowed int64  `json:"allowed"`
	Denied  int64  `json:"denied"`
}

// CountRecords counts the records that the filter selects, by one of [CountsBy].
func (c *Client) CountRecords(ctx context.Context, filter RecordFilter, by string) (RecordCounts, error) {
	q := filter.query()
	q.Set("by", by)
	var counts RecordCounts
	_, err := c.do(ctx, call{method: http.MethodGet, path: []string{"v1", "decisions", "counts"}, query: q}, &counts)
	return counts, err
}
