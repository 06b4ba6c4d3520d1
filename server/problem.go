package server

import (
	"context"
	"errors"
	"net/http"
	"os"

	"cordon/client"
	"cordon/guard"
)

// What the server itself refuses. They are said with [because], which tells the caller more.
var (
	errHeader          = errors.New("a header is not valid")
	errQuery           = errors.New("the query is not valid")
	errID              = errors.New("an id in the path is not valid")
	errUnauthenticated = errors.New("a valid key or token is needed")
	errScope           = errors.New("the caller lacks a scope")
	errRoute           = errors.New("there is nothing here")
	errMethod          = errors.New("the method is not allowed here")
	errSlow            = errors.New("the body did not come in time")
	errTooLarge        = errors.New("the body is too large")
	errTooMany         = errors.New("the batch has too many items")
	errMediaType       = errors.New("the content type is not supported")
	errAccessType      = errors.New("the body must be application/json") // AuthZEN 1.0: 400
	errRate            = errors.New("too many requests")
	errDraining        = errors.New("the server is stopping")
	errUnready         = errors.New("the server is not ready")
)

// explained is an error with a sentence that the caller may read.
type explained struct {
	err    error
	detail string
}

func (e *explained) Error() string { return e.err.Error() + ": " + e.detail }
func (e *explained) Unwrap() error { return e.err }

// because adds a sentence for the caller to one of the errors above.
func because(err error, detail string) error { return &explained{err: err, detail: detail} }

// kind is a row of the one table that turns errors into answers.
type kind struct {
	is     error                  // matched with errors.Is
	as     func(err error) bool   // or by type
	status int                    //
	code   string                 // what programs branch on; a [guard.Conflict] brings its own
	title  string                 // what people read
	detail func(err error) string // nil: only that of an explained error
	retry  int                    // seconds of Retry-After; 0: none
}

// kinds is that table: the first row that matches counts. What matches none is a 500 of which
// nobody outside learns anything.
var kinds = []kind{
	{as: has[*guard.Invalid], status: http.StatusBadRequest, code: "invalid_body", title: "The body is not valid", detail: invalidDetail},
	{is: errHeader, status: http.StatusBadRequest, code: "invalid_header", title: "A header is not valid"},
	{is: errQuery, status: http.StatusBadRequest, code: "invalid_query", title: "The query is not valid"},
	{is: errID, status: http.StatusBadRequest, code: "invalid_id", title: "An id in the path is not valid"},
	{is: errAccessType, status: http.StatusBadRequest, code: "invalid_body", title: "The body is not valid"},
	{is: errUnauthenticated, status: http.StatusUnauthorized, code: "unauthenticated", title: "A valid key or token is needed"},
	{is: guard.ErrUnauthenticated, status: http.StatusUnauthorized, code: "unauthenticated", title: "A valid key or token is needed"},
	{is: errScope, status: http.StatusForbidden, code: "insufficient_scope", title: "The caller lacks a scope"},
	{as: has[*guard.Beyond], status: http.StatusForbidden, code: "insufficient_scope", title: "The caller lacks a scope", detail: beyondDetail},
	{is: guard.ErrOrganizationLimit, status: http.StatusForbidden, code: "organization_limit", title: "The caller is limited to another organization"},
	{as: has[*guard.Denied], status: http.StatusForbidden, code: "denied", title: "The rules deny this", detail: deniedDetail},
	{as: has[*guard.NotFound], status: http.StatusNotFound, code: "not_found", title: "There is no such thing", detail: notFoundDetail},
	{is: errRoute, status: http.StatusNotFound, code: "not_found", title: "There is nothing here"},
	{is: errMethod, status: http.StatusMethodNotAllowed, code: "method_not_allowed", title: "The method is not allowed here"},
	{is: errSlow, status: http.StatusRequestTimeout, code: "request_timeout", title: "The body did not come in time"},
	{is: os.ErrDeadlineExceeded, status: http.StatusRequestTimeout, code: "request_timeout", title: "The body did not come in time"},
	{is: guard.ErrAlreadyShown, status: http.StatusConflict, code: "already_shown", title: "The answer was already shown, and is not shown twice"},
	{as: has[*guard.Conflict], status: http.StatusConflict, title: "This conflicts with what stands", detail: conflictDetail},
	{is: errTooLarge, status: http.StatusRequestEntityTooLarge, code: "body_too_large", title: "The body is too large"},
	{is: errTooMany, status: http.StatusRequestEntityTooLarge, code: "batch_too_large", title: "The batch has too many items"},
	{is: errMediaType, status: http.StatusUnsupportedMediaType, code: "unsupported_media_type", title: "The content type is not supported"},
	{is: guard.ErrOtherBody, status: http.StatusUnprocessableEntity, code: "idempotency_key_reused", title: "The idempotency key was used for something else"},
	{is: errRate, status: http.StatusTooManyRequests, code: "rate_limited", title: "Too many requests", retry: 1},
	{is: guard.ErrTooStale, status: http.StatusServiceUnavailable, code: "too_stale", title: "The asked-for revision has not been reached here", retry: 1},
	{is: guard.ErrPolicyTimeout, status: http.StatusServiceUnavailable, code: "policy_timeout", title: "The rules took too long", retry: 1},
	{is: errUnready, status: http.StatusServiceUnavailable, code: "unavailable", title: "This cannot be answered now", retry: 1},
	{is: errDraining, status: http.StatusServiceUnavailable, code: "draining", title: "The server is stopping", retry: 1},
	{is: guard.ErrUnavailable, status: http.StatusServiceUnavailable, code: "unavailable", title: "This cannot be answered now", retry: 1},
	{is: guard.ErrJournalFull, status: http.StatusServiceUnavailable, code: "unavailable", title: "This cannot be answered now", retry: 1},
	{is: guard.ErrJournalClosed, status: http.StatusServiceUnavailable, code: "unavailable", title: "This cannot be answered now", retry: 1},
	{is: guard.ErrJournalFailed, status: http.StatusServiceUnavailable, code: "unavailable", title: "This cannot be answered now", retry: 1},
	{is: context.DeadlineExceeded, status: http.StatusServiceUnavailable, code: "unavailable", title: "This cannot be answered now", retry: 1},
	{is: context.Canceled, status: http.StatusServiceUnavailable, code: "unavailable", title: "This cannot be answered now", retry: 1},
}

