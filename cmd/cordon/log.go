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

// log reads the decision log.
func (a *app) log() *cobra.Command {
	filters := []string{"decision", "from", "to", "sequence", "revision"}
	for _, row := range filterFlags(new(client.RecordFilter)) {
		filters = append(filters, row.flag)
	}
	return a.make(command{
		use:   "log [ID] | log --explain ID",
		short: "Read the decision log",
		long: `Read the decision log, newest first or --oldest first, or with ID one record in sentences; -o json has all that is known of it.
Filters are joined by and. The key needs the scope audit.

--explain ID decides that record again, from its own input and by its own policy: it says which rules held, who can
change the decision, and whether it is what is on record. It exits 1 where it is not, or cannot be decided again.
-o json adds the trace of the evaluation, for who writes rules.

--follow prints records as they come, from now on or from --from, until it is interrupted or --limit of them have
come; it comes again by itself where the server restarts, and misses nothing. -o json prints one to a line.

--by counts instead: how many records allowed and how many denied, by reason, action, organization or hour.

-o ndjson, csv, parquet and opa (the shape of OPA's decision log) export all that the filters select, oldest first.
--into FILE brings it into a file: it goes on by itself where it breaks off, the same command goes on with what an
interrupted one has left, and at the end it prints the cursor with which --cursor exports what has come since. NDJSON
ends with its manifest, and beside a file in another form there is FILE.manifest, for "cordon audit verify".`,
		example: `  cordon log --organization acme --decision denied --from 24h
  cordon log --subject carol --resource web-1 -o json
  cordon log --follow --decision denied
  cordon log --from 7d --organization acme --by reason
  cordon log --explain 01a20e9f-4c2a-7869-8c1b-be6525ddcd46
  cordon log --organization acme --from 2026-01-01 --to 2026-02-01 -o csv > january.csv
  cordon log -o ndjson --into log.ndjson`,
		args:     cobra.MaximumNArgs(1),
		settings: slices.Concat(asking, []string{"as", "agent", "limit", "purpose", "explain", "by", "follow", "oldest", "into", "cursor"}, filters),
		formats:  slices.Concat([]string{"table", "json"}, exportFormats),
		run: func(ctx context.Context, c config, args []string) error {
			filter, err := c.filter(time.Now())
			if err != nil {
				return err
			}
			remote, err := a.remote(c)
			if err != nil {
				return err
			}
			format := c.text("output")
			exports := slices.Contains(exportFormats, format)
			switch {
			case !exports && (c.text("into") != "" || c.text("cursor") != ""):
				return wrongUse("--into and --cursor are for exports: -o %s", strings.Join(exportFormats, ", "))
			case c.typed("explain"): // not by a variable: that is for whoever asks
				if !isRecordID(c.text("explain")) || len(args) > 0 || exports || c.is("follow") || c.is("oldest") || c.text("by") != "" {
					return wrongUse("--explain of log takes the id of one record, and nothing beside it: cordon log --explain ID")
				}
				return a.explainRecord(ctx, c, remote, c.text("explain"))
			case c.is("follow"):
				if len(args) > 0 || c.text("by") != "" || c.is("oldest") || format != "table" && format != "json" {
					return wrongUse("--follow prints what comes: without an ID, --by or --oldest, as table or json")
				}
				return a.followRecords(ctx, c, remote, filter)
			case c.text("by") != "":
				if len(args) > 0 || c.typed("limit") || c.is("oldest") || format != "table" && format != "json" {
					return wrongUse("--by counts what the filters select: without an ID, --limit or --oldest, as table or json")
				}
				return a.printCounts(ctx, c, remote, filter)
			case len(args) == 1 && (exports || c.is("oldest")):
				return wrongUse("cordon log ID shows one record, as table or json; exports and --oldest are for filters")
			case len(args) == 1:
				return a.printRecord(ctx, c, remote, args[0])
			case exports:
				if c.typed("limit") {
					return wrongUse("-o %s exports all that the filters select; --limit is for table and json", format)
				}
				return a.export(ctx, c, remote, filter)
			}
			return a.printRecords(ctx, c, remote, filter)
		},
	})
}

// filterFlag is a flag whose text goes into a member of the filter as it is.
type filterFlag struct {
	flag string
	into *string
}

