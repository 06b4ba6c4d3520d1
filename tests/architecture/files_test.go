package architecture_test

import (
	"go/ast"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestFilesAreShort(t *testing.T) {
	const (
		most   = 500
		median = 130 // a hundred is what we mean
	)
	for name, text := range texts(t) {
		switch path.Ext(name) {
		case ".go", ".rego", ".txtar", "":
		default:
			continue
		}
		if lines := strings.Count(text, "\n"); lines > most && name != "LICENSE" {
			t.Errorf("%s has %d lines, more than %d: it holds more than one noun", name, lines, most)
		}
	}
	var lengths []int
	for _, f := range code(t) {
		if !strings.HasSuffix(f.path, "_test.go") {
			lengths = append(lengths, f.lines)
		}
	}
	slices.Sort(lengths)
	if got := lengths[len(lengths)/2]; got > median {
		t.Errorf("half of the %d files have more than %d lines, want about a hundred", len(lengths), got)
	}
}

// What only tests need is not linked into the program.
func TestTheProgramDoesNotImportTesting(t *testing.T) {
	for _, f := range code(t) {
		if f.test {
			continue
		}
		for _, imported := range f.imports {
			if within(imported, "testing") || imported == "net/http/httptest" || slices.Contains(forTests, strings.TrimPrefix(imported, "cordon/")) {
				t.Errorf("%s imports %s: what only tests need stays out of the program", f.path, imported)
			}
		}
	}
}

// A link within the checkout leads to a file of it.
func TestLinksLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#\s]+)[^)]*\)`)
	links := 0
	for name, text := range texts(t) {
		if path.Ext(name) != ".md" {
			continue
		}
		for _, found := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(found[1], "://") {
				continue
			}
			links++
			if _, err := os.Stat(filepath.Join(root, path.Dir(name), found[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", name, found[1])
			}
		}
	}
	if links < 10 {
		t.Errorf("only %d links were found: this test looks in the wrong place", links)
	}
}

func TestNothingIsLeftToDo(t *testing.T) {
	marker := regexp.MustCompile(`\b(` + "TO" + "DO|FIX" + "ME|X" + "XX|HA" + `CK)\b`)
	for name, text := range texts(t) {
		for number, line := range strings.Split(text, "\n") {
			if found := marker.FindString(line); found != "" {
				t.Errorf("%s:%d: %s; do it, or open an issue and remove the remark", name, number+1, found)
			}
		}
	}
}

func TestNoFileKnowsTheMachineItWasWrittenOn(t *testing.T) {
	folder := regexp.MustCompile(`(^|[^\w./}-])/(` + strings.Join([]string{"work", "root", `home/\w+`, `Users/\w+`, "mnt"}, "|") + `)(/|\b)`)
	for name, text := range texts(t) {
		for number, line := range strings.Split(text, "\n") {
			if found := folder.FindString(line); found != "" {
				t.Errorf("%s:%d: %q is a folder of one machine", name, number+1, strings.TrimSpace(found))
			}
		}
	}
}

func TestNothingRunsBeforeMain(t *testing.T) {
	for _, f := range code(t) {
		for _, declaration := range f.syntax.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if ok && function.Recv == nil && function.Name.Name == "init" {
				t.Errorf("%s has an init: pass it in, or make it when it is asked for", f.path)
			}
		}
	}
}

func TestTestsWaitForEventsAndSkipWithAReason(t *testing.T) {
	files, set := parsed(t)
	for _, f := range files {
		if !f.test {
			continue
		}
		ast.Inspect(f.syntax, func(node ast.Node) bool {
			switch on, name, arguments := called(node); {
			case on == "synctest" && name == "Test":
				return false // in a bubble to sleep costs nothing, and means what it says
			case on == "time" && name == "Sleep":
				t.Errorf("%s sleeps: wait for the event, or put time itself into a synctest bubble", set.Position(node.Pos()))
			case name == "SkipNow", name == "Skip" && arguments == 0:
				t.Errorf("%s skips without a reason", set.Position(node.Pos()))
			}
			return true
		})
	}
	for name, text := range texts(t) {
		if path.Ext(name) == ".txtar" && regexp.MustCompile(`(?m)^\s*!?\s*exec sleep\b`).MatchString(text) {
			t.Errorf("%s sleeps: wait for the event", name)
		}
	}
}

// called gives what a call calls, as `on.name(arguments)`; nothing where the node is no such call.
func called(node ast.Node) (on, name string, arguments int) {
	call, ok := node.(*ast.CallExpr)
	if !ok {
		return "", "", 0
	}
	selector, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return "", "", 0
	}
	if x, ok := selector.X.(*ast.Ident); ok {
		on = x.Name
	}
	return on, selector.Sel.Name, len(call.Args)
}

func TestNoTestHidesBehindATag(t *testing.T) {
	tag := regexp.MustCompile(`(?m)^//go:build (.*)$`)
	systems := []string{"aix", "darwin", "freebsd", "linux", "netbsd", "openbsd", "unix", "windows", "race"}
	for name, text := range texts(t) {
		if path.Ext(name) != ".go" {
			continue
		}
		for _, found := range tag.FindAllStringSubmatch(text, -1) {
			for _, word := range regexp.MustCompile(`\w+`).FindAllString(found[1], -1) {
				if !slices.Contains(systems, word) {
					t.Errorf("%s is built only with %q: go test ./... must prove everything", name, found[1])
				}
			}
		}
	}
}
