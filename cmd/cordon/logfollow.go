package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"cordon.example/client"
)

// recordHead and recordRow are a record's cells in a table.
var recordHead = []string{"TIME", "ANSWER", "SUBJECT", "ACTION", "RESOURCE", "REASONS", "SAID", "BY", "ID"}

func recordRow(r client.Record) []string {
	return []string{
		when(r.Time), answerOf(r), entity(r.Question.Subject), actionOf(r.Question.Action),
		resourceCell(r.Question.Resource), codes(r.Reasons), shortened(detailsOf(r).said()), by(r), r.ID,
	}
}

// followWidths are those of the cells of rows that come one by one, so that nobody knows the widest.
var followWidths = []int{20, 8, 16, 16, 24, 24, 12, 16}

// followRecords prints records as they come. An interrupt is how it ends.
func (a *app) followRecords(ctx context.Context, c config, remote *client.Client, filter client.RecordFilter) error {
	print := func(r client.Record) error { return a.printLine(recordRow(r)) }
	if c.text("output") == "json" {
		e := json.NewEncoder(a.out)
		e.SetEscapeHTML(false)
		print = func(r client.Record) error { return e.Encode(r) }
	} else if err := a.printLine(recordHead); err != nil {
		return err
	}
	left := 0
	if c.typed("limit") {
		left = c.number("limit")
	}
	for followed, err := range remote.FollowRecords(ctx, filter, "") {
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return a.failed(c, err)
		}
		if err := print(followed.Record); err != nil {
			return fmt.Errorf("print: %w", err)
		}
		if left--; left == 0 {
			return nil
		}
	}
	return nil
}

// printLine prints a row at once.
func (a *app) printLine(cells []string) error {
	var line strings.Builder
	for i, cell := range cells {
		if cell = plain(cell); cell == "" {
			cell = "-"
		}
		line.WriteString(cell)
		if i < len(followWidths) {
			line.WriteString(strings.Repeat(" ", max(followWidths[i]-utf8.RuneCountInString(cell), 0)+2))
		}
	}
	_, err := fmt.Fprintln(a.out, line.String())
	return err
}
