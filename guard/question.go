package guard

import (
	"encoding/json"

	"cordon/datastore"
	"cordon/ledger/record"
	"cordon/policies"
)

// The nouns that callers of a guard see are the store's.
type (
	Organization = datastore.Organization
	Member       = datastore.Member
	Product      = datastore.Product
	Block        = datastore.Block
	Maintenance  = datastore.Maintenance
	APIKey       = datastore.APIKey
	Record       = record.Record
	RecordFilter = record.Filter
	Page         = datastore.Page
	Entity       = record.Entity
	Action       = record.Action
	Reason       = policies.Reason
)

// Question asks whether a subject may do an action to a resource. Organization of the resource is
// what the question named in properties.organization: needed for users and channels.
type Question struct {
	Subject  Entity
	Action   Action
	Resource Entity
	// Input is the question as it was asked, {"subject", "action", "resource", "context"} with all properties, for a policy
	// set beside the built-in one. The built-in one does not look at it.
	Input json.RawMessage
}

// Answer is a decision that is on record.
type Answer struct {
	*policies.Decision
	ID           string // of the decision's record
	Organization string // that it was decided for; empty where there is none
	Revision     int64  // of the organization that it was decided at
	// Blocks are the ids of the blocks and the maintenance that a denial rests on.
	Blocks []string
}

// Semantic says when a batch of questions ends (AuthZEN 7.1.2).
type Semantic string

// The three semantics of AuthZEN 7.1.2; the empty one is ExecuteAll.
const (
	ExecuteAll          Semantic = "execute_all"
	DenyOnFirstDeny     Semantic = "deny_on_first_deny"
	PermitOnFirstPermit Semantic = "permit_on_first_permit"
)

// endsWith tells whether an item of an outcome is the last that is answered.
func (s Semantic) endsWith(allowed bool) bool {
	return s == DenyOnFirstDeny && !allowed || s == PermitOnFirstPermit && allowed
}

// BatchItem is one question of a batch, or the error that its caller found in it.
type BatchItem struct {
	Question Question
	Invalid  error // what is wrong with the item; it is answered with it
}

// BatchAnswer is the answer to one item: an Answer, or Err (the item is then not allowed).
type BatchAnswer struct {
	Answer
	Err error
}

// Result is what a mutation did: the decision, with the revision after it, and what it changed as
// it is now (blocks that have ended are left out).
type Result struct {
	Answer
	Created      bool
	Organization *Organization
	Settings     *Settings
	Member       *Member
	Product      *Product
	Procedure    *datastore.Procedure // that a user was sent (docs/domain.md U5)
	Webhook      *Webhook             // with its secrets, where it was made or rotated
	Retention    *Retention
	Hold         *Hold
	Activation   *datastore.Activation // of a policy
	Preview      *Preview              // instead of the act, where one was asked for
}
