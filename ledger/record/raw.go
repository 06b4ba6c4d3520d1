package record

import (
	"bytes"
	"encoding/json"
	"slices"
	"unicode/utf8"
)

// around is what a raw value may stand in when it is read again: its record, in a list, in an answer. What nests so deep
// that encoding/json takes it alone, and not there, is no JSON for us. It has to be longer than shallow for that.
const (
	around  = 8
	shallow = 10_000
)

// appendRaw appends a raw JSON value on one line. What a decision brings is promised to be compact, so
// this is the way of changes and of records that are read again, where a microsecond is not missed.
func appendRaw(dst []byte, raw []byte) []byte {
	if !utf8.Valid(raw) {
		raw = []byte(validText(string(raw)))
	}
	if len(raw) <= shallow {
		whole := bytes.NewBuffer(dst)
		if json.Compact(whole, raw) != nil {
			return appendString(dst, string(raw))
		}
		return whole.Bytes()
	}
	var compact bytes.Buffer
	nested := slices.Concat(bytes.Repeat([]byte{'['}, around), raw, bytes.Repeat([]byte{']'}, around))
	if !json.Valid(raw) || json.Compact(&compact, nested) != nil {
		return appendString(dst, string(raw))
	}
	return append(dst, compact.Bytes()[around:compact.Len()-around]...)
}

// validText puts U+FFFD in the place of each byte that is not UTF-8, as a JSON decoder would.
func validText(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}
