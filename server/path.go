package server

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"cordon/guard"
)

// param gives an id in the path. One outside the pattern is refused; one with a slash is no id but
// another path, which Echo takes for a long last parameter.
func (c *call) param(name string) string {
	for i, known := range c.route.names {
		if known == name {
			value, _ := url.PathUnescape(c.echo.ParamValues()[i]) // checked by checkPath
			return value
		}
	}
	return ""
}

// digests are what versions of policies are called.
var digests = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

func (c *call) checkPath() error {
	if c.route.data {
		return nil // it has names of documents, and is held against the packages that are configured
	}
	values := c.echo.ParamValues()
	for i, name := range c.route.names {
		if strings.Contains(values[i], "/") || values[i] == "" {
			return errRoute
		}
		value, err := url.PathUnescape(values[i])
		if name == "digest" {
			if err != nil || !digests.MatchString(value) {
				return because(errID, "{digest} is that of no version: sha256: and 64 digits of hex")
			}
			continue
		}
		if err != nil || !guard.ValidID(value) {
			return because(errID, "{"+name+"} is no id: 1 to 128 letters, digits and . _ @ -, the first a letter or digit")
		}
	}
	return nil
}

// checkQuery refuses what the route does not know: an ignored filter misleads (docs/design.md 11, Statuses).
func (c *call) checkQuery() error {
	if c.route.access || c.route.data || c.route.gateway != "" || c.req.URL.RawQuery == "" {
		return nil
	}
	query, err := url.ParseQuery(c.req.URL.RawQuery)
	if err != nil {
		return because(errQuery, "it cannot be read")
	}
	for name, values := range query {
		if !slices.Contains(c.route.query, name) {
			return because(errQuery, fmt.Sprintf("the parameter %q is not known here", name))
		}
		if len(values) > 1 {
			return because(errQuery, fmt.Sprintf("the parameter %q is there twice", name))
		}
	}
	return nil
}
