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

// user blocks, unblocks and secures users.
func (a *app) user() *cobra.Command {
	cmd := &cobra.Command{Use: "user", Short: "Block, unblock or secure a user of an organization",
		Example: `  cordon user secure carol --organization acme --justification "odd log-ins at night" --as bob`}
	block := (*client.Client).BlockUser
	unblock := (*client.Client).UnblockUser
	cmd.AddCommand(
		a.userCommand(command{
			use:   "block USER --organization ID --justification TEXT --support-code CODE",
			short: "Block a user in one organization; nothing is deleted",
			long: `Block a user in one organization, in a security incident. The manager, kdrive_web and mail_web are
closed to them, and the channels that are named with --channels. Role, grants and history stay.

An administrator or the legal representative asks for it with a support code of their own (--as), or
a support agent carries it out with theirs (--agent).`,
			example: `  cordon user block carol --organization acme --support-code K7QF-2MXA-6TBD --agent sam --preview
  cordon user block carol --organization acme --support-code K7QF-2MXA-6TBD \
      --justification "her laptop was stolen" --channels imap,smtp --agent sam`,
			settings: []string{"channels", "expires-in", "preview"},
		}, "blocked", block),
		a.userCommand(command{
			use:   "unblock USER --organization ID --justification TEXT --support-code CODE",
			short: "Lift the block of a user",
			long:  `Lift the block of a user. Only the origin that set a block lifts it: administrators or support.`,
			example: `  cordon user unblock carol --organization acme --support-code K7QF-2MXA-6TBD \
      --justification "she has a new laptop" --agent sam`,
		}, "unblocked", unblock),
		a.userCommand(command{
			use:   "secure USER --organization ID --justification TEXT",
			short: "Send a user the procedure to secure their account",
			long: `Send a user the procedure to secure their account, instead of a block. A support agent (--agent)
needs the requester's support code for it.`,
			example: `  cordon user secure carol --organization acme --justification "odd log-ins at night" --as bob`,
		}, "sent the procedure to secure their account", func(c *client.Client, ctx context.Context, organization, user string, r client.BlockUserRequest) (client.UserAnswer, error) {
			return c.SecureUser(ctx, organization, user, client.SecureRequest{Justification: r.Justification, SupportCode: r.SupportCode})
		}),
	)
	a.needCommand(cmd)
	return cmd
}

// userAct is a call that changes the state of a user.
type userAct func(*client.Client, context.Context, string, string, client.BlockUserRequest) (client.UserAnswer, error)

// userCommand completes the description of an act on a user. What is missing of code and
// justification is left to the rules: the refusal belongs on record.
func (a *app) userCommand(d command, done string, act userAct) *cobra.Command {
	d.args, d.ids = exactly(1), []string{client.TypeUser}
	d.settings = slices.Concat(acting, []string{"organization", "justification", "support-code"}, d.settings)
	if !strings.HasPrefix(d.use, "secure") {
		d.settings = append(d.settings, "ticket")
	}
	d.required = []string{"organization"}
	d.formats = []string{"table", "json"}
	d.run = func(ctx context.Context, c config, args []string) error {
		remote, err := a.remote(c)
		if err != nil {
			return err
		}
		if err := c.needActor(); err != nil {
			return err
		}
		request := client.BlockUserRequest{Justification: c.text("justification"), SupportCode: c.text("support-code")}
		for _, name := range d.settings {
			switch name {
			case "channels":
				request.Channels = c.list(name)
			case "ticket":
				request.Ticket = c.text(name)
			case "expires-in":
				if request.ExpiresAt, err = c.end(time.Now()); err != nil {
					return err
				}
			}
		}
		if slices.Contains(d.settings, "preview") && c.is("preview") {
			p, err := remote.PreviewBlockUser(ctx, c.text("organization"), args[0], request)
			return a.printPreview(c, p, err)
		}
		answer, err := act(remote, ctx, c.text("organization"), args[0], request)
		if err != nil {
			return a.failed(c, err)
		}
		if c.text("output") == "json" {
			return a.printJSON(answer)
		}
		u := answer.User
		if _, err := fmt.Fprintf(a.out, "%s (%s) of %s is %s, at revision %d, on record as %s\n",
			plain(u.ID), plain(u.Name), plain(u.Organization), done, answer.Revision, plain(answer.DecisionID)); err != nil {
			return fmt.Errorf("print: %w", err)
		}
		return nil
	}
	return a.make(d)
}

// supportCode makes a support code.
func (a *app) supportCode() *cobra.Command {
	cmd := a.make(command{
		use:   "support-code --organization ID --as USER",
		short: "Make a one-time code that proves to support who you are",
		long: `Make a one-time code with which an administrator or the legal representative (--as) proves to
support who they are. The code is printed alone on standard output, once. A new code replaces the
old one.`,
		example:  `  cordon support-code --organization acme --as bob`,
		settings: slices.Concat(acting, []string{"organization"}),
		required: []string{"organization"},
		formats:  []string{"table", "json"},
		run: func(ctx context.Context, c config, _ []string) error {
			remote, err := a.remote(c)
			if err != nil {
				return err
			}
			if err := c.needActor(); err != nil {
				return err
			}
			code, err := remote.CreateSupportCode(ctx, c.text("organization"))
			if err != nil {
				return a.failed(c, err)
			}
			if c.text("output") == "json" {
				return a.printJSON(code)
			}
			fmt.Fprintf(a.err, "the code can be used once, until %s\n", when(code.ExpiresAt))
			if _, err := fmt.Fprintln(a.out, code.Code); err != nil {
				return fmt.Errorf("print: %w", err)
			}
			return nil
		},
	})
	cmd.AddCommand(a.make(command{
		use:   "unlock --organization ID",
		short: "Lift the lock that wrong codes have set",
		long: `Lift the lock that five wrong codes within an hour have set on an organization, and forget the wrong
codes that were tried. It is the host's: it needs a key of the scope directory, and nobody acts in it.`,
		example:  `  cordon support-code unlock --organization acme`,
		settings: slices.Concat(asking, []string{"organization"}),
		required: []string{"organization"},
		formats:  []string{"table", "json"},
		run: func(ctx context.Context, c config, _ []string) error {
			remote, err := a.remote(c)
			if err != nil {
				return err
			}
			revision, err := remote.UnlockSupportCodes(ctx, c.text("organization"))
			if err != nil {
				return a.failed(c, err)
			}
			if c.text("output") == "json" {
				return a.printJSON(map[string]any{"organization": c.text("organization"), "revision": revision.Revision})
			}
			if _, err := fmt.Fprintf(a.out, "support codes of %s are made and taken again\n", plain(c.text("organization"))); err != nil {
				return fmt.Errorf("print: %w", err)
			}
			return nil
		},
	}))
	return cmd
}
