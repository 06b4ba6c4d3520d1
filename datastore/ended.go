package datastore

import (
	"slices"
	"time"
)

// TriesCount is how long a wrong try of a support code counts (docs/design.md 11, Support codes).
const TriesCount = time.Hour

// Ending selects nouns that came to their end: those of which [EndOf] is From or later, and before Before.
type Ending struct {
	From, Before time.Time
	// Organization is the one that they are of; empty: any. Except are organizations that they are not of. A
	// FirstAnswer is of none.
	Organization string
	Except       []string
	Limit        int // 1 or more
}

// Of reports whether what is of an organization is selected.
func (e *Ending) Of(organization string) bool {
	return (e.Organization == "" || e.Organization == organization) && !slices.Contains(e.Except, organization)
}

// EndOf returns when a noun came to its end: from then on nothing rests on it, and it is kept to be looked at. A
// message ends when it is delivered or given up, which is its last attempt, a procedure when its last step is done,
// a first answer when it is given, and support when its last code runs out and its last wrong try no longer counts.
// The zero time: it has not come to its end, or never does.
func EndOf(noun Noun) (end time.Time) {
	later := func(at time.Time) {
		if at.After(end) {
			end = at
		}
	}
	switch n := noun.(type) {
	case Message:
		if n.State != MessageDone && n.State != MessageDead {
			return end
		}
		later(n.CreatedAt)
		for _, attempt := range n.Log {
			later(attempt.At)
		}
	case Procedure:
		for _, step := range n.Steps {
			if step.DoneAt.IsZero() {
				return time.Time{}
			}
			later(step.DoneAt)
		}
	case FirstAnswer:
		return n.At
	case Support:
		for _, code := range n.Codes {
			later(code.ExpiresAt)
		}
		for _, try := range n.WrongTries {
			later(try.Add(TriesCount))
		}
	}
	return end
}
