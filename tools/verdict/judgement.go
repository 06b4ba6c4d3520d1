package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// event is a line of `go test -json`.
type event struct {
	Action      string
	Package     string
	ImportPath  string // of a build
	Test        string
	Elapsed     float64
	Output      string
	FailedBuild string
}

// judgement is what a run of tests came to.
type judgement struct {
	passed, failed, skipped int
	names                   []string // package.Test of those that passed
	broken                  []string // packages that failed without a test that did
	unaccepted              []string // tests skipped for a reason that is not accepted
}

// judge reads events to their end, and prints a line for each package and the output of what failed.
func judge(in io.Reader, out io.Writer, noSkip *regexp.Regexp) (*judgement, error) {
	judged := &judgement{}
	output := map[string]*strings.Builder{} // by package and test, and by the path of a build
	failedTests := map[string]int{}         // by package
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			fmt.Fprintln(out, lines.Text()) // not of go test: what the command around it says
			continue
		}
		key := e.Package + e.ImportPath + "." + e.Test
		switch e.Action {
		case "output", "build-output":
			if output[key] == nil {
				output[key] = &strings.Builder{}
			}
			output[key].WriteString(e.Output)
			continue
		case "pass", "fail", "skip":
		default:
			continue
		}
		printed := ""
		if output[key] != nil {
			printed = output[key].String()
			delete(output, key)
		}
		if e.Test == "" {
			judged.closePackage(out, e, printed, failedTests[e.Package], output)
			continue
		}
		switch e.Action {
		case "pass":
			judged.passed++
			judged.names = append(judged.names, key)
		case "fail":
			judged.failed++
			failedTests[e.Package]++
			fmt.Fprintf(out, "FAILED %s\n%s", key, ends(printed))
		case "skip":
			judged.skipped++
			fmt.Fprintf(out, "skipped %s\n%s", key, reason(printed))
			if noSkip != nil && noSkip.MatchString(printed) {
				judged.unaccepted = append(judged.unaccepted, key)
			}
		}
	}
	return judged, lines.Err()
}

// closePackage notes how a package ended.
func (j *judgement) closePackage(out io.Writer, e event, printed string, failedTests int, output map[string]*strings.Builder) {
	switch e.Action {
	case "pass":
		fmt.Fprintf(out, "ok %s %.1fs\n", e.Package, e.Elapsed)
	case "fail":
		fmt.Fprintf(out, "FAILED %s %.1fs\n", e.Package, e.Elapsed)
		if failedTests > 0 {
			return
		}
		// It did not build, panicked, or ran into its time limit: what was printed by whatever was running tells.
		j.broken = append(j.broken, e.Package)
		fmt.Fprint(out, ends(printed))
		for key, rest := range output {
			if strings.HasPrefix(key, e.Package+".") || e.FailedBuild != "" && key == e.FailedBuild+"." {
				fmt.Fprint(out, ends(rest.String()))
			}
		}
	}
}

// ends gives the beginning and the end of what a test printed, where the whole would bury what others print.
func ends(printed string) string {
	const most = 80 // lines of each
	lines := strings.SplitAfter(printed, "\n")
	if len(lines) <= 2*most+1 {
		return printed
	}
	left := fmt.Sprintf("    ... %d lines ...\n", len(lines)-2*most-1)
	return strings.Join(slices.Concat(lines[:most], []string{left}, lines[len(lines)-most-1:]), "")
}

// reason gives the lines in which a test says why it was skipped.
func reason(printed string) string {
	var kept strings.Builder
	for line := range strings.Lines(printed) {
		if !strings.HasPrefix(line, "===") && !strings.HasPrefix(strings.TrimSpace(line), "---") {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// problems tells why the run proves less than it should.
func (j *judgement) problems(wanted []*regexp.Regexp) []string {
	var problems []string
	if j.failed > 0 {
		problems = append(problems, fmt.Sprintf("%d tests failed", j.failed))
	}
	for _, name := range j.broken {
		problems = append(problems, "could not finish the tests of "+name)
		j.failed++
	}
	for _, name := range j.unaccepted {
		problems = append(problems, "skipped, and must not be: "+name)
		j.failed++
	}
	for _, expression := range wanted {
		if !slices.ContainsFunc(j.names, expression.MatchString) {
			problems = append(problems, "no test passed that matches "+expression.String())
			j.failed++
		}
	}
	if j.passed == 0 {
		problems = append(problems, "no test passed at all")
	}
	return problems
}
