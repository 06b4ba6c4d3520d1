package main

import (
	"context"
	"fmt"
	"slices"

	"cordon.example/client"

	"github.com/spf13/cobra"
)

// procedures shows how far users are with securing their accounts.
func (a *app) procedures() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "procedures",
		Short: "Show how far a user is with securing their account, and mark steps as done",
		Long:  `cordon user secure sends a user a procedure of five steps. The key needs the scope directory to read them.`,
		Example: `  cordon procedures list carol --organization acme
  cordon procedures complete carol PROCEDURE password --organization acme --as bob`,
	}
	where := append(slices.Clone(asking), "organization")
	formats := []string{"table", "json"}
	cmd.AddCommand(
		a.make(command{
			use: "list USER --organization ID", short: "List the procedures of a user, the newest first",
			example: `  cordon procedures list carol --organization acme`,
			args:    exactly(1), ids: []string{client.TypeUser}, settings: where, required: []string{"organization"}, formats: formats,
			run: func(ctx context.Context, c config, args []string) error {
				remote, err := a.remote(c)
				if err != nil {
					return err
				}
				sent, err := remote.Procedures(ctx, c.text("organization"), args[0])
				if err != nil {
					return a.unseen(c, err)
				}
				return a.printProcedures(c, sent, sent)
			},
		}),
		a.make(command{
			use: "complete USER PROCEDURE STEP --organization ID", short: "Mark a step as done",
			long: `Mark a step of a procedure as done. With --as it is an act of that user: an administrator, or the one whose
procedure it is.`,
			example: `  cordon procedures complete carol 01a20e9f-4c2a-7869-8c1b-be6525ddcd46 password --organization acme --as bob`,
			args:    exactly(3), ids: []string{client.TypeUser, argProcedure, argStep}, settings: append(slices.Clone(where), "as"),
			required: []string{"organization"}, formats: formats,
			run: func(ctx context.Context, c config, args []string) error {
				remote, err := a.remote(c)
				if err != nil {
					return err
				}
				p, err := remote.CompleteStep(ctx, c.text("organization"), args[0], args[1], args[2])
				if err != nil {
					return a.failed(c, err)
				}
				return a.printProcedures(c, p, []client.Procedure{p})
			},
		}),
	)
	a.needCommand(cmd)
	return cmd
}

// printProcedures prints the answer for machines, or the steps of procedures for people.
func (a *app) printProcedures(c config, answer any, sent []client.Procedure) error {
	if c.text("output") == "json" {
		return a.printJSON(answer)
	}
	t := a.table("PROCEDURE", "SENT", "BY", "STEP", "DONE")
	for _, p := range sent {
		for _, s := range p.Steps {
			t.row(p.ID, when(p.At), p.By, s.Name, firstText(when(s.DoneAt), "no"))
		}
	}
	if err := t.end(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}
