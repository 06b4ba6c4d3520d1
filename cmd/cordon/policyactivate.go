package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"cordon.example/client"

	"github.com/spf13/cobra"
)

func (a *app) policyShow() *cobra.Command {
	return a.make(command{
		use: "show [VERSION]", short: "Show what is in force, or a version: its report, its approvals, and which gates stand open",
		example: `  cordon policy show
  cordon policy show policy`,
		args: between(0, 1), ids: []string{argVersion}, settings: policySettings(), formats: formatsOfPolicy,
		run: func(ctx context.Context, c config, args []string) error {
			remote, err := a.policies(c)
			if err != nil {
				return err
			}
			if len(args) == 0 {
				set, err := remote.PolicySet(ctx, c.text("set"))
				if err != nil {
					return a.failed(c, err)
				}
				return a.printPolicySet(c, set)
			}
			digest, err := a.versionOf(ctx, c, remote, args[0])
			if err != nil {
				return err
			}
			v, err := remote.PolicyVersion(ctx, c.text("set"), digest)
			if err != nil {
				return a.failed(c, err)
			}
			return a.printVersion(c, v)
		},
	})
}

func (a *app) printPolicySet(c config, s client.PolicySet) error {
	if c.text("output") == "json" {
		return a.printJSON(s)
	}
	t := a.table("SET", "ACTIVE", "ACTIVATION", "PREVIOUS", "SINCE", "BY", "UNTIL", "MESSAGE")
	t.row(s.Set, s.Active, strconv.FormatInt(s.Activation, 10), shortDigest(s.Previous), when(s.Since), s.By, when(s.Until), firstText(s.Message, s.Reason))
	if err := t.end(); err != nil {
		return err
	}
	for _, r := range s.Reviews {
		fmt.Fprintf(a.err, "open review %s: %s broke the glass for %s: %s\n", plain(r.ID), plain(r.By), shortDigest(r.Digest), plain(r.Reason))
	}
	return nil
}

func (a *app) printVersion(c config, v client.PolicyVersion) error {
	if c.text("output") == "json" {
		return a.printJSON(v)
	}
	t := a.table("DIGEST", "STATE", "PARENT", "CREATED", "AUTHOR", "MESSAGE")
	t.row(v.Digest, v.State, shortDigest(v.Parent), when(v.CreatedAt), v.Author, v.Message)
	if err := t.end(); err != nil {
		return err
	}
	for _, approval := range v.Approvals {
		fmt.Fprintf(a.out, "approved by %s at %s: %s\n", plain(approval.By), when(approval.At), plain(approval.Message))
	}
	if v.Report != nil {
		a.tellReport(v.Report, editing{})
	}
	if len(v.Gates) > 0 {
		fmt.Fprintf(a.out, "gates that stand open:\n%s\n", gateLines(v.Gates))
	}
	return nil
}

func (a *app) policyApprove() *cobra.Command {
	return a.make(command{
		use: "approve VERSION -m MESSAGE", short: "Approve a version that somebody else has pushed",
		long: `Approve the step from the version in force to VERSION. Its author cannot, and one key is one person, whatever names it
gives. The key needs the scope policy:approve.`,
		example: `  cordon policy approve sha256:5a91c04d -m "looked at the difference" --as otto`,
		args:    exactly(1), ids: []string{argVersion}, settings: policySettings("message"), formats: formatsOfPolicy,
		run: func(ctx context.Context, c config, args []string) error {
			remote, err := a.actOnPolicy(c)
			if err != nil {
				return err
			}
			digest, err := a.versionOf(ctx, c, remote, args[0])
			if err != nil {
				return err
			}
			v, err := remote.ApprovePolicy(ctx, c.text("set"), digest, c.text("message"))
			if err != nil {
				return a.failedPolicy(c, err, editing{})
			}
			return a.printVersion(c, v)
		},
	})
}

