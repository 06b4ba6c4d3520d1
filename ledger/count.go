package ledger

import (
	"context"
	"errors"
	"iter"
	"time"

	"cordon/ledger/batch"
	"cordon/ledger/record"
	"cordon/ledger/segment"
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
// ctx is over before all are counted, it says so and from when on they are. Of what is sealed it reads the columns that
// it needs and no record.
func (l *Ledger) Counts(ctx context.Context, f record.Filter, by string) (Counts, error) {
	f.After, f.OldestFirst, f.Limit = "", false, 0
	s := &search{Ledger: l, worker: l.readers.worker(), filter: f}
	for {
		s.again = false
		c, err := s.counts(ctx, by)
		if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
			err = nil // what was counted by then
		}
		if err != nil || !s.again {
			return c, err
		}
	}
}

// counts counts by one head: first what is hot, then segment by segment, each wholly or not at all.
func (s *search) counts(ctx context.Context, by string) (c Counts, err error) {
	c.By = map[string]record.Count{}
	none := Counts{By: map[string]record.Count{}}
	if s.head, err = s.Ledger.head(ctx); err != nil || s.filter.Nothing() {
		none.Complete = err == nil
		return none, err
	}
	listed, err := s.catalogue(ctx, &s.head)
	if err != nil {
		return none, s.changed(ctx, err)
	}
	for r, err := range batch.Select(s.hot(ctx), s.filter) {
		if err != nil {
			return none, s.changed(ctx, err)
		}
		if !s.head.sealed(r.Replica, r.Sequence) && !c.add(&r, by) {
			return none, nil // a segment may have some that are as new
		}
	}
	if err := s.changed(ctx, nil); err != nil || s.again {
		return none, err
	}
	c.Since = time.Time{}
	m := newMerge(ctx, s, listed)
	for at := len(m.sources) - 1; at >= 0; at-- { // the next is the last
		of := m.sources[at].info
		last, _ := record.IDTime(of.LastID)
		since := last.Add(time.Millisecond)
		more := map[string]record.Count{}
		may, err := m.plan.MayHold(ctx, of)
		if err == nil && may {
			err = segment.Open(s.paced(s.worker), of, s.cache).Count(ctx, m.query, by, more, func() error { return s.worker.pause(ctx) })
		}
		if err == nil {
			err = s.worker.pause(ctx)
		}
		if err != nil {
			c.Since = since
			return c, s.changed(ctx, err)
		}
		if !c.join(more) {
			c.Since = since
			return c, nil
		}
	}
	c.Complete = true
	return c, nil
}

// join adds counts, and reports whether there was room for them.
func (c *Counts) join(more map[string]record.Count) bool {
	added := len(c.By)
	for key := range more {
		if _, known := c.By[key]; !known {
			added++
		}
	}
	if added > mostCounts {
		return false
	}
	for key, n := range more {
		have := c.By[key]
		c.By[key] = record.Count{Allowed: have.Allowed + n.Allowed, Denied: have.Denied + n.Denied}
	}
	return true
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
