package ledger_test

import (
	"context"
	"testing"
	"time"

	"cordon/datastore"
	"cordon/datastore/sqlite"
	"cordon/ledger"
	"cordon/ledger/batch"
	"cordon/ledger/record"
	"cordon/ledger/record/recordtest"
)

// BenchmarkHot looks for a page among many records that are not sealed, as a busy replica ships them: what a record takes
// for who finds the newest, for who finds some, and for who finds none.
func BenchmarkHot(b *testing.B) {
	const together, all = 2000, 200_000
	store := must[*sqlite.Store](b)(sqlite.Open(b.Context(), sqlite.Config{}))
	for n := int64(1); n <= all; {
		var records []record.Record
		for ; len(records) < together; n++ {
			records = append(records, recordtest.Traffic(n))
		}
		must[int64](b)(store.Ship(b.Context(), must[datastore.Batch](b)(batch.Pack(records))))
	}
	l := must[*ledger.Ledger](b)(ledger.New(ledger.Config{Store: store, Replica: "r1"}))
	one := recordtest.Traffic(77)
	for _, f := range []struct {
		name string
		of   record.Filter
	}{{"all", record.Filter{}}, {"product", record.Filter{Resource: one.Question.Resource.ID}}, {"nobody", record.Filter{Subject: "nobody"}}} {
		f.of.Limit = 50
		b.Run(f.name, func(b *testing.B) {
			b.ReportAllocs()
			used := time.Duration(0)
			for b.Loop() {
				begun := recordtest.CPUTime(b)
				for _, err := range l.Search(b.Context(), f.of) {
					if err != nil {
						b.Fatal(err)
					}
				}
				used += recordtest.CPUTime(b) - begun
			}
			b.ReportMetric(float64(used.Nanoseconds())/float64(b.N*all), "cpu-ns/record")
		})
	}
}

// BenchmarkRound seals a full segment that a busy replica has shipped, and what is behind it in its last batch, from what is
// gathered to what is forgotten.
func BenchmarkRound(b *testing.B) {
	const together, all = 2000, 33 * 2000
	var batches []datastore.Batch
	for n := int64(1); n <= all; {
		var records []record.Record
		for ; len(records) < together; n++ {
			records = append(records, recordtest.Traffic(n))
		}
		batches = append(batches, must[datastore.Batch](b)(batch.Pack(records)))
	}
	b.ReportAllocs()
	used := time.Duration(0)
	for b.Loop() {
		b.StopTimer()
		store := must[*sqlite.Store](b)(sqlite.Open(b.Context(), sqlite.Config{}))
		for _, shipped := range batches {
			must[int64](b)(store.Ship(b.Context(), shipped))
		}
		l := must[*ledger.Ledger](b)(ledger.New(ledger.Config{Store: store, Replica: "r1"}))
		b.StartTimer()
		begun := recordtest.CPUTime(b)
		if sealed, _, err := l.Round(context.Background()); err != nil || sealed != all {
			b.Fatalf("sealed %d, %v", sealed, err)
		}
		used += recordtest.CPUTime(b) - begun
		b.StopTimer()
		_ = store.Close()
		b.StartTimer()
	}
	b.ReportMetric(float64(used.Nanoseconds())/float64(b.N*all), "cpu-ns/record")
}
