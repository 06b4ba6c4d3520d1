package client

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// What callers branch on; test with errors.Is. The data is in an [Error].
var (
	ErrInvalid      = errors.New("the request is not valid")          // 400, 405, 413, 415, 422
	ErrUnauthorized = errors.New("the server does not know this key") // 401
	ErrForbidden    = errors.New("the key may not do this")           // 403 of the key: scope, organization limit
	ErrDenied       = errors.New("denied by the rules")               // 403 of the rules, with reasons
	// ErrUnknownAction is of a question about an action that no rule knows on that type of resource.
	ErrUnknownAction      = errors.New("the rules know no such action on this type of resource")
	ErrNotFound           = errors.New("not found")                                 // 404
	ErrConflict           = errors.New("conflicts with what stands")                // 409
	ErrUnavailable        = errors.New("the server cannot answer now")              // 408, 429, 502, 503, 504, or not reached at all
	ErrPreconditionFailed = errors.New("it is another than the condition asks for") // 412: see Client.IfMatch
	ErrTooStale           = errors.New("the server does not know that revision yet")
)

// Error is an answer that is not a success. Find it with errors.As or errors.AsType.
type Error struct {
	Problem    Problem
	RetryAfter time.Duration // how long the server asks to wait; 0: it does not say
}

// Error says what the server said: the reasons of a denial, what is wrong where in a body, or its
// one sentence.
func (e *Error) Error() string {
	p := &e.Problem
	text := cmp.Or(p.Detail, p.Title)
	if text == "" {
		text = fmt.Sprintf("the server answered %d %s", p.Status, http.StatusText(p.Status))
	}
	var parts []string
	for _, r := range p.Reasons {
		parts = append(parts, r.Code+": "+r.Message)
	}
	for _, f := range p.Errors {
		parts = append(parts, strings.TrimSpace(f.Pointer+" "+f.Detail))
	}
	if len(parts) > 0 {
		text = strings.Join(parts, "; ")
	}
	if p.Code != "" {
		text += " (" + p.Code + ")"
	}
	return text
}

// Is tells which of the errors that callers branch on this one is.
func (e *Error) Is(target error) bool {
	switch e.Problem.Status {
	case http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
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
	case http.StatusPreconditionFailed:
		return target == ErrPreconditionFailed
	case http.StatusServiceUnavailable:
		return target == ErrUnavailable || (target == ErrTooStale && e.Problem.Code == "too_stale")
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusBadGateway, http.StatusGatewayTimeout:
		return target == ErrUnavailable
	}
	return false
}
