package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// median gives the middle of what was measured in the rounds.
func median[T cmp.Ordered](s *server, of func(measurement) T) T {
	var all []T
	for _, m := range s.measured {
		all = append(all, of(m))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

func (s *server) perSecond() float64 {
	return median(s, func(m measurement) float64 { return m.perSecond })
}

// report prints medians over the rounds, and the throughput of Cordon as a multiple of each server's.
func report(out io.Writer, p plan, servers []*server) {
	fmt.Fprintf(out, "%d connections, %d rounds of %v each, medians\n\n", p.connections, p.rounds, p.length)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "server\treq/s\tp50 us\tp99 us\tserver CPU us/req\tmemory MiB\tcordon is\t")
	for _, s := range servers {
		fmt.Fprintf(table, "%s\t%.0f\t%d\t%d\t%.0f\t%d\t%.2fx\t\n", s.name, s.perSecond(),
			median(s, func(m measurement) time.Duration { return m.p50 }).Microseconds(),
			median(s, func(m measurement) time.Duration { return m.p99 }).Microseconds(),
			float64(median(s, func(m measurement) time.Duration { return m.cpu }).Nanoseconds())/1e3,
			median(s, func(m measurement) int64 { return m.memory })>>20,
			servers[0].perSecond()/s.perSecond())
	}
	_ = table.Flush()
}
