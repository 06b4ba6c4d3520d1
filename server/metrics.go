package server

import (
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"cordon/guard"
)

// Metrics counts what the server and the guard behind it do, on a registry of their own. No user,
// organization or product is ever a label.
type Metrics struct {
	registry *prometheus.Registry

	decisions *prometheus.CounterVec
	took      prometheus.Histogram
	changes   *prometheus.CounterVec
	deleted   *prometheus.CounterVec
	requests  *prometheus.CounterVec
	seconds   *prometheus.HistogramVec
	refusals  *prometheus.CounterVec
	gateways  *prometheus.CounterVec

	known atomic.Pointer[map[decisionLabels]prometheus.Counter]
	mu    sync.Mutex // guards additions to known
}

type decisionLabels struct {
	action, reason string
	allowed        bool
}

// NewMetrics makes the metrics on a registry, which serves nothing else.
func NewMetrics(registry *prometheus.Registry) (*Metrics, error) {
	fast := []float64{1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 5e-3, 1e-2, 5e-2, 0.1, 0.5, 1, 2}
	whole := []float64{1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60}
	m := &Metrics{
		registry: registry,
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cordon_decisions_total", Help: "Decisions on record, by action, outcome and decisive reason.",
		}, []string{"action", "allowed", "reason"}),
		took: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "cordon_decision_seconds", Help: "How long decisions took, from the question to the verdict.", Buckets: fast,
		}),
		changes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cordon_changes_total", Help: "Acts, by action and outcome: done, denied or conflict.",
		}, []string{"action", "outcome"}),
		deleted: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cordon_retention_deleted_total", Help: "What was deleted because its time was over, by class.",
		}, []string{"class"}),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cordon_http_requests_total", Help: "HTTP requests, by route and status.",
		}, []string{"route", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "cordon_http_request_seconds", Help: "How long HTTP requests took, by route.", Buckets: whole,
		}, []string{"route"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cordon_authentication_failures_total", Help: "Requests by whose key or token nobody was known, by cause.",
		}, []string{"cause"}),
	}
	m.gateways = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "cordon_gateway_refusals_total", Help: "Requests that were refused to gateways, by how they ask and why.",
	}, []string{"gateway", "reason"})
	for _, class := range guard.DeletedClasses() {
		m.deleted.WithLabelValues(class)
	}
	for _, gateway := range []string{gatewayNginx, gatewayForward, gatewayEnvoy} {
		m.gateways.WithLabelValues(gateway, "gateway_refused")
	}
	for _, cause := range causes() {
		m.refusals.WithLabelValues(cause)
	}
	m.known.Store(&map[decisionLabels]prometheus.Counter{})
	for _, c := range []prometheus.Collector{m.decisions, m.took, m.changes, m.deleted, m.requests, m.seconds, m.refusals, m.gateways} {
		if err := registry.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// Observer is what a guard is made with so that it is counted.
func (m *Metrics) Observer() guard.Observer {
	return guard.Observer{Decision: m.decided, Change: m.changed, Deleted: m.gone}
}

func (m *Metrics) decided(action string, allowed bool, reason string, took time.Duration) {
	m.took.Observe(took.Seconds())
	labels := decisionLabels{action: action, reason: reason, allowed: allowed}
	if counter, ok := (*m.known.Load())[labels]; ok {
		counter.Inc()
		return
	}
	m.counter(labels).Inc()
}

// counter gives the counter of labels, which the guard bounds. They are found without a lock once they are known:
// looking labels up in a vector costs more than counting.
func (m *Metrics) counter(labels decisionLabels) prometheus.Counter {
	if counter, ok := (*m.known.Load())[labels]; ok {
		return counter
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	old := *m.known.Load()
	grown := make(map[decisionLabels]prometheus.Counter, len(old)+1)
	for k, v := range old {
		grown[k] = v
	}
	counter := m.decisions.WithLabelValues(labels.action, strconv.FormatBool(labels.allowed), labels.reason)
	grown[labels] = counter
	m.known.Store(&grown)
	return counter
}

func (m *Metrics) gone(class string, count int) { m.deleted.WithLabelValues(class).Add(float64(count)) }

func (m *Metrics) changed(action, outcome string) {
	m.changes.WithLabelValues(action, outcome).Inc()
}

// routeMetrics counts the answers of one route.
type routeMetrics struct {
	requests *prometheus.CounterVec
	route    string
	codes    [500]atomic.Pointer[prometheus.Counter] // of the statuses from 100 to 599
	seconds  prometheus.Observer
}

func (m *Metrics) route(path string) *routeMetrics {
	return &routeMetrics{requests: m.requests, route: path, seconds: m.seconds.WithLabelValues(path)}
}

func (r *routeMetrics) observe(status int, took time.Duration) {
	r.seconds.Observe(took.Seconds())
	if status < 100 || status > 599 {
		status = http.StatusInternalServerError
	}
	slot := &r.codes[status-100]
	counter := slot.Load()
	if counter == nil {
		made := r.requests.WithLabelValues(r.route, strconv.Itoa(status))
		counter = &made
		slot.Store(counter)
	}
	(*counter).Inc()
}

// handler serves the metrics.
func (m *Metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
