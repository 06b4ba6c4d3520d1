package server

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"cordon.example/client"
	"cordon/guard"
	"cordon/library"
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
	errRate            = errors.New("too many requests")
	errNotEmbedded     = errors.New("the store is no embedded one")
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

// fail answers an error as application/problem+json. An answer that has begun is broken off, so that
// nobody takes its beginning for the whole.
func (c *call) fail(err error) {
	if repeated, ok := errors.AsType[*guard.Repeated](err); ok {
		c.repeat(repeated)
		return
	}
	c.failure = err
	if c.begun() {
		return // finish breaks the connection
	}
	h := c.header()
	delete(h, "Content-Disposition")
	h["Cache-Control"] = noStore
	if conflict, ok := errors.AsType[*guard.Conflict](err); ok && conflict.Tag != "" {
		c.set("Etag", conflict.Tag)
	}
	if a := answerOf(err); a != nil {
		c.decided(a)
		if isDenied(err) {
			c.tellIn(c.language(a))
		}
	}
	p := c.problem(err)
	if c.route.gateway != "" {
		c.refuseGateway(&p)
	}
	if seconds := max(kindOf(err).retry, c.retry); seconds > 0 {
		h.Set("Retry-After", strconv.Itoa(seconds))
	}
	switch {
	case p.Status == http.StatusUnauthorized:
		h.Set("WWW-Authenticate", c.challenge("invalid_token", p.Detail))
		if c.basic { // who knows nothing else is told that it is known
			h.Add("WWW-Authenticate", `Basic realm="cordon", charset="UTF-8"`)
		}
	case p.Code == "insufficient_scope":
		h.Set("WWW-Authenticate", c.challenge(p.Code, p.Detail))
	}
	if c.route.data {
		c.failData(&p)
		return
	}
	h.Set("Content-Type", client.ProblemType)
	body, broken := render(p)
	if broken != nil {
		body = []byte(`{"status":500,"code":"internal"}`)
		if p.Status = http.StatusInternalServerError; c.route.gateway != "" {
			p.Status = http.StatusForbidden
		}
	}
	c.send(p.Status, body)
}

func (c *call) problem(err error) client.Problem {
	p := problemOf(err)
	p.RequestID = c.origin.RequestID
	if a := answerOf(err); a != nil && isDenied(err) {
		c.showDenied(&p, a, c.language(a))
	}
	return p
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
	if p.Detail == "" {
		p.Detail = k.say
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
	}
	var conflict *guard.Conflict
	if errors.As(err, &conflict) {
		p.Code = conflict.Code
		p.DecisionID, p.LockedUntil = conflict.Answer.ID, utc(conflict.LockedUntil)
		if gates, open := conflict.Shown.([]library.Gate); open {
			p.Gates = showGates(gates)
		}
	}
	if refused, ok := errors.AsType[*library.Refused](err); ok {
		p.Problems = showProblems(refused.Problems)
	}
	if unknown, ok := errors.AsType[*guard.UnknownError](err); ok {
		p.KnownFrom = utc(unknown.From)
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

// refusedDetail says the first problem of a policy.
func refusedDetail(err error) string {
	e, ok := errors.AsType[*library.Refused](err)
	if !ok || len(e.Problems) == 0 {
		return ""
	}
	first := e.Problems[0].String()
	if more := len(e.Problems) - 1; more > 0 {
		return fmt.Sprintf("%s (and %d more in problems); nothing was kept", first, more)
	}
	return first + "; nothing was kept"
}

func unknownDetail(err error) string {
	e, ok := errors.AsType[*guard.UnknownError](err)
	if !ok {
		return ""
	}
	return e.Error()
}

func notFoundDetail(err error) string {
	var e *guard.NotFound
	if !errors.As(err, &e) {
		return ""
	}
	return e.Error() + "; check its id"
}

// outlives matches a key that would end later than its maker.
func outlives(err error) bool {
	e, ok := errors.AsType[*guard.Beyond](err)
	return ok && e.Scope == ""
}

func beyondDetail(err error) string {
	var e *guard.Beyond
	if !errors.As(err, &e) {
		return ""
	}
	if e.Scope == "" {
		return "this key ends at " + e.End.UTC().Format(time.RFC3339) + ", and makes none that ends later: give it an expires_at until then"
	}
	return "a key makes no key beyond its own scopes, and this one has not " + e.Scope
}

// unmet matches a condition of the caller's that does not hold.
func unmet(err error) bool {
	e, ok := errors.AsType[*guard.Conflict](err)
	return ok && e.Code == guard.CodePrecondition
}

func conflictDetail(err error) string {
	var e *guard.Conflict
	if !errors.As(err, &e) {
		return ""
	}
	return e.Detail
}
