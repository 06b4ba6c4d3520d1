package datastore

import (
	"bytes"
	"encoding/json"
	"iter"
	"strconv"

	"github.com/cespare/xxhash/v2"
)

// AppendKeys appends one key for each non-empty member that recordFields gives a key, and one for each
// reason code: the XXH64 hash, with seed 0, of "member=value" ("organization=acme",
// "reason=product_blocked"). The keys of a batch are kept as its Bloom filter, so neither the hash nor
// the names may ever change; an added member would have to be one that old records do not have.
func (r *Record) AppendKeys(dst []uint64) []uint64 {
	var none RecordFilter
	table := recordFields(r, &none)
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
		case *json.RawMessage:
			for code := range reasonCodes(*has) {
				dst = appendKey(dst, m.key, string(code))
			}
		}
	}
	return dst
}

// keys gives the keys that a record must have for the filter to select it.
func (f *RecordFilter) keys() []uint64 {
	var keys []uint64
	table := recordFields(new(Record), f)
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
func reasonCodes(reasons json.RawMessage) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		s := scanner{text: reasons}
		if s.next() != '[' {
			return
		}
		s.at++
		for s.next() == '{' {
			code, ok := s.code()
			if !ok || (len(code) > 0 && !yield(code)) {
				return
			}
			if more, _ := s.another(']'); !more {
				return
			}
		}
	}
}

// code moves behind an object and gives its member "code", where that is a string.
func (s *scanner) code() (code []byte, ok bool) {
	s.at++
	if s.next() == '}' {
		s.at++
		return nil, true
	}
	for {
		if s.next() != '"' {
			return nil, false
		}
		name, ok := s.quoted()
		if !ok || s.next() != ':' {
			return nil, false
		}
		s.at++
		if string(name) == "code" && s.next() == '"' {
			if code, ok = s.quoted(); !ok {
				return nil, false
			}
			if bytes.IndexByte(code, '\\') >= 0 {
				code = unquote(code)
			}
		} else if !s.value(1) {
			return nil, false
		}
		if more, ok := s.another('}'); !more {
			return code, ok
		}
	}
}

func unquote(escaped []byte) []byte {
	var text string
	if json.Unmarshal([]byte(`"`+string(escaped)+`"`), &text) != nil {
		return nil
	}
	return []byte(text)
}
