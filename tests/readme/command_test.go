package readme_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestTheDocumentsNameWhatThereIs holds each command of cordon that the documents show, and each flag of it, against the
// program's own help.
func TestTheDocumentsNameWhatThereIs(t *testing.T) {
	names, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	check(t, err)
	program := filepath.Join(t.TempDir(), "cordon")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./cmd/cordon")
	build.Dir = root
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build ./cmd/cordon: %v\n%s", err, output)
	}
	help := readHelp(t, program)
	for _, name := range append(names, filepath.Join(root, "README.md")) {
		text, err := os.ReadFile(name)
		check(t, err)
		shown := 0
		for at, code := range codeOf(string(text)) {
			n, complaints := help.wrong(code)
			shown += n
			for _, c := range complaints {
				t.Errorf("%s: %q (piece of code %d): %s", filepath.Base(name), code, at, c)
			}
		}
		if shown == 0 && slices.Contains([]string{filepath.Join(root, "README.md"), filepath.Join(root, "docs/operations.md")}, name) {
			t.Errorf("%s shows no command of cordon that this test reads", name)
		}
	}
}

func TestWhatThereIsNotIsFound(t *testing.T) {
	help := help{"": {"data": true}, "keys": {}, "keys create": {"name": true}, "check": {"language": true}}
	for code, want := range map[string]string{
		"cordon kyes create":          `there is no command "kyes"`,
		"cordon keys mint --name x":   `there is no command "keys mint"`,
		"cordon keys create --nom x":  "keys create has no flag --nom",
		"x=$(cordon check --lang fr)": "check has no flag --lang",
		"docker exec c /cordon lgo":   `there is no command "lgo"`,
		"--na*":                       "", "--nb*": "there is no flag --nb*",
		"--dta":                         "there is no flag --dta",
		"--data":                        "",
		"cordon keys create --name=x":   "",
		"cordon check a b c --name":     "check has no flag --name",
		"docker run --rm --name cordon": "",
		"cordon check x | jq --raw":     "",
	} {
		_, got := help.wrong(code)
		if strings.Join(got, "; ") != want {
			t.Errorf("%q: got %q, want %q", code, got, want)
		}
	}
}

// help is what the program knows: the flags of each command, by its name.
type help map[string]map[string]bool

var (
	helpCommand = regexp.MustCompile(`(?m)^  ([a-z][a-z-]*) +[A-Z]`)
	helpFlag    = regexp.MustCompile(`(?m)^ +(?:-\w, )?--([a-z][a-z-]*)`)
)

// readHelp asks the program, command by command.
func readHelp(t *testing.T, program string) help {
	t.Helper()
	known := help{}
	for waiting := [][]string{nil}; len(waiting) > 0; waiting = waiting[1:] {
		path := waiting[0]
		output, err := exec.CommandContext(t.Context(), program, append(slices.Clone(path), "--help")...).Output()
		if err != nil {
			t.Fatalf("cordon %v --help: %v", path, err)
		}
		flags := map[string]bool{}
		for _, found := range helpFlag.FindAllStringSubmatch(string(output), -1) {
			flags[found[1]] = true
		}
		known[strings.Join(path, " ")] = flags
		_, commands, _ := strings.Cut(string(output), "\nUsage:\n")
		commands, _, _ = strings.Cut(commands, "\nFlags:\n")
		for _, found := range helpCommand.FindAllStringSubmatch(commands, -1) {
			waiting = append(waiting, append(slices.Clone(path), found[1]))
		}
	}
	return known
}

var inline = regexp.MustCompile("`([^`\n]+)`")

// codeOf gives the pieces of code in a document: the lines of its blocks, a line that goes on as one, and what stands
// between backquotes. In a program of another language the word is a variable's, and no command.
func codeOf(text string) []string {
	var pieces []string
	block, program := false, false
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", " ")) {
		if strings.HasPrefix(strings.TrimLeft(line, " "), "```") {
			block = !block
			program = block && slices.Contains([]string{"go", "ts", "python"}, strings.TrimSpace(strings.TrimLeft(line, " `")))
			continue
		}
		if program {
			continue
		}
		if block {
			pieces = append(pieces, strings.TrimSpace(line))
			continue
		}
		for _, found := range inline.FindAllStringSubmatch(line, -1) {
			pieces = append(pieces, strings.ReplaceAll(found[1], `\|`, " "))
		}
	}
	return pieces
}

var word = regexp.MustCompile(`^[a-z][a-z-]*$`)

// wrong says how many commands of cordon a piece of code holds, and what of them there is not.
func (h help) wrong(code string) (shown int, complaints []string) {
	fields := strings.Fields(strings.NewReplacer("$(", " ", ")", " ", "[", " ", "]", " ", `"`, " ", ",", " ").Replace(code))
	if len(fields) == 1 && strings.HasPrefix(fields[0], "--") {
		name, _, _ := strings.Cut(fields[0][2:], "=")
		if !h.known(name) {
			return 0, []string{"there is no flag --" + name}
		}
		return 1, nil
	}
	for at := 0; at+1 < len(fields); at++ {
		if !slices.Contains([]string{"cordon", "./cordon", "/cordon", "./cmd/cordon"}, fields[at]) || !word.MatchString(fields[at+1]) {
			continue
		}
		shown++
		command := fields[at+1]
		if h[command] == nil {
			complaints = append(complaints, fmt.Sprintf("there is no command %q", command))
			continue
		}
		rest := fields[at+2:]
		if len(rest) > 0 && word.MatchString(rest[0]) && h.parent(command) {
			if command += " " + rest[0]; h[command] == nil {
				complaints = append(complaints, fmt.Sprintf("there is no command %q", command))
				continue
			}
		}
		for _, f := range rest {
			if strings.ContainsAny(f[:1], "|>;&#") {
				break
			}
			if name, is := strings.CutPrefix(f, "--"); is {
				if name, _, _ = strings.Cut(name, "="); !h[command][name] && !h.below(command, name) {
					complaints = append(complaints, fmt.Sprintf("%s has no flag --%s", command, name))
				}
			}
		}
	}
	return shown, complaints
}

// known tells whether any command has the flag; `smtp-*` is all that begin so.
func (h help) known(flag string) bool {
	stem, family := strings.CutSuffix(flag, "*")
	for _, flags := range h {
		for name := range flags {
			if name == flag || family && strings.HasPrefix(name, stem) {
				return true
			}
		}
	}
	return false
}

// parent tells whether a command has commands of its own.
func (h help) parent(command string) bool {
	for name := range h {
		if strings.HasPrefix(name, command+" ") {
			return true
		}
	}
	return false
}

// below tells whether a command under this one has the flag: a document may speak of several at once.
func (h help) below(command, flag string) bool {
	for name, flags := range h {
		if strings.HasPrefix(name, command+" ") && flags[flag] {
			return true
		}
	}
	return false
}
