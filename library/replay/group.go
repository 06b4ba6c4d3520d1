package replay

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"cordon/ledger/record"
)

const (
	// sampled is of how many records of a group the ids are told.
	sampled = 5
	// mostApart is how many organizations are told apart in one change: what concerns more of them concerns all.
	mostApart = 20
	// mostGroups bounds how many groups there are. Beyond, no organizations are told apart any more, and at last nothing but
	// from what to what an answer would have changed.
	mostGroups = 500
	// mostActions is how many actions are told apart: callers make up names.
	mostActions = 200
	// otherAction stands for those beyond.
	otherAction = "other"
)

// change is what the records of a group have in common.
type change struct {
	from, to, action, role, was, would string
	organization                       string
}

// tally puts what changed into groups.
type tally struct {
	by      map[change]*Group
	apart   map[change]int // by changes without their organization: how many there are; beyond mostApart they are together
	actions map[string]bool
	full    bool // no organizations are told apart
}

func newTally() *tally {
	return &tally{by: map[change]*Group{}, apart: map[change]int{}, actions: map[string]bool{}}
}

// add counts a record, whose answer would have been another.
func (t *tally) add(entry *record.Record, codes string, a *answer) {
	c := change{
		from: verdict(entry.Decision), to: a.to, action: t.action(entry.Question.Action.Name), role: a.role, was: codes, would: a.codes,
	}
	all := c
	if t.apart[all] <= mostApart && !t.full {
		c.organization = entry.Organization
	}
	g := t.by[c]
	if g == nil {
		g = t.group(all, c)
	}
	g.sample(entry.ID)
	g.Count++
}

// sample keeps the id of a record if it is one of the newest: ids grow with time, and records of several replicas do not
// come in its order.
func (g *Group) sample(id string) {
	if len(g.Records) < sampled {
		g.Records = append(g.Records, id)
		return
	}
	if oldest := slices.Index(g.Records, slices.Min(g.Records)); g.Records[oldest] < id {
		g.Records[oldest] = id
	}
}

func (t *tally) action(name string) string {
	switch {
	case t.actions[name]:
		return name
	case len(t.actions) == mostActions:
		return otherAction
	}
	t.actions[name] = true
	return name
}

// group returns the group for a change that has none yet.
func (t *tally) group(all, c change) *Group {
	if c.organization != "" {
		if t.apart[all]++; t.apart[all] > mostApart {
			t.join(all)
			c = all
		}
	}
	if len(t.by) >= mostGroups && !t.full {
		t.full = true
		for _, c := range slices.Collect(t.changes()) {
			t.join(c)
		}
		c = all
	}
	if len(t.by) >= mostGroups && t.by[c] == nil {
		c = change{from: c.from, to: c.to, action: otherAction}
	}
	g := t.by[c]
	if g == nil {
		g = &Group{}
		t.by[c] = g
	}
	return g
}

// changes returns each change without its organization.
func (t *tally) changes() func(yield func(change) bool) {
	return func(yield func(change) bool) {
		seen := map[change]bool{}
		for c := range t.by {
			c.organization = ""
			if !seen[c] && !yield(c) {
				return
			}
			seen[c] = true
		}
	}
}

// join makes one group of a change in all organizations.
func (t *tally) join(all change) {
	whole := &Group{}
	for c, g := range t.by {
		organization := c.organization
		if c.organization = ""; c != all {
			continue
		}
		c.organization = organization
		delete(t.by, c)
		whole.Count += g.Count
		for _, id := range g.Records {
			whole.sample(id)
		}
	}
	t.by[all] = whole
}

// groups returns the groups of answers that would have been others, and of those with other reasons.
func (t *tally) groups() (flips, reasons []Group) {
	flips, reasons = []Group{}, []Group{}
	for c, g := range t.by {
		g.ID, g.From, g.To, g.Action, g.Role, g.Organization = c.id(), c.from, c.to, c.action, c.role, c.organization
		g.Was, g.Would = strings.Fields(c.was), strings.Fields(c.would)
		if len(g.Was) > 0 {
			g.Reason = g.Was[0]
		}
		slices.Sort(g.Records)
		slices.Reverse(g.Records)
		if g.From == g.To {
			reasons = append(reasons, *g)
		} else {
			flips = append(flips, *g)
		}
	}
	most := func(a, b Group) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.ID, b.ID)) }
	slices.SortFunc(flips, most)
	slices.SortFunc(reasons, most)
	return flips, reasons
}

// id names a change, in a form that a shell takes as it is.
func (c *change) id() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", []string{c.from, c.to, c.action, c.role, c.was, c.would, c.organization}))
	return "f-" + hex.EncodeToString(sum[:6])
}
