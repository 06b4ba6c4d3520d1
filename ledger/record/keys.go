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
	dst = appendKey(dst, "id=", r.ID)
	dst = appendKey(dst, "caller=", r.Caller)
	dst = appendKey(dst, "actor=", r.Actor)
	dst = appendKey(dst, "agent=", r.Agent)
	dst = appendKey(dst, "kind=", r.Kind)
	dst = appendKey(dst, "subject=", r.Question.Subject.ID)
	dst = appendKey(dst, "action=", r.Question.Action.Name)
	dst = appendKey(dst, "resource=", r.Question.Resource.ID)
	dst = appendKey(dst, "decision=", strconv.FormatBool(r.Decision))
	dst = appendKey(dst, "policy=", r.Policy)
	dst = appendKey(dst, "organization=", r.Organization)
	dst = appendKey(dst, "request_id=", r.RequestID)
	dst = appendKey(dst, "trace_id=", r.TraceID)
	dst = appendKey(dst, "batch=", r.Batch)
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
// most to find in a record that is read again, and are the same in many.
type Keyer struct {
	reasons, inputs map[string][]uint64
	input           []byte
}

// remembered bounds how many reasons and inputs a [Keyer] has in mind.
const remembered = 4096

// AppendKeys appends what the record's own AppendKeys does.
func (k *Keyer) AppendKeys(dst []uint64, r *Record) []uint64 {
	if k.reasons == nil || len(k.reasons) > remembered || len(k.inputs) > remembered {
		k.reasons, k.inputs = map[string][]uint64{}, map[string][]uint64{}
	}
	dst = r.appendPlainKeys(dst)
	reasons, known := k.reasons[string(r.Reasons)]
	if !known {
		reasons = r.appendReasonKeys(nil)
		k.reasons[string(r.Reasons)] = reasons
	}
	// Whose block it is is in the input, and whether it is about one in the name of the action.
	k.input = append(append(append(k.input[:0], r.Input...), 0), r.Question.Action.Name...)
	inputs, known := k.inputs[string(k.input)]
	if !known {
		inputs = r.appendOriginKeys(nil)
		k.inputs[string(k.input)] = inputs
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
