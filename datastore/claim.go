package datastore

import "time"

// Claim says which messages somebody takes in hand.
//
// Why organizations take turns: all messages of a kind go through the same few hands. In the order in
// which they are due, everybody would wait behind whoever has the largest backlog.
type Claim struct {
	Kind  string
	Now   time.Time     // a message is due whose NextAt is not after it
	Lease time.Duration // how long the messages are the claimer's
	Limit int           // at most so many messages, 1 or more

	// Each bounds how many messages of one organization the claimer has in hand, with those that it
	// says it has by Held. 0: Limit.
	Each int
	Held map[string]int

	// After is the organization that had the last turn: those after it, in the order of ids and
	// around, have the next ones.
	After string
}

// Room returns how many messages of an organization the claim may take.
func (c *Claim) Room(organization string) int {
	each := c.Each
	if each == 0 {
		each = c.Limit
	}
	return max(0, min(each-c.Held[organization], c.Limit))
}

// Share returns how many messages the organization that has the turn number i (from 0) of turns may
// have taken: the limit in equal parts, within its room.
func (c *Claim) Share(organization string, i, turns int) int {
	share := c.Limit / turns
	if i < c.Limit%turns {
		share++
	}
	return min(share, c.Room(organization))
}

// Turns returns the organizations that have something due, in the order of their turns and at most as
// many as the claim has places. next returns the first of them after a given one, empty where there
// is none.
func (c *Claim) Turns(next func(after string) (string, error)) (turns []string, err error) {
	for at, around := c.After, c.After == ""; len(turns) < c.Limit; {
		if at, err = next(at); err != nil {
			return nil, err
		}
		switch {
		case around && (at == "" || c.After != "" && at > c.After):
			return turns, nil
		case at == "":
			around = true
		case c.Room(at) > 0:
			turns = append(turns, at)
		}
	}
	return turns, nil
}
