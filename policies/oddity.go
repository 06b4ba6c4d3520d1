package policies

import (
	"maps"
	"slices"
	"strings"
)

// longestWord is how many characters a name in a question may have.
const longestWord = 128

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
		word := oddWord(length)
		out = append(out, &Input{
			Action:   Action{Name: a.name, Channel: word, Role: word},
			Subject:  Subject{Kind: SubjectUser, Member: true, Role: RoleCollaborator, Blocked: true, BlockedChannels: []string{word}},
			Resource: Resource{Type: a.on, Known: true, Kind: word, Channel: word, Role: word, Blocks: []string{OriginHost}, Maintenance: true},
			Time:     now,
		})
	}
	for length := 1; length <= longestWord; length++ {
		word := oddWord(length)
		ask(act{TypeProduct, word}, length)
		ask(act{word, word}, length)
		if len(acts) > 0 {
			ask(acts[length%len(acts)], length)
		}
	}
	for _, a := range acts {
		ask(a, longestWord)
	}
	return out
}

// oddWord is a word of so many characters, of all kinds that an id may have.
func oddWord(length int) string {
	const some = "q7.Z_@-x"
	return strings.Repeat(some, longestWord/len(some))[:length]
}
