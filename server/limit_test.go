package server_test

import (
	"net/http"
	"strings"
	"testing"

	"cordon/guard"
	"cordon/server"
)

func TestCallersThatAskTooOftenWait(t *testing.T) {
	w := newWorld(t, options{server: func(c *server.Config) { c.RateLimit = server.RateLimit{PerSecond: 1e-9, Burst: 3} }})
	for range 3 {
		w.do(t, http.MethodGet, "/v1/organizations", nil).want(t, http.StatusOK)
	}
	got := w.do(t, http.MethodGet, "/v1/organizations", nil)
	got.refused(t, http.StatusTooManyRequests, "rate_limited")
	if after := got.header.Get("Retry-After"); after != "1000000000" {
		t.Errorf("got Retry-After %q, want the seconds until there is one more", after)
	}
	w.do(t, http.MethodGet, "/v1/organizations", nil, w.scoped(t, guard.ScopeDirectory)).want(t, http.StatusOK)
	w.do(t, http.MethodGet, "/livez", nil, noKey).want(t, http.StatusOK)
	for range 3 {
		w.do(t, http.MethodGet, "/v1/organizations", nil, bearer("ck_guess_WRONG")).want(t, http.StatusUnauthorized)
	}
	w.do(t, http.MethodGet, "/v1/organizations", nil, bearer("ck_guess_WRONG")).refused(t, http.StatusTooManyRequests, "rate_limited")
}

func TestCallersAreToldWhatTheyMayStillAsk(t *testing.T) {
	w := newWorld(t, options{server: func(c *server.Config) { c.RateLimit = server.RateLimit{PerSecond: 1e-3, Burst: 3} }})
	key := w.scoped(t, guard.ScopeDirectory)
	for _, want := range []string{`"caller";r=2;t=1000`, `"caller";r=1;t=2000`, `"caller";r=0;t=3000`, `"caller";r=0;t=3000`} {
		got := w.do(t, http.MethodGet, "/v1/organizations", nil, key)
		if left := got.header.Get("RateLimit"); left != want {
			t.Errorf("got RateLimit %q, want %q", left, want)
		}
		if policy := got.header.Get("RateLimit-Policy"); policy != `"caller";q=3;w=3000` {
			t.Errorf("got RateLimit-Policy %q", policy)
		}
	}
	if got := newWorld(t).do(t, http.MethodGet, "/v1/organizations", nil); got.header["Ratelimit"] != nil || got.header["Ratelimit-Policy"] != nil {
		t.Errorf("a limit is told where there is none: %v", got.header)
	}
}

func TestABatchCountsAsItsItems(t *testing.T) {
	w := newWorld(t, options{server: func(c *server.Config) { c.RateLimit = server.RateLimit{PerSecond: 1e-3, Burst: 10} }})
	w.acme(t)
	batch := func(items int) string {
		return `{"evaluations":[` + strings.TrimSuffix(strings.Repeat(plainQuestion+",", items), ",") + `]}`
	}
	key := w.scoped(t, guard.ScopeDecide)
	got := w.do(t, http.MethodPost, many, batch(8), key).want(t, http.StatusOK)
	if left := got.header.Get("RateLimit"); !strings.HasPrefix(left, `"caller";r=2;`) {
		t.Errorf("got RateLimit %q after 8 of 10", left)
	}
	got = w.do(t, http.MethodPost, many, batch(4), key)
	got.refused(t, http.StatusTooManyRequests, "rate_limited")
	if got.header.Get("Retry-After") != "2000" { // one of two was left after the request itself, and two more are needed
		t.Errorf("got Retry-After %q", got.header.Get("Retry-After"))
	}
	// One that is larger than what may be asked at once is not refused for ever, and is owed.
	key = w.scoped(t, guard.ScopeDecide)
	w.do(t, http.MethodPost, many, batch(25), key).want(t, http.StatusOK)
	got = w.do(t, http.MethodPost, single, plainQuestion, key)
	got.refused(t, http.StatusTooManyRequests, "rate_limited")
	if got.header.Get("Retry-After") != "16000" { // 15 are owed
		t.Errorf("got Retry-After %q", got.header.Get("Retry-After"))
	}
}
