package library

import (
	"bytes"
	"encoding/json"

	"cordon/guard"
)

// entity is a version, by its digest, or a set, by its name, as a record is about it.
func entity(id string) guard.Entity { return guard.Entity{Type: "policy", ID: id} }

// change is what of something is another than before, as the record of a change tells it: the members of two objects,
// either of which may be nil. It is empty where nothing is.
func change[T any](noun, id string, before, after *T) []guard.Changed {
	was, is := members(before), members(after)
	c := guard.Changed{Noun: noun, ID: id, Set: map[string]guard.FromTo{}}
	for name, value := range is {
		if !bytes.Equal(was[name], value) {
			c.Set[name] = guard.FromTo{From: was[name], To: value}
		}
	}
	for name, value := range was {
		if _, stays := is[name]; !stays {
			c.Set[name] = guard.FromTo{From: value}
		}
	}
	if len(c.Set) == 0 {
		return nil
	}
	return []guard.Changed{c}
}

func members[T any](of *T) map[string]json.RawMessage {
	shown := map[string]json.RawMessage{}
	if of != nil {
		text, _ := json.Marshal(of) // of strings, numbers and times alone: it cannot fail
		_ = json.Unmarshal(text, &shown)
	}
	return shown
}
