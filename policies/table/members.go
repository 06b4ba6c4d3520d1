package table

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"cordon/policies"
)

// members are those of an input's JSON that are no objects, each as text by its path: the form in which two inputs are
// held against each other without knowing their facts.
type members map[string]string

func flatten(in *policies.Input) members {
	text, err := json.Marshal(in)
	var document map[string]json.RawMessage
	if err == nil {
		err = json.Unmarshal(text, &document)
	}
	if err != nil {
		panic("table: an input has no JSON: " + err.Error()) // it is strings, numbers and flags
	}
	m := members{}
	m.add("", document)
	return m
}

func (m members) add(before string, document map[string]json.RawMessage) {
	for name, value := range document {
		var inner map[string]json.RawMessage
		if json.Unmarshal(value, &inner) == nil && inner != nil {
			m.add(before+name+".", inner)
			continue
		}
		m[before+name] = string(value)
	}
}

// input makes an input of the members again.
func (m members) input() (*policies.Input, error) {
	document := map[string]any{}
	for path, value := range m {
		at, names := document, strings.Split(path, ".")
		for _, name := range names[:len(names)-1] {
			inner, ok := at[name].(map[string]any)
			if !ok {
				inner = map[string]any{}
				at[name] = inner
			}
			at = inner
		}
		at[names[len(names)-1]] = json.RawMessage(value)
	}
	text, err := json.Marshal(document)
	if err != nil {
		return nil, fmt.Errorf("render input: %w", err)
	}
	return policies.ReadInput(text)
}

// shared counts the members that are the same.
func (m members) shared(other members) int {
	n := 0
	for path, value := range m {
		if theirs, ok := other[path]; ok && theirs == value {
			n++
		}
	}
	return n
}

// nearest returns the combination that says most of what an input says.
func (s *section) nearest(is members) []int {
	values := make([]int, len(s.facts))
	at := s.start()
	for f := range s.facts {
		best, most := at, math.MinInt
		for v := range s.facts[f].values {
			in := copied(at)
			if !s.facts[f].set(&in, v) {
				continue
			}
			said := flatten(&in)
			// What the input does not have counts against a value as much as what it has otherwise.
			if same := 2*said.shared(is) - len(said); same > most {
				best, most, values[f] = in, same, v
			}
		}
		at = best
	}
	return values
}

// possible reports whether the facts of a combination go together.
func (s *section) possible(values []int) bool {
	in := s.start()
	for f, v := range values {
		if !s.facts[f].set(&in, v) {
			return false
		}
	}
	return true
}
