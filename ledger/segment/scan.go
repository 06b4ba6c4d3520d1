package segment

import (
	"context"
	"iter"
	"slices"
	"time"

	"cordon/ledger/record"
)

// scanned is how many rows are read at a time: enough that a page of a column is seldom unpacked twice, and few enough
// that they are read well within a millisecond.
const scanned = 1024

// Scan returns the records among the leaves from one to before another that a query selects, whatever its limit and its
// order, in the order of their leaves. A record has the members that are named, as the columns are, and those that the
// query looks at; its row has no line. It is for who reads many records and little of each. Where a pause is given it is
// called about once in a millisecond.
func (s *Segment) Scan(ctx context.Context, q record.Query, from, to int64, members []string, pause ...Pause) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		if err := s.scan(ctx, q, from, to, members, pause, yield); err != nil {
			yield(Row{}, s.failed(err))
		}
	}
}

func (s *Segment) scan(ctx context.Context, q record.Query, from, to int64, members []string, pause []Pause, yield func(Row, error) bool) error {
	q.OldestFirst, q.Limit = true, 0
	needed := neededFor(&q.Filter, members...)
	in := loader{s: s, wanted: func(name string) bool { return needed == nil || slices.Contains(needed, name) }, onward: true}
	defer in.close()
	leaves, err := s.leaves(ctx, &q, from, to)
	if err != nil {
		return err
	}
	all := s.within(&q)
	for some := range slices.Chunk(leaves, scanned) {
		rows := in.made(some)
		if err := in.load(ctx, rows); err != nil {
			return err
		}
		if err := paused(pause); err != nil {
			return err
		}
		for i := range rows {
			r := &rows[i]
			if err := r.finish(); err != nil {
				return err
			}
			if (all || q.Match(&r.Record)) && !yield(Row{Leaf: r.leaf, Record: r.Record}, nil) {
				return nil
			}
		}
	}
	return nil
}

// leaves returns the leaves that a query may select, in their order.
func (s *Segment) leaves(ctx context.Context, q *record.Query, from, to int64) ([]int64, error) {
	leaves := make([]int64, 0, min(max(to-from, 0), s.info.Count))
	for some, err := range s.candidates(ctx, q, scanned) {
		if err != nil {
			return nil, err
		}
		for _, leaf := range some {
			if leaf >= from && leaf < to {
				leaves = append(leaves, leaf)
			}
		}
	}
	slices.Sort(leaves)
	return leaves, nil
}

// within reports whether a query asks for times and nothing else, and all of the segment lies within these: then there
// is no need to look whether a record matches. An id tells the millisecond of a record's time.
func (s *Segment) within(q *record.Query) bool {
	first, _ := record.IDTime(s.info.FirstID)
	last, ok := record.IDTime(s.info.LastID)
	return ok && q.Bounds() && !first.Before(q.From) && (q.To.IsZero() || !q.To.Before(last.Add(time.Millisecond)))
}
