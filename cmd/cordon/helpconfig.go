package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

// helpConfig is the help topic that prints the table of settings.
func helpConfig() *cobra.Command {
	return &cobra.Command{Use: "config", Short: "All settings: flags, variables, defaults", Long: configTable()}
}

// configTable is the table of config.go as text.
func configTable() string {
	var b strings.Builder
	b.WriteString(`Every setting is a flag, an environment variable and a name in the YAML file of --config. What is said
with each call, such as --preview or --reason, is a flag alone.
A flag beats the variable, the variable beats the file, the file beats the default. In the file
journal-sync is written so, as journal_sync, or as sync within journal; an unknown name is an error.
A value out of its bounds is refused before anything is begun.
`)
	for _, g := range settings() {
		fmt.Fprintf(&b, "\n%s\n", g.title)
		w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		for _, s := range g.settings {
			flag := "--" + s.name
			if _, secret := secrets[s.name]; secret {
				flag = "-"
			}
			name := variable(s.name)
			if g.title == eachCall {
				name = "-"
			}
			fmt.Fprintf(w, "  %s\t%s\t%s\t%s\n", flag, name, defaultText(s.value), described(s))
		}
		_ = w.Flush() // into memory: it cannot fail
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// described is what a setting does, with its limits where it has some.
func described(s setting) string {
	if s.bound.ranged {
		return s.usage + " (" + s.bound.says + ")"
	}
	return s.usage
}

// defaultText is a default as one would type it; a dash where there is none.
func defaultText(value any) string {
	switch v := value.(type) {
	case string:
		if v != "" {
			return v
		}
	case time.Duration:
		return v.String()
	case int, bool:
		return fmt.Sprint(v)
	}
	return "-"
}
