package table_test

import (
	"testing"

	"cordon/policies/table"
)

func BenchmarkProve(b *testing.B) {
	engine := compile(b, nil)
	for b.Loop() {
		proof, err := table.Prove(b.Context(), engine)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(proof.Cells), "cells")
	}
}

func BenchmarkCompare(b *testing.B) {
	from, to := compile(b, nil), engineOf(b, settings(b, map[string]any{"administrators_manage_blocked_products": true, "additional_critical_channels": []string{"imap"}}))
	for b.Loop() {
		d, err := table.Compare(b.Context(), from, to)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(d.Changed), "changed")
	}
}
