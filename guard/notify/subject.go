package notify

import (
	"fmt"
	"strings"
)

// Bounds of a header's lines (RFC 5322, 2.1.1; RFC 2047, 2).
const (
	longestLine = 76
	openWord    = "=?UTF-8?q?"
	closeWord   = "?="
)

// foldedSubject returns a subject as it stands behind "Subject: ": as it is where it fits, else in encoded
// words, one a line, none of them empty. The mail library would begin a long one on the second line.
func foldedSubject(subject string) string {
	room := longestLine - len("Subject: ")
	if len(subject) <= room && !strings.ContainsFunc(subject, func(c rune) bool { return c < ' ' || c > '~' }) &&
		!strings.Contains(subject, "=?") {
		return subject
	}
	var lines []string
	room -= len(openWord) + len(closeWord)
	var word strings.Builder
	for _, c := range subject {
		encoded := quoted(c)
		if word.Len()+len(encoded) > room {
			lines = append(lines, openWord+word.String()+closeWord)
			word.Reset()
			room = longestLine - len(" ") - len(openWord) - len(closeWord)
		}
		word.WriteString(encoded)
	}
	return strings.Join(append(lines, openWord+word.String()+closeWord), "\r\n ")
}

// quoted returns a character in the encoding Q, whole, since no word may end within one.
func quoted(c rune) string {
	switch {
	case c == ' ':
		return "_"
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return string(c)
	}
	var b strings.Builder
	for _, octet := range []byte(string(c)) {
		fmt.Fprintf(&b, "=%02X", octet)
	}
	return b.String()
}