// internal is what an error becomes that is in no row.
var internal = kind{status: http.StatusInternalServerError, code: "internal", title: "Something went wrong here"}

func has[T error](err error) bool {
	var target T
	return errors.As(err, &target)
}

func (k *kind) matches(err error) bool {
	if k.as != nil {
		return k.as(err)
	}
	return errors.Is(err, k.is)
}

// kindOf finds the row of an error.
func kindOf(err error) *kind {
	for i := range kinds {
		if kinds[i].matches(err) {
			return &kinds[i]
		}
	}
	return &internal
}

// problemOf turns an error into what is answered. Nothing of an error is shown that was not written
// for callers to read.
func problemOf(err error) client.Problem {
	k := kindOf(err)
	p := client.Problem{Title: k.title, Status: k.status, Code: k.code}
	var said *explained
	switch {
	case errors.As(err, &said):
		p.Detail = said.detail
	case k.detail != nil:
		p.Detail = k.detail(err)
	}
	var invalid *guard.Invalid
	if errors.As(err, &invalid) {
		for _, f := range invalid.Errors {
			p.Errors = append(p.Errors, client.FieldError{Pointer: f.Pointer, Detail: f.Detail})
		}
	}
	var denied *guard.Denied
	if errors.As(err, &denied) {
		p.DecisionID, p.LockedUntil = denied.Answer.ID, utc(denied.LockedUntil)
		texts := denied.Answer.Explain()
		p.ReasonUser, p.ReasonAdmin = showTexts(texts.User), showTexts(texts.Admin)
		if denied.Answer.Decision != nil {
			for _, r := range denied.Answer.Reasons {
				p.Reasons = append(p.Reasons, client.Reason{Code: r.Code, Message: r.Message})
			}
		}
	}
	var conflict *guard.Conflict
	if errors.As(err, &conflict) {
		p.Code = conflict.Code
		p.DecisionID, p.LockedUntil = conflict.Answer.ID, utc(conflict.LockedUntil)
	}
	p.Type = "urn:cordon:problem:" + p.Code
	return p
}

func invalidDetail(err error) string {
	var e *guard.Invalid
	if !errors.As(err, &e) || len(e.Errors) == 0 {
		return ""
	}
	return fieldSentence(e.Errors[0])
}

// fieldSentence says a field error in one line.
func fieldSentence(f guard.FieldError) string {
	if f.Pointer == "" {
		return "the body " + f.Detail
	}
	return f.Pointer + " " + f.Detail
}

func deniedDetail(err error) string {
	var e *guard.Denied
	if !errors.As(err, &e) || e.Answer.Decision == nil || len(e.Answer.Reasons) == 0 {
		return ""
	}
	return e.Answer.Reasons[0].Message
}

func notFoundDetail(err error) string {
	var e *guard.NotFound
	if !errors.As(err, &e) {
		return ""
	}
	return e.Error()
}

func beyondDetail(err error) string {
	var e *guard.Beyond
	if !errors.As(err, &e) {
		return ""
	}
	return "a key makes no key beyond its own scopes, and this one has not " + e.Scope
}

func conflictDetail(err error) string {
	var e *guard.Conflict
	if !errors.As(err, &e) {
		return ""
	}
	return e.Detail
}
