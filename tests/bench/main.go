// Command bench compares Cordon, on loopback and in one run, with what it could be at best (a bare
// Echo handler that gives a constant answer of the same size) and with what else answers the same
// questions (the opa of go.mod, on the same rules and data).
//
//	go run ./tests/bench
//
// The servers take turns, round by round, so that a machine whose speed drifts treats all alike; the
// report gives medians over the rounds, and ratios of them. Client and servers share the machine.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"time"
)

// plan is what is to be measured.
type plan struct {
	rounds        int
	length        time.Duration
	connections   int
	organizations int
	questions     int
}

func main() {
	if address := os.Getenv(echoVariable); address != "" {
		serveEcho(address)
		return
	}
	var p plan
	flag.IntVar(&p.rounds, "rounds", 5, "rounds; each measures every server once")
	flag.DurationVar(&p.length, "length", 4*time.Second, "how long a server is measured in a round")
	flag.IntVar(&p.connections, "connections", 16, "connections that ask one question after the other")
	flag.IntVar(&p.organizations, "organizations", 1000, "organizations; 1,000 have 33,000 users and 50,000 products")
	flag.IntVar(&p.questions, "questions", 4096, "different questions")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, p); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, p plan) error {
	dir, err := os.MkdirTemp("", "cordon-bench-")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	fmt.Fprintln(os.Stderr, "building cordon and opa ...")
	for name, pkg := range map[string]string{"cordon": "./cmd/cordon", "opa": "github.com/open-policy-agent/opa"} {
		build := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(dir, name), pkg)
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", name, err, out)
		}
	}
	w, err := makeWorld(ctx, dir, p)
	if err != nil {
		return err
	}
	servers, err := startAll(ctx, dir, w)
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
	for round := range p.rounds {
		for _, s := range servers {
			fmt.Fprintf(os.Stderr, "round %d of %d: %s\n", round+1, p.rounds, s.name)
			m, err := measure(ctx, s, p)
			if err != nil {
				return fmt.Errorf("measure %s: %w", s.name, err)
			}
			s.measured = append(s.measured, m)
		}
	}
	report(os.Stdout, p, servers)
	return nil
}
