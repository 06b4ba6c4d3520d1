package server

import (
	"strconv"
	"strings"

	"cordon/guard"
)

// These are behind headers of many answers; nobody writes to them.
var varyExplained = []string{"Accept-Language, Cordon-Explain"}

// language chooses the one that an answer is told in (docs/design.md 11, Reasons).
func (c *call) language(a *guard.Answer) string {
	return chooseLanguage(c.req.Header["Accept-Language"], a.Languages())
}

// tellIn says in the headers in which language reasons are told, and what that hung on.
func (c *call) tellIn(language string) {
	c.header()["Vary"] = varyExplained
	c.set("Content-Language", language)
}

// chooseLanguage returns, of the languages that are spoken, the one that Accept-Language wants most
// (RFC 9110, 12.5.4, and RFC 4647, 3.4); of those that it wants as much, the one that it names first.
// It returns the first of the spoken where none fits.
func chooseLanguage(accept, spoken []string) string {
	if len(accept) == 0 {
		return spoken[0]
	}
	chosen, best, at := spoken[0], 0.0, 0
	for _, language := range spoken {
		if q, place := preference(accept, language); q > best || q == best && q > 0 && place < at {
			chosen, best, at = language, q, place
		}
	}
	return chosen
}

// preference says how much, and at which place, Accept-Language wants a language. What is said of the
// language itself counts before what is said of one of its regions, and that before the asterisk.
func preference(accept []string, language string) (q float64, place int) {
	const asterisk, region, itself = 1, 2, 3
	said, at := 0, 0
	for _, line := range accept {
		for part := range strings.SplitSeq(line, ",") {
			at++
			tag, parameters, _ := strings.Cut(part, ";")
			tag = strings.TrimSpace(tag)
			kind := 0
			switch {
			case strings.EqualFold(tag, language):
				kind = itself
			case len(tag) > len(language) && tag[len(language)] == '-' && strings.EqualFold(tag[:len(language)], language):
				kind = region
			case tag == "*":
				kind = asterisk
			}
			weight, ok := quality(parameters)
			if kind < said || kind == 0 || !ok || kind == said && weight <= q {
				continue
			}
			said, q, place = kind, weight, at
		}
	}
	return q, place
}

// quality reads the weight behind a language range: 1 where there is none.
func quality(parameters string) (float64, bool) {
	name, value, ok := strings.Cut(strings.TrimSpace(parameters), "=")
	if !ok {
		return 1, strings.TrimSpace(parameters) == ""
	}
	q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	return q, err == nil && q >= 0 && q <= 1 && strings.EqualFold(strings.TrimSpace(name), "q")
}
