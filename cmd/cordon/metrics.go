package main

import (
	"errors"
	"fmt"
	"slices"

	"cordon/server"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// makeMetrics makes the metrics of a program, with those of its process.
func (in *instance) makeMetrics() (err error) {
	in.registry = prometheus.NewRegistry()
	in.metrics, err = server.NewMetrics(in.registry)
	if err = errors.Join(err,
		in.registry.Register(collectors.NewGoCollector()),
		in.registry.Register(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})),
	); err != nil {
		return fmt.Errorf("make metrics: %w", err)
	}
	return nil
}

// showFigures adds to the metrics what the rooms count themselves.
func (in *instance) showFigures(c config) error {
	records := in.journal.Stats
	figures := slices.Concat(policyFigures(in.guard.Policy), in.activationFigures(), in.shadowFigures(), in.storeFigures(c), in.outboxFigures(), in.logFigures(), []server.Figure{
		{Name: "cordon_journal_records_total", Help: "Records that the journal took.", Counts: true,
			Read: func() float64 { return float64(records().Accepted) }},
		{Name: "cordon_journal_batches_total", Help: "Batches of records that were shipped to the store.", Counts: true,
			Read: func() float64 { return float64(records().Batches) }},
		{Name: "cordon_journal_waiting_records", Help: "Records that are still to be shipped.",
			Read: func() float64 { return float64(records().Unshipped) }},
		{Name: "cordon_journal_waiting_bytes", Help: "Bytes of records that are still to be shipped.",
			Read: func() float64 { return float64(records().UnshippedBytes) }},
		{Name: "cordon_journal_waiting_seconds", Help: "How long ago the oldest record was made that is still to be shipped; 0 where none is.",
			Read: func() float64 { return secondsSince(records().Oldest) }},
		{Name: "cordon_journal_disk_bytes", Help: "Bytes of records in the journal's files.",
			Read: func() float64 { return float64(records().DiskBytes) }},
		{Name: "cordon_journal_bound_bytes", Help: "Bytes of records that may wait; beyond, decisions are answered 503.",
			Read: func() float64 { return float64(records().MaxBytes) }},
		{Name: "cordon_journal_rejected_total", Help: "Records that the journal did not take, by why.", Counts: true,
			Labels: map[string]string{"why": "full"}, Read: func() float64 { return float64(records().Full) }},
		{Name: "cordon_journal_rejected_total", Help: "Records that the journal did not take, by why.", Counts: true,
			Labels: map[string]string{"why": "failed"}, Read: func() float64 { return float64(records().Failed) }},
	})
	if err := in.metrics.Show(figures...); err != nil {
		return fmt.Errorf("show figures: %w", err)
	}
	return nil
}
