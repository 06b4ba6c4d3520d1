// Package readme_test runs what the README and the guide of policies tell a stranger to run, and compares what comes back
// with what they say comes back.
//
// The convention, by the language of a fenced block:
//
//   - sh: run, from the first to the last, in one bash session that starts in a fresh folder in which the entries of
//     the checkout are seen and `cordon` is on the PATH. A command that ends with another status than 0 says so in a
//     comment at the end of its line: `# exit 1`. A block whose last command is `cordon serve` (or `go run ./cmd/cordon
//     serve`) starts a server for the blocks after it, in place of the one before it.
//   - text, json: what the sh block above printed. Every line of text stands in the output, in that order; json is
//     compared as JSON. `...` or `…` in it stands for anything; as a member `"...": "..."`, for further members.
//   - console: both at once, `$ ` before what is typed.
//   - any of them with `not run: REASON` behind the language: shown, and not run.
//
// Addresses on ports 8080 and 9090 are moved to free ports, and `ck_...` is replaced by the key that the server printed.
// `go run ./cmd/cordon` runs a binary that was built for it, and `go test ./...` is only noted: it is what is running.
package readme_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const root = "../.."

func TestTheReadmeTellsTheTruth(t *testing.T) {
	program := build(t)
	told := tellsTheTruth(t, "README.md", program)
	tellsTheTruth(t, "docs/policies.md", program)
	if strings.Join(told.tests, "\n") != "test ./..." {
		t.Errorf("the README tests with go %q, want go test ./... and nothing else", told.tests)
	}
}

// build makes the program.
func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "cordon")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./cmd/cordon")
	build.Dir = root
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build ./cmd/cordon: %v\n%s", err, output)
	}
	return program
}

// tellsTheTruth runs the blocks of a document.
func tellsTheTruth(t *testing.T, document, program string) told {
	t.Helper()
	told := tryReadme(t, filepath.Join(root, document), program)
	for _, complaint := range told.complaints {
		t.Error(complaint)
	}
	if told.run == 0 {
		t.Errorf("no block of %s was run", document)
	}
	t.Logf("%s: %d blocks run, %d answers compared; not run: %s", document, told.run, told.compared, strings.Join(told.notRun, "; "))
	return told
}

func TestTheReadmeBeginsWithTheTwoCommands(t *testing.T) {
	content, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	const screen = 45 // lines
	lines := strings.Split(string(content), "\n")
	first := strings.Join(lines[:min(screen, len(lines))], "\n")
	for _, command := range []string{"go run ./cmd/cordon serve --dev", "go test ./..."} {
		if !strings.Contains(first, command) {
			t.Errorf("the first %d lines of the README do not show %q", screen, command)
		}
	}
}

func TestTheReadmeShowsTheAPIInFiveCalls(t *testing.T) {
	content, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	steps, err := parse(string(content))
	if err != nil {
		t.Fatal(err)
	}
	answered := 0
	for _, step := range steps {
		if step.notRun == "" && strings.Contains(step.script, "curl ") && len(step.answers) > 0 {
			answered++
		}
	}
	if answered < 5 {
		t.Errorf("the README shows %d calls by curl with their answers, want at least 5", answered)
	}
}

// told is what trying a README gave.
type told struct {
	run, compared int
	notRun        []string // with the reason
	tests         []string // what was asked of go test
	complaints    []string
}

// tryReadme runs the blocks of a README against a program.
func tryReadme(t *testing.T, readme, program string) told {
	t.Helper()
	var told told
	content, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	steps, err := parse(string(content))
	if err != nil {
		told.complaints = append(told.complaints, err.Error())
		return told
	}
	if _, err := exec.LookPath("bash"); err != nil {
		t.Fatal("the README's commands are for bash, which is not installed")
	}
	session := open(t, program)
	for _, step := range steps {
		where := fmt.Sprintf("%s:%d", filepath.Base(readme), step.line)
		if step.notRun != "" {
			told.notRun = append(told.notRun, fmt.Sprintf("line %d: %s", step.line, step.notRun))
			continue
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		output, err := session.run(ctx, step.script)
		cancel()
		told.run++
		if err != nil {
			told.complaints = append(told.complaints, fmt.Sprintf("%s: %v\n%s", where, err, indent(output)))
			break // what follows builds on it
		}
		for _, answer := range step.answers {
			told.compared++
			if err := answer.compare(output); err != nil {
				told.complaints = append(told.complaints, fmt.Sprintf("%s: %v\nit printed:\n%s", where, err, indent(output)))
			}
		}
	}
	if err := session.stop(); err != nil {
		told.complaints = append(told.complaints, err.Error())
	}
	told.tests = session.tests(t)
	return told
}

func indent(text string) string {
	return "\t" + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n\t")
}
