package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// Exit codes (docs/design.md 10).
const (
	exitDone   = 0 // or allowed
	exitDenied = 1 // or, of an import, lines were refused
	exitUsage  = 2 // wrong use, or a server that refuses to start
	exitError  = 3
)

// streams is what the program talks through.
type streams struct {
	in       io.Reader
	out, err io.Writer
	env      func(string) (string, bool)
}

// app is one run of the program.
type app struct {
	streams
	started bool // a command runs: whatever fails from now on is no wrong use of flags
}

// exit is an error with its exit code. Without an error there is nothing more to say.
type exit struct {
	code int
	err  error
}

func (e *exit) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

func (e *exit) Unwrap() error { return e.err }

// wrongUse is an error of the one who typed the command.
func wrongUse(format string, args ...any) error {
	return &exit{exitUsage, fmt.Errorf(format, args...)}
}

// run runs a command line and gives the exit code.
func run(ctx context.Context, args []string, s streams) int {
	a := &app{streams: s}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitDone
	}
	e, ok := errors.AsType[*exit](err)
	switch {
	case ok:
	case !a.started:
		e = &exit{exitUsage, fmt.Errorf("%w\nrun %q for how it is used", err, cmd.CommandPath()+" --help")}
	default:
		e = &exit{exitError, err}
	}
	if e.err != nil {
		fmt.Fprintln(s.err, "cordon: "+e.err.Error())
	}
	return e.code
}

// root is the tree of commands.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "cordon",
		Short: "Decide who may do what, block and unblock, and keep the record",
		Long: `Cordon answers "may this user do this to that product?" for the services of a web host, lets
the right people block and unblock, and keeps a record of every decision.

Try it:  cordon serve --dev    then run the lines that it prints.

The commands other than serve talk to the server that CORDON_URL names, with the API key in
CORDON_KEY.

Exit codes:
  0  done, or allowed
  1  denied by the rules; of import, lines were refused; of healthcheck, not ready;
     of gateway, the request does not pass;
     of log --explain, audit verify and audit status, the log is not what it should be;
     of policy, a check failed, or something holds a change up, as an open gate does
  2  used wrongly: nothing was asked or done, or the server refuses what was asked as not valid
  3  an error: no answer, no right to ask, nothing there, or a conflict with what stands`,
		Example: `  cordon serve --dev
  cordon check carol manage web-1`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		PersistentPreRunE: a.begin,
	}
	root.AddGroup(&cobra.Group{ID: "server", Title: "The server:"}, &cobra.Group{ID: "act", Title: "Ask and act:"})
	addTo(root, "server", a.serve(), a.keys(), a.importing(), a.backup(), a.restore(), a.demo(), a.healthcheck(), a.gateway())
	addTo(root, "act", a.check(), a.search(), a.block(), a.unblock(), a.maintenance(), a.user(), a.supportCode(), a.show(), a.log(), a.audit(), a.messages(), a.webhooks(), a.procedures(), a.retention(), a.hold(), a.settings(), a.policy(), a.policySets())
	root.AddCommand(a.version(), helpConfig())
	a.needCommand(root)
	helpOfCommands(root)
	return root
}

// helpOfCommands makes help of a command that there is not wrong use, which it is not by itself.
func helpOfCommands(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	for _, c := range root.Commands() {
		if c.Name() == "help" {
			c.Args = func(_ *cobra.Command, args []string) error {
				if parent, rest, err := root.Find(args); err == nil && len(rest) > 0 {
					return noCommand(parent, rest[0])
				}
				return nil
			}
		}
	}
}

func addTo(root *cobra.Command, group string, commands ...*cobra.Command) {
	for _, c := range commands {
		c.GroupID = group
		root.AddCommand(c)
	}
}

// begin fills in the settings that no flag gave, before the command runs.
func (a *app) begin(cmd *cobra.Command, _ []string) error {
	if err := resolve(cmd.Flags(), a.env); err != nil {
		return &exit{exitUsage, err}
	}
	for _, warning := range ignored(cmd.Flags(), a.env) {
		fmt.Fprintln(a.err, "cordon: "+warning)
	}
	if err := checkSettings(cmd.Flags()); err != nil {
		return err
	}
	a.started = true
	return nil
}

// command describes a command that runs.
type command struct {
	use, short, long, example string
	args                      cobra.PositionalArgs
	settings                  []string // of the table in config.go
	required                  []string // those of them that must be given
	acted                     bool     // of an act on a product: somebody must act, not the host
	ids                       []string // what the arguments name, for completion: a type, or one of the words of complete.go
	formats                   []string // of -o, the default first; nil: there is no -o
	run                       func(ctx context.Context, c config, args []string) error
}

// make makes a command of its description.
func (a *app) make(d command) *cobra.Command {
	cmd := &cobra.Command{Use: d.use, Short: d.short, Long: d.long, Example: d.example, Args: d.args}
	if cmd.Args == nil {
		cmd.Args = exactly(0)
	}
	names := d.settings
	if d.formats != nil {
		names = append(slices.Clone(names), "output")
	}
	addSettings(cmd.Flags(), append(names, "config"))
	if d.formats != nil {
		cmd.Flags().Lookup("output").Usage = "how to print: " + strings.Join(d.formats, ", ")
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c := config{cmd.Flags()}
		preview := cmd.Flags().Lookup("preview") != nil && c.is("preview")
		for _, name := range d.required {
			if preview && name == "reason" {
				continue // there is nothing yet to give a reason for
			}
			if strings.TrimSpace(cmd.Flags().Lookup(name).Value.String()) == "" {
				or := ""
				if !saidEachCall(name) {
					or = " (or " + variable(name) + ")"
				}
				return wrongUse("%s needs --%s%s", cmd.CommandPath(), name, or)
			}
		}
		if d.formats != nil && !slices.Contains(d.formats, c.text("output")) {
			return wrongUse("-o %s is not one of %s", c.text("output"), strings.Join(d.formats, ", "))
		}
		return d.run(cmd.Context(), c, args)
	}
	a.complete(cmd, d)
	return cmd
}

// exactly asks for as many arguments as the command's use names.
func exactly(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return fmt.Errorf("got %d arguments; it is used as: %s %s", len(args), cmd.Parent().CommandPath(), cmd.Use)
		}
		return nil
	}
}

// needCommand makes a command that only groups others say so when none is named.
func (a *app) needCommand(cmd *cobra.Command) {
	cmd.Args = cobra.ArbitraryArgs
	cmd.ValidArgsFunction = cobra.NoFileCompletions
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return noCommand(cmd, args[0])
		}
		cmd.SetOut(a.err)
		if err := cmd.Help(); err != nil {
			return err
		}
		return &exit{code: exitUsage}
	}
}

// noCommand says which commands there are instead of one that there is not.
func noCommand(parent *cobra.Command, name string) error {
	var names []string
	for _, c := range parent.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return wrongUse("there is no command %q; %s has: %s", name, parent.CommandPath(), strings.Join(names, ", "))
}
