package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cordon.example/client"

	"github.com/spf13/cobra"
)

// check asks one question.
func (a *app) check() *cobra.Command {
	return a.make(command{
		use:   "check USER ACTION PRODUCT",
		short: "Ask whether a user may do something",
		long: `Ask whether a user may do something to a product, or with --type to something else, and print
every reason, the decisive first; --explain user or --explain admin adds what the two readers of a
decision are told. The exit code is 0 for allowed and 1 for denied. --as and --agent put on record who asks, and change no
answer.

--at TIME asks what would have been answered then, by the policy that was in force, and prints what was known and who had
set it so. What the records do not tell is an error, and no guess.

Actions on a product: view, manage, change_product, remove, block, unblock; of a mail service also
receive_mail, read_mail, send_mail, start_maintenance, end_maintenance. On an organization: view,
change_organization, change_settings, add_user, add_product, create_support_code,
view_decisions. On a user:
change_profile, change_role, change_grants, remove, secure, block, unblock. On a channel: use.`,
		example: `  cordon check carol manage web-1
  cordon check carol read_mail mail-1 --channel imap
  cordon check bob change_role carol --type user --organization acme --role client
  cordon check bob add_user acme --type organization
  cordon check carol use kdrive_web --type channel --organization acme
  cordon check carol manage web-1 --at 2026-01-27T14:03:00Z`,
		args:     exactly(3),
		ids:      []string{client.TypeUser, argAction, argResource},
		settings: slices.Concat(acting, []string{"type", "organization", "channel", "role", "at-least", "at", "purpose"}),
		formats:  []string{"table", "json"},
		run:      a.runCheck,
	})
}

func (a *app) runCheck(ctx context.Context, c config, args []string) error {
	question := client.EvaluationRequest{
		Subject:  client.Subject{Type: client.TypeUser, ID: args[0]},
		Action:   client.Action{Name: args[1], Properties: properties(c, "channel", "role")},
		Resource: client.Resource{Type: c.text("type"), ID: args[2], Properties: properties(c, "organization")},
	}
	kind := question.Resource.Type
	if (kind == client.TypeUser || kind == client.TypeChannel) && c.text("organization") == "" {
		return wrongUse("a question about a %s needs --organization (or CORDON_ORGANIZATION)", kind)
	}
	past := c.text("at") != ""
	switch {
	case past && len(c.list("at-least")) > 0:
		return wrongUse("--at-least is about now; leave it away with --at")
	case !past && c.text("purpose") != "":
		return wrongUse("--purpose is for who reads the log: give it with --at")
	}
	remote, err := a.asking(c)
	if err != nil {
		return err
	}
	if past {
		return a.checkPast(ctx, c, remote, question)
	}
	d, err := remote.Decide(ctx, question)
	if err != nil && !errors.Is(err, client.ErrUnknownAction) { // which is printed with its reason
		return a.failed(c, err)
	}
	if err := a.printDecision(c, d); err != nil {
		return err
	}
	if !d.Allowed {
		return &exit{code: exitDenied}
	}
	return nil
}

// asking is the server, asked for answers that are no older than --at-least.
func (a *app) asking(c config) (*client.Client, error) {
	remote, err := a.remote(c)
	if err != nil {
		return nil, err
	}
	for _, pair := range c.list("at-least") {
		organization, number, _ := strings.Cut(pair, "=")
		revision, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return nil, wrongUse("--at-least %s: %w", pair, err)
		}
		remote = remote.AtLeast(organization, revision)
	}
	return remote, nil
}

// properties gives those of the settings that are given, by their names.
func properties(c config, names ...string) map[string]any {
	p := map[string]any{}
	for _, name := range names {
		if v := c.text(name); v != "" {
			p[name] = v
		}
	}
	return p
}

func (a *app) printDecision(c config, d client.Decision) error {
	if c.text("output") == "json" {
		reasons := d.Reasons
		if reasons == nil {
			reasons = []client.Reason{}
		}
		return a.printJSON(struct {
			Decision    bool            `json:"decision"`
			Reasons     []client.Reason `json:"reasons"`
			ReasonUser  client.Texts    `json:"reason_user,omitempty"`
			ReasonAdmin client.Texts    `json:"reason_admin,omitempty"`
			DecisionID  string          `json:"decision_id"`
			Policy      string          `json:"policy"`
			Revision    int64           `json:"revision"`
		}{d.Allowed, reasons, d.ReasonUser, d.ReasonAdmin, d.ID, d.Policy, d.Revision})
	}
	line := a.verdict(d.Allowed)
	for i, r := range d.Reasons {
		if i == 0 {
			line += ": " + plain(reasonText(r))
			continue
		}
		line += "\n        " + plain(reasonText(r))
	}
	line += explained(d.Language, d.ReasonUser, d.ReasonAdmin)
	if _, err := fmt.Fprintln(a.out, line); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}
