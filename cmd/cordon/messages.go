package main

import (
	"context"
	"fmt"
	"iter"
	"strconv"

	"cordon.example/client"

	"github.com/spf13/cobra"
)

// messages lists what was sent, or is to be sent, to whom.
func (a *app) messages() *cobra.Command {
	cmd := a.make(command{
		use:   "messages",
		short: "List mails and webhook calls: who was told of what, and when",
		long: `List the messages of events, the newest events first: the event itself, a mail to each person and a
call of each webhook. With --decision only those of one record: who was told of that decision. People stand
there by their ids, never by an address. The key needs the scope audit.`,
		example: `  cordon messages --decision 01a20e9f-4c2a-7869-8c1b-be6525ddcd46
  cordon messages --organization acme --state dead`,
		settings: append(asking[:len(asking):len(asking)], "organization", "decision", "state", "limit"),
		formats:  []string{"table", "json"},
		run: func(ctx context.Context, c config, _ []string) error {
			filter := client.MessageFilter{Organization: c.text("organization"), State: c.text("state"), Decision: c.text("decision")}
			if filter.Decision != "" && !isRecordID(filter.Decision) {
				return wrongUse("--decision is the id of a record here, as cordon log shows it, not %q", filter.Decision)
			}
			remote, err := a.remote(c)
			if err != nil {
				return err
			}
			return a.printMessages(c, remote.Messages(ctx, filter))
		},
	})
	cmd.AddCommand(a.retry())
	return cmd
}

func (a *app) printMessages(c config, messages iter.Seq2[client.Message, error]) error {
	limit := c.number("limit")
	if c.text("output") == "json" {
		list, err := collect(messages, limit)
		if err != nil {
			return a.failed(c, err)
		}
		return a.printJSON(list)
	}
	t := a.table("TIME", "STATE", "KIND", "TO", "EVENT", "TRIES", "RESULT", "ID")
	for m, err := range messages {
		if err != nil {
			return firstOf(a.failed(c, err), t.end())
		}
		at, result := m.CreatedAt, ""
		if n := len(m.Log); n > 0 {
			at, result = m.Log[n-1].At, m.Log[n-1].Result
		}
		t.row(when(at), m.State, m.Kind, m.Recipient, m.Event, strconv.Itoa(m.Attempts), result, m.ID)
		if t.rows == limit {
			break
		}
	}
	if err := t.end(); err != nil {
		return err
	}
	if limit > 0 && t.rows == limit {
		fmt.Fprintf(a.err, "these are the newest %d; --limit shows more\n", limit)
	}
	return nil
}
