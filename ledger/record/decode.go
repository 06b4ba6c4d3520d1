package record

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Decode reads a line, as [encoding/json] reads it, into a record. Its raw members may refer to the line's memory. Texts that
// the record has already are left where they are: who reads many lines into one takes less memory.
//
// A line that [Record.AppendJSON] wrote is read by its form, in a quarter of the time, unless a string of it has more than
// plain ASCII; everything else is left to encoding/json, so what both read is the same.
func Decode(line []byte, r *Record) error { return decode(line, r, nil) }

// Decoder reads many lines, one after the other. It remembers inputs, reasons and details, which are the same in many: to see
// whether they are JSON is what costs most. The zero value works; it serves one goroutine at a time.
type Decoder struct{ valid map[string]struct{} }

// mostRemembered is how long a text may be that is remembered.
const mostRemembered = 1 << 10

// Decode reads what the function of this name does.
func (m *Decoder) Decode(line []byte, r *Record) error {
	if m.valid == nil || len(m.valid) >= remembered {
		m.valid = map[string]struct{}{}
	}
	return decode(line, r, m.valid)
}

func decode(line []byte, r *Record, valid map[string]struct{}) error {
	if d := (decoder{rest: line, valid: valid}); d.record(r) {
		return nil
	}
	*r = Record{}
	return json.Unmarshal(line, r)
}

// decoder reads a line from left to right. Once something is not as expected it reads nothing any more.
type decoder struct {
	rest   []byte
	valid  map[string]struct{} // texts that are known to be JSON; nil: none is remembered
	failed bool
}

func (d *decoder) record(r *Record) bool {
	d.skip(`{"id":`)
	d.text(&r.ID)
	d.skip(`,"time":`)
	r.Time = d.time()
	d.skip(`,"replica":`)
	d.text(&r.Replica)
	d.skip(`,"sequence":`)
	r.Sequence = d.number()
	d.skip(`,"caller":`)
	d.text(&r.Caller)
	d.optional(`,"actor":`, &r.Actor)
	d.optional(`,"agent":`, &r.Agent)
	d.skip(`,"kind":`)
	d.text(&r.Kind)
	d.skip(`,"question":{"subject":`)
	d.entity(&r.Question.Subject)
	d.skip(`,"action":{"name":`)
	d.text(&r.Question.Action.Name)
	d.optional(`,"channel":`, &r.Question.Action.Channel)
	d.optional(`,"role":`, &r.Question.Action.Role)
	d.skip(`},"resource":`)
	d.entity(&r.Question.Resource)
	d.skip(`}`)
	r.Input = nil
	if d.skips(`,"input":`) {
		r.Input = d.raw()
	}
	d.skip(`,"decision":`)
	if r.Decision = d.skips(`true`); !r.Decision {
		d.skip(`false`)
	}
	d.skip(`,"reasons":`)
	r.Reasons = d.raw()
	d.optional(`,"policy":`, &r.Policy)
	d.optional(`,"organization":`, &r.Organization)
	d.skip(`,"revision":`)
	r.Revision = d.number()
	d.skip(`,"duration_us":`)
	r.DurationUS = d.number()
	d.optional(`,"request_id":`, &r.RequestID)
	d.optional(`,"trace_id":`, &r.TraceID)
	d.optional(`,"batch":`, &r.Batch)
	r.Details, r.Compact = nil, false
	if d.skips(`,"details":`) {
		r.Details = d.raw()
	}
	d.skip(`}`)
	return !d.failed && len(d.rest) == 0
}

func (d *decoder) entity(e *Entity) {
	d.skip(`{"type":`)
	d.text(&e.Type)
	d.skip(`,"id":`)
	d.text(&e.ID)
	d.optional(`,"organization":`, &e.Organization)
	d.skip(`}`)
}

// skips reports whether what follows begins so, and goes behind it.
func (d *decoder) skips(what string) bool {
	if len(d.rest) < len(what) || string(d.rest[:len(what)]) != what {
		return false
	}
	d.rest = d.rest[len(what):]
	return true
}

func (d *decoder) skip(what string) {
	if !d.skips(what) {
		d.fail()
	}
}

func (d *decoder) fail() { d.failed, d.rest = true, nil }

// plain returns a string of ASCII without escapes.
func (d *decoder) plain() []byte {
	d.skip(`"`)
	n := plainPrefix(d.rest)
	if n >= len(d.rest) || d.rest[n] != '"' {
		d.fail()
		return nil
	}
	text := d.rest[:n]
	d.rest = d.rest[n+1:]
	return text
}

func (d *decoder) text(into *string) {
	if text := d.plain(); string(text) != *into {
		*into = string(text)
	}
}

func (d *decoder) optional(name string, into *string) {
	if !d.skips(name) {
		*into = ""
		return
	}
	d.text(into)
}

func (d *decoder) number() int64 {
	n := 0
	for n < len(d.rest) && (d.rest[n] == '-' || '0' <= d.rest[n] && d.rest[n] <= '9') {
		n++
	}
	text := d.rest[:n]
	number, err := strconv.ParseInt(string(text), 10, 64)
	if digits := bytes.TrimPrefix(text, []byte("-")); err != nil || len(digits) > 1 && digits[0] == '0' {
		d.fail()
		return 0
	}
	d.rest = d.rest[n:]
	return number
}

// time reads a time as appendTime writes it.
func (d *decoder) time() time.Time {
	const form = "2006-01-02T15:04:05.000000Z"
	text := d.plain()
	if len(text) != len(form) {
		d.fail()
		return time.Time{}
	}
	for i, c := range []byte(form) {
		if digit := '0' <= text[i] && text[i] <= '9'; '0' <= c && c <= '9' && !digit || (c < '0' || c > '9') && text[i] != c {
			d.fail()
			return time.Time{}
		}
	}
	digits := func(from, to int) (n int) {
		for _, c := range text[from:to] {
			n = 10*n + int(c-'0')
		}
		return n
	}
	year, month, day := digits(0, 4), digits(5, 7), digits(8, 10)
	hour, minute, second := digits(11, 13), digits(14, 16), digits(17, 19)
	at := time.Date(year, time.Month(month), day, hour, minute, second, digits(20, 26)*1000, time.UTC)
	if at.Month() != time.Month(month) || at.Day() != day || hour > 23 || minute > 59 || second > 59 {
		d.fail()
	}
	return at
}

// raw returns a value as it stands, if it is one.
func (d *decoder) raw() json.RawMessage {
	depth, n := 0, 0
scan:
	for ; n < len(d.rest); n++ {
		switch d.rest[n] {
		case '"':
			for n++; n < len(d.rest); n++ {
				if n += plainPrefix(d.rest[n:]); n < len(d.rest) && d.rest[n] == '"' {
					break
				} else if n < len(d.rest) && d.rest[n] == '\\' {
					n++
				}
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth < 0 {
				break scan
			}
		case ',':
			if depth == 0 {
				break scan
			}
		}
	}
	n = min(n, len(d.rest))
	value := d.rest[:n:n]
	if _, known := d.valid[string(value)]; !known {
		// A name that comes twice is read by encoding/json, too.
		if !jsontext.Value(value).IsValid(jsontext.AllowDuplicateNames(true)) {
			d.fail()
			return nil
		}
		if d.valid != nil && n <= mostRemembered {
			d.valid[string(value)] = struct{}{}
		}
	}
	d.rest = d.rest[n:]
	return json.RawMessage(value)
}
