package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"cordon.example/client"
	"cordon/policies"
	"cordon/policies/set"
	truth "cordon/policies/table"

	"github.com/spf13/cobra"
)

// What is looked at in a folder needs no server and no key: an editor asks it at every save.
const offline = "It looks at the folder alone, and needs neither a server nor a key."

func (a *app) policyFmt() *cobra.Command {
	return a.make(command{
		use: "fmt [DIR]", short: "Format the rules in a folder, as opa fmt does, and name the files that were changed",
		long:    "Format the rules in DIR, as opa fmt does, and print the names of the files that were changed. " + offline,
		example: `  cordon policy fmt policy`,
		args:    between(0, 1), ids: []string{argFolder}, formats: formatsOfPolicy,
		run: func(_ context.Context, c config, args []string) error {
			dir := here(args)
			t, src, err := a.folder(dir)
			if err != nil {
				return err
			}
			defer t.close()
			formatted, err := policies.Format(src)
			if err != nil {
				return a.unformattable(err, editing{dir, src.Files})
			}
			changed, inJSON := []string{}, c.text("output") == "json"
			for _, file := range formatted.Paths() {
				if formatted.Files[file] == src.Files[file] {
					continue
				}
				if err := t.put(file, formatted.Files[file]); err != nil {
					return err
				}
				if changed = append(changed, t.shown(file)); inJSON {
					continue
				}
				if err := a.say(t.shown(file)); err != nil {
					return err
				}
			}
			if inJSON {
				return a.printJSON(map[string]any{"changed": changed})
			}
			return nil
		},
	})
}

// unformattable tells why rules cannot be formatted.
func (a *app) unformattable(err error, e editing) error {
	refused, is := errors.AsType[*policies.ProblemsError](err)
	if !is {
		return err
	}
	problems, err := reshaped[[]client.PolicyProblem](refused.Problems)
	if err != nil {
		return err
	}
	return &exit{exitDenied, errors.New("nothing was formatted:\n" + e.problems(problems))}
}

// here is the folder that was named, or else this one.
func here(args []string) string {
	if len(args) == 0 {
		return "."
	}
	return args[0]
}

// folder opens a folder and reads the policy in it.
func (a *app) folder(dir string) (*workspace, policies.Source, error) {
	t, err := openWorkspace(dir, false)
	if err != nil {
		return nil, policies.Source{}, err
	}
	src, _, err := t.source()
	if err == nil && len(src.Files) == 0 {
		err = wrongUse("%s holds no policy: there is neither a .rego nor a .json file", dir)
	}
	if err != nil {
		t.close()
	}
	return t, src, err
}

// look is one way to look at the policy in a folder.
type look struct {
	use, short, long string
	// keep leaves of a report what is looked for; nil: all of it.
	keep func(r *client.PolicyReport) *client.PolicyReport
	// good reports whether a report is without fault.
	good  func(r *client.PolicyReport) bool
	prove bool // the invariants, too
}

func (a *app) policyLooks() []*cobra.Command {
	var commands []*cobra.Command
	for _, l := range []look{
		{
			use: "lint", short: "Say what the editor of a folder should look at: what does not compile, and what is no good style",
			keep: func(r *client.PolicyReport) *client.PolicyReport {
				return &client.PolicyReport{Problems: r.Problems, Format: r.Format, Lint: r.Lint}
			},
			good: func(r *client.PolicyReport) bool { return len(r.Problems)+len(r.Format)+len(r.Lint) == 0 },
		},
		{
			use: "test", short: "Run the tests in a folder, and say what no test reaches",
			keep: func(r *client.PolicyReport) *client.PolicyReport {
				return &client.PolicyReport{Problems: r.Problems, Tests: r.Tests, Coverage: r.Coverage}
			},
			good: func(r *client.PolicyReport) bool { return len(r.Problems)+r.Tests.Failed == 0 },
		},
		{
			use: "check", short: "Check a folder as the server does before it keeps a version and before it activates one",
			long: `Check the policy in DIR as the server does: compile it strictly against the schemas, run its tests, see what they
reach and whether every question ends in time, and prove the invariants by asking every question that can be asked.
Of a policy set beside the built-in one (--set) there are no invariants to prove.
`,
			good: (*client.PolicyReport).Passed, prove: true,
		},
	} {
		commands = append(commands, a.make(command{
			use: l.use + " [DIR]", short: l.short, long: firstText(l.long, l.short+". ") + offline + " The exit code is 1 where something is wrong.",
			example: "  cordon policy " + l.use + " policy",
			args:    between(0, 1), ids: []string{argFolder}, settings: []string{"set"}, formats: formatsOfPolicy,
			run: func(ctx context.Context, c config, args []string) error { return a.lookAt(ctx, c, here(args), l) },
		}))
	}
	return commands
}

// lookAt checks what is in a folder.
func (a *app) lookAt(ctx context.Context, c config, dir string, l look) error {
	t, src, err := a.folder(dir)
	if err != nil {
		return err
	}
	defer t.close()
	name := t.set(c)
	found, err := checked(ctx, name, src)
	if err != nil {
		return err
	}
	report, err := reshaped[*client.PolicyReport](found)
	if err != nil {
		return err
	}
	if l.prove && len(report.Problems) == 0 && name == client.SetCordon {
		if report.Invariants, err = proved(ctx, src); err != nil {
			return err
		}
	}
	if l.keep != nil {
		report = l.keep(report)
	}
	if c.text("output") == "json" {
		err = a.printJSON(report)
	} else {
		a.tellReport(report, editing{dir, src.Files})
	}
	if err == nil && !l.good(report) {
		return &exit{code: exitDenied}
	}
	return err
}

// checked checks a policy as its set has it checked.
func checked(ctx context.Context, name string, src policies.Source) (*policies.Report, error) {
	if name == client.SetCordon {
		return policies.Check(ctx, src)
	}
	return set.Check(ctx, name, src)
}

// set is the policy set that a folder is of: that which it was pulled from, or else the one that is named.
func (t *workspace) set(c config) string {
	if was, there, err := t.pulled(); err == nil && there && was.Set != "" {
		return was.Set
	}
	return c.text("set")
}

// proved asks every question that can be asked of a policy.
func proved(ctx context.Context, src policies.Source) ([]client.PolicyInvariant, error) {
	engine, err := policies.Compile(ctx, src)
	if err != nil {
		return nil, err
	}
	proof, err := truth.Prove(ctx, engine)
	if err != nil {
		return nil, err
	}
	return reshaped[[]client.PolicyInvariant](proof.Invariants)
}

// reshaped gives what is found here as a server would tell it.
func reshaped[T any](found any) (out T, err error) {
	text, err := json.Marshal(found)
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		return out, fmt.Errorf("read the report: %w", err)
	}
	return out, nil
}
