package table

import (
	"strings"

	"cordon/policies"
)

// fact is one thing that an input says: a dimension of the table, with all the values that it has.
type fact struct {
	name   string
	values []value // the plainest first
	rest   string  // words for all values but the plainest; "" where they are listed
	// set writes a value into an input, and reports whether it goes with the facts that were set before it. A fact that
	// says nothing beside them has its plainest value alone.
	set func(in *policies.Input, v int) bool
}

// value is one value of a fact, in words.
type value struct {
	words string
	cost  int // how far it is from the plainest
}

// plainly gives values, the first of which is the plainest.
func plainly(words ...string) []value {
	values := make([]value, len(words))
	for i, w := range words {
		values[i] = value{words: w, cost: min(i, 1)}
	}
	return values
}

// anyOf gives values of which none is plainer than the next.
func anyOf(words ...string) []value {
	values := make([]value, len(words))
	for i, w := range words {
		values[i].words = w
	}
	return values
}

// flag gives a fact that holds or does not, where something else makes that a question at all.
func flag(name, not, holds string, on func(*policies.Input) bool, of func(*policies.Input) *bool) fact {
	return fact{name: name, values: plainly(not, holds), set: func(in *policies.Input, v int) bool {
		*of(in) = v == 1
		return v == 0 || on(in)
	}}
}

// sets gives every set of some words, the empty one first, each in their order.
func sets(words ...string) [][]string {
	out := make([][]string, 1<<len(words))
	for i := range out {
		for bit, word := range words {
			if i>>bit&1 == 1 {
				out[i] = append(out[i], word)
			}
		}
	}
	return out
}

// said returns the words of some values of a fact, in their order; "" where they are all of it.
func (f *fact) said(values []int) string {
	switch {
	case len(values) == len(f.values):
		return ""
	case f.rest != "" && len(values) == len(f.values)-1 && values[0] == 1 && len(values) > 1:
		return f.rest
	}
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = f.values[v].words
	}
	if len(words) == 1 {
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}
