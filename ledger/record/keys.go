package record

import (
	"bytes"
	"encoding/json"
	"iter"
	"strconv"

	"github.com/cespare/xxhash/v2"
)

// AppendKeys appends one key for each non-empty member that fields gives a key, and one for each
// reason code: the XXH64 hash, with seed 0, of "member=value" ("organization=acme",
// "reason=product_blocked"). The keys of a batch are kept as its Bloom filter, so neither the hash nor
// the names may ever change; an added member would have to be one that old records do not have.
func (r *Record) AppendKeys(dst []uint64) []uint64 {
	var none Filter
	table := fields(r, &none)
	for i := range table {
		m := &table[i]
		if m.key == "" {
			continue
		}
		switch has := m.has.(type) {
		case *string:
			dst = appendKey(dst, m.key, *has)
		case *bool:
			dst = appendKey(dst, m.key, strconv.FormatBool(*has))
		case *Record:
			for code := range has.reasonCodes() {
				dst = appendKey(dst, m.key, string(code))
			}
		}
	}
	return dst
}

// Keys returns the keys that a record must have for the filter to select it.
func (f *Filter) Keys() []uint64 {
	var keys []uint64
	table := fields(new(Record), f)
	for i := range table {
		if m := &table[i]; m.key != "" {
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
