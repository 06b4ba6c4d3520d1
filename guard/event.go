package guard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"cordon/datastore"
	"cordon/ledger/record"
	"cordon/policies"
)

// Types of an event (docs/domain.md B4; docs/design.md 11, Mail).
const (
	EventProductBlocked     = "product.blocked"
	EventProductUnblocked   = "product.unblocked"
	EventMaintenanceStarted = "maintenance.started"
	EventMaintenanceEnded   = "maintenance.ended"
	EventUserBlocked        = "user.blocked"
	EventUserUnblocked      = "user.unblocked"
	EventUserSecure         = "user.secure"
	EventRoleChanged        = "user.role_changed"
)

// MessageEvent is the kind of a message that is an event, still to be fanned out to its recipients.
const MessageEvent = "event"

// Event is something that the people and systems of an organization are told.
type Event struct {
	ID               string    `json:"id"`
	Type             string    `json:"type"`
	At               time.Time `json:"at"`
	Organization     string    `json:"organization"`
	OrganizationName string    `json:"organization_name"`
	Product          string    `json:"product,omitempty"`
	ProductName      string    `json:"product_name,omitempty"`
	User             string    `json:"user,omitempty"`
	UserName         string    `json:"user_name,omitempty"`
	Origin           string    `json:"origin,omitempty"` // of the block
	By               string    `json:"by,omitempty"`
	Reason           string    `json:"reason,omitempty"`
	Ticket           string    `json:"ticket,omitempty"`
	Channels         []string  `json:"channels,omitempty"`        // of a user's block: those it names
	Closed           []string  `json:"closed_channels,omitempty"` // and all that it closes, in the order of docs/domain.md, Words
	ExpiresAt        time.Time `json:"expires_at,omitzero"`
	CodeOf           string    `json:"code_of,omitempty"` // who asked for it: the maker of the support code

	// AdministratorsManage says of a product that is blocked, or still is, that the policy lets administrators and legal
	// representatives go on managing (docs/domain.md B3), as it was decided.
	AdministratorsManage bool `json:"administrators_manage,omitempty"`
	// StillBlocked says of the end of a block that another one stands.
	StillBlocked bool `json:"still_blocked,omitempty"`

	// ProductEventsTo says of the state of a product who is told, where that is not every member who wants to hear of it
	// (docs/domain.md, Settings), as it was decided.
	ProductEventsTo string `json:"product_events_to,omitempty"`

	Policy *PolicyNotice `json:"policy,omitempty"` // of an event of a policy, which is of no organization

	Role      string `json:"role,omitempty"`
	OldRole   string `json:"old_role,omitempty"`
	Ended     bool   `json:"ended,omitempty"` // by the clock, lifted by nobody
	Procedure string `json:"procedure,omitempty"`
	Decision  string `json:"decision,omitempty"` // id of the record
	Revision  int64  `json:"revision"`
}

// aboutProduct reports whether the event is one of docs/domain.md B4.
func (e *Event) aboutProduct() bool {
	switch e.Type {
	case EventProductBlocked, EventProductUnblocked, EventMaintenanceStarted, EventMaintenanceEnded:
		return true
	}
	return false
}

// tellAbout queues an event with the act (docs/domain.md B4: blocking sends an e-mail).
func (a *attempt) tellAbout(e Event) {
	e.At, e.Organization, e.OrganizationName = a.now, a.facts.Organization.ID, a.facts.Organization.Name
	if e.aboutProduct() {
		var chosen policies.OrganizationSettings
		if s := a.facts.Organization.Settings; s != nil {
			chosen = policies.OrganizationSettings(*s)
		}
		if e.ProductEventsTo = a.policy.InForce(chosen).ProductEventsTo; e.ProductEventsTo == policies.ToMembers {
			e.ProductEventsTo = ""
		}
	}
	a.events = append(a.events, e)
}

// announce queues the act's events in its transaction.
func (g *Guard) announce(ctx context.Context, tx datastore.Tx, a *attempt) error {
	for _, e := range a.events {
		// Ids in the order of time, as those of records are, list messages by their age.
		e.ID, e.Decision, e.Revision = "evt-"+record.NewID(a.now), a.result.ID, a.result.Revision
		payload, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("encode event: %w", err)
		}
		message := datastore.Message{
			ID: e.ID, Kind: MessageEvent, Organization: e.Organization, Event: e.Type, Decision: e.Decision, Payload: payload,
			State: datastore.MessagePending, NextAt: a.now, CreatedAt: a.now,
		}
		if e.Policy != nil {
			message.Lane = PolicyLane
		}
		if err := tx.Put(ctx, message); err != nil {
			return fmt.Errorf("queue event: %w", err)
		}
	}
	return nil
}

// wake tells whoever delivers that there is something to deliver.
func (g *Guard) wake() {
	if g.config.Announced != nil {
		g.config.Announced()
	}
}

// tell lets the observer know of an act.
func (g *Guard) tell(a *attempt, outcome error) {
	if g.observe.Change == nil {
		return
	}
	var denied *Denied
	switch {
	case outcome == nil:
		g.observe.Change(a.action.Name, "done")
	case errors.As(outcome, &denied):
		g.observe.Change(a.action.Name, "denied")
	default:
		g.observe.Change(a.action.Name, "conflict")
	}
}
