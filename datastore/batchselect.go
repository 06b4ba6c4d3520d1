package datastore

import (
	"bytes"
	"fmt"
	"iter"
	"slices"
)

// SelectRecords gives the records that the filter selects out of batches, in the order that the filter
// asks for, up to its limit. The batches come by LastID descending, or by FirstID ascending where the
// filter says OldestFirst, and all are there that overlap its [RecordFilter.IDRange]; more do no harm.
// It takes batches one at a time and none once it has what it needs, so an engine reads them lazily;
// none at all where the filter selects nothing.
// It unpacks only those whose Bloom filter does not rule them out, and decodes only lines that may match.
func SelectRecords(batches iter.Seq2[Batch, error], f RecordFilter) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		if f.none() {
			return
		}
		m := merge{query: newQuery(f), yield: yield, left: f.Limit}
		previous := ""
		for b, err := range batches {
			if err != nil {
				yield(Record{}, err)
				return
			}
			bound := m.bound(&b)
			if previous != "" && m.before(bound, previous) {
				yield(Record{}, fmt.Errorf("select records: batch of %s comes behind %s: the batches are out of order", bound, previous))
				return
			}
			previous = bound
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

// merge brings the records of overlapping batches into one order.
type merge struct {
	query
	yield   func(Record, error) bool
	left    int       // how many more; 0 from the start: all
	sources []*source // the one with the next head last
}

// source is a batch in the merge. Its head is the id of its next record; as long as it is not opened,
// the bound of its ids.
type source struct {
	batch  Batch
	head   string
	opened bool
	lines  []line // what may match, the next one last
	record Record
}

// bound gives the first id, in the order asked for, that a batch can hold.
func (q *query) bound(b *Batch) string {
	if q.filter.OldestFirst {
		return b.FirstID
	}
	return b.LastID
}

func (q *query) before(a, b string) bool {
	if q.filter.OldestFirst {
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
			m.yield(Record{}, err)
			return false
		}
		found, err := m.next(s)
		if err != nil {
			m.yield(Record{}, err)
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
	lines, err := s.batch.lines()
	if err != nil {
		return err
	}
	s.opened = true
	for _, text := range lines {
		if l, ok := m.mayMatch(text); ok {
			s.lines = append(s.lines, l)
		}
	}
	slices.SortStableFunc(s.lines, func(a, b line) int {
		if m.filter.OldestFirst {
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
		s.record = Record{}
		if err := s.batch.decode(l.text, &s.record); err != nil {
			return false, err
		}
		if m.filter.Match(&s.record) {
			s.head = s.record.ID
			return true, nil
		}
	}
	return false, nil
}

// query is a filter, made ready to be asked of many batches and lines.
type query struct {
	filter    RecordFilter
	low, high string
	keys      []uint64
	texts     [][]byte // each of them is in every line that matches
	reason    []byte   // and so is this, unless the line has escapes
}

// line is a record's JSON and its id.
type line struct {
	id   []byte
	text []byte
}

func newQuery(f RecordFilter) query {
	q := query{filter: f, keys: f.keys()}
	q.low, q.high = f.IDRange()
	table := recordFields(new(Record), &f)
	for i := range table {
		if m := &table[i]; m.key != "" && m.how == equal && m.text() != "" {
			if _, ok := m.has.(*string); ok {
				q.texts = append(q.texts, appendString(nil, m.text()))
			}
		}
	}
	if f.Reason != "" {
		q.reason = appendString(nil, f.Reason)
	}
	return q
}

// mayHold tells whether a batch can hold something that the filter selects.
func (q *query) mayHold(b *Batch) bool {
	return b.Count > 0 && (q.filter.Replica == "" || q.filter.Replica == b.Replica) &&
		b.LastID >= q.low && b.FirstID <= q.high && bloomHolds(b.Bloom, q.keys)
}

// lineHead is what every line begins with; the id follows.
const lineHead = `{"id":"`

// mayMatch tells whether a line can match, by what is cheap to see: decoding it costs microseconds.
func (q *query) mayMatch(text []byte) (line, bool) {
	rest, ok := bytes.CutPrefix(text, []byte(lineHead))
	if !ok || len(rest) < idLen {
		return line{text: text}, true // decoding says what is wrong with it
	}
	l := line{id: rest[:idLen], text: text}
	if string(l.id) < q.low || string(l.id) > q.high {
		return l, false
	}
	for _, value := range q.texts {
		if !bytes.Contains(text, value) {
			return l, false
		}
	}
	if q.reason != nil && !bytes.Contains(text, q.reason) && bytes.IndexByte(text, '\\') < 0 {
		return l, false
	}
	return l, true
}
