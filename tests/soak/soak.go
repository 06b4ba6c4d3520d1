package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"cordon.example/client"
	"cordon/tests/program"
)

// soak is the run on one store.
type soak struct {
	name     string
	program  string
	length   time.Duration
	place    program.Place
	database *program.Database // nil: the store is embedded

	auditor *auditor
	key     string
	server  *program.Daemon
	world   *world
	begun   time.Time
	totals  tally
	records int64 // that the whole log had when it was read last
}

// How long a round may be: what it was answered is kept in memory until it was found in the log.
const (
	roundsAtLeast = 3
	longestRound  = 150 * time.Second
)

// rounds is how many there are.
func (s *soak) rounds() int {
	return max(roundsAtLeast, int((s.length+longestRound-1)/longestRound))
}

// ending is how a round ends.
type ending string

const (
	killServer   ending = "the server is killed"
	killDatabase ending = "the database is killed, and started again"
	killBoth     ending = "server and database are killed"
	stopServer   ending = "the server is stopped"
)

func (s *soak) endings() []ending {
	if s.database == nil {
		return []ending{killServer, stopServer, killServer}
	}
	return []ending{killServer, killDatabase, killBoth}
}

func (s *soak) say(format string, args ...any) {
	fmt.Printf("%-8s %7s  %s\n", s.name, time.Since(s.begun).Round(100*time.Millisecond), fmt.Sprintf(format, args...))
}

// run loads the store round by round. Each round's answers are looked for in the log before the next begins.
func (s *soak) run(ctx context.Context) (err error) {
	s.begun = time.Now()
	if err := s.settle(ctx); err != nil {
		return err
	}
	defer func() {
		if s.server != nil {
			s.server.Kill()
		}
		if err != nil && s.server != nil {
			said := s.server.Output()
			err = fmt.Errorf("%w\nthe server's last words:\n%s", err, said[max(0, len(said)-4000):])
		}
	}()
	rounds := s.rounds()
	for n := range rounds {
		how := s.endings()[n%len(s.endings())]
		if err := s.round(ctx, how, s.length/time.Duration(rounds)); err != nil {
			return fmt.Errorf("round %d of %d, in which %s: %w", n+1, rounds, how, err)
		}
	}
	return s.finish(ctx)
}

// settle makes the first key and loads the directory.
func (s *soak) settle(ctx context.Context) error {
	var err error
	if s.key, err = s.command(ctx, nil, append([]string{"keys", "create", "--name", "soak", "--scopes", "all"}, s.place...)...); err != nil {
		return err
	}
	if err := s.seed(ctx); err != nil {
		return err
	}
	lines, err := s.command(ctx, nil, "demo", "--organizations", "40", "--seed", "1")
	if err != nil {
		return err
	}
	if s.world, err = readWorld(lines); err != nil {
		return err
	}
	if err := s.start(ctx); err != nil {
		return err
	}
	report, err := s.client().Import(ctx, bytes.NewReader([]byte(lines)))
	if err != nil || len(report.Refused) > 0 {
		return fmt.Errorf("import: %w, %v", err, report.Refused)
	}
	if err := s.keep(ctx); err != nil {
		return err
	}
	s.say("%d users and %d products are in place", report.Users, report.Products)
	return nil
}

// start starts the server, again after it was killed. It seals as fast as it may, so that kills meet it at that,
// and finishes exports that are in hand when it is stopped, however busy the machine is.
func (s *soak) start(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	s.server, err = program.Start(ctx, s.program, slices.Concat(s.place, s.auditor.flags(), []string{"--drain-delay", "0s", "--drain-timeout", "3m", "--seal-after", "1s"})...)
	return err
}

// client asks once: what was not answered is not counted.
func (s *soak) client() *client.Client {
	c, err := client.New(client.Config{URL: s.server.URL, Key: s.key, Tries: 1, Budget: time.Minute, Timeout: time.Minute, HTTPClient: quick()})
	if err != nil {
		panic(err) // our own
	}
	return c
}

// round is load until something is killed, and what the log has of it afterwards.
func (s *soak) round(ctx context.Context, how ending, length time.Duration) error {
	l := s.load(ctx)
	stop := func() *answers { return l.stop() }
	// At any time of it: a kill that always comes at the same moment finds the same state.
	moment := length/4 + rand.N(length/2)
	progress := s.progress(l, length)
	defer progress()
	var found *answers
	var err error
	switch how {
	case killDatabase:
		pause(ctx, moment)
		s.database.Kill()
		pause(ctx, length/10)
		err = s.database.Start()
		pause(ctx, length-moment)
		found = stop()
	case killServer, killBoth:
		pause(ctx, length)
		s.server.Kill()
		if how == killBoth {
			s.database.Kill()
		}
		found = stop()
		if how == killBoth {
			err = s.database.Start()
		}
		err = errors.Join(err, s.start(ctx))
	case stopServer:
		pause(ctx, length)
		if err = s.server.Stop(); err != nil {
			said := s.server.Output()
			err = fmt.Errorf("it ended with %w and said:\n%s", err, said[max(0, len(said)-4000):])
		}
		found = stop()
		err = errors.Join(err, s.start(ctx))
	}
	progress()
	if err != nil || ctx.Err() != nil {
		return errors.Join(err, ctx.Err())
	}
	s.totals.add(found)
	return s.check(ctx, how, found)
}

// pause waits, unless ctx is done before.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// progress says every five seconds how far a round has come, until the function that it gives is called.
func (s *soak) progress(l *load, length time.Duration) (end func()) {
	ended := make(chan struct{})
	go func() {
		tick := time.NewTicker(5 * time.Second)
		defer tick.Stop()
		for begun := time.Now(); ; {
			select {
			case <-ended:
				return
			case <-tick.C:
				s.say("%s of %s: %d decisions, %d changes, %d searches", time.Since(begun).Round(time.Second), length,
					l.decisions.Load(), l.changes.Load(), l.searches.Load())
			}
		}
	}()
	open := true
	return func() {
		if open {
			close(ended)
			open = false
		}
	}
}
