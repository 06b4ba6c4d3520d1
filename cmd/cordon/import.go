package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"cordon.example/client"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
)

// importing loads NDJSON into a server.
func (a *app) importing() *cobra.Command {
	return a.make(command{
		use:   "import FILE",
		short: "Load organizations, users, products and grants from NDJSON",
		long: `Load NDJSON, one object a line (- reads standard input):

  {"organization":{"id":"acme","name":"Acme","legal_representative":{"id":"ann","name":"Ann","email":"ann@acme.example"}}}
  {"product":{"organization":"acme","id":"web-1","name":"Shop","kind":"web_hosting"}}
  {"user":{"organization":"acme","id":"bob","name":"Bob","email":"bob@acme.example","role":"client","grants":["web-1"]}}

Lines are carried out in their order: a product comes before the users that are granted it. A line
is taken in as a whole or not at all; refused lines are printed and make the exit code 1, and loading
the same file again is safe. The 1,000th refusal stops it: what came before stays. The key needs the
scope directory.`,
		example: `  cordon import organizations.ndjson
  cordon demo --organizations 100 --seed 1 | cordon import -`,
		args:     exactly(1),
		ids:      []string{argFile},
		settings: asking,
		formats:  []string{"table", "json"},
		run:      a.runImport,
	})
}

func (a *app) runImport(ctx context.Context, c config, args []string) error {
	remote, err := a.remote(c)
	if err != nil {
		return err
	}
	lines, size, err := a.openLines(args[0])
	if err != nil {
		return err
	}
	defer lines.Close()
	var source io.Reader = lines
	if isTerminal(a.err) {
		bar := a.progress("loading", size)
		defer func() { _ = bar.Exit() }() // what it draws is nobody's result
		source = io.TeeReader(lines, bar)
	}
	report, err := remote.Import(ctx, source)
	if err != nil {
		return a.failed(c, err)
	}
	if err := a.printReport(c, report); err != nil {
		return err
	}
	switch n := len(report.Refused); {
	case report.StoppedAtLine > 0:
		return &exit{exitDenied, fmt.Errorf("%d lines were refused, and nothing after line %d was loaded; what came before it stays", n, report.StoppedAtLine)}
	case n > 0:
		return &exit{exitDenied, fmt.Errorf("%d lines were refused", n)}
	}
	return nil
}

// openLines opens what is to be loaded; its size is -1 where nobody knows it.
func (a *app) openLines(path string) (io.ReadCloser, int64, error) {
	if path == "-" {
		return io.NopCloser(a.in), -1, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, 0, wrongUse("%w", err)
	}
	info, err := file.Stat()
	switch {
	case err != nil:
	case info.IsDir():
		err = fmt.Errorf("%s is a folder; name a file, or - for standard input", path)
	case !info.Mode().IsRegular():
		return file, -1, nil
	default:
		return file, info.Size(), nil
	}
	return nil, 0, errors.Join(wrongUse("%w", err), file.Close())
}

// progress shows on standard error how far an import or an export is.
func (a *app) progress(doing string, size int64) *progressbar.ProgressBar {
	return progressbar.NewOptions64(size,
		progressbar.OptionSetWriter(a.err),
		progressbar.OptionSetDescription(doing),
		progressbar.OptionShowBytes(true),
		progressbar.OptionEnableColorCodes(a.coloured(a.err)),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
	)
}

func (a *app) printReport(c config, report client.ImportReport) error {
	if report.Refused == nil {
		report.Refused = []client.Refusal{}
	}
	if c.text("output") == "json" {
		return a.printJSON(report)
	}
	slices.SortStableFunc(report.Refused, func(x, y client.Refusal) int { return x.Line - y.Line })
	for _, r := range report.Refused {
		if _, err := fmt.Fprintf(a.out, "line %d: %s (%s)\n", r.Line, plain(r.Detail), plain(r.Code)); err != nil {
			return fmt.Errorf("print: %w", err)
		}
	}
	if _, err := fmt.Fprintf(a.out, "organizations %d, users %d, products %d, grants %d, refused %d\n",
		report.Organizations, report.Users, report.Products, report.Grants, len(report.Refused)); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}
