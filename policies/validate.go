package policies

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/open-policy-agent/opa/v1/rego"
)

// wordsFile is the file of the words. Any data file may hold them, or the settings; these are where editors look.
const wordsFile = "cordon/words.json"

// validate holds what is typed in the data of a policy against its schemas, so that its editor is told the file and the
// row. It is not asked of a policy that was kept: what was right once goes on.
func validate(ctx context.Context, src Source) error {
	if wrong := src.bounds(); wrong != nil {
		return wrong
	}
	data, err := src.readData()
	if err != nil {
		return err
	}
	out := &ProblemsError{}
	cordon, _ := data["cordon"].(map[string]any)
	for _, typed := range []struct{ name, file, code string }{
		{"settings", settingsFile, "settings_error"}, {"words", wordsFile, "words_error"},
	} {
		document, there := cordon[typed.name]
		if !there {
			continue
		}
		wrong, err := mismatches(ctx, typed.name, document)
		if err != nil {
			return err
		}
		for _, m := range wrong {
			out.Problems = append(out.Problems, src.problemAt(typed.file, typed.code, append([]string{typed.name}, m.path...), m.why))
		}
	}
	if len(out.Problems) > 0 {
		return out
	}
	return nil
}

// mismatch is where a document is not as its schema says, and why.
type mismatch struct {
	path []string
	why  string
}

var additional = regexp.MustCompile(`^Additional property (.+) is not allowed$`)

// mismatches holds a document against a schema, by OPA's own builtin.
func mismatches(ctx context.Context, name string, document any) ([]mismatch, error) {
	text, err := schema(name)
	if err != nil {
		return nil, err
	}
	var parsed map[string]any
	if err := json.Unmarshal(text, &parsed); err != nil {
		return nil, fmt.Errorf("read schema of %s: %w", name, err)
	}
	results, err := rego.New(rego.Query("json.match_schema(input.document, input.schema, result)"),
		rego.Input(map[string]any{"document": document, "schema": parsed})).Eval(ctx)
	if err != nil || len(results) != 1 {
		return nil, fmt.Errorf("hold %s against their schema: %w", name, errors.Join(err, ctx.Err()))
	}
	answer, _ := results[0].Bindings["result"].([]any)
	if len(answer) != 2 {
		return nil, fmt.Errorf("hold %s against their schema: it answers %v", name, answer)
	}
	list, _ := answer[1].([]any)
	var out []mismatch
	for _, one := range list {
		said, _ := one.(map[string]any)
		field, why := fmt.Sprint(said["field"]), fmt.Sprint(said["desc"])
		var m mismatch
		if field != "(root)" && field != "(Root)" {
			m.path = strings.Split(field, ".")
		}
		if found := additional.FindStringSubmatch(why); found != nil {
			m.path = append(m.path, found[1])
			why = "there is no such member" + didYouMean(found[1], membersOf(parsed, m.path[:len(m.path)-1]))
		}
		m.why = why
		out = append(out, m)
	}
	slices.SortStableFunc(out, func(a, b mismatch) int { return slices.Compare(a.path, b.path) })
	return out, nil
}

// membersOf lists the members that a schema names at a path.
func membersOf(schema map[string]any, at []string) []string {
	for _, name := range at {
		properties, _ := schema["properties"].(map[string]any)
		next, ok := properties[name].(map[string]any)
		if !ok {
			next, _ = schema["additionalProperties"].(map[string]any)
		}
		schema = next
	}
	properties, _ := schema["properties"].(map[string]any)
	var names []string
	for name := range properties {
		names = append(names, name)
	}
	return names
}

// problemAt is what is wrong with a member of the data below cordon: in the file that holds it, at its row, and by its
// pointer.
func (s Source) problemAt(file, code string, at []string, why string) Problem {
	p := Problem{File: file, Code: code, Message: "/" + strings.Join(at, "/") + ": " + why}
	for depth := len(at); depth > 0; depth-- { // what is missing has the place of what lacks it
		for _, other := range s.Paths() {
			if isModule(other) || path.Dir(other) != "cordon" {
				continue
			}
			if offset, ok := locate(s.Files[other], at[:depth]); ok {
				p.File = other
				p.Row, p.Column = place(s.Files[other], offset)
				return p
			}
		}
	}
	return p
}

// locate returns the offset of a member in a JSON text.
func locate(text string, at []string) (int64, bool) {
	dec := json.NewDecoder(strings.NewReader(text))
	for _, name := range at {
		open, err := dec.Token()
		if err != nil {
			return 0, false
		}
		found := false
		for i := 0; dec.More() && !found; i++ {
			key := any(strconv.Itoa(i))
			if open == json.Delim('{') {
				if key, err = dec.Token(); err != nil {
					return 0, false
				}
			} else if open != json.Delim('[') {
				return 0, false
			}
			if found = key == any(name); !found {
				var skipped json.RawMessage
				if err := dec.Decode(&skipped); err != nil {
					return 0, false
				}
			}
		}
		if !found {
			return 0, false
		}
	}
	// Behind a colon or a comma comes the value.
	start := dec.InputOffset()
	for start < int64(len(text)) && strings.ContainsRune(" \t\r\n:,", rune(text[start])) {
		start++
	}
	return start + 1, true
}
