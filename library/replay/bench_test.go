package replay_test

import (
	"fmt"
	"testing"
	"time"

	"cordon/library/replay"
	"cordon/policies"
)

// How many records are decided again a second, by the policy that made them and by one that answers many otherwise.
func BenchmarkReplay(b *testing.B) {
	w, engine := newWorld(b), builtin(b)
	w.step = 100 * time.Microsecond
	for i, in := range inputs(200_000, 1) {
		w.decide(engine, in, fmt.Sprint("org-", i%97))
	}
	w.ship()
	w.replay(engine, replay.Window{From: noon.Add(time.Hour)}) // all is sealed
	would := without(b, "product_blocked", "")
	for name, engine := range map[string]*policies.Engine{"the same": engine, "another": would} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if got := w.replay(engine, replay.Window{}); got.Records != 200_000 {
					b.Fatal(got.Counts)
				}
			}
			b.ReportMetric(200_000*float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}
