package server

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"cordon.example/client"
	"cordon/guard"
)

// Bounds of a page (docs/design.md 4, Lists).
const (
	defaultLimit = 50
	largestLimit = 500
)

// page reads limit and cursor.
func (c *call) page() (guard.Page, error) {
	query := c.req.URL.Query()
	page := guard.Page{Limit: defaultLimit}
	if query.Has("limit") {
		n, err := strconv.Atoi(query.Get("limit"))
		if err != nil || n < 1 || n > largestLimit {
			return page, because(errQuery, fmt.Sprintf("limit must be 1 to %d", largestLimit))
		}
		page.Limit = n
	}
	if query.Has("cursor") {
		after, ok := c.openCursor(query.Get("cursor"))
		if !ok {
			return page, because(errQuery, "cursor is not one that this list gave")
		}
		page.After = after
	}
	return page, nil
}

// cursor closes the id after which a list goes on into an opaque text. It holds for this list with
// these filters: with others it would silently leave something out.
func (c *call) cursor(after string) string {
	if after == "" {
		return ""
	}
	seal := c.listSeal()
	return base64.RawURLEncoding.EncodeToString(append(seal[:], after...))
}

const sealSize = 6

func (c *call) openCursor(cursor string) (string, bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(raw) <= sealSize || len(raw) > sealSize+longestWord {
		return "", false
	}
	seal := c.listSeal()
	after := string(raw[sealSize:])
	// The id of a message is made of several: the event's, the kind and the receiver's.
	invalid := slices.ContainsFunc(strings.Split(after, "/"), func(id string) bool { return !guard.ValidID(id) })
	return after, string(raw[:sealSize]) == string(seal[:]) && !invalid
}

// listSeal tells one list from another: its path and filters.
func (c *call) listSeal() [sealSize]byte {
	query := c.req.URL.Query()
	query.Del("limit")
	query.Del("cursor")
	sum := sha256.Sum256([]byte(c.req.URL.Path + "?" + query.Encode()))
	return [sealSize]byte(sum[:sealSize])
}

// listed answers a page of a list.
func listed[From, To any](c *call, items []From, next string, show func(*From) To) error {
	list := client.List[To]{Items: make([]To, len(items)), NextCursor: c.cursor(next)}
	for i := range items {
		list.Items[i] = show(&items[i])
	}
	return c.answer(200, list)
}

// single gives one query parameter; an empty one is refused, since it filters nothing and looks as
// if it did.
func single(query url.Values, name string) (string, error) {
	if !query.Has(name) {
		return "", nil
	}
	value := query.Get(name)
	switch {
	case strings.TrimSpace(value) == "":
		return "", because(errQuery, name+" must have a value")
	case len(value) > longestWord:
		return "", because(errQuery, fmt.Sprintf("%s must have at most %d bytes", name, longestWord))
	}
	return value, nil
}

// oneOf reads a query parameter that has few values.
func oneOf(query url.Values, name string, values ...string) (string, error) {
	value, err := single(query, name)
	if err == nil && value != "" && !slices.Contains(values, value) {
		err = because(errQuery, name+" must be "+strings.Join(values, " or "))
	}
	return value, err
}
