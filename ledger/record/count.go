package record

import (
	"iter"
	"time"
)

// Count is how many records allowed and how many denied.
type Count struct{ Allowed, Denied int64 }

// CountedBy returns what records are counted by.
func CountedBy() []string { return []string{"reason", "action", "organization", "hour"} }

// Counted returns what the record counts for, each once: its reasons' codes, its action, its organization, or the hour
// that it is of, as 2026-01-31T12:00:00Z. By anything else it counts for nothing, and so does a search.
func (r *Record) Counted(by string) iter.Seq[string] {
	return func(yield func(string) bool) {
		if !r.Decides() {
			return
		}
		switch by {
		case "reason":
			seen := make(map[string]bool, 2)
			for code := range r.reasonCodes() {
				if !seen[string(code)] {
					seen[string(code)] = true
					if !yield(string(code)) {
						return
					}
				}
			}
		case "action":
			yield(r.Question.Action.Name)
		case "organization":
			yield(r.Organization)
		case "hour":
			yield(r.Time.UTC().Truncate(time.Hour).Format(time.RFC3339))
		}
	}
}

// Add counts a record.
func (c Count) Add(r *Record) Count {
	if r.Decision {
		c.Allowed++
	} else {
		c.Denied++
	}
	return c
}
