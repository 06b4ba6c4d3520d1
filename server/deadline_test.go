package server_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"cordon/guard"
	"cordon/server"
)

func TestACallEndsAtItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, end := server.Deadline(t.Context(), 2*time.Second)
		defer end()
		if at, ok := ctx.Deadline(); !ok || time.Until(at) != 2*time.Second {
			t.Errorf("got deadline %v %v", at, ok)
		}
		if ctx.Err() != nil {
			t.Errorf("got %v before the deadline", ctx.Err())
		}
		begun := time.Now()
		<-ctx.Done()
		if took := time.Since(begun); took != 2*time.Second || !errors.Is(ctx.Err(), context.DeadlineExceeded) {
			t.Errorf("it ended after %v with %v", took, ctx.Err())
		}
	})
}

func TestADeadlineIsFoundWithoutATimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, end := server.Deadline(t.Context(), time.Second)
		defer end()
		<-time.After(time.Second)
		if err := ctx.Err(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

func TestACallEndsWithItsRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		parent, cancel := context.WithCancel(context.WithValue(t.Context(), http.ServerContextKey, "value"))
		ctx, end := server.Deadline(parent, time.Minute)
		defer end()
		child, stop := context.WithCancel(ctx)
		defer stop()
		if child.Value(http.ServerContextKey) != "value" {
			t.Error("values of the request are lost")
		}
		cancel()
		<-child.Done()
		if !errors.Is(ctx.Err(), context.Canceled) || !errors.Is(child.Err(), context.Canceled) {
			t.Errorf("got %v and %v", ctx.Err(), child.Err())
		}
	})
}

func TestNoTimerOutlivesItsCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, end := server.Deadline(t.Context(), time.Minute)
		end()
		<-ctx.Done() // though it is asked for only now
		if !errors.Is(ctx.Err(), context.Canceled) {
			t.Errorf("got %v", ctx.Err())
		}
	})
}

func TestRequestIDs(t *testing.T) {
	made := server.RequestID(http.Header{}, false)
	if len(made) != 36 || made[14] != '7' || !strings.ContainsRune("89ab", rune(made[19])) || strings.Count(made, "-") != 4 {
		t.Errorf("got %q, want a UUIDv7", made)
	}
	for given, want := range map[string]struct{ plain, access bool }{
		"":                         {false, false},
		"12345678":                 {true, true},
		"1234567":                  {false, true},
		strings.Repeat("x", 1024):  {false, true},
		strings.Repeat("x", 1025):  {false, false},
		"00000000-0000-0000-0000-": {true, true},
	} {
		h := http.Header{"X-Request-Id": {given}}
		if got := server.RequestID(h, false) == given; got != want.plain {
			t.Errorf("%.20q: kept %v", given, got)
		}
		if got := server.RequestID(h, true) == given; got != want.access {
			t.Errorf("%.20q under /access: kept %v", given, got)
		}
	}
}

func TestTraceIDs(t *testing.T) {
	const id = "0af7651916cd43dd8448eb211c80319c"
	for given, want := range map[string]string{
		"00-" + id + "-b7ad6b7169203331-01":                    id,
		"cc-" + id + "-b7ad6b7169203331-01-more":               id,
		"ff-" + id + "-b7ad6b7169203331-01":                    "",
		"00-" + strings.ToUpper(id) + "-b7ad6b7169203331-01":   "",
		"00-" + strings.Repeat("0", 32) + "-b7ad6b71692033-01": "",
		"00-" + id: "",
		"nonsense": "",
		"00-" + strings.Repeat("0", 32) + "-b7ad6b7169203331-01": "",
	} {
		if got := server.TraceID(http.Header{"Traceparent": {given}}); got != want {
			t.Errorf("%s: got %q, want %q", given, got, want)
		}
	}
}

// Whose word on the client's address is believed is configured: X-Forwarded-For is anybody's.
func TestAddressesOfClients(t *testing.T) {
	guess := func(w *world, from string) answer {
		return w.do(t, http.MethodGet, "/v1/organizations", nil, bearer("ck_guess_WRONG"), set("X-Forwarded-For", from))
	}
	limit := server.RateLimit{PerSecond: 1e-9, Burst: 1}
	t.Run("not believed", func(t *testing.T) {
		w := newWorld(t, options{server: func(c *server.Config) { c.RateLimit = limit }})
		guess(w, "192.0.2.1").want(t, http.StatusUnauthorized)
		guess(w, "192.0.2.2").want(t, http.StatusTooManyRequests)
	})
	t.Run("of a trusted proxy", func(t *testing.T) {
		w := newWorld(t, options{server: func(c *server.Config) {
			c.RateLimit, c.TrustedProxies = limit, server.Prefixes("127.0.0.0/8", "::1/128")
		}})
		guess(w, "192.0.2.1").want(t, http.StatusUnauthorized)
		guess(w, "192.0.2.2").want(t, http.StatusUnauthorized)
		guess(w, "192.0.2.2").want(t, http.StatusTooManyRequests)
	})
	t.Run("of another network", func(t *testing.T) {
		w := newWorld(t, options{server: func(c *server.Config) { c.RateLimit, c.TrustedProxies = limit, server.Prefixes("10.0.0.0/8") }})
		guess(w, "192.0.2.1").want(t, http.StatusUnauthorized)
		guess(w, "192.0.2.2").want(t, http.StatusTooManyRequests)
	})
}

// A store that does not answer is not waited for beyond the limit of a call.
func TestADecisionTakesTwoSecondsAtMost(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	w.store.hang()
	got := w.do(t, http.MethodPost, single, strings.Replace(plainQuestion, "anna", "somebody-new", 1), w.scoped(t, guard.ScopeDecide))
	got.refused(t, http.StatusServiceUnavailable, "unavailable")
}
