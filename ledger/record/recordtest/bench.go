package recordtest

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"cordon/ledger/record"
)

// CPUTime is what the process has used of the processors: steadier than the clock where the machine has other work.
func CPUTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// Traffic is a record of a busy replica: as [Sample], but of many subjects, products and organizations, and each with a
// trace of its own.
func Traffic(n int64) record.Record {
	r, mixed := Sample(n), uint32(n)*2_654_435_761
	product := mixed >> 5 % 50_000
	r.Question.Subject.ID = fmt.Sprintf("user-%d", mixed>>4%33_000)
	r.Question.Resource.ID = fmt.Sprintf("product-%d", product)
	r.Organization = fmt.Sprintf("organization-%d", product%1000)
	r.Input = fmt.Appendf(nil, `{"action":"manage","channel":"web","granted":%t,"kind":"mail_%d","blocked":false,"maintenance":false,"role":%q}`,
		mixed>>9%2 == 0, mixed>>12%40, []string{"administrator", "collaborator", "client"}[mixed>>8%3])
	r.TraceID = strings.ReplaceAll(record.NewID(r.Time), "-", "")
	return r
}
