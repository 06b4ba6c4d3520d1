package record

import (
	"bytes"
	"encoding/json"
	"iter"
	"strconv"

	"github.com/cespare/xxhash/v2"
)

// AppendKeys appends one key for each non-empty member that fields gives a key, and one for each reason code, for each
// origin of a block that the record is about ("origin=support") and for each word of the reason or the justification of
// an act ("text=fraud"): the XXH64 hash, with seed 0, of "member=value" ("organization=acme",
// "reason=product_blocked"). The keys of a batch are kept as its Bloom filter, so neither the hash nor
// the names may ever change; an added member would have to be one that old records do not have.
//
// It says the table once more, since every decision comes by here and making the table costs twice as much as
// hashing; a test holds the two together.
func (r *Record) AppendKeys(dst []uint64) []uint64 {
	return r.appendOriginKeys(r.appendReasonKeys(r.appendPlainKeys(dst)))
}

func (r *Record) appendPlainKeys(dst []uint64) []uint64 {
	for _, m := range r.plain() {
		dst = appendKey(dst, m.name, m.value)
	}
	return r.appendWordKeys(dst)
}

// plainMember is a member that has one key, that of its value.
type plainMember struct{ name, value string }

// mostPlain is how many there are.
const mostPlain = 14

func (r *Record) plain() [mostPlain]plainMember {
	return [...]plainMember{
		{"id=", r.ID},
		{"caller=", r.Caller},
		{"actor=", r.Actor},
		{"agent=", r.Agent},
		{"kind=", r.Kind},
		{"subject=", r.Question.Subject.ID},
		{"action=", r.Question.Action.Name},
		{"resource=", r.Question.Resource.ID},
		{"decision=", strconv.FormatBool(r.Decision)},
		{"policy=", r.Policy},
		{"organization=", r.Organization},
		{"request_id=", r.RequestID},
		{"trace_id=", r.TraceID},
		{"batch=", r.Batch},
	}
}

func (r *Record) appendWordKeys(dst []uint64) []uint64 {
	if said := r.said(); said != "" {
		for _, word := range Words(said) {
			dst = appendKey(dst, "text=", word)
		}
	}
	return dst
}

func (r *Record) appendReasonKeys(dst []uint64) []uint64 {
	for code := range r.reasonCodes() {
		dst = appendKey(dst, "reason=", string(code))
	}
	return dst
}

func (r *Record) appendOriginKeys(dst []uint64) []uint64 {
	for origin := range r.origins() {
		dst = appendKey(dst, "origin=", string(origin))
	}
	return dst
}

// Keyer appends the keys of many records, one after the other. It remembers those of reasons and of inputs, which cost
// most to find and are the same in many, and of each other member the last: most of what a record says, the one before it
// said, too. It keeps none of the records' memory. The zero value works; it serves one goroutine at a time.
type Keyer struct {
	last            [mostPlain]lastKey
	reasons, inputs map[string][]uint64
	bytes           int // of what they are remembered by
	input           []byte
}

// remembered bounds how many reasons and inputs a [Keyer] has in mind, and rememberedBytes how much they take.
const (
	remembered      = 4096
	rememberedBytes = 2 << 20
)

// lastKey is the key of a member's last value, where that is short.
type lastKey struct {
	key  uint64
	size int
	text [64]byte
}

// AppendKeys appends what the record's own AppendKeys does.
func (k *Keyer) AppendKeys(dst []uint64, r *Record) []uint64 {
	for i, m := range r.plain() {
		last := &k.last[i]
		switch {
		case m.value == "":
		case string(last.text[:last.size]) == m.value:
			dst = append(dst, last.key)
		default:
			dst = appendKey(dst, m.name, m.value)
			if len(m.value) <= len(last.text) {
				last.key, last.size = dst[len(dst)-1], copy(last.text[:], m.value)
			}
		}
	}
	dst = r.appendWordKeys(dst)
	if k.reasons == nil || len(k.reasons) > remembered || len(k.inputs) > remembered || k.bytes > rememberedBytes {
		k.reasons, k.inputs, k.bytes = map[string][]uint64{}, map[string][]uint64{}, 0
	}
	reasons, known := k.reasons[string(r.Reasons)]
	if !known {
		reasons = r.appendReasonKeys(nil)
		k.reasons[string(r.Reasons)] = reasons
		k.bytes += len(r.Reasons)
	}
	// Whose block it is is in the input, and whether it is about one in the name of the action.
	k.input = append(append(append(k.input[:0], r.Input...), 0), r.Question.Action.Name...)
	inputs, known := k.inputs[string(k.input)]
	if !known {
		inputs = r.appendOriginKeys(nil)
		k.inputs[string(k.input)] = inputs
		k.bytes += len(k.input)
	}
	return append(append(dst, reasons...), inputs...)
}

// Keys returns the keys that a record must have for the filter to select it.
func (f *Filter) Keys() []uint64 {
	var keys []uint64
	table := fields(new(Record), f)
	for i := range table {
		switch m := &table[i]; {
		case m.how == says:
			for _, word := range Words(m.text()) {
				keys = appendKey(keys, m.key, word)
			}
		case m.key != "":
			keys = appendKey(keys, m.key, m.text())
		}
	}
	return keys
}

func appendKey(dst []uint64, member, value string) []uint64 {
	if value == "" {
		return dst
	}
	var room [192]byte
	text := append(append(room[:0], member...), validText(value)...)
	return append(dst, xxhash.Sum64(text))
}

// reasonCodes gives the codes of an array of {code, message}; of anything else, none.
func (r *Record) reasonCodes() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		if rest := r.Reasons; r.Compact && bytes.IndexByte(rest, '\\') < 0 {
			// Every decision comes by here. Without an escape no string has a quote in it, so this is the
			// beginning of a reason wherever it stands. Decoding costs a microsecond more.
			for {
				_, after, _ := bytes.Cut(rest, []byte(`{"code":"`))
				code, after, more := bytes.Cut(after, []byte(`"`))
				if !more || len(code) > 0 && !yield(code) {
					return
				}
				rest = after
			}
		}
		var reasons []struct {
			Code any `json:"code"`
		}
		_ = json.Unmarshal(r.Reasons, &reasons) // what is no array of objects has no codes
		for _, reason := range reasons {
			if code, ok := reason.Code.(string); ok && code != "" && !yield([]byte(code)) {
				return
			}
		}
	}
}
