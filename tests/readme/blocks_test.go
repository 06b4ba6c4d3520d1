package readme_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// step is one block that is typed, with what it should print.
type step struct {
	line    int // in the README
	script  string
	notRun  string // why not, "" where it is run
	answers []answer
}

// answer is what a step should print.
type answer struct {
	line int
	json bool
	text string
}

var notRun = regexp.MustCompile(`^not run: (.+)$`)

// parse gives the steps of a README. Every block has a language, so that none is passed over by mistake.
func parse(readme string) ([]step, error) {
	var steps []step
	lines := strings.Split(readme, "\n")
	for at := 0; at < len(lines); at++ {
		line := strings.TrimLeft(lines[at], " ")
		fence := line[:len(line)-len(strings.TrimLeft(line, "`"))]
		if len(fence) < 3 {
			continue
		}
		language, note, _ := strings.Cut(strings.TrimSpace(line[len(fence):]), " ")
		begin := at + 1
		indented := len(lines[at]) - len(line)
		for at++; at < len(lines) && strings.TrimSpace(lines[at]) != fence; at++ {
			lines[at] = lines[at][min(indented, len(lines[at])-len(strings.TrimLeft(lines[at], " "))):]
		}
		if at == len(lines) {
			return nil, fmt.Errorf("line %d: the block has no end", begin)
		}
		body := strings.Join(lines[begin:at], "\n") + "\n"
		reason := ""
		if found := notRun.FindStringSubmatch(note); found != nil {
			reason = found[1]
		} else if note != "" {
			return nil, fmt.Errorf("line %d: a block may say `not run: REASON` behind its language, not %q", begin, note)
		}
		switch language {
		case "":
			return nil, fmt.Errorf("line %d: the block has no language: nobody knows whether it is to be run", begin)
		case "sh":
			steps = append(steps, step{line: begin, script: body, notRun: reason})
		case "console":
			steps = append(steps, dialogue(begin, body, reason)...)
		case "text", "json":
			switch {
			case reason != "":
			case len(steps) == 0:
				return nil, fmt.Errorf("line %d: the block is an answer, and nothing was run before it", begin)
			default:
				last := &steps[len(steps)-1]
				last.answers = append(last.answers, answer{line: begin, json: language == "json", text: body})
			}
		case "bash", "shell", "zsh", "terminal":
			return nil, fmt.Errorf("line %d: write sh for what is run, not %s", begin, language)
		}
	}
	if !slices.ContainsFunc(steps, func(step step) bool { return step.notRun == "" }) {
		return nil, fmt.Errorf("there is no block that could be run")
	}
	return steps, nil
}

// dialogue takes a console block apart: what stands behind "$ " is typed, the rest is what it prints.
func dialogue(begin int, body, reason string) []step {
	var steps []step
	typed := false // the line before goes on in this one
	for number, line := range strings.Split(strings.TrimSuffix(body, "\n"), "\n") {
		command, isCommand := strings.CutPrefix(line, "$ ")
		switch {
		case isCommand:
			steps = append(steps, step{line: begin + number, script: command + "\n", notRun: reason})
		case len(steps) == 0:
			continue
		case typed:
			steps[len(steps)-1].script += strings.TrimPrefix(line, "> ") + "\n"
		default:
			last := &steps[len(steps)-1]
			if len(last.answers) == 0 {
				last.answers = []answer{{line: begin + number}}
			}
			last.answers[0].text += line + "\n"
		}
		typed = (isCommand || typed) && strings.HasSuffix(line, `\`)
	}
	return steps
}