// filterFlags is the table of them.
func filterFlags(f *client.RecordFilter) []filterFlag {
	return []filterFlag{
		{"organization", &f.Organization},
		{"subject", &f.Subject},
		{"action", &f.Action},
		{"resource", &f.Resource},
		{"why", &f.Reason},
		{"origin", &f.Origin},
		{"text", &f.Text},
		{"kind", &f.Kind},
		{"caller", &f.Caller},
		{"actor", &f.Actor},
		{"by-agent", &f.Agent},
		{"policy", &f.Policy},
		{"request-id", &f.RequestID},
		{"trace-id", &f.TraceID},
		{"batch", &f.Batch},
		{"by-replica", &f.Replica},
	}
}

// filter is what the settings select.
func (c config) filter(now time.Time) (f client.RecordFilter, err error) {
	for _, row := range filterFlags(&f) {
		*row.into = c.text(row.flag)
	}
	if v := c.text("decision"); isRecordID(v) {
		return f, wrongUse("--decision is allowed or denied; cordon log %s reads that record, cordon messages --decision %s who was told", v, v)
	} else if v != "" {
		yes := v == "allowed" || v == "true"
		f.Decision = &yes
	}
	f.Sequence, f.Revision = int64(c.number("sequence")), int64(c.number("revision"))
	if f.From, err = c.moment("from", now); err != nil {
		return f, err
	}
	f.To, err = c.moment("to", now)
	return f, err
}

func (a *app) printRecords(ctx context.Context, c config, remote *client.Client, filter client.RecordFilter) error {
	limit := c.number("limit")
	found, end := remote.Records(ctx, filter, limit), "newest"
	if c.is("oldest") {
		found, end = remote.OldestRecords(ctx, filter, limit), "oldest"
	}
	if c.text("output") == "json" {
		records, err := collect(found, limit)
		if err != nil {
			return a.failed(c, err)
		}
		return a.printJSON(records)
	}
	t := a.table(recordHead...)
	for r, err := range found {
		if err != nil {
			return firstOf(a.failed(c, err), t.end())
		}
		t.row(recordRow(r)...)
		if t.rows == limit {
			break
		}
	}
	if err := t.end(); err != nil {
		return err
	}
	switch t.rows {
	case 0:
		a.nothingFound(ctx, remote, &filter)
	case limit:
		fmt.Fprintf(a.err, "these are the %s %d; --limit shows more\n", end, limit)
	}
	return nil
}

// printRecord prints one record whole: in sentences for people, as JSON for machines.
func (a *app) printRecord(ctx context.Context, c config, remote *client.Client, id string) error {
	r, err := remote.Record(ctx, id)
	if err != nil {
		return a.failed(c, err)
	}
	if c.text("output") == "json" {
		return a.printJSON(r)
	}
	return a.tellRecord(r)
}

// answerOf is what a record says in a word.
func answerOf(r client.Record) string {
	d := detailsOf(r)
	switch {
	case d.Conflict != "":
		return "conflict: " + d.Conflict
	case d.Preview && r.Decision:
		return "previewed"
	case d.Search != "" && d.More:
		return fmt.Sprintf("found %d, and more", d.Count)
	case d.Search != "":
		return fmt.Sprintf("found %d", d.Count)
	case r.Kind == client.RecordRead:
		return "read"
	case r.Kind == client.RecordGap:
		return "lost"
	case !r.Decision:
		return "denied"
	case r.Kind == client.RecordChange:
		return "done"
	}
	return "allowed"
}

func entity(e client.RecordEntity) string {
	if e.ID == "" {
		return e.Type
	}
	return e.Type + ":" + e.ID
}

func actionOf(a client.RecordAction) string {
	return strings.TrimRight(a.Name+" "+strings.TrimSpace(a.Channel+" "+a.Role), " ")
}

func codes(reasons []client.Reason) string {
	names := make([]string, len(reasons))
	for i, r := range reasons {
		names[i] = r.Code
	}
	return strings.Join(names, ",")
}

// by is who acted: a user, an agent, or the caller itself.
func by(r client.Record) string {
	switch {
	case r.Actor != "":
		return "user:" + r.Actor
	case r.Agent != "":
		return "agent:" + r.Agent
	}
	return "key:" + r.Caller
}
