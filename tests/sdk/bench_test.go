package sdk_test

import (
	"slices"
	"testing"
	"time"

	"cordon.example/client"
	"cordon/tests/program"
)

// BenchmarkCan asks the real server over the loopback, as a program does that asks before each of its acts: each answer is
// on record when it is given.
//
//	go test -run '^$' -bench Can -benchtime 5s ./tests/sdk
func BenchmarkCan(b *testing.B) {
	place := program.Embedded(b)
	server := program.Serve(b, place, program.FirstKey(b, place))
	fill(b, server, load(b).Import)
	cordon := server.Client(nil)
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		if can, err := cordon.Can(b.Context(), "carl", client.ActionManage, client.OnProduct("shop")); err != nil || !can {
			b.Fatal(can, err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "µs/median")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "µs/p99")
}
