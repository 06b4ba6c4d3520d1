package main

import (
	"context"
	"io"
	"log/slog"
	"time"

	"cordon/policies"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Main is main, for scripts that run the program in a process of its own.
func Main() { main() }

// InBox is what main does first.
func InBox() (bool, int) { return inBox(context.Background()) }

// Run runs a command line in this process.
func Run(ctx context.Context, in io.Reader, out, err io.Writer, env func(string) (string, bool), args ...string) int {
	return run(ctx, args, streams{in: in, out: out, err: err, env: env})
}

// PolicyNotes and PolicyFigures are what the program says of how a policy is asked.
var (
	PolicyNotes   = policyNotes
	PolicyFigures = policyFigures
)

// ConfigTable is what help config prints.
func ConfigTable() string { return configTable() }

// Variable is the name of a setting's environment variable.
func Variable(name string) string { return variable(name) }

// Settings are all that are no switches.
func Settings() []string {
	var names []string
	for _, g := range settings() {
		for _, s := range g.settings {
			if _, is := s.value.(bool); !is {
				names = append(names, s.name)
			}
		}
	}
	return names
}

func row(name string) setting {
	for _, g := range settings() {
		for _, s := range g.settings {
			if s.name == name {
				return s
			}
		}
	}
	panic("no setting " + name)
}

// IsFree tells whether a setting may be anything that a file may be called.
func IsFree(name string) bool {
	says := row(name).bound.says
	return says == "" || says == files.says
}

// IsFlagAlone tells whether no variable and no name in the file stands for a flag.
func IsFlagAlone(name string) bool {
	for _, g := range settings() {
		for _, s := range g.settings {
			if s.name == name {
				return g.title == eachCall
			}
		}
	}
	return false
}

// IsWord tells whether a setting may be any word.
func IsWord(name string) bool { return row(name).bound.says == word.says }

// Says is what a setting must be.
func Says(name string) string { return row(name).bound.says }

// CheckSetting gives what is said against a setting; empty: it is taken.
func CheckSetting(name, file string, env map[string]string, args []string) string {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	addSettings(flags, []string{name, "config"})
	if file != "" {
		args = append(args, "--config="+file)
	}
	err := flags.Parse(args)
	if err == nil {
		err = resolve(flags, func(n string) (string, bool) { v, ok := env[n]; return v, ok })
	}
	if err == nil {
		err = checkSettings(flags)
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// Commands are all commands of the program's own, by their paths.
func Commands() map[string]*cobra.Command {
	all := map[string]*cobra.Command{}
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		if name := cmd.Name(); name == "help" || name == "completion" || name == "config" {
			return
		}
		all[cmd.CommandPath()] = cmd
		for _, c := range cmd.Commands() {
			walk(c)
		}
	}
	walk((&app{}).root())
	return all
}

// CheckFlags says what is wrong with the flags of a command that were parsed.
func CheckFlags(cmd *cobra.Command) error { return checkSettings(cmd.Flags()) }

// PolicyFolder is a folder of which the policy is in force.
type PolicyFolder struct{ *policyFolder }

// NewPolicyFolder is a folder that was not looked at yet.
func NewPolicyFolder(dir string, enforce func(context.Context, policies.Source) error, log *slog.Logger) PolicyFolder {
	return PolicyFolder{&policyFolder{dir: dir, enforce: enforce, log: log}}
}

// Run looks whenever it is told to.
func (f PolicyFolder) Run(ctx context.Context, looks <-chan time.Time) { f.run(ctx, looks) }
