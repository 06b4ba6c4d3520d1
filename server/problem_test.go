package server_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cordon.example/client"
	"cordon/datastore"
	"cordon/guard"
	"cordon/ledger/journal"
	"cordon/library"
	"cordon/policies"
	"cordon/server"
)

// One row for each row of the table; the errors are wrapped, as they come.
func TestEveryErrorHasOneAnswer(t *testing.T) {
	tests := []struct {
		err    error
		status int
		code   string
		detail string
		retry  bool
	}{
		{&guard.Invalid{Errors: []guard.FieldError{{Pointer: "/name", Detail: "is required"}}}, 400, "invalid_body", "/name is required", false},
		{server.Because(server.ErrHeader, "say it"), 400, "invalid_header", "say it", false},
		{library.ErrNobody, 400, "invalid_header", "", false},
		{server.Because(server.ErrQuery, "say it"), 400, "invalid_query", "say it", false},
		{server.Because(server.ErrID, "say it"), 400, "invalid_id", "say it", false},
		{server.ErrUnauthenticated, 401, "unauthenticated", "", false},
		{guard.ErrKeyEnded, 401, "unauthenticated", "The API key has ended; use another, or have one made.", false},
		{guard.ErrUnauthenticated, 401, "unauthenticated", "", false},
		{server.Because(server.ErrScope, "say it"), 403, "insufficient_scope", "say it", false},
		{&guard.Beyond{End: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}, 403, "outlives_maker",
			"this key ends at 2026-01-02T03:04:05Z, and makes none that ends later: give it an expires_at until then", false},
		{&guard.Beyond{Scope: "admin"}, 403, "insufficient_scope", "a key makes no key beyond its own scopes, and this one has not admin", false},
		{server.Because(server.ErrGateway, "say it"), 403, "gateway_refused", "say it", false},
		{server.Because(server.ErrNotAllowed, "say it"), 403, "denied", "say it", false},
		{server.Because(server.ErrCanonical, "say it"), 403, "not_canonical", "say it", false},
		{server.Because(server.ErrNoRoute, "say it"), 403, "unknown_route", "say it", false},
		{guard.ErrOrganizationLimit, 403, "organization_limit", "", false},
		{&guard.Denied{Answer: guard.Answer{Decision: &policies.Decision{Outcome: &policies.Outcome{}}}}, 403, "denied", "", false},
		{&guard.NotFound{What: "product"}, 404, "not_found", "no such product; check its id", false},
		{&guard.UnknownError{Why: "it is gone"}, 404, "not_on_record", "it cannot be told: it is gone", false},
		{server.ErrRoute, 404, "not_found", "", false},
		{server.Because(server.ErrMethod, "say it"), 405, "method_not_allowed", "say it", false},
		{server.ErrSlow, 408, "request_timeout", "", false},
		{os.ErrDeadlineExceeded, 408, "request_timeout", "", false},
		{&guard.SetFailed{ID: "x", Err: errors.New("inner")}, 500, "policy_failed", "", false},
		{guard.ErrAlreadyShown, 409, "already_shown", "", false},
		{&guard.Conflict{Code: guard.CodePrecondition, Detail: "it is"}, 412, "precondition_failed", "it is", false},
		{&guard.Conflict{Code: "already_blocked", Detail: "it is"}, 409, "already_blocked", "it is", false},
		{server.Because(server.ErrTooLarge, "say it"), 413, "body_too_large", "say it", false},
		{server.Because(server.ErrTooMany, "say it"), 413, "batch_too_large", "say it", false},
		{server.Because(server.ErrMediaType, "say it"), 415, "unsupported_media_type", "say it", false},
		{guard.ErrOtherBody, 422, "idempotency_key_reused", "", false},
		{&library.Refused{Problems: []library.Problem{{File: "cordon/a.rego", Row: 1, Code: "x", Message: "is wrong"}}}, 422, "policy_invalid", "", false},
		{server.ErrRate, 429, "rate_limited", "", true},
		{&guard.EventsTooLarge{What: "it is"}, 413, "body_too_large", "it is; have the agent send less at once (upload_size_limit_bytes)", false},
		{guard.ErrEventsUnderWay, 503, "unavailable", "", true},
		{guard.ErrCursor, 400, "invalid_header", "", false},
		{guard.ErrTooManyFollowers, 429, "too_many_streams", "", true},
		{guard.ErrExportCursor, 400, "invalid_query", "", false},
		{guard.ErrTextLimit, 403, "organization_limit", "", false},
		{guard.ErrTooStale, 503, "too_stale", "", true},
		{policies.ErrTimeout, 503, "policy_timeout", "", true},
		{guard.ErrPolicyNotLoaded, 503, "policy_not_loaded", "", true},
		{server.ErrUnready, 503, "unavailable", "", true},
		{server.ErrNotEmbedded, 409, "not_embedded", "", false},
		{server.ErrDraining, 503, "draining", "", true},
		{server.ErrKeys, 503, "unavailable", "", true},
		{datastore.ErrUnavailable, 503, "unavailable", "", true},
		{journal.ErrFull, 503, "unavailable", "", true},
		{journal.ErrFailed, 503, "unavailable", "", true},
		{journal.ErrClosed, 503, "unavailable", "", true},
		{context.DeadlineExceeded, 503, "unavailable", "", true},
		{context.Canceled, 503, "unavailable", "", true},
	}
	seen := map[int]bool{}
	for _, test := range tests {
		t.Run(test.code+" "+test.err.Error(), func(t *testing.T) {
			err := fmt.Errorf("do it: %w", test.err)
			seen[server.KindIndex(err)] = true
			p, retry := server.ProblemOf(err)
			if p.Status != test.status || p.Code != test.code || p.Title == "" || (retry > 0) != test.retry {
				t.Errorf("got %+v, retry after %d; want %+v", p, retry, test)
			}
			// What explains itself says so; the rest says what its row says. Nothing is without a detail.
			if test.detail == "" && len(p.Detail) < 20 || test.detail != "" && p.Detail != test.detail {
				t.Errorf("got detail %q, want %q", p.Detail, test.detail)
			}
			if p.Type != "urn:cordon:problem:"+test.code {
				t.Errorf("got type %q", p.Type)
			}
		})
	}
	for i := range server.Kinds() {
		if !seen[i] {
			t.Errorf("row %d of the table has no test", i)
		}
	}
}