func (a *app) policyActivate() *cobra.Command {
	return a.make(command{
		use: "activate VERSION -m MESSAGE", short: "Put a version in force",
		long: `Put a version in force, everywhere and at once. While a gate stands open it is refused, each gate is named, and who may
close it; the exit code is 1. Groups of the difference, and flips of a replay, are acknowledged by their ids.
Where somebody activates another version at the same time, one of the two is refused.

--break-glass REASON with --expires-in TIME activates past the gates, for at most 7 days: then the version before is in force
again by itself, and a review stays open until somebody else closes it. Policy administrators get a mail.`,
		example: `  cordon policy activate sha256:5a91c04d -m "ticket 4711" --acknowledge g-1,g-2 --as lena
  cordon policy activate sha256:5a91c04d -m "incident 12" --break-glass "customers are locked out" --expires-in 4h --as lena`,
		args: exactly(1), ids: []string{argVersion}, settings: policySettings("message", "acknowledge", "break-glass", "expires-in"), formats: formatsOfPolicy,
		run: a.activatePolicy,
	})
}

func (a *app) activatePolicy(ctx context.Context, c config, args []string) error {
	ask := client.PolicyActivation{Message: c.text("message"), Acknowledged: c.list("acknowledge")}
	if c.given("break-glass") != c.given("expires-in") {
		return wrongUse("--break-glass says why, and --expires-in for how long: give both, or neither")
	}
	if c.given("break-glass") {
		until, err := c.end(time.Now())
		if err != nil {
			return err
		}
		ask.BreakGlass = &client.BreakGlass{Reason: c.text("break-glass"), Until: until}
	}
	remote, set, err := a.actOnSet(ctx, c)
	if err != nil {
		return err
	}
	digest, err := a.versionOf(ctx, c, remote, args[0])
	if err != nil {
		return err
	}
	active, err := remote.ActivatePolicy(ctx, set.Set, digest, ask)
	if err != nil {
		return a.failedPolicy(c, err, editing{})
	}
	return a.printActive(c, active)
}

func (a *app) printActive(c config, active client.ActivePolicy) error {
	if c.text("output") == "json" {
		return a.printJSON(active)
	}
	if !active.Until.IsZero() {
		fmt.Fprintf(a.err, "until %s, when %s is in force again; a review is open until somebody else closes it\n", when(active.Until), shortDigest(active.Previous))
	}
	return a.say(fmt.Sprintf("%s is in force, activation %d; before: %s", active.Active, active.Activation, firstText(shortDigest(active.Previous), "none")))
}

func (a *app) policyRollback() *cobra.Command {
	return a.make(command{
		use: "rollback -m MESSAGE", short: "Put the version in force that was before; no gate holds that up",
		example:  `  cordon policy rollback -m "customers cannot reach their mail" --as lena`,
		settings: policySettings("message"), formats: formatsOfPolicy,
		run: func(ctx context.Context, c config, _ []string) error {
			remote, set, err := a.actOnSet(ctx, c)
			if err != nil {
				return err
			}
			active, err := remote.RollBackPolicy(ctx, set.Set, c.text("message"))
			if err != nil {
				return a.failedPolicy(c, err, editing{})
			}
			return a.printActive(c, active)
		},
	})
}

func (a *app) policyReview() *cobra.Command {
	return a.make(command{
		use: "review ID -m MESSAGE", short: "Close the review that an activation past the gates has left open",
		long: `Say that you have looked at what was activated past the gates, and what you found. It cannot be who broke the glass. The
ids of open reviews are in cordon policy show.`,
		example: `  cordon policy review review-019a3c -m "it was right; the change is pushed as a draft" --as otto`,
		args:    exactly(1), ids: []string{argReview}, settings: policySettings("message"), required: []string{"message"}, formats: formatsOfPolicy,
		run: func(ctx context.Context, c config, args []string) error {
			remote, err := a.actOnPolicy(c)
			if err != nil {
				return err
			}
			err = remote.ClosePolicyReview(ctx, c.text("set"), args[0], c.text("message"))
			if errors.Is(err, client.ErrNotFound) {
				return fmt.Errorf("%s; cordon policy show lists the open reviews", said(err))
			}
			if err != nil {
				return a.failedPolicy(c, err, editing{})
			}
			if c.text("output") == "json" {
				return a.printJSON(map[string]any{"review": args[0], "closed": true})
			}
			return a.say("review " + args[0] + " is closed")
		},
	})
}
