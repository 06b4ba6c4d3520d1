package client

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// What callers branch on; test with errors.Is. The data is in an [Error].
var (
	ErrInvalid      = errors.New("the request is not valid")          // 400, 413, 415, 422
	ErrUnauthorized = errors.New("the server does not know this key") // 401
	ErrForbidden    = errors.New("the key may not do this")           // 403 of the key: scope, organization limit
	ErrDenied       = errors.New("denied by the rules")               // 403 of the rules, with reasons
	ErrNotFound     = errors.New("not found")                         // 404
	ErrConflict     = errors.New("conflicts with what stands")        // 409
	ErrUnavailable  = errors.New("the server cannot answer now")      // 429, 502, 503, 504, or not reached at all
	ErrTooStale     = errors.New("the server does not know that revision yet")
)

// Error is an answer that is not a success. Find it with errors.As or errors.AsType.
type Error struct {
	Problem    Problem
	RetryAfter time.Duration // how long the server asks to wait; 0: it does not say
}

// Error says what the server said, and for a denial the reasons.
func (e *Error) Error() string {
	var b strings.Builder
	switch {
	case e.Problem.Detail != "":
		b.WriteString(e.Problem.Detail)
	case e.Problem.Title != "":
		b.WriteString(e.Problem.Title)
	default:
		fmt.Fprintf(&b, "the server answered %d %s", e.Problem.Status, http.StatusText(e.Problem.Status))
	}
	if e.Problem.Code != "" {
		fmt.Fprintf(&b, " (%s)", e.Problem.Code)
	}
	for _, r := range e.Problem.Reasons {
		fmt.Fprintf(&b, "; %s: %s", r.Code, r.Message)
	}
	for _, f := range e.Problem.Errors {
		fmt.Fprintf(&b, "; %s: %s", f.Pointer, f.Detail)
	}
	return b.String()
}

// Is tells which of the errors that callers branch on this one is.
func (e *Error) Is(target error) bool {
	switch e.Problem.Status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		return target == ErrInvalid
	case http.StatusUnauthorized:
		return target == ErrUnauthorized
	case http.StatusForbidden:
		if e.Problem.Code == "denied" {
			return target == ErrDenied
		}
		return target == ErrForbidden
	case http.StatusNotFound:
		return target == ErrNotFound
	case http.StatusConflict:
		return target == ErrConflict
	case http.StatusServiceUnavailable:
		return target == ErrUnavailable || (target == ErrTooStale && e.Problem.Code == "too_stale")
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusGatewayTimeout:
		return target == ErrUnavailable
	}
	return false
}
