// Package crash_test kills the real server under load and looks whether its record is whole.
package crash_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"cordon.example/client"
	"cordon/tests/program"
)

func TestMain(m *testing.M) { program.Main(m) }

// answered gathers the ids of decisions and changes that a caller was told of.
type answered struct {
	mu     sync.Mutex
	ids    map[string]bool
	enough chan struct{}
	until  int
}

func newAnswered(until int) *answered {
	return &answered{ids: map[string]bool{}, until: until, enough: make(chan struct{})}
}

func (a *answered) add(id string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ids[id] = true
	if len(a.ids) == a.until {
		close(a.enough)
	}
}

// directory puts an organization with one user and some products in place.
func directory(t *testing.T, s *program.Server) {
	t.Helper()
	var lines strings.Builder
	lines.WriteString(`{"organization":{"id":"acme","name":"Acme","legal_representative":{"id":"lena","name":"Lena","email":"lena@example.org"}}}` + "\n")
	for i := range 8 {
		fmt.Fprintf(&lines, `{"product":{"organization":"acme","id":"p%d","name":"p","kind":"domain"}}`+"\n", i)
	}
	report, err := s.Client(nil).Import(t.Context(), strings.NewReader(lines.String()))
	if err != nil || len(report.Refused) != 0 {
		t.Fatalf("import: %+v %v", report, err)
	}
}

// load asks and acts until the server no longer answers or ctx is done.
func load(ctx context.Context, s *program.Server, a *answered) (wait func()) {
	// One try each: what is not answered is not counted.
	asking := s.Client(func(c *client.Config) { c.Tries = 1 })
	acting := asking.As("lena")
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			for ctx.Err() == nil {
				d, err := asking.Decide(ctx, client.EvaluationRequest{
					Subject: client.Subject{Type: "user", ID: "lena"}, Action: client.Action{Name: "manage"},
					Resource: client.Resource{Type: "product", ID: fmt.Sprintf("p%d", n)},
				})
				if err != nil {
					return
				}
				a.add(d.ID)
			}
		})
	}
	for n := range 2 {
		all.Go(func() {
			product := fmt.Sprintf("p%d", n)
			for ctx.Err() == nil {
				blocked, err := acting.BlockProduct(ctx, "acme", product, client.BlockRequest{Reason: "test"})
				if err != nil {
					return
				}
				a.add(blocked.DecisionID)
				unblocked, err := acting.UnblockProduct(ctx, "acme", product, client.BlockRequest{})
				if err != nil {
					return
				}
				a.add(unblocked.DecisionID)
			}
		})
	}
	return all.Wait
}

// shipped waits until the log holds every answered id, and checks that each is there once. It gives the
// sequences of each replica.
func shipped(t *testing.T, s *program.Server, a *answered) map[string][]int64 {
	t.Helper()
	for {
		seen := map[string]int{}
		sequences := map[string][]int64{}
		for _, record := range export(t, s) {
			seen[record.ID]++
			sequences[record.Replica] = append(sequences[record.Replica], record.Sequence)
		}
		missing := 0
		for id := range a.ids {
			if seen[id] == 0 {
				missing++
			}
			if seen[id] > 1 {
				t.Fatalf("%s is %d times in the log", id, seen[id])
			}
		}
		if missing == 0 {
			return sequences
		}
		// What was journaled is shipped within moments; the test's deadline bounds the wait.
		if t.Context().Err() != nil {
			t.Fatalf("%d of %d answered records are missing", missing, len(a.ids))
		}
	}
}

// whole is shipped, and checks that no replica's sequence has a gap.
func whole(t *testing.T, s *program.Server, a *answered) {
	t.Helper()
	for replica, list := range shipped(t, s, a) {
		have := map[int64]bool{}
		for _, n := range list {
			have[n] = true
		}
		for n := int64(1); n <= int64(len(list)); n++ {
			if !have[n] {
				t.Fatalf("replica %s has %d records and none with sequence %d", replica, len(list), n)
			}
		}
	}
}

func TestKilledUnderLoadLosesNothing(t *testing.T) { // docs/design.md 7
	for _, sync := range []string{"interval", "always"} {
		t.Run(sync, func(t *testing.T) {
			program.EachPlace(t, func(t *testing.T, place program.Place) {
				key := program.FirstKey(t, place)
				a := newAnswered(0)
				for round := range 4 {
					s := program.Serve(t, place, key, "--journal-sync", sync)
					if round == 0 {
						directory(t, s)
					}
					whole(t, s, a)
					a.until, a.enough = len(a.ids)+200+rand.IntN(600), make(chan struct{})
					wait := load(t.Context(), s, a)
					<-a.enough
					s.Kill()
					wait()
				}
				whole(t, program.Serve(t, place, key, "--journal-sync", sync), a)
				t.Logf("%d answers on record after 4 crashes", len(a.ids))
			})
		})
	}
}

func TestStoppedUnderLoadCutsNothingOff(t *testing.T) { // docs/design.md 9, SIGTERM
	place := program.Embedded(t)
	key := program.FirstKey(t, place)
	s := program.Serve(t, place, key)
	directory(t, s)
	a := newAnswered(500)
	wait := load(t.Context(), s, a)
	<-a.enough
	if err := s.Stop(); err != nil {
		t.Errorf("got %v, want exit 0", err)
	}
	wait()
	whole(t, program.Serve(t, place, key), a)
}

// export gives the whole log.
func export(t *testing.T, s *program.Server) []client.Record {
	t.Helper()
	body, err := s.Client(nil).ExportRecords(t.Context(), client.RecordFilter{}, "ndjson")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = body.Close() }()
	var records []client.Record
	for record, err := range client.ReadExport(body, nil) {
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, record)
	}
	return records
}
