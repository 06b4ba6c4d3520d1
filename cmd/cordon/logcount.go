package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"cordon.example/client"
)

// printCounts prints how many records allowed and how many denied.
func (a *app) printCounts(ctx context.Context, c config, remote *client.Client, filter client.RecordFilter) error {
	by := c.text("by")
	counts, err := remote.CountRecords(ctx, filter, by)
	if err != nil {
		return a.failed(c, err)
	}
	if c.text("output") == "json" {
		return a.printJSON(counts)
	}
	t := a.table(strings.ToUpper(by), "ALLOWED", "DENIED")
	for _, count := range counts.Items {
		t.row(count.Key, strconv.FormatInt(count.Allowed, 10), strconv.FormatInt(count.Denied, 10))
	}
	if err := t.end(); err != nil {
		return err
	}
	switch {
	case counts.Complete && len(counts.Items) == 0:
		a.nothingFound(ctx, remote, &filter)
	case counts.Complete:
	case counts.Since.IsZero():
		fmt.Fprintln(a.err, "there is too much to count; narrow it, such as with --from")
	default:
		since := counts.Since.UTC().Format(time.RFC3339Nano)
		fmt.Fprintf(a.err, "not all is counted: only since %s; --to %s counts what was before, --from and other filters less\n", since, since)
	}
	return nil
}