// Internal detail never reaches a client; the log has it, once, with method and route.
func TestWhatNobodyForesawIsA500ThatTellsNothing(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	secret := errors.New("dial tcp 10.1.2.3: password hunter2")
	w.store.fail(secret)
	answer := w.do(t, http.MethodGet, "/v1/organizations/acme/users/anna", nil)
	p := answer.refused(t, http.StatusInternalServerError, "internal")
	if !strings.Contains(p.Detail, "request_id") || strings.Contains(answer.body, "hunter2") || strings.Contains(answer.body, "10.1.2.3") {
		t.Errorf("the answer tells: %s", answer.body)
	}
	w.store.fail(nil)
	log := w.logged()
	if n := strings.Count(log, "hunter2"); n != 1 {
		t.Errorf("the log has the cause %d times, want once", n)
	}
	if !strings.Contains(log, `"method":"GET","route":"/v1/organizations/{organization}/users/{user}","status":500`) {
		t.Errorf("the log does not name method and route:\n%s", log)
	}
}

func TestAnUnreachableStoreIs503(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	w.store.fail(fmt.Errorf("read: %w", datastore.ErrUnavailable))
	defer w.store.fail(nil)
	w.do(t, http.MethodGet, "/v1/organizations/acme", nil).refused(t, http.StatusServiceUnavailable, "unavailable")
	w.do(t, http.MethodPut, "/v1/organizations/acme", client.OrganizationBody{Name: "x"}).refused(t, http.StatusServiceUnavailable, "unavailable")
	w.do(t, http.MethodGet, "/readyz", nil, noKey).refused(t, http.StatusServiceUnavailable, "unavailable")
	w.do(t, http.MethodHead, "/readyz", nil, noKey).want(t, http.StatusServiceUnavailable)
	w.do(t, http.MethodGet, "/livez", nil, noKey).want(t, http.StatusOK)
}

// No record, no answer (docs/design.md 3.3): what cannot be kept is not decided, and nothing is dropped.
func TestAFullJournalIs503(t *testing.T) {
	var stuck atomic.Bool
	w := newWorld(t, options{journal: func(c *journal.Config) {
		ship := c.Ship
		c.MaxBytes, c.SegmentBytes = 64<<10, 16<<10
		c.Ship = func(ctx context.Context, b datastore.Batch) (int64, error) {
			if stuck.Load() && b.Count > 0 {
				return 0, datastore.ErrUnavailable
			}
			return ship(ctx, b)
		}
	}})
	w.acme(t)
	stuck.Store(true)
	answered := map[string]bool{}
	for n := 0; ; n++ {
		if n == 1000 {
			t.Fatal("the journal has no bound")
		}
		got := w.do(t, http.MethodPost, single, plainQuestion)
		if got.status != http.StatusOK {
			got.refused(t, http.StatusServiceUnavailable, "unavailable")
			break
		}
		answered[got.header.Get(client.HeaderDecisionID)] = true
	}
	w.do(t, http.MethodPost, many, `{"evaluations":[`+plainQuestion+`]}`).refused(t, http.StatusServiceUnavailable, "unavailable")
	stuck.Store(false)
	if err := w.journal.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.ask(t, "anna", "manage", "product", "shop")
	for _, r := range w.records(t, "subject=anna&kind=decision") {
		delete(answered, r.ID)
	}
	if len(answered) > 0 {
		t.Errorf("%d decisions were answered and are not in the log", len(answered))
	}
}
