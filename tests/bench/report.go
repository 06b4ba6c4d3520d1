package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"time"
)

// row is a server in a table, with what was measured in the rounds.
type row struct {
	name     string
	measured []measurement
}

// median gives the middle of what was measured in the rounds.
func median[T cmp.Ordered](r row, of func(measurement) T) T {
	var all []T
	for _, m := range r.measured {
		all = append(all, of(m))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

func (r row) perSecond() float64 {
	return median(r, func(m measurement) float64 { return m.perSecond })
}

func (r row) cpu() time.Duration {
	return median(r, func(m measurement) time.Duration { return m.cpu })
}
func (r row) p99() time.Duration {
	return median(r, func(m measurement) time.Duration { return m.p99 })
}

// report prints a table of Markdown: medians over the rounds, and the first server's as multiples of
// each one's.
func report(out io.Writer, title string, rows []row) {
	first := rows[0]
	fmt.Fprintf(out, "\n%s; medians of %d rounds:\n\n", title, len(first.measured))
	fmt.Fprintln(out, "| server | per second | p50 | p99 | server CPU each | memory | throughput, CPU and p99 of the first are |")
	fmt.Fprintln(out, "| --- | ---: | ---: | ---: | ---: | ---: | --- |")
	for i, r := range rows {
		ratios := ""
		if i > 0 {
			ratios = fmt.Sprintf("%.2f, %.2f and %.2f times", first.perSecond()/r.perSecond(),
				float64(first.cpu())/float64(r.cpu()), float64(first.p99())/float64(r.p99()))
		}
		fmt.Fprintf(out, "| %s | %.0f | %.2f ms | %.2f ms | %.1f us | %d MiB | %s |\n", r.name, r.perSecond(),
			milliseconds(median(r, func(m measurement) time.Duration { return m.p50 })), milliseconds(r.p99()),
			float64(r.cpu().Nanoseconds())/1e3, median(r, func(m measurement) int64 { return m.memory })>>20, ratios)
	}
}

func milliseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }
