package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"cordon.example/client"
)

// runReplay decides a log again by the policy that made it: no answer may be another. Then it asks at a fixed rate while
// nothing is decided again, and while all is, in turns.
func runReplay(ctx context.Context, dir string, p plan) error {
	w, err := makeWorld(ctx, dir, p.organizations, p.questions)
	if err != nil {
		return err
	}
	data, cordon := filepath.Join(dir, "replay"), filepath.Join(dir, "cordon")
	bearer, err := fill(ctx, cordon, data)
	if err != nil {
		return err
	}
	various := w.various()
	s, err := startCordon(ctx, dir, "Cordon", data, bearer, various, "--seal-after", "1s")
	if s != nil {
		defer s.stop()
	}
	if err != nil {
		return err
	}
	if err := load(ctx, cordon, s, bearer, w); err != nil {
		return err
	}
	c, err := client.New(client.Config{URL: "http://" + s.address, Key: bearer, Timeout: time.Minute})
	if err != nil {
		return err
	}
	if err := w.act(ctx, c); err != nil {
		return fmt.Errorf("act: %w", err)
	}
	began := time.Now()
	if err := s.decide(ctx, p); err != nil {
		return err
	}
	fmt.Printf("%d decisions in %.1f s\n", p.records, time.Since(began).Seconds())
	if err := s.sealed(ctx); err != nil {
		return err
	}
	if err := s.reproduced(ctx, c, p); err != nil || p.rounds == 0 {
		return err
	}
	quiet, beside := row{name: "nothing is decided again"}, row{name: "the log is decided again without end"}
	passed, took := int64(0), time.Duration(0)
	for round := range p.rounds {
		fmt.Fprintf(os.Stderr, "replay, round %d of %d\n", round+1, p.rounds)
		m, err := measureOpen(ctx, s, p)
		if err != nil {
			return err
		}
		quiet.measured = append(quiet.measured, m)
		end := replaying(ctx, c)
		at := time.Now()
		m, err = measureOpen(ctx, s, p)
		took += time.Since(at)
		records, wrong := end()
		if err := errors.Join(err, wrong); err != nil {
			return err
		}
		passed += records
		beside.measured = append(beside.measured, m)
	}
	report(os.Stdout, fmt.Sprintf("%d questions a second, %d records in the log", p.rate, p.records), []row{beside, quiet})
	fmt.Printf("\np99 beside the replay is %.2f times that without; it passed %.0f records a second meanwhile\n",
		float64(beside.p99())/float64(quiet.p99()), float64(passed)/took.Seconds())
	return nil
}

// various is the world with questions of all sorts: other actions and channels, strangers, and what nobody knows.
func (w *world) various() *world {
	other := *w
	other.questions = nil
	random := rand.New(rand.NewPCG(3, 4)) //nolint:gosec // the same questions each time
	actions := []string{"manage", "manage", "view", "view", "order", "grant", "block", "read_mail", "send_mail", "teleport"}
	for i, q := range w.questions {
		q.Action.Name = actions[random.IntN(len(actions))]
		switch random.IntN(12) {
		case 0:
			q.Subject.ID = w.questions[(i+1)%len(w.questions)].Subject.ID // most likely a stranger
		case 1:
			q.Subject.ID = fmt.Sprint("nobody-", i)
		case 2:
			q.Resource.ID = fmt.Sprint("nothing-", i)
		case 3:
			q.Action.Properties = map[string]any{"channel": []string{"imap", "smtp", "mail_web"}[random.IntN(3)]}
		}
		other.questions = append(other.questions, q)
	}
	return &other
}

// act blocks some of the products that are asked about, as the host and as whoever manages them, and tries what is denied.
func (w *world) act(ctx context.Context, c *client.Client) error {
	for i, q := range w.questions[:min(len(w.questions), 400)] {
		product, err := c.Product(ctx, q.Resource.ID)
		if err != nil {
			return err
		}
		as := c.As(q.Subject.ID)
		if i%4 == 0 {
			as = c
		}
		_, err = as.BlockProduct(ctx, product.Organization, product.ID, client.BlockRequest{Reason: "a load run"})
		if err != nil && !errors.Is(err, client.ErrDenied) && !errors.Is(err, client.ErrConflict) {
			return err
		}
	}
	return nil
}

// reproduced has the policy in force decide its own log again, and measures how fast it does.
func (s *server) reproduced(ctx context.Context, c *client.Client, p plan) error {
	before, err := memoryOf(s.process.Process.Pid)
	if err != nil {
		return err
	}
	job, err := replayed(ctx, c)
	if err != nil {
		return err
	}
	r, took := job.Result, job.EndedAt.Sub(job.StartedAt)
	after, err := memoryOf(s.process.Process.Pid)
	fmt.Printf("%d records were decided again in %.2f s, %.0f a second, by %d different inputs; memory before %d MiB, after %d MiB\n",
		r.Records, took.Seconds(), float64(r.Records)/took.Seconds(), r.Inputs, before>>20, after>>20)
	fmt.Printf("%d the same, %d flips, %d with other reasons, %d without an answer, %d that no rule was asked about, %d unreadable\n",
		r.Same, r.AllowToDeny+r.DenyToAllow, r.ReasonsChanged, r.Undecided, r.Unasked, r.Unreadable)
	if changed := r.Records - r.Same - r.Unasked; err == nil && (changed != 0 || r.Records < int64(p.records)*99/100) {
		err = fmt.Errorf("the policy in force does not reproduce its own log of %d decisions: %+v", p.records, r)
	}
	return err
}

// replayed has the policy in force decide all of the log again.
func replayed(ctx context.Context, c *client.Client) (client.Job, error) {
	set, err := c.PolicySet(ctx, client.SetCordon)
	if err != nil {
		return client.Job{}, err
	}
	job, err := c.ReplayPolicy(ctx, client.SetCordon, set.Active, client.Replay{})
	if err == nil {
		job, err = c.WaitForJob(ctx, job.ID, nil)
	}
	if err == nil && job.State != client.JobDone {
		err = fmt.Errorf("the replay is %s: %s", job.State, job.Problem)
	}
	return job, err
}

// replaying begins to decide the log again, over and over. Ended, it gives how many records were passed.
func replaying(ctx context.Context, c *client.Client) (end func() (int64, error)) {
	within, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	passed := int64(0)
	go func() {
		for {
			set, err := c.PolicySet(ctx, client.SetCordon)
			var job client.Job
			if err == nil {
				job, err = c.ReplayPolicy(ctx, client.SetCordon, set.Active, client.Replay{})
			}
			if err != nil {
				ended <- err
				return
			}
			if _, err = c.WaitForJob(within, job.ID, nil); within.Err() == nil && err == nil {
				passed += job.Done
				continue
			}
			if last, wrong := c.Job(ctx, job.ID); wrong == nil {
				passed += last.Done
			}
			if _, err = c.CancelJob(ctx, job.ID); errors.Is(err, client.ErrConflict) {
				err = nil
			}
			ended <- err
			return
		}
	}()
	return func() (int64, error) {
		cancel()
		err := <-ended
		return passed, err
	}
}
