package main

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"cordon.example/client"

	"github.com/spf13/cobra"
)

// largestPage is how many results the server puts on a page of a search at most.
const largestPage = 500

// search finds who may do something, what they may do it to, and what they may do.
func (a *app) search() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "search",
		Short: "Find who may do something, to what, and what somebody may do",
		Long: `Find what check would allow: who may do something to a product, or with --type to something else;
the products, or with --type the other things, that a user may do it to; and the actions that they
may do. What is found is printed line by line, in the order of ids, products organization by
organization. Finding nothing is no error.`,
		Example: `  cordon search users manage web-1
  cordon search resources carol manage
  cordon search actions carol web-1`,
	}
	about := slices.Concat(asking, []string{"type", "organization", "limit", "at-least"})
	formats := []string{"table", "json"}
	cmd.AddCommand(
		a.make(command{
			use: "users ACTION PRODUCT", short: "Find who may do something",
			long: `Find the members of the organization who may do something to a product, or with --type to something else.`,
			example: `  cordon search users unblock web-1
  cordon search users use kdrive_web --type channel --organization acme
  cordon search users view_decisions acme --type organization`,
			args: exactly(2), ids: []string{argAction, argResource}, settings: append(about[:len(about):len(about)], "channel", "role"), formats: formats,
			run: a.searchUsers,
		}),
		a.make(command{
			use: "resources USER ACTION", short: "Find what a user may do something to",
			long: `Find the products that a user may do something to, of all organizations that they are a member of or,
with --organization, of one; with --type other things: organizations, or the users or channels of an
organization.`,
			example: `  cordon search resources carol manage
  cordon search resources bob block --type user --organization acme
  cordon search resources bob view --type organization -o json`,
			args: exactly(2), ids: []string{client.TypeUser, argAction}, settings: append(about[:len(about):len(about)], "channel", "role"), formats: formats,
			run: a.searchResources,
		}),
		a.make(command{
			use: "actions USER PRODUCT", short: "Find what a user may do",
			long: `Find the actions that a user may do to a product, or with --type to something else.`,
			example: `  cordon search actions carol web-1
  cordon search actions bob carol --type user --organization acme`,
			args: exactly(2), ids: []string{client.TypeUser, argResource}, settings: about, formats: formats,
			run: a.searchActions,
		}),
	)
	return cmd
}

func (a *app) searchUsers(ctx context.Context, c config, args []string) error {
	s := client.WhoMay(args[0], client.Resource{Type: c.text("type"), ID: args[1], Properties: properties(c, "organization")})
	s.Action.Properties = properties(c, "channel", "role")
	return printFound(ctx, a, c, s, (*client.Client).SearchSubjects, func(s client.Subject) string { return s.ID })
}

func (a *app) searchResources(ctx context.Context, c config, args []string) error {
	s := client.WhichMay(args[0], args[1], c.text("type"))
	s.Resource.Properties = properties(c, "organization")
	s.Action.Properties = properties(c, "channel", "role")
	return printFound(ctx, a, c, s, (*client.Client).SearchResources, func(r client.Resource) string { return r.ID })
}

func (a *app) searchActions(ctx context.Context, c config, args []string) error {
	s := client.WhatMay(args[0], client.Resource{Type: c.text("type"), ID: args[1], Properties: properties(c, "organization")})
	return printFound(ctx, a, c, s, (*client.Client).SearchActions, func(a client.Action) string { return a.Name })
}

// printFound prints the results of a search as they come, up to the limit.
func printFound[T any](ctx context.Context, a *app, c config, s client.SearchRequest,
	search func(*client.Client, context.Context, client.SearchRequest) iter.Seq2[T, error], name func(T) string,
) error {
	kind := s.Resource.Type
	if (kind == client.TypeUser || kind == client.TypeChannel) && c.text("organization") == "" {
		return wrongUse("a search about a %s needs --organization (or CORDON_ORGANIZATION)", kind)
	}
	remote, err := a.asking(c)
	if err != nil {
		return err
	}
	limit := c.number("limit")
	size := largestPage
	if 0 < limit && limit < size {
		size = limit + 1 // which tells whether there is more
	}
	s.Page = &client.SearchPage{Limit: &size}
	found, more := []T{}, false
	for r, err := range search(remote, ctx, s) {
		if err != nil {
			return a.failed(c, err)
		}
		if more = limit > 0 && len(found) == limit; more {
			break
		}
		found = append(found, r)
	}
	if c.text("output") == "json" {
		err = a.printJSON(found)
	} else {
		for _, r := range found {
			if _, err = fmt.Fprintln(a.out, plain(name(r))); err != nil {
				err = fmt.Errorf("print: %w", err)
				break
			}
		}
	}
	if more {
		fmt.Fprintf(a.err, "these are the first %d; --limit shows more\n", limit)
	}
	return err
}
