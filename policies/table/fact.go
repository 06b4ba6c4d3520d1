package table

import (
	"slices"
	"strings"

	"cordon/policies"
)

// fact is one thing that an input says: a dimension of the table, with all the values that it has.
type fact struct {
	name   string
	before string  // words before those of its values, "" for none
	values []value // the plainest first
	rest   string  // words for all values but the plainest; "" where they are listed
	asked  bool    // part of the question, and nothing that could be otherwise about what is asked
	// set writes a value into an input, and reports whether it goes with the facts that were set before it. A fact that
	// says nothing beside them has its plainest value alone.
	set func(in *policies.Input, v int) bool
}

// value is one value of a fact, in words.
type value struct {
	words string
	cost  int // how far it is from the plainest
}

// tacit is a value that goes without saying: that what is asked about is there.
const tacit = "known"

// plainly gives values, the first of which is the plainest.
func plainly(words ...string) []value {
	values := make([]value, len(words))
	for i, w := range words {
		values[i] = value{words: printable(w), cost: min(i, 1)}
	}
	return values
}

// anyOf gives values of which none is plainer than the next.
func anyOf(words ...string) []value {
	values := make([]value, len(words))
	for i, w := range words {
		values[i].words = printable(w)
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

// word returns one value in words.
func (f *fact) word(v int) string { return f.before + f.values[v].words }

// said returns some values of a fact in words, in their order; "" where they are all of it.
func (f *fact) said(values []int) string {
	others := slices.DeleteFunc(f.all(), func(v int) bool { return slices.Contains(values, v) })
	switch {
	case len(others) == 0:
		return ""
	case f.rest != "" && len(values) > 1 && len(others) == 1 && others[0] == 0:
		return f.rest
	case len(others) < len(values) && len(values) > 2:
		return "other than " + f.before + f.either(others)
	}
	return f.before + f.either(values)
}

func (f *fact) all() []int {
	all := make([]int, len(f.values))
	for v := range all {
		all[v] = v
	}
	return all
}

func (f *fact) either(values []int) string {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = f.values[v].words
	}
	last := len(words) - 1
	if last == 0 {
		return words[0]
	}
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
