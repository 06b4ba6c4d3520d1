package guard

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"cordon/datastore"
	"cordon/ledger/record"
	"cordon/policies"
)

// Effects of a [Changer].
const (
	Allows = "allows" // what was denied would be allowed
	Helps  = "helps"  // one of several reasons would be gone
	Denies = "denies" // what was allowed would be denied
)

// Changer is an act that would change a decision, found by asking the decision's own policy, and who could do it by the
// policy in force now.
type Changer struct {
	Action   string
	Resource Entity
	ToRoles  []string // of change_role and add_user: the roles that change the decision
	Effect   string
	// Origin is whose block is lifted, and Set what is lifted: the blocks, or the maintenance, that the decision rests on.
	Origin string
	Set    []Setting

	Roles []string // of members who could do it
	// Support and Host report whether support, on a code, or the host itself could.
	Support, Host bool
	// People are members who have one of the roles today and are not blocked; nil where the reader may not see them.
	// More is how many there are beside these.
	People []Member
	More   int
}

// Setting is a block or, without an origin, a maintenance, with the record of its beginning.
type Setting struct {
	ID, Origin, By string
	Since          time.Time
	ExpiresAt      time.Time
	Record         string
	on             string // noun and id of what it is on
}

// mostPeople is how many people an explanation names for an act.
const mostPeople = 50

// change is an act that might change a decision, as the input would be after it.
type change struct {
	Changer
	after policies.Input
	part  bool // the act alone does it by halves: after is the input when all that it is a part of is done
}

// changers finds the acts that would change a decision: each is tried on the input by itself, but for the blocks of
// several sides on one product or user, of which each helps if all together do.
func (g *Guard) changers(ctx context.Context, o *Origin, engine *policies.Engine, entry *Record, input *policies.Input) ([]Changer, error) {
	if entry.Organization == "" || input.Subject.Kind != policies.SubjectUser {
		return []Changer{}, nil
	}
	set, err := g.settings(ctx, entry)
	if err != nil {
		return nil, err
	}
	before, err := engine.DecideUncached(ctx, input)
	if err != nil {
		return nil, err
	}
	found := []Changer{}
	for _, c := range changes(entry, input, set) {
		after, err := engine.DecideUncached(ctx, &c.after)
		if err != nil {
			return nil, err
		}
		if c.Effect = effectOf(before, after); c.Effect == "" {
			continue
		}
		if c.part {
			c.Effect = Helps
		}
		if last := len(found) - 1; last >= 0 && len(c.ToRoles) > 0 && found[last].Action == c.Action && found[last].Resource == c.Resource && found[last].Effect == c.Effect {
			found[last].ToRoles = append(found[last].ToRoles, c.ToRoles...)
			continue
		}
		found = append(found, c.Changer)
	}
	in := g.policy.Load() // one for all of it, whatever is activated meanwhile
	for i := range found {
		if err := in.who(ctx, &found[i], input); err != nil {
			return nil, err
		}
	}
	return found, g.people(ctx, o, in, entry.Organization, found)
}

// effectOf says what an act does to a decision; nothing for none.
func effectOf(before, after *policies.Decision) string {
	switch {
	case before.Allowed && !after.Allowed:
		return Denies
	case before.Allowed:
		return ""
	case after.Allowed:
		return Allows
	}
	for _, reason := range before.Reasons {
		if !slices.ContainsFunc(after.Reasons, func(r policies.Reason) bool { return r.Code == reason.Code }) &&
			!slices.ContainsFunc(after.Reasons, func(r policies.Reason) bool {
				return !slices.ContainsFunc(before.Reasons, func(b policies.Reason) bool { return b.Code == r.Code })
			}) {
			return Helps
		}
	}
	return ""
}

