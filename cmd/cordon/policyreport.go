package main

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"cordon.example/client"
)

// editing is where the files of a policy lie that something is told of, and their texts. The zero value tells places as
// a version has them.
type editing struct {
	dir   string
	files map[string]string
}

// place is that of a row, as whoever edits it can open it.
func (e editing) place(file string, numbers ...int) string {
	if file == "" {
		return ""
	}
	if e.dir != "" {
		file = path.Join(e.dir, file)
	}
	for _, n := range numbers {
		if n > 0 {
			file += ":" + strconv.Itoa(n)
		}
	}
	return plain(file) + ": "
}

// row is the text of a row; false where it is not known.
func (e editing) row(file string, row int) (string, bool) {
	rows := strings.Split(e.files[file], "\n")
	if e.files[file] == "" || row < 1 || row > len(rows) {
		return "", false
	}
	return rows[row-1], true
}

// problems tells problems as compilers do, each with the row that it is about.
func (e editing) problems(problems []client.PolicyProblem) string {
	var b strings.Builder
	for _, p := range problems {
		fmt.Fprintf(&b, "%s%s\n", e.place(p.Path, p.Row, p.Col), plain(p.Message))
		text, known := e.row(p.Path, p.Row)
		if !known {
			continue
		}
		// Tabs are as wide in the row as they are above the caret.
		const tab = "    "
		before := strings.ReplaceAll(text[:min(max(p.Col-1, 0), len(text))], "\t", tab)
		fmt.Fprintf(&b, "    %s\n    %s^\n", plain(strings.ReplaceAll(text, "\t", tab)), strings.Repeat(" ", len([]rune(before))))
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// tellReport tells people what a check found: first what is wrong, each with its place, then a line of figures.
func (a *app) tellReport(r *client.PolicyReport, e editing) {
	for _, problems := range [][]client.PolicyProblem{r.Problems, r.Lint, r.Budget.Runaway} {
		if len(problems) > 0 {
			fmt.Fprintln(a.err, e.problems(problems))
		}
	}
	for _, f := range r.Format {
		fmt.Fprintf(a.err, "%sis not formatted; cordon policy fmt does it\n", e.place(f.Path))
	}
	for _, test := range r.Tests.Items {
		if !test.Passed {
			fmt.Fprintf(a.err, "%stest %s failed\n", e.place(test.Path, test.Row), plain(test.Name))
			for _, line := range e.failing(&test) {
				fmt.Fprintf(a.err, "    %s\n", plain(line))
			}
		}
	}
	for _, u := range joined(r.Coverage.Uncovered) {
		fmt.Fprintf(a.err, "%sno test reaches this, until row %d\n", e.place(u.Path, u.From), u.To)
	}
	held := 0
	for _, i := range r.Invariants {
		if i.Holds {
			held++
			continue
		}
		fmt.Fprintf(a.err, "invariant %s is broken in %d of %d cells: %s\n", plain(i.Name), i.Broken, i.Cells, plain(i.Says))
		if c := i.Counterexample; c != nil {
			fmt.Fprintf(a.err, "    %s  %s\n    %s\n", plain(c.Question), plain(cmp.Or(c.Error, c.Answer)), plain(c.Command))
		}
	}
	if r.Tests.Passed+r.Tests.Failed == 0 {
		return // nobody ran them
	}
	line := fmt.Sprintf("tests: %d passed, %d failed; coverage %.1f %%", r.Tests.Passed, r.Tests.Failed, r.Coverage.Percent)
	if len(r.Invariants) > 0 {
		line += fmt.Sprintf("; invariants: %d of %d hold", held, len(r.Invariants))
	}
	fmt.Fprintln(a.err, line)
}

// failing is what a test printed, and its rows that did not hold: the whole trace is for machines.
func (e editing) failing(test *client.PolicyTest) []string {
	var lines []string
	for line := range strings.Lines(test.Output) {
		lines = append(lines, strings.TrimRight(line, "\n"))
	}
	for line := range strings.Lines(test.Trace) {
		place, rest, _ := strings.Cut(line, " ")
		number, mine := strings.CutPrefix(place, test.Path+":")
		row, err := strconv.Atoi(number)
		if text, known := e.row(test.Path, row); mine && err == nil && known && strings.Contains(rest, "| Fail ") {
			if line := e.place(test.Path, row) + strings.TrimSpace(text); !slices.Contains(lines, line) {
				lines = append(lines, line)
			}
		}
	}
	return lines
}

// joined makes one range of those that follow each other.
func joined(ranges []client.PolicyRange) []client.PolicyRange {
	var out []client.PolicyRange
	for _, r := range ranges {
		if last := len(out) - 1; last >= 0 && out[last].Path == r.Path && out[last].To+1 >= r.From {
			out[last].To = max(out[last].To, r.To)
			continue
		}
		out = append(out, r)
	}
	return out
}
