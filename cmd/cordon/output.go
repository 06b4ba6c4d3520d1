package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"golang.org/x/term"
)

// isTerminal tells whether somebody looks at what is written to w.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// coloured tells whether colour helps on w (no-color.org).
func (s streams) coloured(w io.Writer) bool {
	if v, _ := s.env("NO_COLOR"); v != "" {
		return false
	}
	if v, _ := s.env("TERM"); v == "dumb" {
		return false
	}
	return isTerminal(w)
}

// verdict is a word for a decision, green or red on a terminal.
func (a *app) verdict(allowed bool) string {
	word, colour := "denied", "31"
	if allowed {
		word, colour = "allowed", "32"
	}
	if a.coloured(a.out) {
		return "\x1b[1;" + colour + "m" + word + "\x1b[0m"
	}
	return word
}

// printJSON prints a result for machines, one object on lines of its own.
func (a *app) printJSON(v any) error {
	e := json.NewEncoder(a.out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// table prints rows under a head.
type table struct {
	w    *tabwriter.Writer
	rows int
}

func (a *app) table(head ...string) *table {
	t := &table{w: tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)}
	fmt.Fprintln(t.w, strings.Join(head, "\t"))
	return t
}

func (t *table) row(cells ...string) {
	for i, c := range cells {
		if cells[i] = plain(c); cells[i] == "" {
			cells[i] = "-"
		}
	}
	t.rows++
	fmt.Fprintln(t.w, strings.Join(cells, "\t"))
}

func (t *table) end() error {
	if err := t.w.Flush(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

// plain takes away what could move the cursor or colour the screen: names and reasons come from
// other people.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return ' '
		}
		return r
	}, s)
}

// when prints a time for people; nothing where there is none.
func when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
