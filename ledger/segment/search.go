package segment

import (
	"context"
	"encoding/binary"
	"iter"
	"slices"

	"cordon/ledger/record"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/google/uuid"
)

// Search returns the records that a query selects, in the order that it asks for, up to its limit. It costs by what is
// found: of the index what the query's keys need, of the columns the pages that have a record which it returns.
func (s *Segment) Search(ctx context.Context, q record.Query) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		left, first := q.Limit, true
		in := loader{s: s, wanted: everything}
		defer in.close()
		for leaves, err := range s.candidates(ctx, &q, rowsAtOnce) {
			var rows []*Row
			if err == nil {
				rows, err = s.rows(ctx, &in, leaves, first)
				first = false
			}
			if err != nil {
				yield(Row{}, s.failed(err))
				return
			}
			for _, row := range rows {
				if !q.Match(&row.Record) {
					continue
				}
				if !yield(*row, nil) {
					return
				}
				if left--; left == 0 {
					return
				}
			}
		}
	}
}

// rows returns the rows of leaves. Those that were looked at before come of the cache: one of a thousand bytes
// stands among so much else that a page of fifty, each in a segment of its own, would need as many megabytes there. Those that
// a search looks at first are kept; of one that reads on and on, all would leave nothing else in the cache.
func (s *Segment) rows(ctx context.Context, in *loader, leaves []int64, keep bool) ([]*Row, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	in.sit()
	defer in.close() // others may work there before the next rows are asked for
	rows, missing := make([]*Row, len(leaves)), in.desk.rows[:0]
	for i, leaf := range leaves {
		kept, _ := s.cache.get(s.rowKey(leaf))
		var ok bool
		if rows[i], ok = kept.(*Row); !ok {
			missing = append(missing, row{leaf: leaf})
		}
	}
	in.desk.rows = missing
	if err := in.load(ctx, missing); err != nil {
		return nil, err
	}
	for i := range rows {
		if rows[i] != nil {
			continue
		}
		r := &missing[0]
		missing = missing[1:]
		if err := r.finish(); err != nil {
			return nil, err
		}
		const recordBytes = 1 << 10 // but for its texts, about
		rows[i] = in.row(r)
		if keep {
			s.cache.put(s.rowKey(r.leaf), rows[i], int64(recordBytes+2*len(rows[i].Line)))
		}
	}
	return rows, nil
}

func (s *Segment) rowKey(leaf int64) cacheKey {
	return cacheKey{s.name, rowOffset - (leaf - s.info.First)}
}

// index returns the segment's index.
func (s *Segment) index() *index {
	return &index{files: s.files, cache: s.cache, file: s.indexName, of: s.name, bits: 16}
}

