package policies

import (
	"fmt"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/format"
	"github.com/sergi/go-diff/diffmatchpatch"
)

// Format gives a policy with every module as `opa fmt` has it, and data as it is.
func Format(src Source) (Source, error) {
	out, all := src.clone(), &ProblemsError{}
	if wrong := src.bounds(); wrong != nil {
		return Source{}, wrong
	}
	for _, path := range src.Paths() {
		if !isModule(path) {
			continue
		}
		if wrong := nested(path, src.Files[path]); wrong != nil {
			all.Problems = append(all.Problems, *wrong)
			continue
		}
		text, err := format.SourceWithOpts(path, []byte(src.Files[path]), format.Opts{RegoVersion: ast.RegoV1})
		switch wrong := problems(err).(type) { //nolint:errorlint // what problems gives is not wrapped
		case nil:
			out.Files[path] = string(text)
		case *ProblemsError:
			all.Problems = append(all.Problems, wrong.Problems...)
		default:
			all.Problems = append(all.Problems, Problem{File: path, Code: "format_error", Message: err.Error()})
		}
	}
	if len(all.Problems) > 0 {
		return Source{}, all
	}
	return out, nil
}

// unformatted are the files of a policy that compiles which are not formatted.
func unformatted(src Source) []Unformatted {
	out := []Unformatted{}
	formatted, err := Format(src)
	if err != nil {
		return append(out, Unformatted{Diff: err.Error()})
	}
	for _, path := range src.Paths() {
		if was, is := src.Files[path], formatted.Files[path]; was != is {
			out = append(out, Unformatted{Path: path, Diff: unified(path, was, is)})
		}
	}
	return out
}

// aroundDiff is how many rows are shown around what changed.
const aroundDiff = 3

// unified shows what changed in a text, row by row: those that went begin with -, those that came with +, and some around them
// with a blank.
func unified(path, was, is string) string {
	dmp := diffmatchpatch.New()
	dmp.DiffTimeout = 0 // by rows it is quick, and the same for the same texts
	a, b, rows := dmp.DiffLinesToRunes(was, is)
	var all []string
	var changed []bool
	for _, part := range dmp.DiffCharsToLines(dmp.DiffMainRunes(a, b, false), rows) {
		mark := map[diffmatchpatch.Operation]string{diffmatchpatch.DiffDelete: "-", diffmatchpatch.DiffInsert: "+", diffmatchpatch.DiffEqual: " "}[part.Type]
		for row := range strings.Lines(part.Text) {
			all, changed = append(all, mark+strings.TrimSuffix(row, "\n")), append(changed, part.Type != diffmatchpatch.DiffEqual)
		}
	}
	var out strings.Builder
	fmt.Fprintf(&out, "--- %s\n+++ %s\n", path, path)
	was1, is1, shown := 1, 1, -1
	for i, row := range all {
		near := false
		for j := max(0, i-aroundDiff); j <= min(len(all)-1, i+aroundDiff) && !near; j++ {
			near = changed[j]
		}
		if near {
			if shown != i-1 {
				fmt.Fprintf(&out, "@@ -%d +%d @@\n", was1, is1)
			}
			shown = i
			out.WriteString(row + "\n")
		}
		if row[0] != '+' {
			was1++
		}
		if row[0] != '-' {
			is1++
		}
	}
	return out.String()
}
