package guard

import "time"

// Types of an event of a policy (docs/design.md 12).
const (
	EventPolicyActivated = "policy.activated" // in whatever way: see PolicyNotice.How
	EventPolicyReviewed  = "policy.reviewed"  // a review that was open is closed
)

// PolicyEventTypes returns the types of events that policy administrators are told, and no organization.
func PolicyEventTypes() []string { return []string{EventPolicyActivated, EventPolicyReviewed} }

// PolicyLane is that of messages about policies: they are of no organization, whose they would be otherwise.
const PolicyLane = "policies"

// PolicyNotice is what policy administrators are told of an act on policies.
type PolicyNotice struct {
	Type     string    `json:"-"` // of the event
	Set      string    `json:"set"`
	Digest   string    `json:"digest"`
	Previous string    `json:"previous,omitempty"` // what a rollback or the end of its time brings back
	How      string    `json:"how,omitempty"`      // activated, break_glass, expired, rolled_back, shipped or reloaded
	By       string    `json:"by,omitempty"`
	Message  string    `json:"message,omitempty"`
	Reason   string    `json:"reason,omitempty"` // of break-glass
	Until    time.Time `json:"until,omitzero"`   // of break-glass
}

// tellAdministrators queues a notice with the act.
func (a *attempt) tellAdministrators(n *PolicyNotice) {
	a.events = append(a.events, Event{Type: n.Type, At: a.now, Policy: n})
}
