package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"cordon/server"

	"github.com/spf13/cobra"
)

// gatewayQuestion is what a gateway's request asks, as JSON.
type gatewayQuestion struct {
	Set          string `json:"set,omitempty"`
	Action       string `json:"action"`
	Type         string `json:"type"`
	ID           string `json:"id"`
	Organization string `json:"organization,omitempty"`
}

// gateway looks at what gateways ask.
func (a *app) gateway() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "gateway",
		Short:   "Look at the routes by which gateways ask",
		Example: `  cordon gateway check routes.yaml GET https://panel.example.com/files/web-1/index.html`,
	}
	cmd.AddCommand(a.make(command{
		use:   "check FILE [METHOD URL]",
		short: "Check the routes of a file, and tell what a request asks",
		long: `Check the file of serve --gateway-routes, as the server does; no server is needed. With a method and a URL it tells what
is asked about such a request: exit code 1 where it does not pass, whatever the rules say, because no route fits or because
it is not in canonical form.`,
		example: `  cordon gateway check routes.yaml
  cordon gateway check routes.yaml GET https://panel.example.com/files/web-1/index.html`,
		args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 && len(args) != 3 {
				return errors.New("name the file, and where a request is to be tried its method and URL")
			}
			return nil
		},
		ids:     []string{argFile},
		formats: []string{"table", "json"},
		run: func(_ context.Context, c config, args []string) error {
			routes, err := server.ReadGatewayRoutes(args[0])
			if err != nil {
				return &exit{exitUsage, err}
			}
			if len(args) == 1 {
				if c.text("output") == "json" {
					return a.printJSON(map[string]int{"routes": routes.Len()})
				}
				if _, err := fmt.Fprintf(a.out, "%d routes, and none hides another\n", routes.Len()); err != nil {
					return fmt.Errorf("print: %w", err)
				}
				return nil
			}
			_, rest, found := strings.Cut(args[2], "://")
			if !found {
				return wrongUse("%q is no URL such as https://panel.example.com/files", args[2])
			}
			// As it is typed: whoever reads URLs would mend what a gateway sends as it came.
			host, path := rest, "/"
			if at := strings.IndexAny(rest, "/?#"); at >= 0 {
				host, path = rest[:at], rest[at:]
			}
			q, set, refused := routes.Ask("somebody", args[1], host, path)
			if refused != "" {
				return &exit{exitDenied, errors.New("it does not pass: " + refused)}
			}
			if c.text("output") == "json" {
				return a.printJSON(gatewayQuestion{Set: set, Action: q.Action.Name, Type: q.Resource.Type, ID: q.Resource.ID, Organization: q.Resource.Organization})
			}
			t := a.table("SET", "ACTION", "TYPE", "ID", "ORGANIZATION")
			t.row(set, q.Action.Name, q.Resource.Type, q.Resource.ID, q.Resource.Organization)
			return t.end()
		},
	}))
	a.needCommand(cmd)
	return cmd
}