// candidates returns leaves of rows that a query may select, in the order that it asks for, some at a time and at most so
// many. They are there until the next.
func (s *Segment) candidates(ctx context.Context, q *record.Query, most int) iter.Seq2[[]int64, error] {
	return func(yield func([]int64, error) bool) {
		if q.Nothing() || !s.info.Covers(q.Low, q.High) {
			return
		}
		x := s.index()
		h, err := x.head(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		if h.live > int(s.info.Count) {
			yield(nil, ErrCorrupt)
			return
		}
		found, err := x.all(ctx, h, keysOf(&q.Filter))
		if err != nil {
			yield(nil, err)
			return
		}
		order, err := s.order(ctx, x, h)
		if err != nil {
			yield(nil, err)
			return
		}
		partly := s.info.FirstID < q.Low || s.info.LastID > q.High
		var leaves []int64
		for ranks := range ranked(h, found, q, most) {
			leaves = leaves[:0]
			for _, rank := range ranks {
				number := int64(rank)
				if order != nil {
					number = int64(order[rank])
				}
				leaves = append(leaves, s.info.First+number)
			}
			if partly {
				if leaves, err = s.bounded(ctx, q, leaves); err != nil {
					yield(nil, err)
					return
				}
			}
			if len(leaves) > 0 && !yield(leaves, nil) {
				return
			}
		}
	}
}

// bounded returns those of the leaves whose ids are within the query's bounds, in their order.
func (s *Segment) bounded(ctx context.Context, q *record.Query, leaves []int64) ([]int64, error) {
	in := loader{s: s, wanted: func(name string) bool { return name == "id" }}
	defer in.close()
	rows := in.made(leaves)
	if err := in.load(ctx, rows); err != nil {
		return nil, err
	}
	within := leaves[:0]
	for i := range rows {
		if r := &rows[i]; r.ID >= q.Low && r.ID <= q.High {
			within = append(within, r.leaf)
		}
	}
	return within, nil
}

// order returns the rows by rank, nil where they are alike.
func (s *Segment) order(ctx context.Context, x *index, h *head) ([]uint16, error) {
	if h.lead.length == 0 { // that is the order of leaves
		if h.live != int(s.info.Count) {
			return nil, x.corrupt(ErrCorrupt)
		}
		return nil, nil
	}
	return cachedOr(s.cache, cacheKey{x.file, leadOffset}, func() ([]uint16, int64, error) {
		data, err := x.block(ctx, h.lead)
		if err != nil {
			return nil, 0, err
		}
		rows, err := parseOrder(data, h.live, int(s.info.Count))
		if err != nil {
			return nil, 0, x.corrupt(err)
		}
		return rows, int64(2 * len(rows)), nil
	})
}

// least is how many candidates are looked at first, where nothing is said of a limit.
const least = 16

// ranked returns the ranks that may be in the query's range of ids and are among those found, all where found is nil:
// in the query's order, some at a time, more each time up to the most.
func ranked(h *head, found *roaring.Bitmap, q *record.Query, most int) iter.Seq[[]uint32] {
	return func(yield func([]uint32) bool) {
		low, high := between(h, q.Low, q.High)
		size := max(min(q.Limit, most), least)
		next := func() (uint32, bool) {
			if low >= high {
				return 0, false
			}
			if q.OldestFirst {
				low++
				return low - 1, true
			}
			high--
			return high, true
		}
		if found != nil {
			within := roaring.New()
			within.AddRange(uint64(low), uint64(max(low, high)))
			within.And(found)
			next = walk(within, q.OldestFirst)
		}
		for more := true; more; size = min(2*size, most) {
			ranks := make([]uint32, 0, size)
			for len(ranks) < size && more {
				var rank uint32
				if rank, more = next(); more && int(rank) < h.live {
					ranks = append(ranks, rank)
				}
			}
			if len(ranks) > 0 && !yield(ranks) {
				return
			}
		}
	}
}

func walk(places *roaring.Bitmap, up bool) func() (uint32, bool) {
	if up {
		each := places.Iterator()
		return func() (uint32, bool) {
			if !each.HasNext() {
				return 0, false
			}
			return each.Next(), true
		}
	}
	each := places.ReverseIterator()
	return func() (uint32, bool) {
		if !each.HasNext() {
			return 0, false
		}
		return each.Next(), true
	}
}

// between returns bounds of the ranks whose ids can be from low to high, the second behind the last.
func between(h *head, low, high string) (from, to uint32) {
	to = uint32(h.live)
	if at, ok := boundHead(low); ok {
		n, _ := slices.BinarySearch(h.samples, at)
		from = uint32(max(n-1, 0) * stride)
	}
	if at, ok := boundHead(high); ok && at < 1<<64-1 {
		n, _ := slices.BinarySearch(h.samples, at+1)
		to = min(to, uint32(n*stride))
	}
	return from, to
}

// boundHead reads the beginning of a bound of ids; it is not ok for one that is no id, which bounds nothing.
func boundHead(id string) (uint64, bool) {
	u, err := uuid.Parse(id)
	if err != nil || len(id) != len(noID) {
		return 0, false
	}
	return binary.BigEndian.Uint64(u[:8]), true
}
