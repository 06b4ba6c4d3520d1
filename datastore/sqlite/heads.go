package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync/atomic"

	"cordon/datastore"
)

// mostHeads bounds what is kept of a file in memory, in bytes.
const mostHeads = 8 << 20

// heads keeps all that a file says of its batches but their bodies. Whoever looks for little in what is hot looks at each of
// them, and in the file that takes more than ten times as long (BenchmarkHot in ledger).
//
// It changes where a transaction is committed, before that is told to anybody, so a reader finds what the file has. Where the heads
// are too large they are not kept but read from the file, until so much was forgotten that they may fit again.
type heads struct {
	kept atomic.Pointer[kept] // nil: they are not

	// Of whoever has the writer's turn.
	count int // of the batches of the file
	again int // where they are not kept: with how many of them it is tried again
}

// kept is all of the heads at one time, in both orders. It is never changed.
type kept struct {
	byLast, byFirst []*hotRow // ascending, those that are alike by their numbers
	bytes           int
}

func compareLast(a, b *hotRow) int {
	return cmp.Or(strings.Compare(a.LastID, b.LastID), cmp.Compare(a.number, b.number))
}

func compareFirst(a, b *hotRow) int {
	return cmp.Or(strings.Compare(a.FirstID, b.FirstID), cmp.Compare(a.number, b.number))
}

// size is about what a head takes.
func (r *hotRow) size() int {
	return 300 + len(r.Bloom) + len(r.FirstID) + len(r.LastID) + len(r.Replica)
}

const (
	everyHead  = `SELECT number, replica, first_sequence, last_sequence, count, first_id, last_id, sum, bloom FROM batches WHERE number > 0 ORDER BY number`
	everyBatch = `SELECT count(*) FROM batches WHERE first_id >= ''`
)

// load reads the heads in a transaction, and returns what puts them in force when it is committed.
func (h *heads) load(ctx context.Context, c *conn) (loaded func(), err error) {
	k, count := new(kept), 0
	if err := c.one(ctx, everyBatch, nil, &count); err != nil {
		return nil, fmt.Errorf("count the batches: %w", err)
	}
	err = c.each(ctx, everyHead, nil, func(rows *sql.Rows) error {
		r := new(hotRow)
		err := rows.Scan(&r.number, &r.Replica, &r.FirstSequence, &r.LastSequence, &r.Count, &r.FirstID, &r.LastID, &r.Sum, &r.Bloom)
		if err != nil {
			return err
		}
		k.byLast = append(k.byLast, r)
		if k.bytes += r.size(); k.bytes > mostHeads {
			k = nil
			return errEnough
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the heads of the batches: %w", err)
	}
	if k != nil {
		k.byFirst = slices.Clone(k.byLast)
		slices.SortFunc(k.byLast, compareLast)
		slices.SortFunc(k.byFirst, compareFirst)
	}
	return func() {
		h.count = count
		h.keep(k)
	}, nil
}

// loadHeads loads those of both files.
func (s *Store) loadHeads(ctx context.Context) error {
	for _, f := range []*file{s.state, s.log} {
		if err := f.writer.transact(ctx, func(c *conn) (func(), error) { return f.heads.load(ctx, c) }); err != nil {
			return err
		}
	}
	return nil
}

// keep has them kept from now on, unless they are too large; nil: they were when they were read.
func (h *heads) keep(k *kept) {
	if k == nil || k.bytes > mostHeads {
		k, h.again = nil, h.count/2
	}
	h.kept.Store(k)
}

// add returns what adds the head of a batch when it is committed under a number.
func (h *heads) add(number int64, b *datastore.Batch) func() {
	r := &hotRow{number: number, Batch: datastore.Batch{
		Replica: strings.Clone(b.Replica), FirstSequence: b.FirstSequence, LastSequence: b.LastSequence, Count: b.Count,
		FirstID: strings.Clone(b.FirstID), LastID: strings.Clone(b.LastID), Sum: b.Sum, Bloom: slices.Clone(blob(b.Bloom)),
	}}
	return func() {
		h.count++
		if k := h.kept.Load(); k != nil {
			h.keep(&kept{with(k.byLast, r, compareLast), with(k.byFirst, r, compareFirst), k.bytes + r.size()})
		}
	}
}

// with returns a list in order with one more row. It is nearly always the last one, and goes behind those that others see.
func with(list []*hotRow, r *hotRow, compare func(a, b *hotRow) int) []*hotRow {
	if len(list) == 0 || compare(list[len(list)-1], r) < 0 {
		return append(list, r)
	}
	at, _ := slices.BinarySearchFunc(list, r, compare)
	return slices.Insert(slices.Clone(list), at, r)
}

// remove returns what takes away the heads of batches when it is committed that they were deleted. The transaction is the
// one that has deleted them.
func (h *heads) remove(ctx context.Context, c *conn, numbers map[int64]bool) (func(), error) {
	if h.kept.Load() == nil && h.count-len(numbers) <= h.again {
		return h.load(ctx, c)
	}
	return func() {
		h.count -= len(numbers)
		k := h.kept.Load()
		if k == nil {
			return
		}
		without := &kept{bytes: k.bytes}
		for _, r := range k.byLast {
			if numbers[r.number] {
				without.bytes -= r.size()
			} else {
				without.byLast = append(without.byLast, r)
			}
		}
		for _, r := range k.byFirst {
			if !numbers[r.number] {
				without.byFirst = append(without.byFirst, r)
			}
		}
		h.keep(without)
	}, nil
}

// within returns the heads in a range, in its order.
func (k *kept) within(in datastore.HotRange) iter.Seq[*hotRow] {
	in = in.Closed()
	return func(yield func(*hotRow) bool) {
		if in.OldestFirst {
			from, _ := slices.BinarySearchFunc(k.byFirst, in.First, func(r *hotRow, id string) int { return strings.Compare(r.FirstID, id) })
			for _, r := range k.byFirst[from:] {
				if r.FirstID > in.High || r.LastID >= in.Low && !yield(r) {
					return
				}
			}
			return
		}
		to, _ := slices.BinarySearchFunc(k.byLast, in.Last, func(r *hotRow, id string) int {
			if r.LastID <= id {
				return -1
			}
			return 1
		})
		for _, r := range slices.Backward(k.byLast[:to]) {
			if r.LastID < in.Low || r.FirstID <= in.High && !yield(r) {
				return
			}
		}
	}
}
