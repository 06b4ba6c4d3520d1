package main

import (
	"context"
	"strconv"
	"strings"

	"cordon.example/client"

	"github.com/spf13/cobra"
)

func (a *app) policyShadow() *cobra.Command {
	return a.make(command{
		use: "shadow [VERSION]", short: "Have a version asked beside the one in force, or show what it would have answered",
		long: `Have a version asked beside the one in force, for a share of the questions: no answer is changed by it or waits for it.
Without a VERSION, show what it would have answered otherwise on the server that is asked, with the ids of records; with
--end, have none asked any more.`,
		example: `  cordon policy shadow policy --sample 0.1 --as lena
  cordon policy shadow
  cordon policy shadow --end --as lena`,
		args: between(0, 1), ids: []string{argVersion}, settings: policySettings("sample", "end"), formats: formatsOfPolicy,
		run: a.shadowPolicy,
	})
}

func (a *app) shadowPolicy(ctx context.Context, c config, args []string) error {
	if len(args) == 1 && c.is("end") {
		return wrongUse("--end is for whatever is asked: leave the version away")
	}
	if len(args) == 1 || c.is("end") {
		if err := c.needPerson(); err != nil {
			return err
		}
	}
	remote, err := a.policies(c)
	if err != nil {
		return err
	}
	if len(args) == 1 {
		sample, err := strconv.ParseFloat(c.text("sample"), 64)
		if err != nil {
			return wrongUse("--sample %s is no share, such as 0.1", c.text("sample"))
		}
		digest, err := a.versionOf(ctx, c, remote, args[0])
		if err != nil {
			return err
		}
		if _, err := remote.ShadowPolicy(ctx, c.text("set"), digest, sample); err != nil {
			return a.failedPolicy(c, err, editing{})
		}
	} else if c.is("end") {
		if err := remote.EndPolicyShadow(ctx, c.text("set")); err != nil {
			return a.failedPolicy(c, err, editing{})
		}
	}
	s, err := remote.PolicyShadow(ctx, c.text("set"))
	if err != nil {
		return a.failed(c, err)
	}
	return a.printShadow(c, &s)
}

func (a *app) printShadow(c config, s *client.PolicyShadow) error {
	if c.text("output") == "json" {
		return a.printJSON(s)
	}
	count := func(n int64) string { return strconv.FormatInt(n, 10) }
	t := a.table("SHADOW", "SAMPLE", "ASKED", "SAME", "FAILED", "DROPPED")
	t.row(shortDigest(s.Shadow), strconv.FormatFloat(s.Sample, 'g', -1, 64), count(s.Asked), count(s.Same), count(s.Failed), count(s.Dropped))
	if err := t.end(); err != nil || len(s.Differences) == 0 {
		return err
	}
	t = a.table("CHANGE", "FROM", "TO", "COUNT", "RECORDS")
	for _, d := range s.Differences {
		t.row(d.Change, d.From, d.To, count(d.Count), strings.Join(d.Records, " "))
	}
	return t.end()
}
