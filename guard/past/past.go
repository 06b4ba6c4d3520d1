// Package past answers what was known: the directory as it was, worked out of what is known now and the changes on
// record since.
//
// It goes backwards: a change says what stood before it, so that what is known now, with every later change taken back,
// is what was known then. It knows no log and no store, so that whoever has both decides what it is given.
package past

import (
	"cmp"
	"encoding/json"
	"fmt"
	"time"

	"cordon/ledger/record"
)

// Complete is the detail of a record whose changes tell all that was made or went along with it. Records of imports and
// removals of releases that did not tell it lack it: what was before them is not known.
const Complete = "complete"

// GrantedTo is, of a product that is removed, who had a grant to it.
const GrantedTo = "granted_to"

// Changed is what a change did to one noun.
type Changed struct {
	Noun string            `json:"noun"`
	ID   string            `json:"id"`
	Set  map[string]FromTo `json:"set"` // by the name that the member has in the API
}

// FromTo is a value before and after. What was empty before has no from, what is empty after no to.
type FromTo struct {
	From json.RawMessage `json:"from,omitempty"`
	To   json.RawMessage `json:"to,omitempty"`
}

// Change is what a record says that was changed in the directory of its organization.
type Change struct {
	ID       string // of the record
	Time     time.Time
	Stream   string
	Sequence int64
	Revision int64
	By       string // who acted: a user, an agent, or the caller itself
	Changed  []Changed
	opaque   bool // it changed more than it tells
}

// UnknownError: what was known at a time cannot be told, and from when on it can; the zero time: that is not known.
type UnknownError struct {
	From time.Time
	Why  string
}

func (e *UnknownError) Error() string {
	if e.From.IsZero() {
		return "it cannot be told: " + e.Why
	}
	return fmt.Sprintf("it can be told from %s on: %s", e.From.UTC().Format(time.RFC3339Nano), e.Why)
}

// isDirectory reports whether a noun is one of the directory.
func isDirectory(noun string) bool {
	return noun == "organization" || noun == "user" || noun == "product"
}

// Read reads what a record of an organization changed in its directory, and whether it changed anything. A record of a
// change that does not say how it changed the directory is read as one that is not known: nothing before it can be told.
func Read(r *record.Record) (Change, bool) {
	c := Change{
		ID: r.ID, Time: r.Time, Stream: r.Replica, Sequence: r.Sequence, Revision: r.Revision,
		By: cmp.Or(r.Actor, r.Agent, r.Caller),
	}
	var details struct {
		Changes  []Changed       `json:"changes"`
		Complete bool            `json:"complete"`
		PartOf   string          `json:"part_of"`
		Line     int             `json:"line"`
		Webhook  json.RawMessage `json:"webhook"`
	}
	if err := json.Unmarshal(r.Details, &details); len(r.Details) > 0 && err != nil {
		c.opaque = true
		return c, true
	}
	for _, changed := range details.Changes {
		if isDirectory(changed.Noun) {
			c.Changed = append(c.Changed, changed)
		}
	}
	action, of := r.Question.Action.Name, r.Question.Resource.Type
	switch {
	case details.PartOf != "":
	case action == "import":
		c.opaque = !details.Complete
	case action == "remove":
		c.opaque = !details.Complete && isDirectory(of)
	case action == "change_organization":
		c.opaque = len(c.Changed) == 0 && details.Webhook == nil
	default:
		c.opaque = len(c.Changed) == 0 && changesDirectory(action)
	}
	return c, c.opaque || len(c.Changed) > 0
}

// changesDirectory reports whether a change by an action changes the directory.
func changesDirectory(action string) bool {
	switch action {
	case "create_organization", "change_settings", "add_user", "change_role", "change_grants", "change_profile", "add_product", "change_product",
		"block", "unblock", "start_maintenance", "end_maintenance":
		return true
	}
	return false
}
