package main

import (
	"fmt"
	"strings"

	"cordon.example/client"
)

// printPreview prints what an act would do.
func (a *app) printPreview(c config, p client.Preview, err error) error {
	if err != nil {
		return a.failed(c, err)
	}
	if c.text("output") == "json" {
		return a.printJSON(p)
	}
	if len(p.Losses) == 0 {
		fmt.Fprintln(a.out, "nobody would lose anything")
	} else {
		t := a.table("WOULD LOSE", "ON", "ACTIONS")
		for _, l := range p.Losses {
			t.row(l.User, l.Type+":"+strings.Join(l.Resources, ","), strings.Join(l.Actions, ", "))
		}
		if err := t.end(); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(a.out, "\nmail would go to:   %s\ncould undo it:      %s\nnothing was changed; the question is on record as %s\n",
		idList(p.Mailed), idList(p.Unblockers), plain(p.DecisionID))
	if err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

func idList(ids []string) string {
	if len(ids) == 0 {
		return "nobody"
	}
	return plain(strings.Join(ids, ", "))
}
