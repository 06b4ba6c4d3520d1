package table

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"
)

// Comparison is all that differs between two policies: what is written, and what is answered.
type Comparison struct {
	Files []File      `json:"files"`
	Table *Difference `json:"table"`
	At    time.Time   `json:"-"` // when they were compared
}

// part is the groups of one kind, for a reader.
type part struct {
	Title, Says string
	Class       string // of the page
	Cells       int
	Rows        []row
}

// row is a group, and those of other actions on the same type of resource that say the same beside it.
type row struct {
	Where, How, Resource string
	Actions, IDs         []string
	From, To             []string
	Cells                int
	Example              Example
}

// parts sorts the groups for a reader: what opens first.
func (d *Difference) parts() []part {
	parts := []part{
		{Title: "Opened", Says: "not allowed before, allowed now", Class: "opened", Cells: d.Opened},
		{Title: "Closed", Says: "allowed before, not allowed now", Class: "closed", Cells: d.Closed},
		{Title: "Denied or undecided", Says: "not allowed before and now; where it is undecided, the rules give no usable answer", Class: "undecided",
			Cells: d.Changed - d.Opened - d.Closed - d.Reasons},
		{Title: "Other reasons", Says: "the same answer for other reasons", Class: "reasons", Cells: d.Reasons},
	}
	for i := range d.Groups {
		g := &d.Groups[i]
		p := &parts[g.rank()]
		r := row{
			Where: g.where(), How: g.how(), Resource: g.Resource, Actions: []string{printable(g.Action)}, IDs: []string{g.ID},
			From: g.FromReasons, To: g.ToReasons, Cells: g.Cells, Example: g.Example,
		}
		same := slices.IndexFunc(p.Rows, func(o row) bool { return o.Where == r.Where && o.How == r.How && o.Resource == r.Resource })
		if same < 0 {
			p.Rows = append(p.Rows, r)
			continue
		}
		o := &p.Rows[same]
		o.Actions, o.IDs, o.Cells = append(o.Actions, r.Actions...), append(o.IDs, r.IDs...), o.Cells+r.Cells
		o.From, o.To = union(o.From, r.From), union(o.To, r.To)
	}
	return slices.DeleteFunc(parts, func(p part) bool { return len(p.Rows) == 0 })
}

// Summary says in one sentence what differs.
func (d *Difference) Summary() string {
	if d.Cells == 0 {
		return "What can be asked of this policy is not known, so it is compared as it is written."
	}
	if d.Changed == 0 {
		return fmt.Sprintf("Of %s that can be asked, all are answered alike.", counted(d.Cells))
	}
	return fmt.Sprintf("Of %s that can be asked, %s answered differently: %d opened, %d closed, %d for other reasons.",
		counted(d.Cells), areCounted(d.Changed), d.Opened, d.Closed, d.Reasons)
}

func areCounted(cells int) string {
	if cells == 1 {
		return "1 is"
	}
	return fmt.Sprintf("%d are", cells)
}

// WriteText writes the comparison for somebody at a terminal.
func (c *Comparison) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "from %s\nto   %s\n\n%s\n", c.Table.From, c.Table.To, c.Table.Summary())
	for _, p := range c.Table.parts() {
		fmt.Fprintf(&b, "\n%s, %s: %s\n", p.Title, counted(p.Cells), p.Says)
		for _, r := range p.Rows {
			fmt.Fprintf(&b, "  %s: `%s` %s, %s\n", r.Where, strings.Join(r.Actions, "`, `"), r.How, counted(r.Cells))
			fmt.Fprintf(&b, "      %s\n      group %s\n", r.Example.Question, strings.Join(r.IDs, " "))
		}
	}
	for i, f := range c.Files {
		if i == 0 {
			b.WriteString("\nFiles\n")
		}
		fmt.Fprintf(&b, "%s %s\n", f.Change, f.Path)
	}
	for _, f := range c.Files {
		b.WriteString("\n")
		for row := range strings.Lines(f.Diff) {
			text, end := strings.CutSuffix(row, "\n")
			b.WriteString(printable(text))
			if end {
				b.WriteByte('\n')
			}
		}
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("write comparison: %w", err)
	}
	return nil
}

//go:embed page.html
var pages embed.FS

// WriteHTML writes the comparison as one page that can be kept: it needs no network and no script.
func (c *Comparison) WriteHTML(w io.Writer) error {
	page, err := template.New("page.html").Funcs(template.FuncMap{
		"lines": markedLines, "counted": counted, "join": strings.Join, "short": short,
	}).ParseFS(pages, "page.html")
	if err != nil {
		return fmt.Errorf("read page: %w", err)
	}
	err = page.Execute(w, map[string]any{
		"At": c.At.UTC().Format(time.RFC3339), "Table": c.Table, "Parts": c.Table.parts(), "Files": c.Files,
	})
	if err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}

// line is one of a unified diff, and what it is.
type line struct{ Class, Text string }

func markedLines(diff string) []line {
	var lines []line
	for text := range strings.Lines(diff) {
		class := ""
		switch {
		case strings.HasPrefix(text, "+++"), strings.HasPrefix(text, "---"), strings.HasPrefix(text, "@@"):
			class = "at"
		case strings.HasPrefix(text, "+"):
			class = "plus"
		case strings.HasPrefix(text, "-"):
			class = "minus"
		}
		lines = append(lines, line{class, strings.TrimRight(text, "\n")})
	}
	return lines
}

// short shortens a digest for a title.
func short(digest string) string {
	_, hash, _ := strings.Cut(digest, ":")
	return hash[:min(len(hash), 12)]
}
