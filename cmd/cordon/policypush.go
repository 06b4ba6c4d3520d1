package main

import (
	"context"
	"fmt"

	"cordon.example/client"

	"github.com/spf13/cobra"
)

func (a *app) policyPush() *cobra.Command {
	return a.make(command{
		use: "push DIR -m MESSAGE", short: "Keep what is in a folder as a draft, and print its digest",
		long: `Keep what is in DIR as a version, and print its digest, alone, on standard output. Nothing is in force by that. The server
compiles it, runs its tests and looks at everything that check looks at; what is no policy is not kept, and each problem is
told with its place. Of a folder that is as it was pulled, or as a version that there is, nothing is made.

What is pushed is all .rego and .json files, but for the folder schemas and what begins with a dot. A folder that was made by
pull is held against the activation of that time: where somebody has activated another version since, the push is refused.
Then pull that one into another folder, and bring the two together.`,
		example: `  cordon policy push policy -m "let administrators manage blocked products" --as lena`,
		args:    exactly(1), ids: []string{argFolder}, settings: policySettings("message", "parent"), required: []string{"message"}, formats: formatsOfPolicy,
		run: a.pushPolicy,
	})
}

func (a *app) pushPolicy(ctx context.Context, c config, args []string) error {
	t, err := openWorkspace(args[0], false)
	if err != nil {
		return err
	}
	defer t.close()
	src, left, err := t.source()
	if err != nil {
		return err
	}
	if len(src.Files) == 0 {
		return wrongUse("%s holds no policy: there is neither a .rego nor a .json file", t.dir)
	}
	was, pulledBefore, err := t.pulled()
	switch {
	case err != nil:
		return err
	case !pulledBefore && c.text("parent") == "":
		return wrongUse("nothing says what %s was made of: pull a version into it first, or name it with --parent VERSION", t.dir)
	}
	for _, file := range left {
		fmt.Fprintf(a.err, "left out: %s\n", plain(file))
	}
	if src.Digest() == was.Digest && c.text("parent") == "" {
		fmt.Fprintf(a.err, "nothing was changed: %s is %s as it is kept\n", t.dir, shortDigest(was.Digest))
		if c.text("output") == "json" {
			return a.printJSON(struct {
				Digest  string `json:"digest"`
				Changed bool   `json:"changed"`
			}{was.Digest, false})
		}
		return a.say(was.Digest)
	}
	remote, err := a.actOnPolicy(c)
	if err != nil {
		return err
	}
	push := client.PolicyPush{Parent: was.Digest, Message: c.text("message"), Files: src.Files}
	conditional := remote
	if named := c.text("parent"); named != "" {
		if push.Parent, err = a.versionOf(ctx, c, remote, named); err != nil {
			return err
		}
	} else if conditional, err = a.sinceThen(ctx, c, remote, &was); err != nil {
		return err
	}
	set := firstText(was.Set, c.text("set"))
	made, err := conditional.PushPolicy(ctx, set, push)
	if err != nil {
		return a.failedPolicy(c, err, editing{t.dir, src.Files})
	}
	now := pulled{Set: set, Digest: made.Version.Digest, ETag: was.ETag, Files: map[string]string{}}
	for file, hash := range was.Files {
		if !ofPolicy(file) {
			now.Files[file] = hash // it lies beside the policy
		}
	}
	for file, text := range src.Files {
		now.Files[file] = hashed(text)
	}
	if err := t.remember(now); err != nil {
		return err
	}
	if c.text("output") == "json" {
		return a.printJSON(made)
	}
	if made.Version.Message != push.Message {
		fmt.Fprintf(a.err, "that version is there already, by %s: %s\n", plain(made.Version.Author), plain(made.Version.Message))
	}
	a.tellReport(&made.Report, editing{t.dir, src.Files})
	if len(made.Version.Gates) > 0 {
		fmt.Fprintf(a.err, "it is a draft, and changes nothing yet; before it is activated there are to close:\n%s\n", gateLines(made.Version.Gates))
	}
	return a.say(made.Version.Digest)
}

// sinceThen makes a client whose change is refused where another version was activated since a folder was made. What the
// folder was made of is not another, so that somebody who has activated their own draft goes on with it.
func (a *app) sinceThen(ctx context.Context, c config, remote *client.Client, was *pulled) (*client.Client, error) {
	set, err := remote.PolicySet(ctx, firstText(was.Set, c.text("set")))
	if err != nil {
		return nil, a.failed(c, err)
	}
	if set.Active == was.Digest {
		was.ETag = set.ETag
	}
	return remote.IfMatch(was.ETag), nil
}

// say prints a result of one line.
func (a *app) say(word string) error {
	if _, err := fmt.Fprintln(a.out, plain(word)); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// between asks for some arguments, of which the last may be missing.
func between(least, most int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			return fmt.Errorf("got %d arguments; it is used as: %s %s", len(args), cmd.Parent().CommandPath(), cmd.Use)
		}
		return nil
	}
}
