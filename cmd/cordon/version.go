package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version prints what this program is.
func (a *app) version() *cobra.Command {
	return a.make(command{
		use:     "version",
		example: `  cordon version`,
		short:   "Print the version",
		formats: []string{"table", "json"},
		run: func(_ context.Context, c config, _ []string) error {
			commit := commit()
			if c.text("output") == "json" {
				return a.printJSON(map[string]string{"version": version, "commit": commit, "go": runtime.Version()})
			}
			line := "cordon " + version
			if commit != "" {
				line += " (" + commit + ")"
			}
			if _, err := fmt.Fprintln(a.out, line+" "+runtime.Version()); err != nil {
				return fmt.Errorf("print: %w", err)
			}
			return nil
		},
	})
}

// commit is the commit that the program was built from, if the build knew.
func commit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	var revision, dirty string
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+"
		}
	}
	if revision == "" {
		return ""
	}
	return revision + dirty
}
