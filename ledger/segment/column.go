package segment

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	"cordon/ledger/record"

	"github.com/google/uuid"
	"github.com/parquet-go/parquet-go"
)

// row is a record on its way into columns or out of them.
type row struct {
	record.Record
	leaf    int64
	removed bool
	codes   []string // of its reasons, each once; written for other readers, never read
	line    []byte   // where the columns cannot make the line again: the line
}

// column is one column of the file. What it holds is told by the type that of points to; all but the first two are
// null in the row of a removed record.
type column struct {
	name string
	kept keeping
	of   any
}

type keeping uint8

const (
	plain      keeping = iota
	dictionary         // of few values; one that has many becomes plain by itself
	delta              // near the one before it
)

type (
	identifier string          // a UUID, where it is one in lower case; null where not
	other      string          // what is no such UUID
	trace      string          // 32 digits in lower case, kept as a UUID, which is half as long; null where not
	otherTrace string          // what are no such digits
	codeList   []string        // a list of texts
	number     int64           // required, never null
	flag       bool            // required, never null
	text       string          // null where it is empty
	document   json.RawMessage // JSON, null where there is none
)

// columns is the one table of a segment's columns, of one row; the names are those of the CSV export. Why a subject
// has no dictionary: one of 28,000 entries takes a millisecond to read for a single row.
func columns(r *row) [34]column {
	q := &r.Question
	return [...]column{
		{"leaf", delta, (*number)(&r.leaf)},
		{"removed", plain, (*flag)(&r.removed)},
		{"id", plain, (*identifier)(&r.ID)},
		{"time", delta, &r.Time},
		{"replica", dictionary, (*text)(&r.Replica)},
		{"sequence", delta, &r.Sequence},
		{"caller", dictionary, (*text)(&r.Caller)},
		{"actor", dictionary, (*text)(&r.Actor)},
		{"agent", dictionary, (*text)(&r.Agent)},
		{"kind", dictionary, (*text)(&r.Kind)},
		{"subject_type", dictionary, (*text)(&q.Subject.Type)},
		{"subject_id", plain, (*text)(&q.Subject.ID)},
		{"subject_organization", dictionary, (*text)(&q.Subject.Organization)},
		{"action", dictionary, (*text)(&q.Action.Name)},
		{"action_channel", dictionary, (*text)(&q.Action.Channel)},
		{"action_role", dictionary, (*text)(&q.Action.Role)},
		{"resource_type", dictionary, (*text)(&q.Resource.Type)},
		{"resource_id", plain, (*text)(&q.Resource.ID)},
		{"resource_organization", dictionary, (*text)(&q.Resource.Organization)},
		{"input", dictionary, (*document)(&r.Input)},
		{"decision", plain, &r.Decision},
		{"reasons", dictionary, (*document)(&r.Reasons)},
		{"reason_codes", dictionary, (*codeList)(&r.codes)},
		{"policy", dictionary, (*text)(&r.Policy)},
		{"organization", dictionary, (*text)(&r.Organization)},
		{"revision", dictionary, &r.Revision},
		{"duration_us", dictionary, &r.DurationUS},
		{"request_id", plain, (*identifier)(&r.RequestID)},
		{"request_id_text", plain, (*other)(&r.RequestID)},
		{"trace_id", plain, (*trace)(&r.TraceID)},
		{"trace_id_text", plain, (*otherTrace)(&r.TraceID)},
		{"batch", dictionary, (*text)(&r.Batch)},
		{"details", plain, (*document)(&r.Details)},
		{"line", plain, (*document)(&r.line)},
	}
}

// node says how a column is declared.
func (c *column) node() parquet.Node {
	var n parquet.Node
	switch c.of.(type) {
	case *number:
		return c.encoded(parquet.Int(64))
	case *flag:
		return c.encoded(parquet.Leaf(parquet.BooleanType))
	case *codeList:
		return parquet.List(c.encoded(parquet.String()))
	case *bool:
		n = parquet.Leaf(parquet.BooleanType)
	case *int64:
		n = parquet.Int(64)
	case *time.Time:
		n = parquet.Timestamp(parquet.Microsecond)
	case *identifier, *trace:
		n = parquet.UUID()
	case *document:
		n = parquet.JSON()
	default:
		n = parquet.String()
	}
	return parquet.Optional(c.encoded(n))
}

func (c *column) encoded(n parquet.Node) parquet.Node {
	switch c.kept {
	case dictionary:
		return parquet.Encoded(n, &parquet.RLEDictionary)
	case delta:
		return parquet.Encoded(n, &parquet.DeltaBinaryPacked)
	case plain:
	}
	return n
}

// room is where the texts of values are until the library has copied them: a new piece of memory for each would be a
// fifth of what sealing takes.
type room []byte

// keep copies a text into the room.
func keep[T string | []byte](r *room, text T) []byte {
	from := len(*r)
	*r = append(*r, text...)
	return (*r)[from:len(*r):len(*r)]
}

