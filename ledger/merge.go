package ledger

import (
	"context"
	"iter"
	"slices"

	"cordon/ledger/record"
	"cordon/ledger/segment"
)

// merge brings what the segments have into one order. Their ids overlap where records were sealed late. It opens a
// segment when its turn comes, so what is far from the cursor costs nothing.
type merge struct {
	ctx     context.Context // of the search, whose part it is
	search  *search
	query   record.Query
	plan    *segment.Plan
	sources []*source // the one with the next head last
}

// source is a segment in the merge. Its head is the id of its next match; as long as it is not opened, the bound of
// its ids.
type source struct {
	info  segment.Info
	head  string
	entry Entry
	next  func() (Entry, error, bool)
	stop  func()
}

func newMerge(ctx context.Context, s *search, c *catalogue) *merge {
	m := &merge{ctx: ctx, search: s, query: s.filter.Query()}
	m.plan = segment.NewPlan(s.paced(s.worker), s.cache, c.groups, m.query)
	for _, info := range c.segments {
		if info.Covers(m.query.Low, m.query.High) && (s.among == nil || info.First < s.among.To && s.among.From < info.End()) {
			bound := info.LastID
			if m.query.OldestFirst {
				bound = info.FirstID
			}
			m.sources = append(m.sources, &source{info: info, head: bound})
		}
	}
	slices.SortStableFunc(m.sources, func(a, b *source) int {
		switch {
		case a.head == b.head:
			return 0
		case m.before(a.head, b.head):
			return 1
		}
		return -1
	})
	return m
}

func (m *merge) before(a, b string) bool {
	if m.query.OldestFirst {
		return a < b
	}
	return a > b
}

// until gives the records that come before an id; all, where it is empty.
func (m *merge) until(id string) error {
	for len(m.sources) > 0 && !m.search.done {
		s := m.sources[len(m.sources)-1]
		if id != "" && !m.before(s.head, id) {
			return nil
		}
		if err := m.search.worker.pause(m.ctx); err != nil {
			return err
		}
		m.sources = m.sources[:len(m.sources)-1]
		if s.next == nil {
			if may, err := m.plan.MayHold(m.ctx, s.info); err != nil {
				return err
			} else if !may {
				continue
			}
			q := m.query
			if m.search.among == nil {
				q.Limit = m.search.left // no more are needed, so that many are loaded together
			}
			s.next, s.stop = iter.Pull2(m.search.matches(m.ctx, q, s.info))
		} else if !m.search.give(s.entry) {
			s.stop()
			return nil
		}
		e, err, more := s.next()
		if err != nil || !more {
			s.stop()
			if err != nil {
				return err
			}
			continue
		}
		s.entry, s.head = e, e.Record.ID
		at, _ := slices.BinarySearchFunc(m.sources, s, func(in, s *source) int {
			if m.before(s.head, in.head) {
				return -1
			}
			return 1
		})
		m.sources = slices.Insert(m.sources, at, s)
	}
	return nil
}

func (m *merge) close() {
	for _, s := range m.sources {
		if s.stop != nil {
			s.stop()
		}
	}
}
