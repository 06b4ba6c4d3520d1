package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"cordon.example/client"
)

// exportFormats are the forms of an export.
var exportFormats = []string{client.FormatNDJSON, client.FormatCSV, client.FormatParquet, client.FormatOPA}

// export copies an export as it comes, or into a file. One that breaks off is an error, not a shorter export.
func (a *app) export(ctx context.Context, c config, remote *client.Client, filter client.RecordFilter) error {
	options := client.ExportOptions{Format: c.text("output"), Cursor: c.text("cursor")}
	if path := c.text("into"); path != "" {
		return a.download(ctx, c, &download{remote: remote, filter: filter, options: options, path: path, copy: a.copying()})
	}
	export, err := remote.Export(ctx, filter, options)
	if err != nil {
		return a.failed(c, err)
	}
	_, err = io.Copy(a.out, export)
	if err = errors.Join(err, export.Close()); err != nil {
		return fmt.Errorf("the export is incomplete: %w", err)
	}
	return nil
}

// copying returns how an export is copied: with how far it is, where somebody is watching.
func (a *app) copying() func(to io.Writer, from io.Reader) error {
	return func(to io.Writer, from io.Reader) error {
		if isTerminal(a.err) {
			bar := a.progress("exporting", -1)
			defer func() { _ = bar.Exit() }() // what it draws is nobody's result
			from = io.TeeReader(from, bar)
		}
		_, err := io.Copy(to, from)
		return err
	}
}

// download brings an export into a file, and says what it came to.
func (a *app) download(ctx context.Context, c config, d *download) error {
	next, err := d.run(ctx)
	if broken, ok := errors.AsType[*brokenOff](err); ok {
		return broken
	}
	if err != nil {
		return a.failed(c, err)
	}
	fmt.Fprintf(a.err, "exported into %s; --cursor with what follows exports what has come since\n", d.path)
	_, err = fmt.Fprintln(a.out, next)
	return err
}
