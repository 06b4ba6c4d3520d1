package server

import (
	"unicode"
	"unicode/utf8"

	"cordon.example/client"
	"cordon/guard"
)

// why reads Cordon-Purpose on the routes that read the log (docs/design.md 13).
func (c *call) why() error {
	given, ok := c.req.Header[client.HeaderPurpose]
	if !ok || !c.route.reads {
		return nil
	}
	if len(given) != 1 || !readable(given[0]) || utf8.RuneCountInString(given[0]) > guard.LongestPurpose {
		return because(errHeader, client.HeaderPurpose+" must be one text of 1 to 500 characters, in UTF-8 and without control characters")
	}
	c.origin.Purpose = given[0]
	return nil
}

func readable(text string) bool {
	visible := false
	for _, r := range text {
		if r == utf8.RuneError || unicode.IsControl(r) {
			return false
		}
		visible = visible || !unicode.IsSpace(r)
	}
	return visible
}
