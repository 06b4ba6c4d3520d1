package server

import "github.com/prometheus/client_golang/prometheus"

// Figure is a number that another part of the program keeps; it is read when the metrics are, so reading it
// waits for nothing.
type Figure struct {
	Name, Help string
	Labels     map[string]string
	Counts     bool // it only grows
	Read       func() float64

	// Each gives one number for each set of values that the labels of Names have, instead of Read; none where
	// nothing is known.
	Names []string
	Each  func(give func(value float64, labels ...string))
}

// Show adds figures that other parts of the program keep.
func (m *Metrics) Show(figures ...Figure) error {
	for _, f := range figures {
		kind := prometheus.GaugeValue
		if f.Counts {
			kind = prometheus.CounterValue
		}
		c := &figure{Figure: f, kind: kind, desc: prometheus.NewDesc(f.Name, f.Help, f.Names, f.Labels)}
		if err := m.registry.Register(c); err != nil {
			return err
		}
	}
	return nil
}

// figure collects a [Figure].
type figure struct {
	Figure
	kind prometheus.ValueType
	desc *prometheus.Desc
}

func (f *figure) Describe(descs chan<- *prometheus.Desc) { descs <- f.desc }

func (f *figure) Collect(samples chan<- prometheus.Metric) {
	give := func(value float64, labels ...string) {
		sample, err := prometheus.NewConstMetric(f.desc, f.kind, value, labels...)
		if err != nil {
			sample = prometheus.NewInvalidMetric(f.desc, err)
		}
		samples <- sample
	}
	if f.Each == nil {
		give(f.Read())
		return
	}
	f.Each(give)
}
