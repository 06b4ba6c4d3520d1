package server

import (
	"context"
	"errors"
	"net/http"
	"os"

	"cordon/guard"
	"cordon/library"
)

// kind is a row of the one table that turns errors into answers.
type kind struct {
	is     error                  // matched with errors.Is
	as     func(err error) bool   // or by type
	status int                    //
	code   string                 // what programs branch on; a [guard.Conflict] brings its own
	title  string                 // what people read
	detail func(err error) string // what this error in particular says; nil or empty: say
	say    string                 // the detail of an error that does not explain itself: what is wrong and what to do next
	retry  int                    // seconds of Retry-After; 0: none
}

const (
	titleCaller      = "Who calls is not known"
	titleBody        = "The body is not valid"
	titleLarge       = "The body is too large"
	titleHeader      = "A header is not valid"
	titleQuery       = "The query is not valid"
	titleScope       = "The caller lacks a scope"
	titleDenied      = "The rules deny this"
	titleCondition   = "It is another than the condition asks for"
	titleSlow        = "The body did not come in time"
	titleUnavailable = "This cannot be answered now"

	sayAgain  = "Try again after the seconds in Retry-After."
	sayRecord = "Nothing can be put on record now, and without a record there is no answer. " + sayAgain
	saySlow   = "A body has 30 seconds to arrive; send it again."
)

