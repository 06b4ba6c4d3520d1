package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"cordon/datastore"
)

func TestReadinessNamesTheFeedAndItsLag(t *testing.T) {
	w := newWorld(t)
	var probe struct {
		Status, Version, Policy string
		Feed                    *struct {
			LagMS *int64 `json:"lag_ms"`
		}
		Parts []any
	}
	w.do(t, http.MethodGet, "/readyz?verbose", nil, noKey).want(t, http.StatusOK).into(t, &probe)
	if probe.Status != "ok" || probe.Feed == nil || probe.Feed.LagMS == nil || *probe.Feed.LagMS < 0 {
		t.Errorf("got %+v", probe)
	}
}

// What is wrong is named, without what is inside; how much waits is for who may do everything.
func TestReadinessNamesWhatIsWrong(t *testing.T) { // docs/design.md 11, Readiness
	w := newWorld(t)
	w.store.fail(fmt.Errorf("dial mongodb://cordon:hunter2@db1: %w", datastore.ErrUnavailable))
	defer w.store.fail(nil)
	for _, path := range []string{"/readyz", "/readyz?verbose"} {
		answer := w.do(t, http.MethodGet, path, nil, noKey).want(t, http.StatusServiceUnavailable)
		if text := string(answer.body); !strings.Contains(text, "The store does not answer.") || strings.Contains(text, "hunter2") {
			t.Errorf("%s: got %s", path, text)
		}
	}
	text := string(w.do(t, http.MethodGet, "/readyz?verbose", nil, noKey).body)
	if !strings.HasPrefix(text, `{"status":"unavailable"`) || !strings.Contains(text, `"parts":[{"name":"store","state":"failing"},{"name":"feed","state":"ok"`) {
		t.Errorf("got %s", text)
	}
}
