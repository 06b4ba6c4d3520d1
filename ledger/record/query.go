package record

import (
	"bytes"
	"strconv"
)

// Query is a filter, made ready to be asked of many lines.
type Query struct {
	Filter
	Low, High string   // bounds of the ids, both included
	Keys      []uint64 // which every record that matches has
	texts     [][]byte // each of them is in every line that matches
	reason    []byte   // and so is this, unless the line has escapes
}

// Query makes a filter ready.
func (f Filter) Query() Query {
	q := Query{Filter: f, Keys: f.Keys()}
	q.Low, q.High = f.IDRange()
	table := fields(new(Record), &f)
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

// lineHead is what every line begins with; the id follows.
const lineHead = `{"id":"`

// LineID returns the id of a line, nil where it does not begin with one.
func LineID(line []byte) []byte {
	rest, ok := bytes.CutPrefix(line, []byte(lineHead))
	if !ok || len(rest) < idLen {
		return nil
	}
	return rest[:idLen]
}

// Numbered reports whether a line is the record that a stream has under a number.
func Numbered(line []byte, stream string, sequence int64) bool {
	rest, ok := bytes.CutPrefix(line, []byte(lineHead))
	const ofTime = `","time":"2006-01-02T15:04:05.000000Z"`
	if !ok || len(rest) < idLen+len(ofTime) {
		return false
	}
	var room [128]byte
	number := appendString(append(room[:0], `,"replica":`...), stream)
	number = append(strconv.AppendInt(append(number, `,"sequence":`...), sequence, 10), ',')
	return bytes.HasPrefix(rest[idLen+len(ofTime):], number)
}

// MayMatch reports whether a line can match, by what is cheap to see, and returns its id: to decode it costs
// microseconds. A line that has no id may match; decoding says what is wrong with it.
func (q *Query) MayMatch(line []byte) (id []byte, ok bool) {
	if id = LineID(line); id == nil {
		return nil, true
	}
	if string(id) < q.Low || string(id) > q.High {
		return id, false
	}
	for _, value := range q.texts {
		if !bytes.Contains(line, value) {
			return id, false
		}
	}
	if q.reason != nil && !bytes.Contains(line, q.reason) && bytes.IndexByte(line, '\\') < 0 {
		return id, false
	}
	return id, true
}
