package past

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"cordon/datastore"
)

// Member names that a state looks into.
const (
	role        = "role"
	name        = "name"
	grants      = "grants"
	blocks      = "blocks"
	maintenance = "maintenance"
	settings    = "settings"
)

// State is what is known of one organization: the members of its nouns, by their names and as a record shows them.
type State struct {
	nouns map[thing]map[string]json.RawMessage
}

// thing names a noun.
type thing struct{ noun, id string }

// NewState makes a state in which nothing is known.
func NewState() *State { return &State{nouns: map[thing]map[string]json.RawMessage{}} }

// Put has a noun known as a record would show it. The blocks of a user are known, all of them, where they are put; a
// user of whom none are put may have blocks that are not known.
func (s *State) Put(noun, id string, members map[string]json.RawMessage) {
	of := thing{noun, id}
	if s.nouns[of] == nil {
		s.nouns[of] = map[string]json.RawMessage{}
	}
	maps.Copy(s.nouns[of], members)
}

// disagreement: a change does not lead to what is known.
type disagreement struct{ change *Change }

func (e *disagreement) Error() string {
	return "record " + e.change.ID + " does not lead to what is known"
}

// undo takes a change back.
func (s *State) undo(c *Change) error {
	for _, changed := range slices.Backward(c.Changed) {
		of := thing{changed.Noun, changed.ID}
		if gone(&changed, name) && of.noun == "organization" {
			for other := range s.nouns { // what of blocks was not told went along
				if other.noun == "user" {
					delete(s.nouns[other], blocks)
				}
			}
		}
		if s.nouns[of] == nil {
			s.nouns[of] = map[string]json.RawMessage{}
		}
		members := s.nouns[of]
		for member, value := range changed.Set {
			if member == GrantedTo {
				if err := s.grant(changed.ID, value.From); err != nil {
					return err
				}
				continue
			}
			is, known := members[member]
			if (known || member != blocks || of.noun != "user") && !same(member, is, value.To) {
				return &disagreement{c}
			}
			if members[member] = value.From; len(value.From) == 0 && (member != blocks || of.noun != "user") {
				delete(members, member)
			}
		}
	}
	for i := range c.Changed {
		if changed := &c.Changed[i]; changed.Noun == "user" && gone(changed, role) {
			if members := s.nouns[thing{"user", changed.ID}]; members != nil {
				if _, known := members[blocks]; !known {
					members[blocks] = nil // a removal tells the blocks that there are
				}
			}
		}
	}
	return nil
}

// gone reports whether a change ended a member of its noun.
func gone(c *Changed, member string) bool {
	value := c.Set[member]
	return len(value.From) > 0 && len(value.To) == 0
}

// grant gives users the grant to a product back, which went with it.
func (s *State) grant(product string, users json.RawMessage) error {
	var who []string
	if err := json.Unmarshal(users, &who); err != nil {
		return fmt.Errorf("read who had a grant: %w", err)
	}
	for _, user := range who {
		members := s.nouns[thing{"user", user}]
		if members == nil {
			continue // a later change of theirs would have been refused
		}
		var has []string
		_ = json.Unmarshal(members[grants], &has) // nothing for none
		at, there := slices.BinarySearch(has, product)
		if !there {
			members[grants], _ = json.Marshal(slices.Insert(has, at, product)) // of strings alone
		}
	}
	return nil
}

// same reports whether a member is what a change made of it. Of blocks and maintenance it looks at who they are: a store
// may keep their times less exactly than the record.
func same(member string, is, to json.RawMessage) bool {
	if len(is) == 0 || len(to) == 0 {
		return len(is) == len(to)
	}
	switch member {
	case blocks:
		a, b := ids(is), ids(to)
		return slices.Equal(a, b)
	case maintenance:
		var a, b datastore.Maintenance
		return json.Unmarshal(is, &a) == nil && json.Unmarshal(to, &b) == nil && a.ID == b.ID
	}
	if bytes.Equal(is, to) {
		return true
	}
	var a, b any
	return json.Unmarshal(is, &a) == nil && json.Unmarshal(to, &b) == nil && reflect.DeepEqual(a, b)
}

// ids are those of blocks, sorted.
func ids(text json.RawMessage) (list []string) {
	var of []datastore.Block
	_ = json.Unmarshal(text, &of)
	for _, b := range of {
		list = append(list, b.ID)
	}
	slices.Sort(list)
	return list
}

// value reads one member of a noun; nothing for none.
func value[T any](members map[string]json.RawMessage, member string, into *T) error {
	text := members[member]
	if len(text) == 0 {
		return nil
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("read %s: %w", member, err)
	}
	return nil
}
