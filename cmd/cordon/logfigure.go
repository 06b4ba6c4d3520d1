package main

import "cordon/server"

// logFigures are what the metrics say of the log behind the journal.
func (in *instance) logFigures() []server.Figure {
	return []server.Figure{
		{Name: "cordon_log_gaps_total", Help: "Gaps in the numbers of records that this process put on record.", Counts: true,
			Read: func() float64 { return float64(in.journal.Stats().Gaps) }},
		{Name: "cordon_log_readings", Help: "Searches and exports of the log that are in hand.",
			Read: func() float64 { return float64(in.guard.Readings()) }},
	}
}
