package server

import "strings"

// chooseMedia returns, of the types that are offered, the one that Accept wants most (RFC 9110, 12.5.1); the first of them
// where none is wanted, or several as much.
func chooseMedia(accept []string, offered ...string) string {
	chosen, best := offered[0], 0.0
	for _, media := range offered {
		if q := weighed(accept, media); q > best {
			chosen, best = media, q
		}
	}
	return chosen
}

// weighed says how much Accept wants a type: what is said of the type itself counts before what is said of its kind, and that
// before what is said of all.
func weighed(accept []string, media string) float64 {
	kind, _, _ := strings.Cut(media, "/")
	said, q := -1, 0.0
	for _, line := range accept {
		for part := range strings.SplitSeq(line, ",") {
			named, parameters, _ := strings.Cut(part, ";")
			named = strings.TrimSpace(named)
			how := -1
			switch {
			case strings.EqualFold(named, media):
				how = 2
			case strings.EqualFold(named, kind+"/*"):
				how = 1
			case named == "*/*":
				how = 0
			}
			if weight, ok := quality(parameters); ok && how > said {
				said, q = how, weight
			}
		}
	}
	return q
}
