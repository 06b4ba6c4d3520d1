package batch

import (
	"bytes"
	"fmt"
	"iter"
	"slices"

	"cordon/datastore"
	"cordon/ledger/record"
)

// Select gives the records that the filter selects out of batches, in the order that the filter
// asks for, up to its limit. The batches come by LastID descending, or by FirstID ascending where the
// filter says OldestFirst, and all are there that overlap its [record.Filter.IDRange]; more do no harm.
// It takes batches one at a time and none once it has what it needs, so an engine reads them lazily;
// none at all where the filter selects nothing.
// It unpacks only those whose Bloom filter does not rule them out, and decodes only lines that may match.
func Select(batches iter.Seq2[datastore.Batch, error], f record.Filter) iter.Seq2[record.Record, error] {
	return func(yield func(record.Record, error) bool) {
		if f.Nothing() {
			return
		}
		m := merge{query: f.Query(), yield: yield, left: f.Limit}
		previous := ""
		for b, err := range batches {
			if err != nil {
				yield(record.Record{}, err)
				return
			}
			bound := m.bound(&b)
			if previous != "" && m.before(bound, previous) {
				yield(record.Record{}, fmt.Errorf("select records: batch of %s comes behind %s: the batches are out of order", bound, previous))
				return
			}
			previous = bound
			if err := check(&b); err != nil {
				yield(record.Record{}, err)
				return
			}
			// What comes before the first that b can hold may go out now.
			if !m.drain(bound) {
				return
			}
			if m.mayHold(&b) {
				m.push(&source{batch: b, head: bound})
			}
		}
		m.drain("")
	}
}

// Wanted tells of a batch, which may be without its body, whether a filter needs to read that: whether it may hold something
// that the filter selects, or is not what was packed, which [Select] tells then.
func Wanted(f record.Filter) func(*datastore.Batch) bool {
	m := merge{query: f.Query()}
	return func(b *datastore.Batch) bool { return check(b) != nil || m.mayHold(b) }
}

// merge brings the records of overlapping batches into one order.
type merge struct {
	query   record.Query
	yield   func(record.Record, error) bool
	left    int       // how many more; 0 from the start: all
	sources []*source // the one with the next head last
}

// source is a batch in the merge. Its head is the id of its next record; as long as it is not opened,
// the bound of its ids.
type source struct {
	batch  datastore.Batch
	head   string
	opened bool
	lines  []line // what may match, the next one last
	record record.Record
}

// bound gives the first id, in the order asked for, that a batch can hold.
func (m *merge) bound(b *datastore.Batch) string {
	if m.query.OldestFirst {
		return b.FirstID
	}
	return b.LastID
}

func (m *merge) before(a, b string) bool {
	if m.query.OldestFirst {
		return a < b
	}
	return a > b
}

func (m *merge) push(s *source) {
	at, _ := slices.BinarySearchFunc(m.sources, s, func(in, s *source) int {
		if m.before(s.head, in.head) {
			return -1
		}
		return 1
	})
	m.sources = slices.Insert(m.sources, at, s)
}

// drain gives out all records that come before an id, or all there are. It tells whether to go on.
func (m *merge) drain(until string) bool {
	for len(m.sources) > 0 {
		s := m.sources[len(m.sources)-1]
		if until != "" && !m.before(s.head, until) {
			return true
		}
		m.sources = m.sources[:len(m.sources)-1]
		if s.opened {
			if !m.yield(s.record, nil) {
				return false
			}
			if m.left--; m.left == 0 {
				return false
			}
		} else if err := m.open(s); err != nil {
			m.yield(record.Record{}, err)
			return false
		}
		found, err := m.next(s)
		if err != nil {
			m.yield(record.Record{}, err)
			return false
		}
		if found {
			m.push(s)
		}
	}
	return true
}

// open unpacks a batch and keeps the lines that may match, in order.
func (m *merge) open(s *source) error {
	lines, err := lines(&s.batch)
	if err != nil {
		return err
	}
	s.opened = true
	for _, text := range lines {
		if id, ok := m.query.MayMatch(text); ok {
			s.lines = append(s.lines, line{id: id, text: text})
		}
	}
	slices.SortStableFunc(s.lines, func(a, b line) int {
		if m.query.OldestFirst {
			return bytes.Compare(b.id, a.id)
		}
		return bytes.Compare(a.id, b.id)
	})
	return nil
}

// next decodes the source's next match into its record.
func (m *merge) next(s *source) (found bool, err error) {
	for len(s.lines) > 0 {
		l := s.lines[len(s.lines)-1]
		s.lines = s.lines[:len(s.lines)-1]
		s.record = record.Record{}
		if err := decode(&s.batch, l.text, &s.record); err != nil {
			return false, err
		}
		if m.query.Match(&s.record) {
			s.head = s.record.ID
			return true, nil
		}
	}
	return false, nil
}

// line is a record's JSON and its id.
type line struct {
	id   []byte
	text []byte
}

// mayHold tells whether a batch can hold something that the filter selects.
func (m *merge) mayHold(b *datastore.Batch) bool {
	return b.Count > 0 && (m.query.Replica == "" || m.query.Replica == b.Replica) &&
		b.LastID >= m.query.Low && b.FirstID <= m.query.High && bloomHolds(b.Bloom, m.query.Keys)
}
