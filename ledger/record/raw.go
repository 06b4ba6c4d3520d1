package record

import (
	"encoding/json"
	"slices"
	"unicode/utf8"
)

// deepest is how deep a raw value may nest. encoding/json reads none that nests deeper than 10,000 times; this one is read
// again inside of its record, in a list, in an answer, and what could be read alone and not there is no JSON for us.
const deepest = 10_000 - 8

// appendRaw appends a raw JSON value on one line. What a decision brings is promised to be compact, so
// this is the way of changes and of records that are read again. It takes no memory but that of dst: a page of what was
// imported has more than a megabyte.
func appendRaw(dst []byte, raw []byte) []byte {
	if !utf8.Valid(raw) {
		raw = []byte(validText(string(raw)))
	}
	if !json.Valid(raw) {
		return appendString(dst, string(raw))
	}
	line, from, deep := slices.Grow(dst, len(raw)), 0, 0
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case '"':
			for i++; raw[i] != '"'; i++ {
				if raw[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			if deep++; deep > deepest {
				return appendString(dst, string(raw))
			}
		case '}', ']':
			deep--
		case ' ', '\t', '\n', '\r':
			line, from = append(line, raw[from:i]...), i+1
		}
	}
	return append(line, raw[from:]...)
}

// validText puts U+FFFD in the place of each byte that is not UTF-8, as a JSON decoder would.
func validText(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}
