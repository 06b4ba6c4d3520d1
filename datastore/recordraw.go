package datastore

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// appendRaw appends a raw JSON value on one line. What is compact already, as everything that Cordon
// itself makes, is only checked and copied.
func appendRaw(dst []byte, raw []byte) []byte {
	s := scanner{text: raw}
	ok := s.value(0)
	s.skipSpace()
	if !ok || s.at < len(raw) {
		return appendString(dst, string(raw))
	}
	if !utf8.Valid(raw) {
		raw = []byte(validText(string(raw)))
	}
	if !s.spaced {
		return append(dst, raw...)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		return appendString(dst, string(raw))
	}
	return append(dst, compact.Bytes()...)
}

// validText puts U+FFFD in the place of each byte that is not UTF-8, as a JSON decoder would.
func validText(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}

// maxNesting is how deep a raw value may be nested to count as JSON; requests are held to 64.
const maxNesting = 256

// scanner walks over JSON text and finds where values end, without making anything of them.
type scanner struct {
	text   []byte
	at     int
	spaced bool // there was white space between tokens
}

func (s *scanner) skipSpace() {
	for s.at < len(s.text) {
		switch s.text[s.at] {
		case ' ', '\n', '\r', '\t':
			s.at++
			s.spaced = true
		default:
			return
		}
	}
}

// next skips white space and gives the byte that follows, 0 at the end.
func (s *scanner) next() byte {
	if s.at < len(s.text) && s.text[s.at] > ' ' {
		return s.text[s.at]
	}
	s.skipSpace()
	if s.at < len(s.text) {
		return s.text[s.at]
	}
	return 0
}

// value moves behind the value that begins here and tells whether it is one.
func (s *scanner) value(depth int) bool {
	switch c := s.next(); c {
	case '{':
		return s.object(depth)
	case '[':
		return s.array(depth)
	case '"':
		_, ok := s.quoted()
		return ok
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	default:
		return s.number()
	}
}

func (s *scanner) object(depth int) bool {
	if depth >= maxNesting {
		return false
	}
	s.at++
	if s.next() == '}' {
		s.at++
		return true
	}
	for {
		if s.next() != '"' {
			return false
		}
		if _, ok := s.quoted(); !ok || s.next() != ':' {
			return false
		}
		s.at++
		if !s.value(depth + 1) {
			return false
		}
		if more, ok := s.another('}'); !more {
			return ok
		}
	}
}

func (s *scanner) array(depth int) bool {
	if depth >= maxNesting {
		return false
	}
	s.at++
	if s.next() == ']' {
		s.at++
		return true
	}
	for {
		if !s.value(depth + 1) {
			return false
		}
		if more, ok := s.another(']'); !more {
			return ok
		}
	}
}

// another moves behind a comma (there is more) or behind the closing byte (there is none).
func (s *scanner) another(closing byte) (more, ok bool) {
	switch s.next() {
	case ',':
		s.at++
		return true, true
	case closing:
		s.at++
		return false, true
	default:
		return false, false
	}
}

// quoted moves behind a string and gives what is between its quotes, escapes as they stand.
func (s *scanner) quoted() (text []byte, ok bool) {
	start := s.at + 1
	for i := start; i < len(s.text); i++ {
		i += plainPrefix(s.text[i:])
		if i == len(s.text) {
			break
		}
		switch c := s.text[i]; {
		case c == '"':
			s.at = i + 1
			return s.text[start:i], true
		case c < ' ':
			return nil, false
		case c == '\\':
			i++
			if i == len(s.text) {
				return nil, false
			}
			switch s.text[i] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			case 'u':
				if len(s.text)-i < 5 || !isHex(s.text[i+1:i+5]) {
					return nil, false
				}
				i += 4
			default:
				return nil, false
			}
		}
	}
	return nil, false
}

func isHex(text []byte) bool {
	for _, c := range text {
		if !('0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f') {
			return false
		}
	}
	return true
}

func (s *scanner) word(word string) bool {
	if !bytes.HasPrefix(s.text[s.at:], []byte(word)) {
		return false
	}
	s.at += len(word)
	return true
}

func (s *scanner) number() bool {
	if s.at < len(s.text) && s.text[s.at] == '-' {
		s.at++
	}
	if s.at < len(s.text) && s.text[s.at] == '0' {
		s.at++
	} else if !s.digits() {
		return false
	}
	if s.at < len(s.text) && s.text[s.at] == '.' {
		s.at++
		if !s.digits() {
			return false
		}
	}
	if s.at < len(s.text) && s.text[s.at]|0x20 == 'e' {
		s.at++
		if s.at < len(s.text) && (s.text[s.at] == '+' || s.text[s.at] == '-') {
			s.at++
		}
		return s.digits()
	}
	return true
}

func (s *scanner) digits() bool {
	start := s.at
	for s.at < len(s.text) && '0' <= s.text[s.at] && s.text[s.at] <= '9' {
		s.at++
	}
	return s.at > start
}
