package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"cordon.example/client"

	"github.com/spf13/cobra"
)

// productAct is a call that changes the state of a product.
type productAct func(*client.Client, context.Context, string, string, client.BlockRequest) (client.ProductAnswer, error)

// productPreview is a call that tells what such an act would do.
type productPreview func(*client.Client, context.Context, string, string, client.BlockRequest) (client.Preview, error)

// block suspends the management of a product.
func (a *app) block() *cobra.Command {
	return a.productCommand(command{
		use:   "block PRODUCT --reason TEXT",
		short: "Block a product: nobody of its organization can manage it",
		long: `Block a product: until it is unblocked nobody of its organization can manage it, whatever their
role. The service itself goes on running. The users of the organization are told by e-mail.

With --as it is the act of that user, who must be an administrator or the legal representative.
Without, it is the host's own block (the key needs the scope directory), which only the host lifts.
A mail service cannot be blocked; put it in maintenance instead.`,
		example: `  cordon block web-1 --reason "suspected break-in" --as bob
  cordon block web-1 --reason "unpaid invoice" --ticket B-1042 --expires-in 14d
  cordon block web-1 --as bob --preview`,
		settings: []string{"expires-in"},
		required: []string{"reason"},
	}, "blocked", (*client.Client).BlockProduct, (*client.Client).PreviewBlockProduct)
}

// unblock lifts a block.
func (a *app) unblock() *cobra.Command {
	return a.productCommand(command{
		use:   "unblock PRODUCT",
		short: "Lift the block of a product",
		long: `Lift the block of a product. Only the origin that set a block lifts it: administrators (--as) lift
those of administrators, the host (without --as) its own.`,
		example: `  cordon unblock web-1 --reason "password changed" --as bob`,
	}, "unblocked", (*client.Client).UnblockProduct, nil)
}

// maintenance starts and ends the maintenance of a mail service.
func (a *app) maintenance() *cobra.Command {
	cmd := &cobra.Command{Use: "maintenance", Short: "Start and end the maintenance of a mail service",
		Example: `  cordon maintenance start mail-1 --as bob --preview`}
	cmd.AddCommand(
		a.productCommand(command{
			use:   "start PRODUCT",
			short: "Start maintenance: mail is received, and nobody can read it",
			long: `Start the maintenance of a mail service: its mail is still received, and nobody can read or send,
whatever their role. It needs a user who acts: an administrator or the legal representative.`,
			example: `  cordon maintenance start mail-1 --as bob --preview
  cordon maintenance start mail-1 --reason "moving mailboxes" --as bob --expires-in 2h`,
			settings: []string{"expires-in"},
			acted:    true,
		}, "in maintenance", (*client.Client).StartMaintenance, (*client.Client).PreviewStartMaintenance),
		a.productCommand(command{
			use:     "end PRODUCT",
			short:   "End maintenance: the addresses can be used again",
			example: `  cordon maintenance end mail-1 --reason "done" --as bob`,
			acted:   true,
		}, "out of maintenance", (*client.Client).EndMaintenance, nil),
	)
	a.needCommand(cmd)
	return cmd
}

// productCommand completes the description of an act on a product. Where there is no preview of it, preview is nil.
func (a *app) productCommand(d command, done string, act productAct, preview productPreview) *cobra.Command {
	d.args, d.ids = exactly(1), []string{client.TypeProduct}
	if preview != nil {
		d.settings = append(d.settings, "preview")
	}
	d.settings = slices.Concat(acting, []string{"organization", "reason", "ticket"}, d.settings)
	d.formats = []string{"table", "json"}
	d.run = func(ctx context.Context, c config, args []string) error {
		remote, err := a.remote(c)
		if err != nil {
			return err
		}
		if d.acted {
			if err := c.needActor(); err != nil {
				return err
			}
		}
		request := client.BlockRequest{Reason: c.text("reason"), Ticket: c.text("ticket")}
		if slices.Contains(d.settings, "expires-in") {
			if request.ExpiresAt, err = c.end(time.Now()); err != nil {
				return err
			}
		}
		organization := c.text("organization")
		if organization == "" {
			// Whoever acts, it is the key that looks the product up: an actor may be no member of
			// its organization, and is told so by the rules.
			product, err := remote.As("").Product(ctx, args[0])
			if err != nil {
				return a.failed(c, err)
			}
			organization = product.Organization
		}
		if preview != nil && c.is("preview") {
			p, err := preview(remote, ctx, organization, args[0], request)
			return a.printPreview(c, p, err)
		}
		answer, err := act(remote, ctx, organization, args[0], request)
		if err != nil {
			return a.failed(c, err)
		}
		return a.printProduct(c, done, answer)
	}
	return a.make(d)
}

func (a *app) printProduct(c config, done string, answer client.ProductAnswer) error {
	if c.text("output") == "json" {
		return a.printJSON(answer)
	}
	p := answer.Product
	_, err := fmt.Fprintf(a.out, "%s (%s) of %s is %s, at revision %d, on record as %s\n",
		plain(p.ID), plain(p.Name), plain(p.Organization), done, answer.Revision, plain(answer.DecisionID))
	if err == nil && done == "unblocked" && p.Blocked {
		_, err = fmt.Fprintf(a.out, "it stays blocked by: %s\n", plain(strings.Join(productOrigins(p.Blocks), ", ")))
	}
	if err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}
