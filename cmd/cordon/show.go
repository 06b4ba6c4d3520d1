package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"cordon.example/client"

	"github.com/spf13/cobra"
)

// show shows what the directory has.
func (a *app) show() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Show organizations, users and products",
		Long: `Show one organization, user or product with all that is known of it, or list them. The key needs the
scope directory; one that is limited to an organization sees nothing of others.`,
		Example: `  cordon show product web-1
  cordon show users --organization acme`,
	}
	listing := append(slices.Clone(asking), "limit")
	within := append(slices.Clone(listing), "organization")
	formats := []string{"table", "json"}
	cmd.AddCommand(
		a.make(command{
			use: "product ID", short: "Show a product: its state, and who blocked it, when and why", args: exactly(1),
			ids: []string{client.TypeProduct}, settings: asking, formats: formats, run: a.showProduct,
			example: `  cordon show product web-1`,
		}),
		a.make(command{
			use: "user ID --organization ID", short: "Show a user of an organization: role, grants, blocks", args: exactly(1),
			ids: []string{client.TypeUser}, settings: append(slices.Clone(asking), "organization"), required: []string{"organization"},
			formats: formats, run: a.showUser,
			example: `  cordon show user carol --organization acme`,
		}),
		a.make(command{
			use: "organization ID", short: "Show an organization and its revision, or with --at all of it as it was", args: exactly(1),
			ids: []string{client.TypeOrganization}, settings: append(slices.Clone(asking), "at", "purpose"), formats: formats, run: a.showOrganization,
			example: `  cordon show organization acme
  cordon show organization acme --at 7d`,
		}),
		a.make(command{
			use: "products --organization ID", short: "List the products of an organization", settings: within,
			required: []string{"organization"}, formats: formats,
			example: `  cordon show products --organization acme
  cordon show products --organization acme --limit 0 -o json`,
			run: func(ctx context.Context, c config, _ []string) error {
				return showAll(ctx, a, c, func(ctx context.Context, r *client.Client) iter.Seq2[client.Product, error] {
					return r.Products(ctx, c.text("organization"))
				}, []string{"ID", "NAME", "KIND", "STATE", "BLOCKED BY"}, func(p client.Product) []string {
					return []string{p.ID, p.Name, p.Kind, productState(p), strings.Join(productOrigins(p.Blocks), ",")}
				})
			},
		}),
		a.make(command{
			use: "users --organization ID", short: "List the users of an organization", settings: within,
			required: []string{"organization"}, formats: formats,
			example: `  cordon show users --organization acme`,
			run: func(ctx context.Context, c config, _ []string) error {
				return showAll(ctx, a, c, func(ctx context.Context, r *client.Client) iter.Seq2[client.User, error] {
					return r.Users(ctx, c.text("organization"))
				}, []string{"ID", "NAME", "ROLE", "STATE", "GRANTS"}, func(u client.User) []string {
					return []string{u.ID, u.Name, u.Role, userState(u), strings.Join(u.Grants, ",")}
				})
			},
		}),
		a.make(command{
			use: "organizations", short: "List the organizations that the key may see", settings: listing, formats: formats,
			example: `  cordon show organizations --limit 0`,
			run: func(ctx context.Context, c config, _ []string) error {
				return showAll(ctx, a, c, func(ctx context.Context, r *client.Client) iter.Seq2[client.Organization, error] {
					return r.Organizations(ctx)
				}, []string{"ID", "NAME", "REVISION", "CREATED"}, func(o client.Organization) []string {
					return []string{o.ID, o.Name, fmt.Sprint(o.Revision), when(o.CreatedAt)}
				})
			},
		}),
	)
	a.needCommand(cmd)
	return cmd
}

// showAll prints a list, page by page, as far as --limit says.
func showAll[T any](ctx context.Context, a *app, c config, items func(context.Context, *client.Client) iter.Seq2[T, error],
	head []string, row func(T) []string,
) error {
	remote, err := a.remote(c)
	if err != nil {
		return err
	}
	limit := c.number("limit")
	asked := limit
	if limit > 0 {
		asked++ // one more tells whether there are more
	}
	all, err := collect(items(ctx, remote), asked)
	if err != nil {
		return a.unseen(c, err)
	}
	more := limit > 0 && len(all) > limit
	if more {
		all = all[:limit]
	}
	if c.text("output") == "json" {
		err = a.printJSON(all)
	} else {
		t := a.table(head...)
		for _, item := range all {
			t.row(row(item)...)
		}
		err = t.end()
	}
	if err == nil && more {
		fmt.Fprintf(a.err, "there are more than these %d; --limit 0 shows all\n", limit)
	}
	return err
}