// kinds is that table: the first row that matches counts. What matches none is a 500 of which
// nobody outside learns anything.
var kinds = []kind{
	{as: has[*guard.Invalid], status: http.StatusBadRequest, code: "invalid_body", title: titleBody, detail: invalidDetail,
		say: "The members in errors are wrong."},
	{is: errHeader, status: http.StatusBadRequest, code: "invalid_header", title: titleHeader,
		say: "A header cannot be read."},
	{is: guard.ErrCursor, status: http.StatusBadRequest, code: "invalid_header", title: titleHeader,
		say: "Last-Event-ID is the id of no event of this log; leave it out to begin with what comes from now on."},
	{is: library.ErrNobody, status: http.StatusBadRequest, code: "invalid_header", title: titleHeader,
		say: "A person must act: name who it is in Cordon-Actor."},
	{is: errQuery, status: http.StatusBadRequest, code: "invalid_query", title: titleQuery,
		say: "The query cannot be read."},
	{is: guard.ErrExportCursor, status: http.StatusBadRequest, code: "invalid_query", title: titleQuery,
		say: "cursor must be one that an export has given, and after the id of a record that came with it."},
	{is: errID, status: http.StatusBadRequest, code: "invalid_id", title: "An id in the path is not valid",
		say: "An id in the path cannot be one."},
	{is: errUnauthenticated, status: http.StatusUnauthorized, code: "unauthenticated", title: titleCaller,
		say: "Send Authorization: Bearer and an API key or a token."},
	{is: guard.ErrKeyEnded, status: http.StatusUnauthorized, code: "unauthenticated", title: titleCaller,
		say: "The API key has ended; use another, or have one made."},
	{is: guard.ErrUnauthenticated, status: http.StatusUnauthorized, code: "unauthenticated", title: titleCaller,
		say: "The API key is unknown, wrong or revoked; use another, or have one made."},
	{is: errScope, status: http.StatusForbidden, code: "insufficient_scope", title: titleScope,
		say: "Use a key or token with the scope that this needs."},
	{as: outlives, status: http.StatusForbidden, code: "outlives_maker", title: "A key ends no later than its maker", detail: beyondDetail,
		say: "A key makes no key that ends later than itself."},
	{as: has[*guard.Beyond], status: http.StatusForbidden, code: "insufficient_scope", title: titleScope, detail: beyondDetail,
		say: "A key makes no key beyond itself."},
	{is: errGateway, status: http.StatusForbidden, code: "gateway_refused", title: "The gateway is not let in",
		say: "A gateway asks from where it is configured to be, with its API key in Cordon-Key."},
	{is: errNotAllowed, status: http.StatusForbidden, code: "denied", title: titleDenied,
		say: "Nothing in the policy set allows this."},
	{is: errCanonical, status: http.StatusForbidden, code: "not_canonical", title: "The request is not in canonical form",
		say: "Send it in canonical form."},
	{is: errNoRoute, status: http.StatusForbidden, code: "unknown_route", title: "No route of the gateways matches",
		say: "Add a route for it to the file of --gateway-routes."},
	{is: guard.ErrTextLimit, status: http.StatusForbidden, code: "organization_limit", title: "What was said is not for this caller",
		say: "text looks into justifications, which are for callers with the scope audit and no limit to one organization."},
	{is: guard.ErrOrganizationLimit, status: http.StatusForbidden, code: "organization_limit", title: "The caller is limited to another organization",
		say: "This key or token is good for one organization, and this is not of it."},
	{as: has[*guard.Denied], status: http.StatusForbidden, code: "denied", title: titleDenied,
		say: "Nothing in the rules allows this."},
	{as: has[*guard.NotFound], status: http.StatusNotFound, code: "not_found", title: "There is no such thing", detail: notFoundDetail,
		say: "Check the ids."},
	{as: has[*guard.UnknownError], status: http.StatusNotFound, code: "not_on_record", title: "The records do not tell this", detail: unknownDetail,
		say: "Ask about a later time."},
	{is: errRoute, status: http.StatusNotFound, code: "not_found", title: "There is nothing here",
		say: "This path is none of the API's; GET /openapi.yaml has them all."},
	{is: errMethod, status: http.StatusMethodNotAllowed, code: "method_not_allowed", title: "The method is not allowed here",
		say: "Allow has the methods that this path knows."},
	{is: errSlow, status: http.StatusRequestTimeout, code: "request_timeout", title: titleSlow, say: saySlow},
	{is: os.ErrDeadlineExceeded, status: http.StatusRequestTimeout, code: "request_timeout", title: titleSlow, say: saySlow},
	{is: guard.ErrAlreadyShown, status: http.StatusConflict, code: "already_shown", title: "The answer was already shown, and is not shown twice",
		say: "What was made is there, and its secret was in the first answer. If that is lost, end it and make another with a new Idempotency-Key."},
	{is: errNotEmbedded, status: http.StatusConflict, code: "not_embedded", title: "The store is not this server's own",
		say: "The store is MongoDB, which servers share: back it up with mongodump --oplog, or by snapshots of its volumes (docs/operations.md)."},
	{as: unmet, status: http.StatusPreconditionFailed, code: guard.CodePrecondition, title: titleCondition, detail: conflictDetail,
		say: "Read what stands, and decide anew."},
	{as: has[*guard.Conflict], status: http.StatusConflict, title: "This conflicts with what stands", detail: conflictDetail,
		say: "Read what stands, and decide anew."},
	{is: errTooLarge, status: http.StatusRequestEntityTooLarge, code: "body_too_large", title: titleLarge,
		say: "Send less at once."},
	{as: has[*guard.EventsTooLarge], status: http.StatusRequestEntityTooLarge, code: "body_too_large", title: titleLarge,
		detail: eventsDetail, say: "Send less at once."},
	{is: errTooMany, status: http.StatusRequestEntityTooLarge, code: "batch_too_large", title: "The batch has too many items",
		say: "A batch has at most 1,000 items; send several."},
	{is: errMediaType, status: http.StatusUnsupportedMediaType, code: "unsupported_media_type", title: "The content type is not supported",
		say: "Content-Type must be application/json."},
	{is: guard.ErrOtherBody, status: http.StatusUnprocessableEntity, code: "idempotency_key_reused", title: "The idempotency key was used for something else",
		say: "A key goes with one body, actor and agent for 24 hours; take a new one for another act."},
	{as: has[*library.Refused], status: http.StatusUnprocessableEntity, code: "policy_invalid", title: "The policy is not valid", detail: refusedDetail,
		say: "The places in problems are wrong; nothing was kept."},
	{is: errRate, status: http.StatusTooManyRequests, code: "rate_limited", title: "Too many requests",
		say: "RateLimit-Policy has how many are allowed. " + sayAgain, retry: 1},
	{is: guard.ErrTooManyFollowers, status: http.StatusTooManyRequests, code: "too_many_streams", title: "Too many streams",
		say: "A caller has at most 8 streams of decisions at a time; end one.", retry: 5},
	{is: guard.ErrTooStale, status: http.StatusServiceUnavailable, code: "too_stale", title: "The asked-for revision has not been reached here",
		say: "A revision in Cordon-At-Least is not known here yet, or its organization is not. " + sayAgain, retry: 1},
	{is: guard.ErrPolicyTimeout, status: http.StatusServiceUnavailable, code: "policy_timeout", title: "The rules took too long",
		say: "The rules did not come to an answer in time; nothing was allowed. " + sayAgain, retry: 1},
	{as: has[*guard.SetFailed], status: http.StatusInternalServerError, code: "policy_failed", title: "The policy set gave no answer",
		say: "The rules of the policy set, or its data, are wrong: they gave no usable answer, which counts as a denial. The record of this decision says what."},
	{is: guard.ErrPolicyNotLoaded, status: http.StatusServiceUnavailable, code: "policy_not_loaded", title: "The policy in force cannot be loaded here",
		say: "The policy in force cannot be loaded by this server, so nothing is changed by the one before; activate another, or a release that can load it.", retry: 5},
	{is: errUnready, status: http.StatusServiceUnavailable, code: "unavailable", title: titleUnavailable, detail: unreadyDetail,
		say: "The store cannot be reached, or no record can be taken; the server's log says which.", retry: 1},
	{is: errDraining, status: http.StatusServiceUnavailable, code: "draining", title: "The server is stopping",
		say: "Send what comes next to another replica.", retry: 1},
	{is: errKeys, status: http.StatusServiceUnavailable, code: "unavailable", title: titleUnavailable,
		say: "The keys of the token's issuer cannot be fetched, so nobody can tell whether the token is good. " + sayAgain, retry: 1},
	{is: guard.ErrEventsUnderWay, status: http.StatusServiceUnavailable, code: "unavailable", title: titleUnavailable,
		say: "Another replica is taking some of these events, and they are not to be on record twice. " + sayAgain, retry: 5},
	{is: guard.ErrUnavailable, status: http.StatusServiceUnavailable, code: "unavailable", title: titleUnavailable,
		say: "The store cannot be reached. " + sayAgain, retry: 1},
	{is: guard.ErrJournalFull, status: http.StatusServiceUnavailable, code: "unavailable", title: titleUnavailable, say: sayRecord, retry: 1},
	{is: guard.ErrJournalClosed, status: http.StatusServiceUnavailable, code: "unavailable", title: titleUnavailable, say: sayRecord, retry: 1},
	{is: guard.ErrJournalFailed, status: http.StatusServiceUnavailable, code: "unavailable", title: titleUnavailable, say: sayRecord, retry: 1},
	{is: context.DeadlineExceeded, status: http.StatusServiceUnavailable, code: "unavailable", title: titleUnavailable,
		say: "It took too long. " + sayAgain, retry: 1},
	{is: context.Canceled, status: http.StatusServiceUnavailable, code: "unavailable", title: titleUnavailable,
		say: "It was broken off. " + sayAgain, retry: 1},
}

// internal is what an error becomes that is in no row.
var internal = kind{
	status: http.StatusInternalServerError, code: "internal", title: "Something went wrong here",
	say: "The cause is in the server's log, under this request_id. Whether anything was changed is not known: look before you try again.",
}

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
