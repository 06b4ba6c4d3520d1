// Command bench compares Cordon, on loopback and in one run, with what it could be at best (a bare
// Echo handler that gives a constant answer of the same size) and with what else answers the same
// questions (the opa of go.mod, on the same rules and data).
//
//	go run ./tests/bench
//	go run ./tests/bench -parts single,open -rounds 7 -length 4s
//	tests/with-mongodb go run ./tests/bench -parts share
//	go run ./tests/bench -parts find -records 10000000 -data /tmp/log
//	tests/with-mongodb go run ./tests/bench -parts find -records 1000000
//	go run ./tests/bench -parts replay -rounds 0
//
// Four parts are run only when they are asked for: log compares Cordon with itself without its log; share what
// decisions take while others search the log; find what a page of a long log takes, by each filter and each pair of
// them, both on MongoDB too where there is a server; replay how fast the log is decided again, and what decisions take
// beside. The policy in force over its own log changes no answer: where it does, replay ends with an error.
//
// The servers take turns, round by round, so that a machine whose speed drifts treats all alike; the
// report gives medians over the rounds, and ratios of them, as Markdown. Client and servers share the
// machine. All parts together take about five minutes.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// plan is what is to be measured.
type plan struct {
	parts         []string
	rounds        int
	length        time.Duration
	connections   int
	organizations int
	questions     int
	rate          int    // of the part open, questions a second
	many          int    // organizations of the part cold
	cold          int    // different questions of that part
	records       int    // in the log of the parts share, find and replay
	data          string // where the log of the part find is kept; empty: it is made each time
}

// Parts of a run.
const (
	single = "single" // one question after the other, on every server
	wide   = "wide"   // the same on four times the connections
	batch  = "batch"  // batches of batchSize questions
	open   = "open"   // questions at a fixed rate, whether the answers come or not
	cold   = "cold"   // questions whose facts are in the store and not in the cache
	nolog  = "log"    // the same as single, beside a build that puts nothing on record
	share  = "share"  // as open, while others search the log
	find   = "find"   // pages of a long log, by each filter and each pair of them
	replay = "replay" // the log decided again by the policy in force, alone and while questions are asked
)

// usual are the parts that are run where none is named.
func usual() []string { return []string{single, wide, batch, open, cold} }

func allParts() []string { return append(usual(), nolog, share, find, replay) }

func main() {
	if address := os.Getenv(echoVariable); address != "" {
		serveEcho(address)
		return
	}
	var p plan
	parts := flag.String("parts", strings.Join(usual(), ","), "what to measure; log, share, find and replay too")
	flag.IntVar(&p.rounds, "rounds", 5, "rounds of the part single, three fifths of it of the others; each measures every server once")
	flag.DurationVar(&p.length, "length", 2*time.Second, "how long a server is measured in a round")
	flag.IntVar(&p.connections, "connections", 16, "connections that ask one question after the other")
	flag.IntVar(&p.organizations, "organizations", 1000, "organizations; 1,000 have 33,000 users and 50,000 products")
	flag.IntVar(&p.questions, "questions", 4096, "different questions")
	flag.IntVar(&p.rate, "rate", 4000, "questions a second of the part open")
	flag.IntVar(&p.many, "cold-organizations", 20000, "organizations of the part cold; 20,000 have 1,000,000 products")
	flag.IntVar(&p.cold, "cold-questions", 400_000, "different questions of the part cold")
	flag.IntVar(&p.records, "records", 1_000_000, "records in the log of the parts share, find and replay")
	flag.StringVar(&p.data, "data", "", "folder in which the part find keeps its log, to be found there the next time; on MongoDB it is then the database find")
	flag.Parse()
	p.parts = strings.Split(*parts, ",")
	for _, part := range p.parts {
		if !slices.Contains(allParts(), part) {
			fmt.Fprintf(os.Stderr, "bench: there is no part %q: %s\n", part, strings.Join(allParts(), ", "))
			os.Exit(2)
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, p); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (p plan) has(part string) bool { return slices.Contains(p.parts, part) }

// fewer is the plan of a part that is measured in fewer rounds.
func (p plan) fewer() plan {
	p.rounds = max(1, p.rounds*3/5)
	return p
}

func run(ctx context.Context, p plan) error {
	dir, err := os.MkdirTemp("", "cordon-bench-")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if p.has(find) {
		if err := runFind(ctx, dir, p); err != nil || len(p.parts) == 1 {
			return err
		}
	}
	fmt.Fprintln(os.Stderr, "building what is measured ...")
	programs := map[string]string{"cordon": "./cmd/cordon", "opa": "github.com/open-policy-agent/opa"}
	if !p.has(single) && !p.has(wide) && !p.has(batch) && !p.has(open) {
		delete(programs, "opa") // it takes long to build, and is not asked
	}
	for name, pkg := range programs {
		build := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(dir, name), pkg)
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", name, err, out)
		}
	}
	if p.has(single) || p.has(wide) || p.has(batch) || p.has(open) {
		if err := runWarm(ctx, dir, p); err != nil {
			return err
		}
	}
	for _, part := range []struct {
		name string
		run  func(context.Context, string, plan) error
	}{{cold, runCold}, {nolog, runLog}, {share, runShare}, {replay, runReplay}} {
		if p.has(part.name) {
			if err := part.run(ctx, dir, p); err != nil {
				return err
			}
		}
	}
	return nil
}

// runWarm measures all parts whose facts are in the caches.
func runWarm(ctx context.Context, dir string, p plan) error {
	w, err := makeWorld(ctx, dir, p.organizations, p.questions)
	if err != nil {
		return err
	}
	servers, err := startAll(ctx, dir, w, p.has(single))
	defer func() {
		for _, s := range servers {
			s.stop()
		}
	}()
	if err != nil {
		return err
	}
	if err := agree(ctx, servers, w); err != nil {
		return err
	}
	peers := slices.DeleteFunc(slices.Clone(servers), func(s *server) bool { return s.extra })
	four := p.fewer()
	four.connections *= 4
	for _, part := range []struct {
		name, title string
		plan        plan
		servers     []*server
		measure     func(context.Context, *server, plan) (measurement, error)
	}{
		{single, fmt.Sprintf("One question after the other, %d connections", p.connections), p, servers, measure},
		{wide, fmt.Sprintf("One question after the other, %d connections", four.connections), four, peers, measure},
		{open, fmt.Sprintf("%d questions a second, come what may", p.rate), p.fewer(), peers, measureOpen},
		{batch, fmt.Sprintf("Batches of %d, %d connections; all figures a question", batchSize, p.connections), p.fewer(), servers[:1], measureBatch},
	} {
		if !p.has(part.name) {
			continue
		}
		var rows []row
		for _, s := range part.servers {
			rows = append(rows, row{name: s.name})
		}
		for round := range part.plan.rounds {
			for i, s := range part.servers {
				fmt.Fprintf(os.Stderr, "%s, round %d of %d: %s\n", part.name, round+1, part.plan.rounds, s.name)
				m, err := part.measure(ctx, s, part.plan)
				if err != nil {
					return fmt.Errorf("measure %s: %w", s.name, err)
				}
				rows[i].measured = append(rows[i].measured, m)
			}
		}
		report(os.Stdout, part.title, rows)
	}
	return nil
}
