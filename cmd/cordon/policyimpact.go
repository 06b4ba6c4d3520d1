package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"cordon.example/client"

	"github.com/spf13/cobra"
)

// policyImpact has a version decide the log again.
func (a *app) policyImpact() *cobra.Command {
	return a.make(command{
		use: "impact VERSION", short: "Decide the log again by a version, and see which answers would have been others",
		long: `Decide the log again by a version: every decision and act on record, on the facts that it was decided on. What would
have been another answer is told in groups, whose ids are what "cordon policy activate --acknowledge" takes, with some
records of each for "cordon log ID". The server does it as a job that makes way for the questions it is asked; while it
goes on, how far it is stands on stderr, and an interrupt cancels it.

Acts of the host and readings for which no rule was asked are counted apart, as is what cannot be decided again: what
agents of Open Policy Agent decided, and what this release cannot read.`,
		example: `  cordon policy impact policy
  cordon policy impact sha256:5a91 --from 30d --organization acme
  cordon policy impact active -o json`,
		args: exactly(1), ids: []string{argVersion}, settings: policySettings("from", "to", "organization"), formats: formatsOfPolicy,
		run: func(ctx context.Context, c config, args []string) error {
			of, err := c.window(time.Now())
			if err != nil {
				return err
			}
			remote, err := a.policies(c)
			if err != nil {
				return err
			}
			digest, err := a.versionOf(ctx, c, remote, args[0])
			if err != nil {
				return err
			}
			job, err := remote.ReplayPolicy(ctx, c.text("set"), digest, of)
			if errors.Is(err, client.ErrNotFound) {
				return fmt.Errorf("%s is not on the server: push it first, with cordon policy push", shortDigest(digest))
			}
			if err != nil {
				return a.failed(c, err)
			}
			if job, err = a.followJob(ctx, remote, job); err != nil {
				return a.failed(c, err)
			}
			if job.State != client.JobDone {
				return fmt.Errorf("the replay is %s: %s", job.State, firstText(plain(job.Problem), "somebody ended it"))
			}
			if c.text("output") == "json" {
				return a.printJSON(job)
			}
			return a.printImpact(job)
		},
	})
}

// window reads which part of the log is meant.
func (c config) window(now time.Time) (of client.Replay, err error) {
	of.Organization = c.text("organization")
	if of.From, err = c.moment("from", now); err != nil {
		return of, err
	}
	of.To, err = c.moment("to", now)
	return of, err
}

// followJob waits until a job has ended, and says how far it is. Who is interrupted meanwhile wants it no more.
func (a *app) followJob(ctx context.Context, remote *client.Client, job client.Job) (client.Job, error) {
	shown, terminal := int64(-1), isTerminal(a.err)
	ended, err := remote.WaitForJob(ctx, job.ID, func(j client.Job) {
		percent := int64(0)
		if j.Total > 0 {
			percent = 100 * j.Done / j.Total
		}
		switch {
		case terminal:
			fmt.Fprintf(a.err, "\r\x1b[K%s: %d of %d records, %d %%", j.State, j.Done, j.Total, percent)
		case j.State == client.JobRunning && percent/10 > shown/10: // a line for each tenth
			fmt.Fprintf(a.err, "%d %% of %d records are decided again\n", percent, j.Total)
			shown = percent
		}
	})
	if terminal {
		fmt.Fprint(a.err, "\r\x1b[K")
	}
	if ctx.Err() != nil {
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if _, wrong := remote.CancelJob(last, job.ID); wrong != nil {
			return ended, errors.Join(ctx.Err(), fmt.Errorf("job %s goes on: %w", job.ID, wrong))
		}
		return ended, fmt.Errorf("job %s is cancelled: %w", job.ID, ctx.Err())
	}
	return ended, err
}

// printImpact prints a result for people.
func (a *app) printImpact(job client.Job) error {
	r := job.Result
	fmt.Fprintf(a.out, "%d records%s, %d different inputs, in %s\n", r.Records, told(job.Window), r.Inputs, job.EndedAt.Sub(job.StartedAt).Round(10*time.Millisecond))
	for _, line := range []struct {
		count int64
		what  string
	}{
		{r.Same, "would have been answered as they were"},
		{r.AllowToDeny, "allowed, would have been denied"},
		{r.DenyToAllow, "denied, would have been allowed"},
		{r.ReasonsChanged, "answered the same, for other reasons"},
		{r.Undecided, "would have had no answer: " + plain(r.Problem)},
		{r.Unasked, "acts and readings for which no rule was asked"},
		{r.Agents, "decided by agents of Open Policy Agent, by policies of their own"},
		{r.Sets, "decided by policy sets beside the built-in one"},
		{r.Unreadable, "cannot be read by this release: " + plain(r.Problem)},
		{r.Lost, "stand for records that are lost"},
	} {
		if line.count > 0 {
			fmt.Fprintf(a.out, "%10d  %s\n", line.count, line.what)
		}
	}
	for _, groups := range [][]client.ReplayGroup{r.Flips, r.Reasons} {
		if len(groups) == 0 {
			continue
		}
		fmt.Fprintln(a.out)
		if err := a.printGroups(groups); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) printGroups(groups []client.ReplayGroup) error {
	t := a.table("ID", "COUNT", "CHANGE", "ACTION", "ROLE", "ORGANIZATION", "WAS", "WOULD BE", "FOR EXAMPLE")
	for _, g := range groups {
		change := g.From + " -> " + g.To
		if g.From == g.To {
			change = g.From
		}
		example := ""
		if len(g.Records) > 0 {
			example = g.Records[0]
		}
		t.row(g.ID, fmt.Sprint(g.Count), change, g.Action, g.Role, g.Organization, strings.Join(g.Was, ","), strings.Join(g.Would, ","), example)
	}
	return t.end()
}

// told says which part of the log it was.
func told(of client.Replay) string {
	var b strings.Builder
	if of.Organization != "" {
		fmt.Fprintf(&b, " of %s", plain(of.Organization))
	}
	if !of.From.IsZero() {
		fmt.Fprintf(&b, " from %s", when(of.From))
	}
	if !of.To.IsZero() {
		fmt.Fprintf(&b, " to %s", when(of.To))
	}
	return b.String()
}
