package main

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"cordon.example/client"

	"github.com/spf13/cobra"
)

// webhooks lists, makes and ends the webhooks of an organization.
func (a *app) webhooks() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "webhooks",
		Short: "List, add and remove webhooks, and make new secrets",
		Long: `Webhooks tell an organization's systems of its events. The key needs the scope directory; with --as it is
an act of that user, and the key needs the scope act.`,
		Example: `  cordon webhooks add https://hooks.acme.example/cordon --organization acme --as alice
  cordon webhooks list --organization acme`,
	}
	where := append(slices.Clone(asking), "organization")
	acted := append(slices.Clone(where), "as")
	formats := []string{"table", "json"}
	one := func(d command) *cobra.Command {
		d.required = []string{"organization"}
		return a.make(d)
	}
	cmd.AddCommand(
		one(command{
			use: "list --organization ID", short: "List the webhooks of an organization, without their secrets",
			settings: append(slices.Clone(where), "limit"), formats: formats,
			example: `  cordon webhooks list --organization acme`,
			run: func(ctx context.Context, c config, _ []string) error {
				return showAll(ctx, a, c, func(ctx context.Context, r *client.Client) iter.Seq2[client.Webhook, error] {
					return r.Webhooks(ctx, c.text("organization"))
				}, []string{"ID", "URL", "EVENTS", "CREATED"}, func(w client.Webhook) []string {
					return []string{w.ID, w.URL, firstText(strings.Join(w.Events, ","), "all"), when(w.CreatedAt)}
				})
			},
		}),
		one(command{
			use: "add URL --organization ID", short: "Have events sent to a URL, and print the secret that signs them, once",
			long: `Have the events of an organization sent to a URL: all of them, or those of --events. The secret that
signs them (Standard Webhooks) is printed alone on standard output. It is not shown again.`,
			example: `  cordon webhooks add https://hooks.acme.example/cordon --organization acme --events product.blocked,user.blocked`,
			args:    exactly(1), settings: append(slices.Clone(acted), "events"), formats: formats,
			run: func(ctx context.Context, c config, args []string) error {
				return a.showSecret(c, "made", func(r *client.Client) (client.Webhook, error) {
					return r.CreateWebhook(ctx, c.text("organization"), client.WebhookRequest{URL: args[0], Events: c.list("events")})
				})
			},
		}),
		one(command{
			use: "rotate ID --organization ID", short: "Make a new secret, and print it, once",
			long:    `Make a new secret of a webhook, and print it alone on standard output. The old one goes on signing beside it for a day.`,
			example: `  cordon webhooks rotate whk-7TTYRJW4YJLPAY7C --organization acme`,
			args:    exactly(1), ids: []string{argWebhook}, settings: acted, formats: formats,
			run: func(ctx context.Context, c config, args []string) error {
				return a.showSecret(c, "given a new secret", func(r *client.Client) (client.Webhook, error) {
					return r.RotateWebhook(ctx, c.text("organization"), args[0])
				})
			},
		}),
		one(command{
			use: "remove ID --organization ID", short: "End a webhook",
			example: `  cordon webhooks remove whk-7TTYRJW4YJLPAY7C --organization acme --as alice`,
			args:    exactly(1), ids: []string{argWebhook}, settings: acted, run: a.removeWebhook,
		}),
		one(command{
			use: "deliveries ID --organization ID", short: "List what was sent to a webhook, the newest first, and how it went",
			example: `  cordon webhooks deliveries whk-7TTYRJW4YJLPAY7C --organization acme`,
			args:    exactly(1), ids: []string{argWebhook}, settings: append(slices.Clone(where), "limit"), formats: formats,
			run: func(ctx context.Context, c config, args []string) error {
				remote, err := a.remote(c)
				if err != nil {
					return err
				}
				return a.printMessages(c, remote.Deliveries(ctx, c.text("organization"), args[0]))
			},
		}),
	)
	a.needCommand(cmd)
	return cmd
}

// showSecret prints the secret of a webhook that was made, alone.
func (a *app) showSecret(c config, done string, act func(*client.Client) (client.Webhook, error)) error {
	remote, err := a.remote(c)
	if err != nil {
		return err
	}
	w, err := act(remote)
	if err != nil {
		return a.failed(c, err)
	}
	if c.text("output") == "json" {
		return a.printJSON(w)
	}
	fmt.Fprintf(a.err, "webhook %s is %s; this is the only time that its secret is shown\n", plain(w.ID), done)
	if _, err := fmt.Fprintln(a.out, w.Secret); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

func (a *app) removeWebhook(ctx context.Context, c config, args []string) error {
	remote, err := a.remote(c)
	if err != nil {
		return err
	}
	after, err := remote.DeleteWebhook(ctx, c.text("organization"), args[0])
	if err != nil {
		return a.failed(c, err)
	}
	if _, err := fmt.Fprintf(a.out, "webhook %s of %s is ended, at revision %d\n", plain(args[0]), plain(c.text("organization")), after.Revision); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}
