package journal_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"cordon/datastore"
	"cordon/ledger/journal"
	"cordon/ledger/record"
	"cordon/ledger/record/recordtest"
)

// benchOpen opens a journal whose store takes everything and keeps nothing.
func benchOpen(b *testing.B, mode journal.Sync) *journal.Journal {
	var mark atomic.Int64
	return mustOpen(b, journal.Config{
		Dir: b.TempDir(), Replica: "r1", Sync: mode, Log: slog.New(slog.DiscardHandler),
		Ship: func(_ context.Context, batch datastore.Batch) (int64, error) {
			if batch.Count > 0 {
				mark.Store(batch.LastSequence)
			}
			return mark.Load(), nil
		},
	})
}

// compact makes a record as the guard does.
func compact() *record.Record {
	r := newRecord()
	r.Compact = true
	return r
}

func BenchmarkAppend(b *testing.B) {
	for _, mode := range []journal.Sync{journal.Interval, journal.Always} {
		b.Run(mode.String()+"/alone", func(b *testing.B) {
			j := benchOpen(b, mode)
			r := compact()
			b.ReportAllocs()
			start := recordtest.CPUTime(b)
			for b.Loop() {
				if err := j.Append(r); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(recordtest.CPUTime(b)-start)/float64(b.N), "cpu-ns/op")
		})
		b.Run(mode.String()+"/64 at a time", func(b *testing.B) {
			j := benchOpen(b, mode)
			b.ReportAllocs()
			start := recordtest.CPUTime(b)
			b.SetParallelism(32) // times two processors
			b.RunParallel(func(pb *testing.PB) {
				r := compact()
				for pb.Next() {
					if err := j.Append(r); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(recordtest.CPUTime(b)-start)/float64(b.N), "cpu-ns/op")
		})
	}
	b.Run("interval/batch of 50", func(b *testing.B) {
		j := benchOpen(b, journal.Interval)
		var rs []*record.Record
		for range 50 {
			rs = append(rs, compact())
		}
		b.ReportAllocs()
		for b.Loop() {
			if err := j.AppendAll(rs); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkAppendAlone is the path of a decision: nothing is shipped meanwhile. The write alone is what
// the system takes of it.
func BenchmarkAppendAlone(b *testing.B) {
	b.Run("append", func(b *testing.B) {
		j, err := journal.Open(b.Context(), journal.Config{
			Dir: b.TempDir(), MaxBytes: 1 << 40, SegmentBytes: 1 << 40, Log: slog.New(slog.DiscardHandler),
			Ship: func(context.Context, datastore.Batch) (int64, error) { return 0, errDown },
		})
		if err != nil {
			b.Fatal(err)
		}
		closeLater(b, j)
		r := compact()
		start := recordtest.CPUTime(b)
		for b.Loop() {
			if err := j.Append(r); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(recordtest.CPUTime(b)-start)/float64(b.N), "cpu-ns/op")
	})
	b.Run("write", func(b *testing.B) {
		file, err := os.Create(filepath.Join(b.TempDir(), "file"))
		if err != nil {
			b.Fatal(err)
		}
		defer file.Close()
		text := journal.AppendFrame(nil, compact(), 1)
		start := recordtest.CPUTime(b)
		at := int64(0)
		for b.Loop() {
			if _, err := file.WriteAt(text, at); err != nil {
				b.Fatal(err)
			}
			at += int64(len(text))
		}
		b.ReportMetric(float64(recordtest.CPUTime(b)-start)/float64(b.N), "cpu-ns/op")
	})
}

// BenchmarkShip measures what a record costs behind its answer: read, packed and given to the store.
func BenchmarkShip(b *testing.B) {
	j := benchOpen(b, journal.Interval)
	const records = 4000
	rs := make([]*record.Record, 0, records)
	for range records {
		rs = append(rs, compact())
	}
	for b.Loop() {
		b.StopTimer()
		if err := j.AppendAll(rs); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if err := j.Flush(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/records, "ns/record")
}
