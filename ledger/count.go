package ledger

import (
	"context"
	"errors"
	"iter"
	"time"

	"cordon/ledger/record"
)

// Counts are how many records allowed and how many denied, by what they count for.
type Counts struct {
	By       map[string]record.Count
	Complete bool // all was counted
	// Since is from when on all was counted, where it is not complete. Zero: nothing was.
	Since time.Time
}

// mostCounts is for how many different things records are counted at most: callers make up names of actions.
const mostCounts = 10_000

// Counts counts the records that the filter selects by one of [record.CountedBy], the newest first. Where the time of
// ctx is over before all are counted, it says so and from when on they are.
func (l *Ledger) Counts(ctx context.Context, f record.Filter, by string) (Counts, error) {
	return Count(ctx, l.Search(ctx, f), by)
}

// Count counts records that come newest first, as [Ledger.Counts] does.
func Count(ctx context.Context, records iter.Seq2[record.Record, error], by string) (Counts, error) {
	c := Counts{By: map[string]record.Count{}}
	for r, err := range records {
		switch {
		case err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
			return c, nil
		case err != nil:
			return Counts{}, err
		case !c.add(&r, by):
			return c, nil
		}
	}
	c.Complete, c.Since = true, time.Time{}
	return c, nil
}

// add counts a record, and reports whether there was room for it.
func (c *Counts) add(r *record.Record, by string) bool {
	for key := range r.Counted(by) {
		if _, known := c.By[key]; !known && len(c.By) == mostCounts {
			return false
		}
	}
	for key := range r.Counted(by) {
		c.By[key] = c.By[key].Add(r)
	}
	c.Since = r.Time.Truncate(time.Millisecond).Add(time.Millisecond) // within its millisecond there may be more
	return true
}
