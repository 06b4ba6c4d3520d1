package set

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"strconv"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// Words of what is looked for, as the members of an input are called.
const (
	Subject  = "subject"
	Resource = "resource"
	Action   = "action"
)

// Input is a question as the rules of a set see it: {"subject", "action", "resource", "context"}. Nobody changes one.
type Input struct {
	document map[string]any
	text     []byte // what its answer is remembered by
	value    ast.Value
}

// JSON is the input as it was read, or made. Nobody writes to it.
func (in *Input) JSON() []byte { return in.text }

const (
	deepest       = 64
	longestNumber = 64
)

// ReadInput reads an input, numbers as they are written. What no question has, and numbers beyond those of I-JSON, are an error.
func ReadInput(text []byte) (*Input, error) {
	in, err := readInput(text)
	if err != nil {
		return nil, err
	}
	for _, e := range []struct{ member, id string }{{Subject, "id"}, {Action, "name"}, {Resource, "id"}} {
		entity, _ := in.document[e.member].(map[string]any)
		if entity == nil {
			return nil, fmt.Errorf("%s is missing", e.member)
		}
		if id, _ := entity[e.id].(string); id == "" {
			return nil, fmt.Errorf("%s.%s is missing", e.member, e.id)
		}
		if kind, _ := entity["type"].(string); kind == "" && e.member != Action {
			return nil, fmt.Errorf("%s.type is missing", e.member)
		}
	}
	return in, nil
}

// readInput reads an input that may lack what is looked for.
func readInput(text []byte) (*Input, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var document map[string]any
	if err := dec.Decode(&document); err != nil {
		return nil, fmt.Errorf("read input: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the input")
	}
	for member, value := range document {
		entity, ok := value.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("%s is no object", member)
		}
		switch member {
		case Subject, Resource, Action:
			for name, value := range entity {
				if !known(member, name, value) {
					return nil, fmt.Errorf("%s.%s is none of what AuthZEN has there", member, name)
				}
			}
		case "context":
		default:
			return nil, fmt.Errorf("%s is no member of a question", member)
		}
	}
	if err := checkValue(document, 0); err != nil {
		return nil, err
	}
	return newInput(document, text)
}

// known reports whether AuthZEN has a member with such a value in the subject, the action or the resource.
func known(entity, name string, value any) (ok bool) {
	switch {
	case name == "properties":
		_, ok = value.(map[string]any)
	case entity == Action && name == "name", entity != Action && (name == "id" || name == "type"):
		_, ok = value.(string)
	}
	return ok
}

func newInput(document map[string]any, text []byte) (*Input, error) {
	value, err := ast.InterfaceToValue(document)
	if err != nil {
		return nil, fmt.Errorf("read input: %w", err)
	}
	return &Input{document: document, text: text, value: value}, nil
}

// With is a question about one of what was looked for: of its type, with an id, and without properties. All else is shared
// with the input, however large it is.
func (in *Input) With(find, kind, id string) (*Input, error) {
	entity := map[string]any{"type": kind, "id": id}
	if find == Action {
		entity = map[string]any{"name": id}
	}
	document := maps.Clone(in.document)
	document[find] = entity
	term, err := ast.InterfaceToValue(entity)
	if err != nil {
		return nil, fmt.Errorf("read input: %w", err)
	}
	text, err := json.Marshal(document)
	if err != nil {
		return nil, fmt.Errorf("write input: %w", err)
	}
	value := ast.NewObject(ast.Item(ast.StringTerm(find), ast.NewTerm(term)))
	if asked, ok := in.value.(ast.Object); ok {
		asked.Foreach(func(name, member *ast.Term) {
			if word, _ := name.Value.(ast.String); string(word) != find {
				value.Insert(name, member)
			}
		})
	}
	return &Input{document: document, text: text, value: value}, nil
}

// checkValue refuses what is nested too deep, and numbers that take memory without end to be worked out.
func checkValue(value any, depth int) error {
	if depth > deepest {
		return fmt.Errorf("it is nested more than %d deep", deepest)
	}
	switch value := value.(type) {
	case map[string]any:
		for _, below := range value {
			if err := checkValue(below, depth+1); err != nil {
				return err
			}
		}
	case []any:
		for _, below := range value {
			if err := checkValue(below, depth+1); err != nil {
				return err
			}
		}
	case json.Number:
		text := string(value)
		if len(text) > longestNumber {
			return fmt.Errorf("a number has at most %d characters", longestNumber)
		}
		if _, err := strconv.ParseFloat(text, 64); err != nil && strings.ContainsAny(text, "eE") {
			return fmt.Errorf("%s is beyond the numbers of JSON's readers", text)
		}
	}
	return nil
}
