package record

import (
	"math/bits"
	"strconv"
	"time"
	"unicode/utf8"
)

// AppendJSON appends the record as one line of JSON, without the newline: what [encoding/json] makes
// of the tags, but for times (UTC, always six digits of a second, so that they sort as text), absent
// Reasons (an empty array) and HTML characters (as they are). What it appends is always valid JSON
// and valid UTF-8: bytes that are not UTF-8 become U+FFFD, and a raw member that is not JSON becomes
// a string of its text, since a line that nobody can read would hide its neighbours in a [Batch] too.
//
// It is written by hand because it is on the path of every decision: it allocates nothing.
func (r *Record) AppendJSON(dst []byte) []byte {
	dst = append(dst, `{"id":`...)
	dst = appendString(dst, r.ID)
	dst = append(dst, `,"time":`...)
	dst = appendTime(dst, r.Time)
	dst = append(dst, `,"replica":`...)
	dst = appendString(dst, r.Replica)
	dst = append(dst, `,"sequence":`...)
	dst = strconv.AppendInt(dst, r.Sequence, 10)
	dst = append(dst, `,"caller":`...)
	dst = appendString(dst, r.Caller)
	dst = appendOptional(dst, `,"actor":`, r.Actor)
	dst = appendOptional(dst, `,"agent":`, r.Agent)
	dst = append(dst, `,"kind":`...)
	dst = appendString(dst, r.Kind)
	dst = append(dst, `,"question":{"subject":`...)
	dst = r.Question.Subject.appendJSON(dst)
	dst = append(dst, `,"action":{"name":`...)
	dst = appendString(dst, r.Question.Action.Name)
	dst = appendOptional(dst, `,"channel":`, r.Question.Action.Channel)
	dst = appendOptional(dst, `,"role":`, r.Question.Action.Role)
	dst = append(dst, `},"resource":`...)
	dst = r.Question.Resource.appendJSON(dst)
	dst = append(dst, '}')
	if len(r.Input) > 0 {
		dst = append(dst, `,"input":`...)
		dst = r.appendRaw(dst, r.Input)
	}
	dst = append(dst, `,"decision":`...)
	dst = strconv.AppendBool(dst, r.Decision)
	dst = append(dst, `,"reasons":`...)
	dst = r.appendReasons(dst)
	dst = appendOptional(dst, `,"policy":`, r.Policy)
	dst = appendOptional(dst, `,"organization":`, r.Organization)
	dst = append(dst, `,"revision":`...)
	dst = strconv.AppendInt(dst, r.Revision, 10)
	dst = append(dst, `,"duration_us":`...)
	dst = strconv.AppendInt(dst, r.DurationUS, 10)
	dst = appendOptional(dst, `,"request_id":`, r.RequestID)
	dst = appendOptional(dst, `,"trace_id":`, r.TraceID)
	dst = appendOptional(dst, `,"batch":`, r.Batch)
	if len(r.Details) > 0 {
		dst = append(dst, `,"details":`...)
		dst = r.appendRaw(dst, r.Details)
	}
	return append(dst, '}')
}

func (e *Entity) appendJSON(dst []byte) []byte {
	dst = append(dst, `{"type":`...)
	dst = appendString(dst, e.Type)
	dst = append(dst, `,"id":`...)
	dst = appendString(dst, e.ID)
	dst = appendOptional(dst, `,"organization":`, e.Organization)
	return append(dst, '}')
}

// appendReasons writes an array always: nobody who reads the log has to know of null.
func (r *Record) appendReasons(dst []byte) []byte {
	if len(r.Reasons) == 0 || string(r.Reasons) == "null" {
		return append(dst, "[]"...)
	}
	return r.appendRaw(dst, r.Reasons)
}

// appendRaw copies what is promised to be right, and looks at the rest.
func (r *Record) appendRaw(dst, raw []byte) []byte {
	if r.Compact {
		return append(dst, raw...)
	}
	return appendRaw(dst, raw)
}

// appendOptional appends a member unless its value is empty.
func appendOptional(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	return appendString(append(dst, name...), value)
}

const hexDigits = "0123456789abcdef"

// appendString appends a JSON string. Beside what JSON asks for, U+2028 and U+2029 are escaped, as
// encoding/json does: some readers of lines take them for the end of one.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for {
		n := plainPrefix(s)
		dst = append(dst, s[:n]...)
		if s = s[n:]; s == "" {
			return append(dst, '"')
		}
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, `\n`...)
		case r == '\r':
			dst = append(dst, `\r`...)
		case r == '\t':
			dst = append(dst, `\t`...)
		case r < ' ':
			dst = append(dst, `\u00`...)
			dst = append(dst, hexDigits[r>>4], hexDigits[r&15])
		case r == '\u2028' || r == '\u2029':
			dst = append(dst, `\u202`...)
			dst = append(dst, hexDigits[r&15])
		default: // utf8.RuneError, too, where there was no UTF-8
			dst = utf8.AppendRune(dst, r)
		}
		s = s[size:]
	}
}

// plainPrefix gives the length of the part that is ASCII and needs no escape. It looks at eight bytes
// at a time, since most of what a record says is such text.
func plainPrefix[T string | []byte](s T) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(s); i += 8 {
		w := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
			uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
		quote, slash := w^ones*'"', w^ones*'\\'
		// The top bit of a byte of x-ones is set where that byte was 0. It may be set wrongly behind
		// such a byte, by the borrow, but the first is right.
		if found := (w | (w - ones*' ') | (quote - ones) | (slash - ones)) & tops; found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for ; i < len(s); i++ {
		if c := s[i]; c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			return i
		}
	}
	return i
}

// appendTime appends an RFC 3339 time in UTC with microseconds. A year that RFC 3339 cannot write
// becomes the nearest that it can.
func appendTime(dst []byte, t time.Time) []byte {
	t = t.UTC()
	switch year := t.Year(); {
	case year < 0:
		return append(dst, `"0000-01-01T00:00:00.000000Z"`...)
	case year > 9999:
		return append(dst, `"9999-12-31T23:59:59.999999Z"`...)
	}
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	dst = append(dst, '"')
	dst = appendDigits(dst, year, 4)
	dst = append(dst, '-')
	dst = appendDigits(dst, int(month), 2)
	dst = append(dst, '-')
	dst = appendDigits(dst, day, 2)
	dst = append(dst, 'T')
	dst = appendDigits(dst, hour, 2)
	dst = append(dst, ':')
	dst = appendDigits(dst, minute, 2)
	dst = append(dst, ':')
	dst = appendDigits(dst, second, 2)
	dst = append(dst, '.')
	dst = appendDigits(dst, t.Nanosecond()/1000, 6)
	return append(dst, 'Z', '"')
}

func appendDigits(dst []byte, n, width int) []byte {
	var digits [6]byte
	for i := width - 1; i >= 0; i-- {
		digits[i] = byte('0' + n%10)
		n /= 10
	}
	return append(dst, digits[:width]...)
}
