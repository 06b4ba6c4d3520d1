package main

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"cordon.example/client"

	"github.com/spf13/cobra"
)

// policySets adds and removes policy sets beside the built-in one.
func (a *app) policySets() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policy-set",
		Short: "Have other policies answer beside the built-in one",
		Long: `Have other policies answer beside the built-in one. A policy set is a folder of Rego and JSON data: the rules are the package
authzen.NAME, and say allow, true or false, or decision, {"decision": true or false, "context": {...}}. It is asked AuthZEN's
question as it was asked, at /p/NAME/access/v1/evaluation, and knows nothing of organizations and products.

Its versions are changed as those of the built-in one are, by cordon policy with --set NAME. The key needs the scope policy;
whoever changes something says who they are with --as NAME (CORDON_AS).

Exit codes: 0 done; 1 the policy is not valid, or fails its checks; 2 used wrongly; 3 an error.`,
		Example: `  cordon policy-set add todo ./todo -m "the to-do list" --as lena
  cordon policy-set list
  cordon policy-set remove todo --as lena`,
	}
	cmd.AddCommand(
		a.make(command{
			use: "add NAME DIR", short: "Make a policy set of what is in a folder, and have it answer",
			long: `Make a policy set of what is in DIR, put it in force, and print the digest of its first version, alone, on standard output.
What is no policy is not kept, and each problem is told with its place.`,
			example: `  cordon policy-set add todo ./todo -m "the to-do list" --as lena`,
			args:    exactly(2), ids: []string{argSet, argFolder}, settings: slices.Concat(asking, []string{"message", "as"}), formats: formatsOfPolicy,
			run: a.addPolicySet,
		}),
		a.make(command{
			use: "list", short: "List the policy sets",
			example:  `  cordon policy-set list`,
			settings: slices.Concat(asking, []string{"limit"}), formats: formatsOfPolicy,
			run: func(ctx context.Context, c config, _ []string) error {
				return showAll(ctx, a, c, func(ctx context.Context, r *client.Client) iter.Seq2[client.PolicySet, error] {
					return r.PolicySets(ctx)
				}, []string{"SET", "ACTIVE", "ACTIVATION", "SINCE", "BY", "MESSAGE"}, func(s client.PolicySet) []string {
					return []string{s.Set, shortDigest(s.Active), fmt.Sprint(s.Activation), when(s.Since), s.By, s.Message}
				})
			},
		}),
		a.make(command{
			use: "remove NAME", short: "End a policy set: nobody is answered by it any more",
			long:    `End a policy set: nobody is answered by it any more. Its versions stay, for the log names them.`,
			example: `  cordon policy-set remove todo --as lena`,
			args:    exactly(1), ids: []string{argSet}, settings: slices.Concat(asking, []string{"as"}), formats: formatsOfPolicy,
			run: a.removePolicySet,
		}),
	)
	a.needCommand(cmd)
	return cmd
}

func (a *app) addPolicySet(ctx context.Context, c config, args []string) error {
	name, dir := args[0], args[1]
	t, src, err := a.folder(dir)
	if err != nil {
		return err
	}
	defer t.close()
	remote, err := a.actOnPolicy(c)
	if err != nil {
		return err
	}
	made, err := remote.AddPolicySet(ctx, client.PolicySetNew{Set: name, Message: c.text("message"), Files: src.Files})
	if err != nil {
		return a.failedPolicy(c, err, editing{t.dir, src.Files})
	}
	if c.text("output") == "json" {
		return a.printJSON(made)
	}
	a.tellReport(&made.Report, editing{t.dir, src.Files})
	fmt.Fprintf(a.err, "it answers at /p/%s/access/v1/evaluation\n", plain(made.Set))
	return a.say(made.Version.Digest)
}

func (a *app) removePolicySet(ctx context.Context, c config, args []string) error {
	remote, err := a.actOnPolicy(c)
	if err != nil {
		return err
	}
	if err := remote.RemovePolicySet(ctx, args[0]); err != nil {
		return a.failed(c, err)
	}
	if c.text("output") == "json" {
		return a.printJSON(struct {
			Set     string `json:"set"`
			Removed bool   `json:"removed"`
		}{args[0], true})
	}
	return a.say(args[0])
}
