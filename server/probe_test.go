package server_test

import (
	"net/http"
	"testing"
)

func TestReadinessNamesTheFeedAndItsLag(t *testing.T) {
	w := newWorld(t)
	var probe struct {
		Status, Version, Policy string
		Feed                    *struct {
			LagMS *int64 `json:"lag_ms"`
		}
	}
	w.do(t, http.MethodGet, "/readyz?verbose", nil, noKey).want(t, http.StatusOK).into(t, &probe)
	if probe.Status != "ok" || probe.Feed == nil || probe.Feed.LagMS == nil || *probe.Feed.LagMS < 0 {
		t.Errorf("got %+v", probe)
	}
}
