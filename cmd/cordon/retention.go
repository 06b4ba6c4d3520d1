package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"cordon.example/client"

	"github.com/spf13/cobra"
)

// unset takes away what somebody set.
const unset = "default"

// retention shows and sets how long things are kept.
func (a *app) retention() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "retention",
		Short: "Show and set how long records, messages and procedures are kept",
		Long: `Show and set how long things are kept: records of decisions, changes and readings of the log, messages that
were delivered or given up, and finished procedures. The key needs the scope admin, without an organization.
What is over is deleted at the next run, within the hour, and cannot be brought back; cordon hold keeps it.`,
		Example: `  cordon retention set decisions=400d changes=10y
  cordon retention show`,
	}
	formats := []string{"table", "json"}
	cmd.AddCommand(
		a.make(command{
			use: "show", short: "Show how long each class is kept, and which organizations have times of their own",
			example: `  cordon retention show -o json`, settings: asking, formats: formats,
			run: func(ctx context.Context, c config, _ []string) error {
				remote, err := a.remote(c)
				if err != nil {
					return err
				}
				rules, err := remote.Retention(ctx)
				if err != nil {
					return a.failed(c, err)
				}
				return a.printRetention(c, rules)
			},
		}),
		a.make(command{
			use: "set CLASS=TIME...", short: "Set how long a class is kept, and leave the others as they are",
			long: `Set how long classes are kept, and leave the others as they are: in days or years, from 1d to 100y, or
"forever"; "default" takes away what somebody set. With --organization of that one alone, whose other classes are
kept as those of all are. Two who set at once do not undo each other: the second is told to look again.`,
			example: `  cordon retention set decisions=400d changes=10y
  cordon retention set decisions=forever --organization acme
  cordon retention set messages=default`,
			args: cobra.MinimumNArgs(1), settings: append(slices.Clone(asking), "organization", "as"), formats: formats,
			run: a.setRetention,
		}),
	)
	a.needCommand(cmd)
	return cmd
}

func (a *app) setRetention(ctx context.Context, c config, args []string) error {
	times := map[string]string{}
	for _, arg := range args {
		class, time, ok := strings.Cut(arg, "=")
		if _, twice := times[class]; !ok || twice || !slices.Contains(client.RetentionClasses(), class) {
			return wrongUse("%q sets nothing: write each class once, as in decisions=400d; the classes are %s", arg, strings.Join(client.RetentionClasses(), ", "))
		}
		times[class] = time
	}
	remote, err := a.remote(c)
	if err != nil {
		return err
	}
	rules, err := remote.Retention(ctx)
	if err != nil {
		return a.failed(c, err)
	}
	of := rules.Classes
	if organization := c.text("organization"); organization != "" {
		if rules.Organizations == nil {
			rules.Organizations = map[string]map[string]string{}
		}
		if rules.Organizations[organization] == nil {
			rules.Organizations[organization] = map[string]string{}
		}
		of = rules.Organizations[organization]
	}
	for class, time := range times {
		if of[class] = time; time == unset {
			delete(of, class)
		}
	}
	rules, err = remote.IfMatch(rules.ETag).SetRetention(ctx, rules)
	if errors.Is(err, client.ErrPreconditionFailed) {
		return errors.New("somebody else has set retention meanwhile: look with cordon retention show, and set it again")
	}
	if err != nil {
		return a.failed(c, err)
	}
	return a.printRetention(c, rules)
}

func (a *app) printRetention(c config, rules client.Retention) error {
	if c.text("output") == "json" {
		return a.printJSON(rules)
	}
	t := a.table("ORGANIZATION", "CLASS", "KEPT")
	rows := func(organization string, times map[string]string) {
		for _, class := range client.RetentionClasses() {
			if time, is := times[class]; is {
				t.row(organization, class, time)
			}
		}
	}
	rows("all", rules.Classes)
	for _, organization := range slices.Sorted(maps.Keys(rules.Organizations)) {
		rows(organization, rules.Organizations[organization])
	}
	return t.end()
}

// hold lists, adds and removes holds.
func (a *app) hold() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "hold",
		Short: "Keep what is held from being deleted",
		Long: `A hold keeps what it names from being deleted, whatever its time, until it is removed: of one organization
or of all, of one class or of all. The key needs the scope admin, without an organization; audit is enough to list.`,
		Example: `  cordon hold add --organization acme --reason "court order 3 O 12/26"
  cordon hold list`,
	}
	formats := []string{"table", "json"}
	cmd.AddCommand(
		a.make(command{
			use: "list", short: "List the holds, the oldest first", example: `  cordon hold list`,
			settings: append(slices.Clone(asking), "limit"), formats: formats,
			run: func(ctx context.Context, c config, _ []string) error {
				return showAll(ctx, a, c, func(ctx context.Context, r *client.Client) iter.Seq2[client.Hold, error] { return r.Holds(ctx) },
					[]string{"ID", "ORGANIZATION", "CLASS", "SINCE", "BY", "REASON"}, func(h client.Hold) []string {
						return []string{h.ID, firstText(h.Organization, "all"), firstText(h.Class, "all"), when(h.Since), h.By, h.Reason}
					})
			},
		}),
		a.make(command{
			use: "add --reason TEXT", short: "Hold an organization, a class, or all, and print the hold's id",
			long: `Hold what there is and what comes: of --organization, of --class; without either, of all of them. The id of the
hold is printed alone on standard output.`,
			example:  `  cordon hold add --organization acme --class decisions --reason "court order 3 O 12/26"`,
			settings: append(slices.Clone(asking), "organization", "class", "reason", "as"), required: []string{"reason"}, formats: formats,
			run: a.addHold,
		}),
		a.make(command{
			use: "remove ID", short: "Remove a hold; what is over by then is deleted with the next run",
			example: `  cordon hold remove hold-01a20e9f-4c2a-7869-8c1b-be6525ddcd46`,
			args:    exactly(1), ids: []string{argHold}, settings: append(slices.Clone(asking), "as"),
			run: func(ctx context.Context, c config, args []string) error {
				remote, err := a.remote(c)
				if err != nil {
					return err
				}
				if err := remote.RemoveHold(ctx, args[0]); err != nil {
					return a.failed(c, err)
				}
				if _, err := fmt.Fprintf(a.out, "hold %s is removed\n", plain(args[0])); err != nil {
					return fmt.Errorf("print: %w", err)
				}
				return nil
			},
		}),
	)
	a.needCommand(cmd)
	return cmd
}

func (a *app) addHold(ctx context.Context, c config, _ []string) error {
	remote, err := a.remote(c)
	if err != nil {
		return err
	}
	h, err := remote.AddHold(ctx, client.HoldRequest{Organization: c.text("organization"), Class: c.text("class"), Reason: c.text("reason")})
	if err != nil {
		return a.failed(c, err)
	}
	if c.text("output") == "json" {
		return a.printJSON(h)
	}
	fmt.Fprintf(a.err, "held: %s of %s\n", firstText(h.Class, "every class"), firstText(plain(h.Organization), "all organizations"))
	if _, err := fmt.Fprintln(a.out, plain(h.ID)); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}
