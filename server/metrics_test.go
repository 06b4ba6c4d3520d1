package server_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"cordon.example/client"
	"cordon/server"
)

func (w *world) scrape(t *testing.T) string {
	t.Helper()
	recorder := httptest.NewRecorder()
	w.server.MetricsHandler().ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if recorder.Code != http.StatusOK {
		t.Fatalf("got %d", recorder.Code)
	}
	return recorder.Body.String()
}

func TestDecisionsAndRequestsAreCounted(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	w.ask(t, "anna", "manage", "product", "shop")
	w.ask(t, "anna", "manage", "product", "shop")
	w.ask(t, "clio", "manage", "product", "shop")
	w.ask(t, "anna", "dance-"+strings.Repeat("x", 50), "product", "shop")
	w.do(t, http.MethodPost, single, `[]`).want(t, http.StatusBadRequest)
	w.do(t, http.MethodGet, "/nothing", nil).want(t, http.StatusNotFound)
	w.do(t, http.MethodPost, shopPath+"/block", client.BlockRequest{Reason: "x"}, as("anna")).want(t, http.StatusOK)
	w.do(t, http.MethodPost, shopPath+"/block", client.BlockRequest{Reason: "x"}, as("carl")).want(t, http.StatusForbidden)
	text := w.scrape(t)
	for _, line := range []string{
		`cordon_decisions_total{action="manage",allowed="true",reason="administrator"} 2`,
		`cordon_decisions_total{action="manage",allowed="false",reason="not_granted"} 1`,
		`cordon_decisions_total{action="other",allowed="false",reason="unknown_action"} 1`,
		`cordon_http_requests_total{code="200",route="/access/v1/evaluation"} 4`,
		`cordon_http_requests_total{code="400",route="/access/v1/evaluation"} 1`,
		`cordon_http_requests_total{code="404",route="none"} 1`,
		`cordon_changes_total{action="block",outcome="done"} 1`,
		`cordon_changes_total{action="block",outcome="denied"} 1`,
		`cordon_http_request_seconds_count{route="/access/v1/evaluation"} 5`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("the metrics have no line %s", line)
		}
	}
	if strings.Contains(text, "anna") || strings.Contains(text, "acme") || strings.Contains(text, "dance") {
		t.Error("a user, an organization or what a caller made up is a label")
	}
}

func TestOthersMayShowFigures(t *testing.T) {
	registry := prometheus.NewRegistry()
	metrics, err := server.NewMetrics(registry)
	if err != nil {
		t.Fatal(err)
	}
	err = metrics.Show(
		server.Figure{Name: "cordon_journal_unshipped_records", Help: "Records.", Read: func() float64 { return 3 }},
		server.Figure{Name: "cordon_journal_accepted_total", Help: "Records.", Counts: true, Read: func() float64 { return 7 }},
		server.Figure{Name: "cordon_store_info", Help: "The store.", Labels: map[string]string{"engine": "sqlite"}, Read: func() float64 { return 1 }},
	)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		m := family.GetMetric()[0]
		got[family.GetName()] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		if family.GetName() == "cordon_store_info" && m.GetLabel()[0].GetValue() != "sqlite" {
			t.Errorf("got labels %v", m.GetLabel())
		}
	}
	for name, want := range map[string]float64{"cordon_journal_accepted_total": 7, "cordon_journal_unshipped_records": 3, "cordon_store_info": 1} {
		if got[name] != want {
			t.Errorf("%s: got %v, want %v", name, got[name], want)
		}
	}
	if err := metrics.Show(server.Figure{Name: "cordon_store_info", Help: "Another.", Read: func() float64 { return 0 }}); err == nil {
		t.Error("a second figure of that name was taken")
	}
}

func TestRequestsAreLogged(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	w.ask(t, "anna", "manage", "product", "shop", set("X-Request-Id", "req-abcdef"))
	log := w.logged()
	for _, want := range []string{
		`"level":"DEBUG","msg":"request","method":"POST","route":"/access/v1/evaluation","status":200`,
		`"level":"INFO","msg":"request","method":"PUT","route":"/v1/organizations/{organization}","status":201`,
		`"request_id":"req-abcdef"`,
	} {
		if !strings.Contains(log, want) {
			t.Errorf("the log has no %s", want)
		}
	}
	for _, secret := range []string{w.key, "anna@acme.example", "Bearer"} {
		if strings.Contains(log, secret) {
			t.Errorf("the log has %q", secret)
		}
	}
	if diff := cmp.Diff(strings.Count(log, `"msg":"request"`), 9); diff != "" {
		t.Errorf("got, want lines:\n%s", diff)
	}
}
