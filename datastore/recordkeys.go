package datastore

import (
	"bytes"
	"encoding/json"
	"iter"
	"strconv"

	"github.com/cespare/xxhash/v2"
)

// AppendKeys appends one key for each non-empty member that a [RecordFilter] can ask for, and one for
// each reason code: the XXH64 hash, with seed 0, of "member=value" ("organization=acme",
// "reason=product_blocked"). The keys of a batch are kept as its Bloom filter, so neither the hash nor
// the names may ever change; an added member would have to be one that old records do not have. The
// replica has no key, a [Batch] names its own.
func (r *Record) AppendKeys(dst []uint64) []uint64 {
	dst = appendKey(dst, "id=", r.ID)
	dst = appendKey(dst, "caller=", r.Caller)
	dst = appendKey(dst, "actor=", r.Actor)
	dst = appendKey(dst, "agent=", r.Agent)
	dst = appendKey(dst, "kind=", r.Kind)
	dst = appendKey(dst, "subject=", r.Question.Subject.ID)
	dst = appendKey(dst, "action=", r.Question.Action.Name)
	dst = appendKey(dst, "resource=", r.Question.Resource.ID)
	dst = appendKey(dst, "policy=", r.Policy)
	dst = appendKey(dst, "organization=", r.Organization)
	dst = appendKey(dst, "request_id=", r.RequestID)
	dst = appendKey(dst, "trace_id=", r.TraceID)
	dst = appendKey(dst, "batch=", r.Batch)
	dst = appendKey(dst, "decision=", strconv.FormatBool(r.Decision))
	for code := range reasonCodes(r.Reasons) {
		dst = appendKey(dst, "reason=", string(code))
	}
	return dst
}

// keys gives the keys that a record must have for the filter to select it.
func (f *RecordFilter) keys() []uint64 {
	var keys []uint64
	keys = appendKey(keys, "id=", f.ID)
	keys = appendKey(keys, "caller=", f.Caller)
	keys = appendKey(keys, "actor=", f.Actor)
	keys = appendKey(keys, "agent=", f.Agent)
	keys = appendKey(keys, "kind=", f.Kind)
	keys = appendKey(keys, "subject=", f.Subject)
	keys = appendKey(keys, "action=", f.Action)
	keys = appendKey(keys, "resource=", f.Resource)
	keys = appendKey(keys, "policy=", f.Policy)
	keys = appendKey(keys, "organization=", f.Organization)
	keys = appendKey(keys, "request_id=", f.RequestID)
	keys = appendKey(keys, "trace_id=", f.TraceID)
	keys = appendKey(keys, "batch=", f.Batch)
	keys = appendKey(keys, "reason=", f.Reason)
	if f.Decision != nil {
		keys = appendKey(keys, "decision=", strconv.FormatBool(*f.Decision))
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
