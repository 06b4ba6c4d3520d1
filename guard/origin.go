package guard

import (
	"slices"
	"strings"
	"time"

	"cordon/datastore"
	"cordon/ledger/record"
	"cordon/policies"
)

// Scopes of a caller (docs/design.md 4, Callers).
const (
	ScopeDecide    = "decide"
	ScopeDirectory = "directory"
	ScopeAct       = "act"
	ScopeSupport   = "support"
	ScopeAudit     = "audit"
	ScopePolicy    = "policy"
	ScopeAdmin     = "admin"

	// Parts of ScopePolicy, for those who are to do one thing each (docs/design.md 12, Who).
	ScopeDraft    = "policy:draft"
	ScopeApprove  = "policy:approve"
	ScopeActivate = "policy:activate"
)

// Scopes lists all scopes, in the order of the contract.
func Scopes() []string {
	return []string{ScopeDecide, ScopeDirectory, ScopeAct, ScopeSupport, ScopeAudit, ScopePolicy, ScopeDraft, ScopeApprove,
		ScopeActivate, ScopeAdmin}
}

// Caller is who calls: an API key, or the bearer of a token.
type Caller struct {
	ID           string // key id, or "sub" of a token
	Name         string
	Scopes       []string
	Organization string // the only organization it may ask about; empty: all
	ExpiresAt    time.Time
	Token        bool // it came with a token of the issuer, not with a key
}

// May tells whether the caller has a scope, or the one that it is a part of.
func (c *Caller) May(scope string) bool {
	if slices.Contains(c.Scopes, scope) {
		return true
	}
	whole, _, part := strings.Cut(scope, ":")
	return part && slices.Contains(c.Scopes, whole)
}

// Origin is where a call comes from: who calls, who acts through them, and how it is traced.
type Origin struct {
	Caller    *Caller
	Actor     string // user id: the member who acts; empty: the host itself
	Agent     string // support agent id; never together with Actor
	RequestID string
	TraceID   string
	Purpose   string // why the log is read, in the reader's words; it goes on record with the reading
	how       string // the log is read, where it is not listed
	// AtLeast are revisions that no answer to the call is older than (docs/design.md 11, Revisions).
	AtLeast []AtLeast
	Once    *Once // set for a call with an idempotency key
	// If must hold of the tag of the object that a change of the directory is about, as the change finds it;
	// the tag is empty where there is no such object. nil: whatever stands may be changed.
	If func(tag string) bool
}

// begin begins an empty record of what was asked for. It writes each member where it is: every decision comes by here, and a
// record is large to copy.
func (o *Origin) begin(r *record.Record, kind, id string, at time.Time, took time.Duration) {
	r.ID, r.Time, r.Kind, r.DurationUS = id, at, kind, took.Microseconds()
	r.Caller, r.Actor, r.Agent = o.Caller.ID, o.Actor, o.Agent
	r.RequestID, r.TraceID, r.Compact = o.RequestID, o.TraceID, true
}

// LongestPurpose is how many characters an [Origin.Purpose] may have.
const LongestPurpose = 500

// Once makes a mutation happen once for its key: the first answer is kept with the effect, in its
// transaction, and given again to a repeat (docs/design.md 11, Idempotency-Key).
type Once struct {
	Key      string // caller, path and the client's key together
	BodyHash []byte
	// Render gives what to keep of the outcome: result, or a *Denied or *Conflict as err. An empty
	// answer keeps only that it was given (a secret is not shown twice).
	Render func(result *Result, err error) (status int, answer []byte)
}

// by names who acts, for blocks and records.
func (o *Origin) by() string {
	switch {
	case o.Actor != "":
		return o.Actor
	case o.Agent != "":
		return o.Agent
	}
	return o.Caller.ID
}

// blockOrigin gives whose blocks the origin sets and lifts (docs/domain.md, Whose block it is).
func (o *Origin) blockOrigin() string {
	switch {
	case o.Actor != "":
		return datastore.OriginAdministrator
	case o.Agent != "":
		return datastore.OriginSupport
	}
	return datastore.OriginHost
}

func (o *Origin) subject() Entity {
	switch {
	case o.Actor != "":
		return Entity{Type: policies.SubjectUser, ID: o.Actor}
	case o.Agent != "":
		return Entity{Type: policies.SubjectAgent, ID: o.Agent}
	}
	return Entity{Type: policies.SubjectHost, ID: o.Caller.ID}
}