func (a *app) showProduct(ctx context.Context, c config, args []string) error {
	remote, err := a.remote(c)
	if err != nil {
		return err
	}
	p, err := remote.Product(ctx, args[0])
	if err != nil {
		return a.unseen(c, err)
	}
	if c.text("output") == "json" {
		return a.printJSON(p)
	}
	s := a.sheet()
	s.line("product", p.ID)
	s.line("name", p.Name)
	s.line("kind", p.Kind)
	s.line("organization", fmt.Sprintf("%s, at revision %d", p.Organization, p.Revision))
	s.line("state", productState(p))
	if p.Maintenance {
		s.line("maintenance", "who started it and why is on the record: cordon log --organization "+p.Organization+" --resource "+p.ID+" --action start_maintenance")
	}
	for _, b := range p.Blocks {
		s.block(b.Origin, b.By, b.Since, b.ExpiresAt)
		s.line("  reason", b.Reason)
		s.some("  ticket", b.Ticket)
	}
	return s.end()
}

func (a *app) showUser(ctx context.Context, c config, args []string) error {
	remote, err := a.remote(c)
	if err != nil {
		return err
	}
	u, err := remote.User(ctx, c.text("organization"), args[0])
	if err != nil {
		return a.unseen(c, err)
	}
	if c.text("output") == "json" {
		return a.printJSON(u)
	}
	s := a.sheet()
	s.line("user", u.ID)
	s.line("name", u.Name)
	s.line("e-mail", u.Email)
	s.some("language", u.Language)
	s.line("organization", fmt.Sprintf("%s, at revision %d", u.Organization, u.Revision))
	s.line("role", u.Role)
	s.line("grants", firstText(strings.Join(u.Grants, ", "), "none"))
	s.line("mail about products", map[bool]string{true: "yes", false: "no"}[u.Notify.ProductEvents])
	s.line("state", userState(u))
	for _, b := range u.Blocks {
		s.block(b.Origin, b.By, b.Since, b.ExpiresAt)
		s.line("  also closes", firstText(strings.Join(b.Channels, ", "), "nothing"))
		s.line("  reason", "on the record alone: cordon log --organization "+u.Organization+" --resource "+u.ID+" --action block")
	}
	return s.end()
}

func (a *app) showOrganization(ctx context.Context, c config, args []string) error {
	if c.text("at") != "" {
		return a.showPast(ctx, c, args[0])
	}
	if c.text("purpose") != "" {
		return wrongUse("--purpose is for who reads the log: give it with --at")
	}
	remote, err := a.remote(c)
	if err != nil {
		return err
	}
	o, err := remote.Organization(ctx, args[0])
	if err != nil {
		return a.unseen(c, err)
	}
	if c.text("output") == "json" {
		return a.printJSON(o)
	}
	s := a.sheet()
	s.line("organization", o.ID)
	s.line("name", o.Name)
	s.line("revision", fmt.Sprint(o.Revision))
	s.line("created", when(o.CreatedAt))
	return s.end()
}

// unseen is failed for what is read: what a key may not see looks like what is not there, and that is said.
func (a *app) unseen(c config, err error) error {
	out := a.failed(c, err)
	if errors.Is(err, client.ErrNotFound) {
		return fmt.Errorf("%w\nit is not there, or not for this key: one that is limited to an organization sees nothing of others", out)
	}
	return out
}

// productState is what a product is in, in words.
func productState(p client.Product) string {
	var states []string
	if p.Blocked {
		states = append(states, "blocked")
	}
	if p.Maintenance {
		states = append(states, "in maintenance")
	}
	return firstText(strings.Join(states, ", "), "open")
}

func userState(u client.User) string {
	if u.Blocked {
		return "blocked"
	}
	return "open"
}

// productOrigins are the sides whose blocks stand.
func productOrigins(blocks []client.Block) []string {
	var origins []string
	for _, b := range blocks {
		origins = append(origins, b.Origin)
	}
	return origins
}

// firstText is the first text that is not empty.
func firstText(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// sheet prints one thing, a line for each of its members.
type sheet struct{ w *tabwriter.Writer }

func (a *app) sheet() *sheet { return &sheet{tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)} }

func (s *sheet) line(name, value string) { fmt.Fprintf(s.w, "%s\t%s\n", name, plain(value)) }

// some prints a line where there is a value.
func (s *sheet) some(name, value string) {
	if value != "" {
		s.line(name, value)
	}
}

// block prints the head of a block that stands.
func (s *sheet) block(origin, by string, since, until time.Time) {
	s.line("block of", origin)
	s.line("  by", by)
	s.line("  since", when(since))
	s.line("  until", firstText(when(until), "it is lifted"))
}

func (s *sheet) end() error {
	if err := s.w.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}
