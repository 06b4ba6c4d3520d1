package main

import (
	"context"
	"fmt"

	"cordon.example/client"

	"github.com/spf13/cobra"
)

// retry has a message delivered again that was given up.
func (a *app) retry() *cobra.Command {
	return a.make(command{
		use:   "retry ID...",
		short: "Deliver messages again that were given up",
		long: `Deliver messages again that were given up (cordon messages --state dead), each as often as a new one is tried.
The key needs the scope admin.`,
		example: `  cordon messages retry 01a20e9f-4c2a-7869-8c1b-be6525ddcd46`,
		args:    cobra.MinimumNArgs(1), ids: []string{argMessage}, settings: asking, formats: []string{"table", "json"},
		run: func(ctx context.Context, c config, args []string) error {
			remote, err := a.remote(c)
			if err != nil {
				return err
			}
			again := make([]client.Message, 0, len(args))
			for _, id := range args {
				m, err := remote.RetryMessage(ctx, id)
				if err != nil {
					return a.failed(c, err)
				}
				if again = append(again, m); c.text("output") == "table" {
					if _, err := fmt.Fprintf(a.out, "message %s (%s to %s) is %s\n", plain(m.ID), plain(m.Event), plain(firstText(m.Recipient, "all")), plain(m.State)); err != nil {
						return fmt.Errorf("print: %w", err)
					}
				}
			}
			if c.text("output") == "json" {
				return a.printJSON(again)
			}
			return nil
		},
	})
}
