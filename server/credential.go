package server

import (
	"net/url"
	"strings"

	"cordon/guard"
)

// credential returns the key or token that a call came with: Bearer (RFC 6750), or Basic, in which the two halves of a key
// are user and password, for callers that know nothing else (OAuth's client_secret_basic).
func (c *call) credential() (string, error) {
	given := c.req.Header["Authorization"]
	if len(given) != 1 {
		return "", refuseCaller(causeMissing, "send Authorization: Bearer and one key or token")
	}
	scheme, token, _ := strings.Cut(given[0], " ")
	switch token = strings.TrimLeft(token, " "); {
	case token == "":
	case strings.EqualFold(scheme, "bearer"):
		return token, nil
	case strings.EqualFold(scheme, "basic"):
		c.basic = true
		if user, password, ok := c.req.BasicAuth(); ok {
			return basicKey(user, password)
		}
		return "", refuseCaller(causeMissing, "Authorization: Basic is followed by user:password in base64")
	}
	return "", refuseCaller(causeMissing, "send Authorization: Bearer and one key or token")
}

// basicKey puts a key together again: of ck_ID_SECRET the user is ID or ck_ID and the password SECRET, or all of the key.
// OAuth has both escaped as in a form (RFC 6749, 2.3.1), which leaves the characters of a key as they are.
func basicKey(user, password string) (string, error) {
	wrong := refuseCaller(causeMissing, "of a key ck_ID_SECRET the user is ID, and the password is SECRET or the whole key")
	user, failed := url.QueryUnescape(user)
	if failed != nil || user == "" {
		return "", wrong
	}
	if password, failed = url.QueryUnescape(password); failed != nil || password == "" {
		return "", wrong
	}
	key := "ck_" + strings.TrimPrefix(user, "ck_") + "_"
	switch {
	case strings.HasPrefix(password, key):
		return password, nil
	case strings.HasPrefix(password, "ck_"):
		return "", refuseCaller(causeMissing, "the user and the key in the password are not of one key")
	}
	return key + password, nil
}

// anonymous is who asks without a key, where that is allowed. On record it is a caller like any other.
func anonymous() *guard.Caller {
	return &guard.Caller{ID: "anonymous", Name: "anonymous", Scopes: []string{guard.ScopeDecide}}
}

// payer names who a call is counted for: who came without a key, by address, for all of them are one caller.
func (c *call) payer() string {
	if c.req.Header["Authorization"] == nil {
		return "address " + c.address()
	}
	return c.origin.Caller.ID
}