// appendTo appends the column's value, or the values of a list, to those of the rows before. They refer to the room's memory,
// and a text that follows itself is there once.
func (c *column) appendTo(values []parquet.Value, removed bool, room *room) []parquet.Value {
	value := parquet.Value{}
	switch of := c.of.(type) {
	case *number:
		return append(values, parquet.Int64Value(int64(*of)))
	case *flag:
		return append(values, parquet.BooleanValue(bool(*of)))
	}
	if removed {
		return append(values, value)
	}
	switch of := c.of.(type) {
	case *codeList:
		for i, code := range *of {
			value = parquet.ByteArrayValue(keep(room, code))
			value.SetRepetitionLevel(min(i, 1))
			value.SetDefinitionLevel(1)
			values = append(values, value)
		}
		if len(*of) > 0 {
			return values
		}
	case *bool:
		value = parquet.BooleanValue(*of)
	case *int64:
		value = parquet.Int64Value(*of)
	case *time.Time:
		value = parquet.Int64Value(of.UnixMicro())
	case *text:
		if before := last(values); *of != "" && string(before.ByteArray()) == string(*of) {
			return append(values, before)
		} else if *of != "" {
			value = parquet.ByteArrayValue(keep(room, string(*of)))
		}
	case *document:
		if before := last(values); len(*of) > 0 && bytes.Equal(before.ByteArray(), *of) {
			return append(values, before)
		} else if len(*of) > 0 {
			value = parquet.ByteArrayValue(keep(room, []byte(*of)))
		}
	case *identifier:
		if id, ok := parseUUID(string(*of)); ok {
			value = parquet.FixedLenByteArrayValue(keep(room, id[:]))
		}
	case *other:
		if _, ok := parseUUID(string(*of)); !ok && *of != "" {
			value = parquet.ByteArrayValue(keep(room, string(*of)))
		}
	case *trace:
		if id, ok := parseTrace(string(*of)); ok {
			value = parquet.FixedLenByteArrayValue(keep(room, id[:]))
		}
	case *otherTrace:
		if _, ok := parseTrace(string(*of)); !ok && *of != "" {
			value = parquet.ByteArrayValue(keep(room, string(*of)))
		}
	}
	if value.IsNull() {
		return append(values, parquet.Value{})
	}
	value.SetDefinitionLevel(1)
	return append(values, value)
}

// last returns the value of the row before, null where there is none.
func last(values []parquet.Value) (v parquet.Value) {
	if len(values) > 0 {
		v = values[len(values)-1]
	}
	return v
}

// repeated are values of a column that has few, so that rows share their memory.
type repeated map[string][]byte

// of returns the bytes of a value, which outlive the page that it is in; those of the page itself where nothing is to be
// repeated.
func (s repeated) of(value parquet.Value, kept keeping) []byte {
	data := value.ByteArray()
	switch {
	case s == nil:
		return data
	case kept != dictionary:
		return bytes.Clone(data)
	}
	same, ok := s[string(data)]
	if !ok {
		same = bytes.Clone(data)
		if len(s) < rowsAtOnce {
			s[string(same)] = same
		}
	}
	return same[:len(same):len(same)]
}

// set puts a value of the column into the row.
func (c *column) set(value parquet.Value, same repeated) {
	if value.IsNull() {
		return
	}
	switch of := c.of.(type) {
	case *number:
		*of = number(value.Int64())
	case *flag:
		*of = flag(value.Boolean())
	case *bool:
		*of = value.Boolean()
	case *int64:
		*of = value.Int64()
	case *time.Time:
		*of = time.UnixMicro(value.Int64()).UTC()
	case *document:
		*of = same.of(value, c.kept)
	case *identifier, *trace:
		var room [len(noID)]byte
		c.setText(string(c.appendText(room[:0], value.ByteArray())))
	default:
		c.setText(string(value.ByteArray()))
	}
}

// textual reports whether the row has a string of the column's value.
func (c *column) textual() bool {
	switch c.of.(type) {
	case *text, *other, *otherTrace, *identifier, *trace:
		return true
	}
	return false
}

// appendText appends the bytes of a value as the string that they stand for.
func (c *column) appendText(dst, data []byte) []byte {
	switch c.of.(type) {
	case *identifier:
		return appendUUID(dst, uuid.UUID(data))
	case *trace:
		return hex.AppendEncode(dst, data)
	}
	return append(dst, data...)
}

// setText puts such a string into the row, and reports whether the column has any.
func (c *column) setText(s string) bool {
	switch of := c.of.(type) {
	case *text:
		*of = text(s)
	case *other:
		*of = other(s)
	case *otherTrace:
		*of = otherTrace(s)
	case *identifier:
		*of = identifier(s)
	case *trace:
		*of = trace(s)
	default:
		return false
	}
	return true
}

// appendUUID appends a UUID as its String writes it.
func appendUUID(dst []byte, id uuid.UUID) []byte {
	dst = append(hex.AppendEncode(dst, id[:4]), '-')
	dst = append(hex.AppendEncode(dst, id[4:6]), '-')
	dst = append(hex.AppendEncode(dst, id[6:8]), '-')
	dst = append(hex.AppendEncode(dst, id[8:10]), '-')
	return hex.AppendEncode(dst, id[10:])
}

// parseUUID reads a UUID that is written as its String writes it.
func parseUUID(s string) (uuid.UUID, bool) {
	if len(s) != len(noID) {
		return uuid.UUID{}, false
	}
	id, err := uuid.Parse(s)
	return id, err == nil && strings.ToLower(s) == s
}

// parseTrace reads 32 hexadecimal digits in lower case.
func parseTrace(s string) (id [16]byte, ok bool) {
	if len(s) != 2*len(id) || strings.ToLower(s) != s {
		return id, false
	}
	_, err := hex.Decode(id[:], []byte(s))
	return id, err == nil
}
