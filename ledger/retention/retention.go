// Package retention answers how long things are kept: times by class and organization, and holds, which beat them.
//
// It decides and deletes nothing. Whoever deletes reads the [State] in the transaction that does, and puts it again:
// so of a deletion and a hold that come together one is first, and the other knows of it.
package retention

import (
	"maps"
	"slices"
	"time"

	"cordon/datastore"
	"cordon/ledger/record"
)

// Classes of what is kept for a time.
const (
	Decisions  = "decisions"  // records of questions answered and of acts refused
	Changes    = "changes"    // records of changes
	Reads      = "reads"      // records of who read the log
	Messages   = "messages"   // mails and webhook calls that were delivered or given up
	Procedures = "procedures" // to secure an account, all of whose steps are done
)

// Classes returns the classes, in the order in which they are shown.
func Classes() []string { return []string{Decisions, Changes, Reads, Messages, Procedures} }

// ClassOf returns the class of records of a kind. A gap is of none: what says that records are missing is kept for ever.
func ClassOf(kind string) (class string, has bool) {
	switch kind {
	case record.KindDecision:
		return Decisions, true
	case record.KindChange:
		return Changes, true
	case record.KindRead:
		return Reads, true
	}
	return "", false
}

// Times are how long what is of each class is kept, from its end on: a record's is its own time.
type Times map[string]Time

// Rules are the times that somebody set. What they do not name is kept as [Default] says.
type Rules struct {
	Classes       Times            `json:"classes,omitempty"`
	Organizations map[string]Times `json:"organizations,omitempty"`
}

// Default returns how long a class is kept where nobody says otherwise. Records are kept for ever.
func Default(class string) Time {
	switch class {
	case Messages:
		return Time{days: 30}
	case Procedures:
		return Time{days: 400}
	}
	return Time{}
}

// Time returns how long a class is kept of an organization; empty: of none.
func (r *Rules) Time(class, organization string) Time {
	if own, is := r.Organizations[organization][class]; is {
		return own
	}
	if set, is := r.Classes[class]; is {
		return set
	}
	return Default(class)
}

// Before returns the time before which what ended may go; the zero time: nothing may. A hold beats every time.
func (s *State) Before(class, organization string, now time.Time) time.Time {
	if slices.ContainsFunc(s.Holds, func(h Hold) bool { return h.covers(class, organization) }) {
		return time.Time{}
	}
	return s.Rules.Time(class, organization).before(now)
}

// Over reports whether a record may go.
func (s *State) Over(r *record.Record, now time.Time) bool {
	class, has := ClassOf(r.Kind)
	return has && r.Time.Before(s.Before(class, r.Organization, now))
}

// Filters find all records that may go, and more: what is found is held against [State.Over]. There are none where
// nothing may.
func (s *State) Filters(now time.Time) (filters []record.Filter) {
	for _, kind := range []string{record.KindDecision, record.KindChange, record.KindRead} {
		class, _ := ClassOf(kind)
		all := s.Before(class, "", now)
		if !all.IsZero() {
			filters = append(filters, record.Filter{Kind: kind, To: all})
		}
		for _, organization := range slices.Sorted(maps.Keys(s.Rules.Organizations)) {
			if before := s.Before(class, organization, now); before.After(all) {
				filters = append(filters, record.Filter{Kind: kind, Organization: organization, To: before})
			}
		}
	}
	return filters
}

// Endings returns where to look for what may go of a class of nouns. It is for finding alone: what is found is
// held against [State.Before] before it goes.
func (s *State) Endings(class string, now time.Time) []datastore.Ending {
	own := map[string]bool{}
	for organization, times := range s.Rules.Organizations {
		if _, is := times[class]; is {
			own[organization] = true
		}
	}
	for _, h := range s.Holds {
		if h.Class == "" || h.Class == class {
			own[h.Organization] = true
		}
	}
	if own[""] {
		return nil // a hold of all organizations
	}
	var endings []datastore.Ending
	rest := datastore.Ending{Before: s.Before(class, "", now)}
	for organization := range own {
		rest.Except = append(rest.Except, organization)
		if before := s.Before(class, organization, now); !before.IsZero() {
			endings = append(endings, datastore.Ending{Organization: organization, Before: before})
		}
	}
	if slices.Sort(rest.Except); !rest.Before.IsZero() {
		endings = append(endings, rest)
	}
	return endings
}
