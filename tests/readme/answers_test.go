package readme_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// anything stands in an answer for what differs from run to run.
var anything = regexp.MustCompile(`\.\.\.|…`)

// compare tells what of the answer the output does not hold.
func (a answer) compare(output string) error {
	if !a.json {
		return compareText(a.text, output)
	}
	want, err := values(a.text)
	if err != nil {
		return fmt.Errorf("read the answer on line %d as JSON: %w", a.line, err)
	}
	got, err := values(output)
	if err != nil {
		return fmt.Errorf("read what was printed as JSON: %w", err)
	}
	if err := compareJSON("", want, got); err != nil {
		return fmt.Errorf("the answer on line %d: %w", a.line, err)
	}
	return nil
}

// compareText asks for each line of want, in order; other lines may stand between them.
func compareText(want, output string) error {
	lines := strings.Split(output, "\n")
	for line := range strings.Lines(want) {
		line = strings.TrimRight(line, " \n")
		if line == "" {
			continue
		}
		at := slices.IndexFunc(lines, func(got string) bool { return matches(line, strings.TrimRight(got, " \r")) })
		if at < 0 {
			return fmt.Errorf("it did not print %q there", line)
		}
		lines = lines[at+1:]
	}
	return nil
}

// matches tells whether got is want, where want may leave parts open.
func matches(want, got string) bool {
	parts := anything.Split(want, -1)
	for at := range parts {
		parts[at] = regexp.QuoteMeta(parts[at])
	}
	return regexp.MustCompile(`^` + strings.Join(parts, `(?s:.*)`) + `$`).MatchString(got)
}

// values reads JSON values that stand one behind the other.
func values(text string) ([]any, error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	var all []any
	for {
		var value any
		err := decoder.Decode(&value)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		all = append(all, value)
	}
}

// openEnded tells whether a value of an answer stands for any.
func openEnded(value any) bool {
	text, ok := value.(string)
	return ok && (text == "..." || text == "…")
}

// compareJSON tells where got is not what want asks for.
func compareJSON(pointer string, want, got any) error {
	if openEnded(want) {
		return nil
	}
	switch want := want.(type) {
	case map[string]any:
		object, ok := got.(map[string]any)
		if !ok {
			return fmt.Errorf("at %q: got %v, want an object", pointer, got)
		}
		more := false
		for name := range want {
			if openEnded(name) {
				more = true
				continue
			}
			member, ok := object[name]
			if !ok {
				return fmt.Errorf("at %q: there is no member %q", pointer, name)
			}
			if err := compareJSON(pointer+"/"+name, want[name], member); err != nil {
				return err
			}
		}
		for name := range object {
			if _, known := want[name]; !known && !more {
				return fmt.Errorf("at %q: there is a member %q that the answer does not show", pointer, name)
			}
		}
		return nil
	case []any:
		list, ok := got.([]any)
		if !ok {
			return fmt.Errorf("at %q: got %v, want a list", pointer, got)
		}
		if last := len(want) - 1; last >= 0 && openEnded(want[last]) && len(list) >= last {
			want, list = want[:last], list[:last]
		}
		if len(list) != len(want) {
			return fmt.Errorf("at %q: got %d items, want %d", pointer, len(list), len(want))
		}
		for at := range want {
			if err := compareJSON(fmt.Sprintf("%s/%d", pointer, at), want[at], list[at]); err != nil {
				return err
			}
		}
		return nil
	case string:
		text, ok := got.(string)
		if !ok || !matches(want, text) {
			return fmt.Errorf("at %q: got %v, want %q", pointer, got, want)
		}
		return nil
	}
	if want != got {
		return fmt.Errorf("at %q: got %v, want %v", pointer, got, want)
	}
	return nil
}
