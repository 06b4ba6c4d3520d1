package main_test

import (
	"regexp"
	"strings"
	"testing"

	cordon "cordon/cmd/cordon"
)

// typed takes a line of an example apart as a shell does, as far as examples need it.
func typed(line string) []string {
	var words []string
	for _, w := range regexp.MustCompile(`"[^"]*"|'[^']*'|\S+`).FindAllString(line, -1) {
		words = append(words, strings.Trim(w, `"'`))
	}
	return words
}

// Whoever reads an example may type it: its command is there, and has the flags and takes the arguments.
func TestEveryCommandHasExamplesThatCanBeTyped(t *testing.T) {
	for path, cmd := range cordon.Commands() {
		if strings.TrimSpace(cmd.Example) == "" {
			t.Errorf("%s has no example", path)
		}
		text := strings.ReplaceAll(cmd.Example, "\\\n", " ")
		for line := range strings.Lines(text) {
			own := false
			for _, part := range regexp.MustCompile(`&&|\|`).Split(line, -1) {
				part, _, _ = strings.Cut(part, " > ")
				words := typed(part)
				if len(words) == 0 || words[0] != "cordon" {
					t.Errorf("%s: %q is no line of cordon", path, line)
					continue
				}
				// Each command is made anew: flags are parsed once.
				found, rest, err := cordon.Commands()["cordon"].Find(words[1:])
				if err == nil {
					err = found.ParseFlags(rest)
				}
				if err == nil {
					err = found.ValidateArgs(found.Flags().Args())
				}
				if err == nil {
					err = cordon.CheckFlags(found)
				}
				if err != nil {
					t.Errorf("%s: %s: %v", path, strings.TrimSpace(line), err)
				}
				own = own || strings.HasPrefix(found.CommandPath(), path)
			}
			if !own {
				t.Errorf("%s is not what this shows: %s", path, line)
			}
		}
	}
}

// Codes are shown as they are typed: those of support as they are made, and nothing cut by the end of a line.
func TestHelpShowsCodesAsTheyAre(t *testing.T) {
	support := regexp.MustCompile(`--support-code (\S+)`)
	for path := range cordon.Commands() {
		got := command{}.run(t, append(strings.Fields(path)[1:], "--help")...)
		if got.code != 0 || got.err != "" {
			t.Errorf("%s --help: exit code %d, standard error %s", path, got.code, got.err)
		}
		for _, code := range support.FindAllStringSubmatch(got.out, -1) {
			if code[1] != "CODE" && code[1] != "string" && !regexp.MustCompile(`^[A-Z2-7]{4}-[A-Z2-7]{4}-[A-Z2-7]{4}$`).MatchString(code[1]) {
				t.Errorf("%s shows the support code %s, which is none that is made", path, code[1])
			}
		}
		if strings.Contains(got.out, "`") || regexp.MustCompile(`[\x00-\x09\x0b-\x1f]`).MatchString(got.out) {
			t.Errorf("%s: help has backquotes or control characters:\n%s", path, got.out)
		}
		for line := range strings.Lines(got.out) {
			if regexp.MustCompile(`[a-z]_$|[a-z]-$`).MatchString(strings.TrimRight(line, "\n")) {
				t.Errorf("%s: a line of help ends within a word: %s", path, line)
			}
		}
	}
}

func TestHelpSaysTheExitCodes(t *testing.T) {
	for _, line := range []string{"help", "--help"} {
		got := command{}.run(t, line)
		for _, want := range []string{"Exit codes:", "\n  0  ", "\n  1  ", "\n  2  ", "\n  3  "} {
			if got.code != 0 || !strings.Contains(got.out, want) {
				t.Errorf("cordon %s has no %q", line, want)
			}
		}
	}
}

// What is done every day is told to programs, too (docs/design.md 10): -o json is there for each command of it.
func TestTheMainJobIsToldToPrograms(t *testing.T) {
	daily := regexp.MustCompile(`^cordon (check|search|block|unblock|maintenance|user|support-code|show|log|policy|audit)( |$)`)
	for path, cmd := range cordon.Commands() {
		if !daily.MatchString(path) || cmd.HasSubCommands() || path == "cordon audit new-key" { // a private key goes to a file
			continue
		}
		if cmd.Flags().Lookup("output") == nil {
			t.Errorf("%s has no -o json", path)
		}
	}
}
