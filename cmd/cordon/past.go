package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"cordon.example/client"
)

// checkPast asks what would have been answered at the time of --at.
func (a *app) checkPast(ctx context.Context, c config, remote *client.Client, question client.EvaluationRequest) error {
	at, err := c.moment("at", time.Now())
	if err != nil {
		return err
	}
	d, err := remote.DecideAt(ctx, question, at)
	if err != nil {
		return a.failed(c, err)
	}
	if c.text("output") == "json" {
		err = a.printJSON(d)
	} else {
		_, err = fmt.Fprint(a.out, a.tellPast(c, &d))
	}
	if err != nil {
		return fmt.Errorf("print: %w", err)
	}
	if !d.Decision {
		return &exit{code: exitDenied}
	}
	return nil
}

// tellPast tells what would have been answered, and who had set it so.
func (a *app) tellPast(c config, d *client.PastDecision) string {
	var b strings.Builder
	line := func(format string, args ...any) { b.WriteString(plain(fmt.Sprintf(format, args...)) + "\n") }
	b.WriteString(a.verdict(d.Decision))
	line(" at %s", when(d.Time))
	for _, r := range d.Reasons {
		line("because      %s", reasonText(r.Reason))
		if texts := map[string]client.Texts{client.ExplainUser: r.ReasonUser, client.ExplainAdmin: r.ReasonAdmin}[c.text("explain")]; texts != nil {
			line("             %s", cmp.Or(texts[c.text("language")], texts["en"]))
		}
	}
	if d.Organization != "" {
		line("organization %s, at revision %d", d.Organization, d.Revision)
	}
	for _, f := range d.Facts {
		what := f.Type + ":" + f.ID + " " + f.Fact
		if f.Value != "" {
			what += " " + f.Value
		}
		if f.Block != "" {
			what += " " + f.Block
		}
		line("known        %s, %s", what, setBy(f.SetBy))
	}
	line("policy       %s, %s", d.Policy.Digest, setBy(d.Policy.SetBy))
	return b.String()
}

// setBy tells who set something.
func setBy(s *client.Setter) string {
	if s == nil {
		return "set before the log begins"
	}
	return fmt.Sprintf("set by %s at %s (record %s)", s.By, when(s.Time), s.Record)
}

// showPast shows an organization as it was.
func (a *app) showPast(ctx context.Context, c config, organization string) error {
	at, err := c.moment("at", time.Now())
	if err != nil {
		return err
	}
	remote, err := a.remote(c)
	if err != nil {
		return err
	}
	d, err := remote.DirectoryAt(ctx, organization, at)
	if err != nil {
		return a.failed(c, err)
	}
	if c.text("output") == "json" {
		return a.printJSON(d)
	}
	s := sheet{tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)}
	s.line("organization", d.Organization.ID)
	s.line("name", d.Organization.Name+", "+setBy(d.Organization.SetBy))
	s.line("at", fmt.Sprintf("%s, revision %d", when(d.Time), d.Revision))
	if chosen := d.Organization.Settings; chosen != nil {
		s.line("settings", setBy(chosen.SetBy))
		for _, setting := range organizationSettings() {
			s.some("  "+setting.name, setting.show(&chosen.OrganizationSettings))
		}
	}
	if d.Policy != nil {
		s.line("policy", d.Policy.Digest+", "+setBy(d.Policy.SetBy))
	}
	for _, u := range d.Users {
		s.line("user", u.ID)
		s.some("  name", u.Name)
		s.line("  role", u.Role+", "+setBy(u.SetBy))
		for _, g := range u.Grants {
			s.line("  grant", g.Product+", "+setBy(g.SetBy))
		}
		s.pastBlocks(u.Blocks)
	}
	for _, p := range d.Products {
		s.line("product", p.ID)
		s.line("  name", p.Name)
		s.line("  kind", p.Kind+", "+setBy(p.SetBy))
		s.pastBlocks(p.Blocks)
		if m := p.Maintenance; m != nil {
			s.line("  maintenance", setBy(m.SetBy))
		}
	}
	return s.end()
}

func (s *sheet) pastBlocks(blocks []client.DirectoryBlock) {
	for _, b := range blocks {
		s.line("  block of", b.Origin+", "+setBy(b.SetBy))
		s.some("    reason", b.Reason)
	}
}
