package main

import (
	"cordon/ledger"
	"cordon/server"
)

// logFigures are what the metrics say of the log behind the journal. What concerns the whole store is the same on each
// replica; while it is not known they give nothing.
func (in *instance) logFigures() []server.Figure {
	each := func(of func(*ledger.Status) float64) func(func(float64, ...string)) {
		return func(give func(float64, ...string)) {
			if log := in.guard.Standing().Log; log != nil {
				give(of(log))
			}
		}
	}
	return []server.Figure{
		{Name: "cordon_log_sealed_records", Help: "Records of the log that are sealed: the leaves of its tree.",
			Each: each(func(s *ledger.Status) float64 { return float64(s.Sealed) })},
		{Name: "cordon_log_unsealed_records", Help: "Records in the store that are not sealed yet.",
			Each: each(func(s *ledger.Status) float64 { return float64(s.Unsealed) })},
		{Name: "cordon_log_oldest_unsealed_seconds", Help: "How long ago the oldest record was made that is not sealed; 0 where all are.",
			Each: each(func(s *ledger.Status) float64 { return secondsSince(s.Oldest) })},
		{Name: "cordon_log_segments", Help: "Segments that hold what is sealed.",
			Each: each(func(s *ledger.Status) float64 { return float64(s.Segments) })},
		{Name: "cordon_log_segment_bytes", Help: "Bytes of the files of segments, with their indexes.",
			Each: each(func(s *ledger.Status) float64 { return float64(s.Bytes) })},
		{Name: "cordon_log_checkpoint_age_seconds", Help: "How long ago the last checkpoint was committed; 0 before the first.",
			Each: each(func(s *ledger.Status) float64 { return secondsSince(s.Checkpoint) })},
		{Name: "cordon_log_gaps_total", Help: "Gaps in the numbers of records that were sealed, each with a record that says so.", Counts: true,
			Each: each(func(s *ledger.Status) float64 { return float64(s.Gaps) })},
		{Name: "cordon_log_missing_records_total", Help: "Records that are missing in these gaps.", Counts: true,
			Each: each(func(s *ledger.Status) float64 { return float64(s.Missing) })},
		{Name: "cordon_log_selfcheck_ok", Help: "1 while all that this server has compared of the log is what was signed, 0 while something is not; missing before it looked.",
			Each: func(give func(float64, ...string)) {
				if c := in.ledger.Checked(); !c.At.IsZero() {
					give(oneIf(c.Problem == "", ""))
				}
			}},
		{Name: "cordon_log_selfcheck_age_seconds", Help: "How long ago this server compared a part of the log with its tree.",
			Read: func() float64 { return secondsSince(in.ledger.Checked().At) }},
		{Name: "cordon_log_selfcheck_records_total", Help: "Records that this server compared with the tree.", Counts: true,
			Read: func() float64 { return float64(in.ledger.Checked().Records) }},
		{Name: "cordon_log_witness_ok", Help: "1 while the witness took the last checkpoint, 0 while it did not; missing where there is none.",
			Each: func(give func(float64, ...string)) {
				if w := in.ledger.Witnessed(); w.Place != "" {
					give(oneIf(w.Problem == "", ""))
				}
			}},
		{Name: "cordon_log_readings", Help: "Searches and exports of the log that are in hand.",
			Read: func() float64 { return float64(in.guard.Readings()) }},
	}
}
