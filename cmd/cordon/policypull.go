package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"cordon.example/client"
	"cordon/policies"
	"cordon/policies/set"

	"github.com/spf13/cobra"
)

func (a *app) policyPull() *cobra.Command {
	return a.make(command{
		use: "pull DIR [VERSION]", short: "Write a version with its tests and schemas into a folder, for an editor and git",
		long: `Write the version in force, or VERSION, into DIR: the rules, their tests, the settings, the schemas that they are checked
against and the configuration of Regal. There "opa test DIR", "opa check --strict --schema DIR/schemas DIR" and
"regal lint DIR" work as they are. The folder remembers what it was made of, in .cordon-policy, so that a push of it cannot
undo what somebody else has activated meanwhile.

A file that was edited since it was written is not overwritten; nothing is, then. --force overwrites.`,
		example: `  cordon policy pull policy
  cordon policy pull before sha256:5a91c04d --force`,
		args: between(1, 2), ids: []string{argFolder, argVersion}, settings: policySettings("force"), formats: formatsOfPolicy,
		run: a.pullPolicy,
	})
}

func (a *app) pullPolicy(ctx context.Context, c config, args []string) error {
	remote, err := a.policies(c)
	if err != nil {
		return err
	}
	t, err := openWorkspace(args[0], true)
	if err != nil {
		return err
	}
	defer t.close()
	was, _, err := t.pulled()
	if err != nil && !c.is("force") {
		return err
	}
	set, err := remote.PolicySet(ctx, c.text("set"))
	if err != nil {
		return a.failed(c, err)
	}
	digest := set.Active
	if len(args) == 2 {
		if digest, err = a.versionOf(ctx, c, remote, args[1]); err != nil {
			return err
		}
	}
	files, err := remote.PolicyFiles(ctx, set.Set, digest)
	if err != nil {
		return a.failed(c, err)
	}
	if got := (policies.Source{Files: files}).Digest(); got != digest {
		return fmt.Errorf("the files of %s came as those of %s: what lies between here and the server has changed them", digest, got)
	}
	return a.writePolicy(c, t, was, files, pulled{Set: set.Set, Digest: digest, ETag: set.ETag})
}

// writePolicy writes a version into a folder.
func (a *app) writePolicy(c config, t *workspace, was pulled, files map[string]string, made pulled) error {
	all := maps.Clone(files)
	beside := policies.Beside()
	if made.Set != client.SetCordon {
		beside = set.Beside()
	}
	maps.Copy(all, beside)
	if !c.is("force") {
		edited, err := t.edited(was, all)
		if err != nil {
			return err
		}
		if len(edited) > 0 {
			return fmt.Errorf("these were edited since they were written, and nothing is overwritten:\n  %s\npush them, or pull into another folder; --force overwrites them",
				strings.Join(edited, "\n  "))
		}
	}
	if err := t.write(was, all, made); err != nil {
		return err
	}
	own, _, err := t.files()
	if err != nil {
		return err
	}
	maps.DeleteFunc(own, func(file, _ string) bool { _, of := files[file]; return of })
	if len(own) > 0 {
		fmt.Fprintf(a.err, "these are none of the version, and a push will add them:\n  %s\n", strings.Join(slices.Sorted(maps.Keys(own)), "\n  "))
	}
	if c.text("output") == "json" {
		return a.printJSON(map[string]any{"set": made.Set, "digest": made.Digest, "folder": t.dir, "files": slices.Sorted(maps.Keys(files))})
	}
	fmt.Fprintf(a.err, "%d files are in %s, of the policy set %s\n", len(files), t.dir, made.Set)
	return a.say(made.Digest)
}

// source reads the policy in a folder, and names what is none of it.
func (t *workspace) source() (policies.Source, []string, error) {
	files, left, err := t.files()
	return policies.Source{Files: files}, left, err
}