// changes lists what could be done about an input: of a denial what lifts, grants and promotes, of an allow the
// opposite. Whether it changes anything is for the policy to say.
func changes(entry *Record, input *policies.Input, set []Setting) []change {
	var list []change
	subject := Entity{Type: "user", ID: entry.Question.Subject.ID, Organization: entry.Organization}
	add := func(c Changer, do func(*policies.Input)) {
		next := *input
		do(&next)
		list = append(list, change{Changer: c, after: next})
	}
	if entry.Decision {
		add(Changer{Action: "block", Resource: subject}, func(in *policies.Input) { in.Subject.Blocked = true })
		if input.Resource.Type == policies.TypeProduct {
			add(Changer{Action: "block", Resource: entry.Question.Resource}, func(in *policies.Input) {
				blocks := append(slices.Clone(in.Resource.Blocks), datastore.OriginAdministrator)
				slices.Sort(blocks)
				in.Resource.Blocks = slices.Compact(blocks)
			})
			add(Changer{Action: "start_maintenance", Resource: entry.Question.Resource}, func(in *policies.Input) { in.Resource.Maintenance = true })
			add(Changer{Action: "change_grants", Resource: subject}, func(in *policies.Input) { in.Subject.Granted = false })
		}
	} else {
		list = append(list, lifting(entry, input, subject, set)...)
		if input.Resource.Type == policies.TypeProduct && input.Subject.Member && !input.Subject.Granted {
			add(Changer{Action: "change_grants", Resource: subject}, func(in *policies.Input) { in.Subject.Granted = true })
		}
		if input.Act != nil && input.Act.Code != "" {
			add(Changer{Action: "create_support_code", Resource: Entity{Type: "organization", ID: entry.Organization}}, func(in *policies.Input) {
				act := *in.Act
				act.Code = policies.CodeValid
				in.Act = &act
			})
		}
	}
	for _, role := range datastore.Roles() {
		c := Changer{Action: "change_role", Resource: subject, ToRoles: []string{role}}
		if !input.Subject.Member {
			c.Action, c.Resource = "add_user", Entity{Type: "organization", ID: entry.Organization}
		}
		if role != input.Subject.Role {
			add(c, func(in *policies.Input) { in.Subject.Member, in.Subject.Role = true, role })
		}
	}
	return list
}

// lifting lists the blocks and the maintenance that could be lifted, each side's by itself.
func lifting(entry *Record, input *policies.Input, subject Entity, set []Setting) []change {
	var list []change
	add := func(c Changer, do func(*policies.Input)) {
		next := *input
		do(&next)
		for _, s := range set {
			if s.on == c.Resource.Type+" "+c.Resource.ID && (s.Origin == c.Origin || c.Origin == "" && c.Action == "unblock" && s.Origin != "") {
				c.Set = append(c.Set, s)
			}
		}
		if len(c.Set) == 1 { // where several sides block a user, each lifts its own
			c.Origin = c.Set[0].Origin
		}
		list = append(list, change{c, next, len(next.Resource.Blocks) < len(input.Resource.Blocks)-1})
	}
	if input.Subject.Blocked {
		add(Changer{Action: "unblock", Resource: subject}, func(in *policies.Input) { in.Subject.Blocked, in.Subject.BlockedChannels = false, nil })
	}
	for _, origin := range input.Resource.Blocks {
		add(Changer{Action: "unblock", Resource: entry.Question.Resource, Origin: origin}, func(in *policies.Input) { in.Resource.Blocks = nil })
	}
	if input.Resource.Maintenance {
		add(Changer{Action: "end_maintenance", Resource: entry.Question.Resource}, func(in *policies.Input) { in.Resource.Maintenance = false })
	}
	return list
}

// settings finds the blocks and the maintenance that a record's denial rests on, in the changes that set them.
func (g *Guard) settings(ctx context.Context, entry *Record) ([]Setting, error) {
	wanted := blocksOf(entry)
	var found []Setting
	for _, id := range slices.Compact([]string{entry.Question.Subject.ID, entry.Question.Resource.ID}) {
		if len(found) == len(wanted) {
			break
		}
		before := RecordFilter{Organization: entry.Organization, Kind: record.KindChange, Resource: id, After: entry.ID}
		for r, err := range g.ledger.Search(ctx, before) {
			if err != nil {
				return nil, fmt.Errorf("look for what set the blocks: %w", err)
			}
			for _, s := range settingsOf(&r) {
				if slices.Contains(wanted, s.ID) && !slices.ContainsFunc(found, func(f Setting) bool { return f.ID == s.ID }) {
					found = append(found, s)
				}
			}
			if len(found) == len(wanted) {
				break
			}
		}
	}
	return found, nil
}

// settingsOf returns the blocks and the maintenance that a change left standing.
func settingsOf(r *Record) (found []Setting) {
	for _, c := range changesOf(r) {
		var blocks []datastore.Block
		_ = json.Unmarshal(c.Set["blocks"].To, &blocks)
		for _, b := range blocks {
			found = append(found, Setting{ID: b.ID, Origin: b.Origin, By: b.By, Since: b.Since, ExpiresAt: b.ExpiresAt, Record: r.ID, on: c.Noun + " " + c.ID})
		}
		var m datastore.Maintenance
		if json.Unmarshal(c.Set["maintenance"].To, &m) == nil && m.ID != "" {
			found = append(found, Setting{ID: m.ID, By: m.By, Since: m.Since, ExpiresAt: m.ExpiresAt, Record: r.ID, on: c.Noun + " " + c.ID})
		}
	}
	return found
}

// changesOf returns what a record says that was changed; nothing where it cannot be read.
func changesOf(r *Record) []Changed {
	var details struct {
		Changes []Changed `json:"changes"`
	}
	_ = json.Unmarshal(r.Details, &details)
	return details.Changes
}
