package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"cordon.example/client"
)

// explainRecord prints a record decided again. One that does not come out as it is on record is said loudly, and exits 1.
func (a *app) explainRecord(ctx context.Context, c config, remote *client.Client, id string) error {
	x, err := remote.ExplainRecord(ctx, id)
	if err != nil {
		return a.failed(c, err)
	}
	if c.text("output") == "json" {
		err = a.printJSON(x)
	} else {
		_, err = fmt.Fprint(a.out, a.tellExplanation(c, id, &x))
	}
	if err != nil {
		return fmt.Errorf("print: %w", err)
	}
	if !x.Reproduced {
		return &exit{code: exitDenied}
	}
	return nil
}

// tellExplanation tells an explanation in sentences.
func (a *app) tellExplanation(c config, id string, x *client.Explanation) string {
	var b strings.Builder
	line := func(format string, args ...any) { b.WriteString(plain(fmt.Sprintf(format, args...)) + "\n") }
	in := func(texts client.Texts) string { return cmp.Or(texts[c.text("language")], texts["en"]) }
	b.WriteString(a.verdict(x.Decision))
	if x.Reproduced {
		line(", and decided again it comes out the same")
	} else {
		line(": NOT REPRODUCED: %s", x.WhyNot)
	}
	for _, r := range x.Reasons {
		line("because      %s", reasonText(r.Reason))
		if text := in(r.ReasonAdmin); text != "" {
			line("  to admins  %s", text)
		}
	}
	for _, r := range x.Rules {
		unsaid := ""
		if !r.Said {
			unsaid = ", which another reason keeps from being said"
		}
		line("rule         %s:%d (%s%s)", r.Path, r.Row, r.Code, unsaid)
	}
	if len(x.Rules) == 0 && len(x.Trace) > 0 {
		line("rule         none: %s", x.Trace[0])
	}
	for i := range x.WhoCanChangeIt {
		tellChanger(line, &x.WhoCanChangeIt[i])
	}
	line("record       %s; -o json has the trace", id)
	return b.String()
}

// tellChanger tells what would change a decision, and who could do it.
func tellChanger(line func(string, ...any), w *client.DecisionChanger) {
	what := w.Action + " " + entity(w.Resource)
	if len(w.ToRoles) > 0 {
		what += " as " + strings.Join(w.ToRoles, " or ")
	}
	effects := map[string]string{client.ChangeAllows: "would allow it", client.ChangeHelps: "would take one of the reasons away", client.ChangeDenies: "would deny it"}
	line("change       %s %s", what, cmp.Or(effects[w.Effect], w.Effect))
	for _, s := range w.Set {
		side := "maintenance"
		if w.Action == "unblock" {
			side = strings.TrimSpace("block " + w.Origin)
		}
		line("  set by     %s since %s (%s %s, record %s)", s.By, when(s.Since), side, s.ID, s.Record)
	}
	who := append([]string{}, w.Roles...)
	if w.Support {
		who = append(who, "support with a code")
	}
	if w.Host {
		who = append(who, "the host")
	}
	line("  who can    %s", or(strings.Join(who, ", "), "nobody"))
	var people []string
	for _, p := range w.People {
		people = append(people, p.ID)
	}
	if w.More > 0 {
		people = append(people, fmt.Sprintf("and %d more", w.More))
	}
	if people != nil {
		line("  today      %s", strings.Join(people, ", "))
	}
}
