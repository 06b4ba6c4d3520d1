package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"cordon.example/client"
	"cordon/server"

	"github.com/spf13/cobra"
)

// policyTimeout is how long a call about policies is waited for where nothing else is said: a policy is compiled, its tests
// are run and the whole table is asked before there is an answer. The server says first that it took too long.
const policyTimeout = server.CheckLimit + 10*time.Second

// formatsOfPolicy are those of -o.
var formatsOfPolicy = []string{"table", "json"}

// policySettings are those of commands that ask a server about policies; who reads one is on record, as who changes one.
func policySettings(more ...string) []string {
	return slices.Concat(asking, []string{"set", "as"}, more)
}

// policy edits, checks and activates policies.
func (a *app) policy() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "Change a policy, and know what the change does before it counts",
		Long: `Change a policy, and know what the change does before it counts. Policies are versions, which the server keeps: pull
one into a folder, edit it there, push it as a draft, look at what it changes, have somebody else approve it, and
activate it. Nothing is in force before that; rollback brings the version back that was in force before.

A VERSION is a digest, the beginning of one that is enough to tell it, "active", or the folder that it was pushed from.
The key needs the scope policy, or the part of it for what is done: policy:draft, policy:approve, policy:activate.
Whoever changes something says who they are with --as NAME (CORDON_AS); a token says it by itself.

Exit codes: 0 done; 1 a check failed, the policy is not valid, or something holds the change up: a gate that stands open, a
word that is in use, a version or a review of one's own, or another version that was activated meanwhile; 2 used wrongly;
3 an error.`,
		Example: `  cordon policy pull policy
  cordon policy check policy
  cordon policy push policy -m "let administrators manage blocked products" --as lena
  cordon policy activate policy -m "ticket 4711" --as lena`,
	}
	cmd.AddCommand(
		a.policyPull(), a.policyFmt(),
	)
	looks := a.policyLooks()
	for _, look := range looks {
		if look.Name() == "test" {
			look.AddCommand(a.policyTestAdd())
		}
	}
	cmd.AddCommand(looks...)
	cmd.AddCommand(
		a.policyEvaluate(),
		a.policyPush(), a.policyDiff(), a.policySet(), a.policyShow(), a.policyHistory(),
		a.policyImpact(),
		a.policyApprove(), a.policyActivate(), a.policyRollback(), a.policyGates(), a.policyReview(), a.policyShadow(),
	)
	a.needCommand(cmd)
	return cmd
}

// policies makes a client that waits as long as a look at a policy takes.
func (a *app) policies(c config) (*client.Client, error) {
	if !c.given("timeout") {
		if err := c.flags.Set("timeout", policyTimeout.String()); err != nil {
			return nil, err
		}
	}
	return a.remote(c)
}

// needPerson refuses what nobody does, unless the key is a token, whose subject does it.
func (c config) needPerson() error {
	key, err := c.key()
	if err == nil && c.text("as") == "" && strings.HasPrefix(key, "ck_") {
		err = wrongUse("say who you are with --as NAME (or CORDON_AS): it goes on record with the change")
	}
	return err
}

// actOnPolicy makes a client for what a person does.
func (a *app) actOnPolicy(c config) (*client.Client, error) {
	if err := c.needPerson(); err != nil {
		return nil, err
	}
	return a.policies(c)
}

// actOnSet reads the set that a person acts on, and makes a client whose changes count while what is in force is that.
func (a *app) actOnSet(ctx context.Context, c config) (*client.Client, client.PolicySet, error) {
	remote, err := a.actOnPolicy(c)
	if err != nil {
		return nil, client.PolicySet{}, err
	}
	set, err := remote.PolicySet(ctx, c.text("set"))
	if err != nil {
		return nil, set, a.failed(c, err)
	}
	return remote.IfMatch(set.ETag), set, nil
}

var (
	wholeDigest = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
	partDigest  = regexp.MustCompile(`^(sha256:)?[0-9a-f]{4,64}$`)
)

