package main

import (
	"errors"
	"fmt"

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

// oneIf is the figure of something that is on or off.
func oneIf(on bool, _ string) float64 {
	if on {
		return 1
	}
	return 0
}

// showFigures adds to the metrics what the rooms count themselves.
func (in *instance) showFigures() error {
	records, memo := in.journal.Stats, in.engine.Stats
	figures := []server.Figure{
		{Name: "cordon_policy_info", Help: "The policy in force.", Labels: map[string]string{"digest": in.engine.Digest()},
			Read: func() float64 { return 1 }},
		{Name: "cordon_memo_hits_total", Help: "Decisions that an equal input had already been given.", Counts: true,
			Read: func() float64 { return float64(memo().Hits) }},
		{Name: "cordon_memo_misses_total", Help: "Decisions that the rules were asked for.", Counts: true,
			Read: func() float64 { return float64(memo().Misses) }},
		{Name: "cordon_policy_checks_total", Help: "Decisions that were asked again of the rules as they are written.", Counts: true,
			Read: func() float64 { return float64(memo().Checked) }},
		{Name: "cordon_policy_disagreements_total", Help: "Checked decisions that the rules did not give again: always 0.", Counts: true,
			Read: func() float64 { return float64(memo().Disagreements) }},
		{Name: "cordon_policy_flat", Help: "1 while the rules are asked in their flat form, 0 while they are asked as they are written.",
			Read: func() float64 { return oneIf(in.engine.FlatOn()) }},
		{Name: "cordon_policy_memo", Help: "1 while equal questions share an answer, 0 while the rules are asked every time.",
			Read: func() float64 { return oneIf(in.engine.MemoOn()) }},
		{Name: "cordon_journal_records_total", Help: "Records that the journal took.", Counts: true,
			Read: func() float64 { return float64(records().Accepted) }},
		{Name: "cordon_journal_batches_total", Help: "Batches of records that were shipped to the store.", Counts: true,
			Read: func() float64 { return float64(records().Batches) }},
		{Name: "cordon_journal_waiting_records", Help: "Records that are still to be shipped.",
			Read: func() float64 { return float64(records().Unshipped) }},
		{Name: "cordon_journal_waiting_bytes", Help: "Bytes of records that are still to be shipped.",
			Read: func() float64 { return float64(records().UnshippedBytes) }},
		{Name: "cordon_journal_bound_bytes", Help: "Bytes of records that may wait; beyond, decisions are answered 503.",
			Read: func() float64 { return float64(records().MaxBytes) }},
		{Name: "cordon_journal_rejected_total", Help: "Records that the journal did not take, by why.", Counts: true,
			Labels: map[string]string{"why": "full"}, Read: func() float64 { return float64(records().Full) }},
		{Name: "cordon_journal_rejected_total", Help: "Records that the journal did not take, by why.", Counts: true,
			Labels: map[string]string{"why": "failed"}, Read: func() float64 { return float64(records().Failed) }},
	}
	if err := in.metrics.Show(figures...); err != nil {
		return fmt.Errorf("show figures: %w", err)
	}
	return nil
}
