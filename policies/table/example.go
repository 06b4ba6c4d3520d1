package table

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"

	"cordon/policies"
)

// Example is one cell, for people and for programs.
type Example struct {
	Question string `json:"question"` // in words
	// Input is the cell as the rules see it, and Command what asks the playground about it.
	Input   json.RawMessage `json:"input"`
	Command string          `json:"command"`
}

// example tells a cell; digest is of the policy that the command asks.
func (s *section) example(values []int, digest string) Example {
	var in policies.Input
	s.input(&in, values)
	text, err := json.Marshal(&in)
	if err != nil {
		panic("table: an input has no JSON: " + err.Error()) // it is strings and flags
	}
	return Example{
		Question: s.question(values), Input: text,
		Command: fmt.Sprintf("cordon policy evaluate --version %s --input %s", digest, quoted(printable(string(text)))),
	}
}

// quoted is a text as one word of a shell, whatever is in it: words of a policy are its author's.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// printable is a text with what is not shown, or shows what follows it otherwise, written as JSON writes it.
func printable(text string) string {
	if strings.IndexFunc(text, hidden) < 0 {
		return text
	}
	var out strings.Builder
	for _, r := range text {
		if !hidden(r) {
			out.WriteRune(r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			fmt.Fprintf(&out, `\u%04x`, unit)
		}
	}
	return out.String()
}

func hidden(r rune) bool { return r != '\t' && !unicode.IsGraphic(r) }

// question asks about a cell in words: who, what, and every fact that is not plain.
func (s *section) question(values []int) string {
	who, more := "", []string{}
	for i, f := range s.facts {
		v := f.values[values[i]]
		switch {
		case i == 0:
			who = person(v.words)
		case v.cost > 0 || !slices.ContainsFunc(f.values, func(v value) bool { return v.cost > 0 }):
			more = append(more, f.word(values[i]))
		}
	}
	text := fmt.Sprintf("May %s %s %s", who, printable(s.action), thing(s.on))
	if len(more) > 0 {
		text += ": " + strings.Join(more, ", ")
	}
	return text + "?"
}

func person(subject string) string {
	switch subject {
	case subjectStranger:
		return "somebody who is no member"
	case subjectNone:
		return "something that is no user"
	case subjectHost:
		return "the host"
	}
	return article(strings.ReplaceAll(subject, "_", " "))
}

func thing(resourceType string) string {
	if resourceType == unknownType {
		return "something of an unknown type"
	}
	return article(resourceType)
}

func article(noun string) string {
	if strings.Contains("aeio", noun[:1]) { // a user
		return "an " + noun
	}
	return "a " + noun
}
