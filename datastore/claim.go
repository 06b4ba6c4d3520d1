package datastore

import (
	"strings"
	"time"
)

// Claim says which messages somebody takes in hand.
//
// Why lanes take turns: all messages of a kind go through the same few hands. In the order in which
// they are due, everybody would wait behind whoever has the largest backlog.
type Claim struct {
	Kind  string
	Now   time.Time     // a message is due whose NextAt is not after it
	Lease time.Duration // how long the messages are the claimer's
	Limit int           // at most so many messages, 1 or more

	// Each bounds how many messages of one lane the claimer has in hand, with those that it says it
	// has by Held, and EachOrganization how many of all lanes of one organization. 0: Limit.
	Each, EachOrganization int
	Held                   map[string]int

	// After is the lane that had the last turn: those after it, in the order of their names and
	// around, have the next ones.
	After string
}

// Way is the name of a message's lane: its organization, or the organization and the lane of it.
func (m *Message) Way() string {
	if m.Lane == "" {
		return m.Organization
	}
	return m.Organization + "/" + m.Lane
}

// organizationOf returns the organization that a lane is of.
func organizationOf(way string) string {
	organization, _, _ := strings.Cut(way, "/")
	return organization
}

// past returns where to look on when a lane's organization has no room: after all of its lanes that
// stand together. Ids have no tilde.
func past(way string) string {
	if organization, _, several := strings.Cut(way, "/"); several {
		return organization + "/~"
	}
	return way
}

// Turns returns the lanes whose turn it is, and how many messages each of them may have taken. next
// returns the first lane after a given one that has something due, empty where there is none; it is
// not asked about lanes that are passed over with their organization.
func (c *Claim) Turns(next func(after string) (string, error)) (turns []string, places []int, err error) {
	held := map[string]int{} // by organization
	for way, n := range c.Held {
		held[organizationOf(way)] += n
	}
	for at, around := c.After, c.After == ""; len(turns) < c.Limit; {
		way, err := next(at)
		if err != nil {
			return nil, nil, err
		}
		if around && (way == "" || c.After != "" && way > c.After) {
			break
		}
		organization := organizationOf(way)
		switch at = way; {
		case way == "":
			around = true
		case held[organization] >= c.bound(c.EachOrganization):
			at = past(way)
		case c.Held[way] < c.bound(c.Each):
			turns, places = append(turns, way), append(places, 1)
			held[organization]++
		}
	}
	c.fill(turns, places, held)
	return turns, places, nil
}

// fill gives the places that are left to the lanes in turn, as far as there is room for them.
func (c *Claim) fill(turns []string, places []int, held map[string]int) {
	for left, given := c.Limit-len(turns), true; given; {
		given = false
		for i, way := range turns {
			organization := organizationOf(way)
			if left > 0 && c.Held[way]+places[i] < c.bound(c.Each) && held[organization] < c.bound(c.EachOrganization) {
				places[i]++
				held[organization]++
				left--
				given = true
			}
		}
	}
}

func (c *Claim) bound(n int) int {
	if n == 0 {
		return c.Limit
	}
	return n
}