// version finds the digest that an argument names.
func (a *app) versionOf(ctx context.Context, c config, remote *client.Client, named string) (string, error) {
	set := c.text("set")
	if info, err := os.Stat(named); err == nil && info.IsDir() {
		t, err := openWorkspace(named, false)
		if err != nil {
			return "", err
		}
		defer t.close()
		src, _, err := t.source()
		return src.Digest(), err
	}
	switch {
	case wholeDigest.MatchString(named):
		return named, nil
	case named == "active":
		s, err := remote.PolicySet(ctx, set)
		return s.Active, a.failed(c, err)
	case !partDigest.MatchString(named):
		return "", wrongUse("%q names no version: give a digest such as sha256:5a91..., the beginning of one, active, or a folder", named)
	}
	var found []string
	for v, err := range remote.PolicyVersions(ctx, set) {
		if err != nil {
			return "", a.failed(c, err)
		}
		if strings.HasPrefix(v.Digest, "sha256:"+strings.TrimPrefix(named, "sha256:")) {
			found = append(found, v.Digest)
		}
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("no version of %s begins with %s; cordon policy history lists them", set, named)
	case 1:
		return found[0], nil
	}
	return "", wrongUse("%s begins several versions: %s", named, strings.Join(found, ", "))
}

// shortDigest is enough of a digest for people to tell it from others.
func shortDigest(digest string) string {
	if wholeDigest.MatchString(digest) {
		return digest[:len("sha256:")+12]
	}
	return digest
}

// held are the codes of what holds a change of a policy up, as a gate does.
func held() []string {
	return []string{"gates_open", "word_in_use", "own_version", "own_review", "too_many_reviews"}
}

// failedPolicy is [app.failed] for what is said of policies: a policy that is none, and what holds a change up, exit 1 with
// each thing on a line.
func (a *app) failedPolicy(c config, err error, of editing) error {
	e, is := errors.AsType[*client.Error](err)
	switch {
	case is && len(e.Problem.Problems) > 0:
		err = errors.New("the policy is not valid, and nothing was kept:\n" + of.problems(e.Problem.Problems))
	case is && len(e.Problem.Gates) > 0:
		err = errors.New("these gates stand open:\n" + gateLines(e.Problem.Gates))
	case is && errors.Is(err, client.ErrPreconditionFailed):
		err = errors.New("another version was activated meanwhile: look at it with cordon policy show, and decide anew;\n" +
			"cordon policy pull writes it into another folder, to bring the two together")
	case is && slices.Contains(held(), e.Problem.Code):
		err = errors.New(said(err))
	default:
		return a.failed(c, err)
	}
	if c.flags.Lookup("output") != nil && c.text("output") == "json" {
		if err := a.printJSON(e.Problem); err != nil {
			return err
		}
	}
	return &exit{exitDenied, err}
}

// gateLines tells gates that stand open, and who may close them.
func gateLines(gates []client.PolicyGate) string {
	var b strings.Builder
	for _, g := range gates {
		fmt.Fprintf(&b, "  %-14s %s (scope %s)\n", plain(g.Name), plain(g.Detail), plain(g.Scope))
		for _, k := range g.Keys {
			fmt.Fprintf(&b, "  %-14s   key %s\n", "", plain(k.Name))
		}
		for _, missing := range g.Missing {
			fmt.Fprintf(&b, "  %-14s   %s\n", "", plain(missing))
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func (a *app) policyHistory() *cobra.Command {
	return a.make(command{
		use: "history", short: "List the versions of a policy, the newest first, or with --activations when each came into force",
		example: `  cordon policy history
  cordon policy history --activations`,
		settings: policySettings("limit", "activations"), formats: formatsOfPolicy,
		run: func(ctx context.Context, c config, _ []string) error {
			if c.is("activations") {
				return showAll(ctx, a, c, func(ctx context.Context, r *client.Client) iter.Seq2[client.PolicyActivated, error] {
					return r.PolicyActivations(ctx, c.text("set"))
				}, []string{"NUMBER", "DIGEST", "HOW", "AT", "BY", "UNTIL", "MESSAGE"}, func(v client.PolicyActivated) []string {
					return []string{fmt.Sprint(v.Number), shortDigest(v.Digest), v.How, when(v.At), v.By, when(v.Until), firstText(v.Message, v.Reason)}
				})
			}
			return showAll(ctx, a, c, func(ctx context.Context, r *client.Client) iter.Seq2[client.PolicyVersion, error] {
				return r.PolicyVersions(ctx, c.text("set"))
			}, []string{"DIGEST", "STATE", "CREATED", "AUTHOR", "APPROVED BY", "MESSAGE"}, func(v client.PolicyVersion) []string {
				var by []string
				for _, a := range v.Approvals {
					by = append(by, a.By)
				}
				return []string{shortDigest(v.Digest), v.State, when(v.CreatedAt), v.Author, strings.Join(by, ","), v.Message}
			})
		},
	})
}
