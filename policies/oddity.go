package policies

import (
	"maps"
	"slices"
)

// How many characters a name in a question may have, and the kind of a product, which is free text.
const (
	longestWord = 128
	longestKind = 200
)

// Characters of all sorts that an id may have, and a text.
const (
	ofIDs  = "q7.Z_@-x"
	ofText = "k é\"世🏠.Z"
)

// oddProbes are questions in words that no policy has, of every length that callers may give one: all of them odd, and an
// action that there is about what is odd. A rule may lie in wait for such a word, and builtins make much of a long one.
func (e *Engine) oddProbes(now *Time) []*Input {
	type act struct{ on, name string }
	var acts []act
	for _, on := range slices.Sorted(maps.Keys(e.vocabulary.actions)) {
		for _, name := range e.vocabulary.actions[on] {
			acts = append(acts, act{on, name})
		}
	}
	var out []*Input
	ask := func(a act, length int) {
		word := odd(ofIDs, min(length, longestWord))
		out = append(out, &Input{
			Action:   Action{Name: a.name, Channel: word, Role: word},
			Subject:  Subject{Kind: SubjectUser, Member: true, Role: RoleCollaborator, Blocked: true, BlockedChannels: []string{word}},
			Resource: Resource{Type: a.on, Known: true, Kind: odd(ofText, length), Channel: word, Role: word, Blocks: []string{OriginHost}, Maintenance: true},
			Time:     now,
		})
	}
	for length := 1; length <= longestKind; length++ {
		if length <= longestWord {
			word := odd(ofIDs, length)
			ask(act{TypeProduct, word}, length)
			ask(act{word, word}, length)
		}
		if len(acts) > 0 {
			ask(acts[length%len(acts)], length)
		}
	}
	for _, a := range acts {
		ask(a, longestKind)
	}
	return out
}

// odd is a text of so many characters, of some that come again and again.
func odd(some string, length int) string {
	characters := []rune(some)
	out := make([]rune, length)
	for i := range out {
		out[i] = characters[i%len(characters)]
	}
	return string(out)
}
