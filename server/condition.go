package server

import (
	"net/http"
	"strings"

	"cordon/guard"
)

// tags are the entity tags of If-Match or If-None-Match.
type tags struct {
	given bool
	any   bool     // *
	list  []string // as they are written, weak ones with W/
}

// holds reports whether one of the tags is that of an object; an empty tag is that of none. Two weak tags, or a
// weak and a strong one, are the same by the weak comparison alone (RFC 9110, 8.8.3.2).
func (t *tags) holds(tag string, weak bool) bool {
	if tag == "" {
		return false
	}
	for _, named := range t.list {
		if weak {
			named = strings.TrimPrefix(named, "W/")
		}
		if named == tag {
			return true
		}
	}
	return t.any
}

// tags reads a header of entity tags (RFC 9110, 13.1.1). A condition that cannot be read is refused: one that is
// not looked at must not be taken for one that held.
func (c *call) tags(name string) (tags, error) {
	lines, ok := c.req.Header[name]
	if !ok {
		return tags{}, nil
	}
	t := tags{given: true}
	malformed := because(errHeader, name+` must be * or entity tags such as "abc", by comma`)
	text := strings.Trim(strings.Join(lines, ","), " \t")
	if text == "*" {
		t.any = true
		return t, nil
	}
	for text != "" {
		if text[0] == ',' { // an empty element of a list is none (RFC 9110, 5.6.1)
			text = strings.TrimLeft(text[1:], " \t")
			continue
		}
		start := 0
		if strings.HasPrefix(text, "W/") {
			start = len("W/")
		}
		if len(text) <= start || text[start] != '"' {
			return t, malformed
		}
		length := strings.IndexByte(text[start+1:], '"')
		if length < 0 || strings.ContainsFunc(text[start+1:start+1+length], untaggable) {
			return t, malformed
		}
		end := start + length + 2
		t.list = append(t.list, text[:end])
		if text = strings.TrimLeft(text[end:], " \t"); text != "" && text[0] != ',' {
			return t, malformed
		}
	}
	if len(t.list) == 0 {
		return t, malformed
	}
	return t, nil
}

// untaggable matches what an entity tag must not hold.
func untaggable(r rune) bool { return r <= ' ' || r == 0x7f }

// conditions reads on what state of an object the caller decided a change of it. The guard holds it against the
// object in the transaction of the change.
func (c *call) conditions() error {
	if !c.route.changes {
		return nil
	}
	match, err := c.tags("If-Match")
	if err != nil {
		return err
	}
	noneMatch, err := c.tags("If-None-Match")
	if err != nil {
		return err
	}
	if !match.given && !noneMatch.given {
		return nil
	}
	if !c.route.tagged {
		return because(errHeader, "nothing here has an ETag, so If-Match and If-None-Match cannot be held against one; leave them out")
	}
	c.origin.If = func(tag string) bool {
		return (!match.given || match.holds(tag, false)) && !noneMatch.holds(tag, true)
	}
	return nil
}

// has reports whether the caller of a GET has what has this tag. What cannot be read names nothing: it costs the
// caller no more than the whole answer.
func (c *call) has(tag string) bool {
	noneMatch, err := c.tags("If-None-Match")
	return err == nil && noneMatch.holds(tag, true)
}

// answerTagged answers an object of the directory with its tag, or that it is still the one that the caller has.
func (c *call) answerTagged(tag string, shown any) error {
	match, err := c.tags("If-Match")
	if err != nil {
		return err
	}
	c.set("Etag", tag)
	switch {
	case match.given && !match.holds(tag, false):
		return otherNow(tag)
	case c.has(tag):
		c.begin(http.StatusNotModified)
		return nil
	}
	return c.answer(http.StatusOK, shown)
}

// otherNow refuses who asks for an object as it was.
func otherNow(tag string) error {
	return &guard.Conflict{Code: guard.CodePrecondition, Detail: "it is another now than If-Match asks for; ETag has the one that it is", Tag: tag}
}
