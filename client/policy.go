package client

import (
	"context"
	"iter"
	"net/http"
	"time"
)

// SetCordon is the policy set whose policy answers the questions of the built-in domain.
const SetCordon = "cordon"

// ActivePolicy says which version of a policy set is in force.
type ActivePolicy struct {
	Set        string `json:"set"`
	Active     string `json:"active"`     // digest of the version in force
	Activation int64  `json:"activation"` // grows by one with each activation
	Previous   string `json:"previous"`   // that a rollback brings back; empty: none was before

	Since   time.Time `json:"since,omitzero"` // when it was activated, by whom and why
	By      string    `json:"by"`
	Message string    `json:"message"`
	// Until is when a version that was activated by breaking the glass gives way to the one before; zero: it stays.
	Until  time.Time `json:"until,omitzero"`
	Reason string    `json:"reason,omitempty"` // why the glass was broken

	// ETag tells this activation from every other ([Client.IfMatch]). It is not sent.
	ETag string `json:"-"`
}

func (p *ActivePolicy) tag(etag string) { p.ETag = etag }

// PolicySet is a policy that answers questions, and what stands between its next version and its being in force.
type PolicySet struct {
	ActivePolicy
	Gates   PolicyGates    `json:"gates"`
	Reviews []PolicyReview `json:"reviews"` // of broken glass, which nobody has closed
}

// PolicyGates are what a version has to pass before it is activated, beside its form, its tests, its budget and a message,
// which are always asked for. What is nil is as in a fresh store.
type PolicyGates struct {
	// SecondPerson asks for the approval of somebody who is not the author. nil: once there are two callers who may
	// approve.
	SecondPerson *bool `json:"second_person"`
	// Coverage is the least share of its rules that its tests must reach, in per cent. nil: 100.
	Coverage *float64 `json:"coverage,omitempty"`
	// InvariantsFree names invariants that a version may break.
	InvariantsFree []string `json:"invariants_free,omitzero"`
	// AcknowledgeFlips asks that each group of decisions that would turn is acknowledged. nil: it does.
	AcknowledgeFlips *bool `json:"acknowledge_flips,omitempty"`
	// DiffRead asks that whoever activates has read the difference.
	DiffRead bool `json:"diff_read"`
}

// PolicyReview is what an activation by breaking the glass leaves behind, until somebody else has looked at it.
type PolicyReview struct {
	ID     string    `json:"id"`
	Digest string    `json:"digest"`
	By     string    `json:"by"`
	At     time.Time `json:"at"`
	Reason string    `json:"reason"`
	Until  time.Time `json:"until"`
}

// PolicyActivation asks for a version to be put in force.
type PolicyActivation struct {
	Message      string      `json:"message"`
	Acknowledged []string    `json:"acknowledged,omitempty"` // groups of changed cells, and of flips, that were looked at
	BreakGlass   *BreakGlass `json:"break_glass,omitempty"`
}

// BreakGlass puts a version in force at once, whatever its gates, until a time at which the one before is in force again.
type BreakGlass struct {
	Reason string    `json:"reason"`
	Until  time.Time `json:"until"`
}

// PolicyActivated is one activation in the history of a set.
type PolicyActivated struct {
	Number   int64     `json:"number"`
	Digest   string    `json:"digest"`
	Previous string    `json:"previous"` // empty: none was before
	How      string    `json:"how"`
	At       time.Time `json:"at"`
	By       string    `json:"by"`
	Caller   string    `json:"caller,omitempty"`
	Message  string    `json:"message"`
	Reason   string    `json:"reason,omitempty"`
	Until    time.Time `json:"until,omitzero"`
}

// How a version came into force.
const (
	ActivationShipped    = "shipped"     // with the first start
	ActivationGated      = "activated"   // through the gates
	ActivationBrokeGlass = "break_glass" // past them, for a time
	ActivationExpired    = "expired"     // the time of another was over
	ActivationRolledBack = "rolled_back" //
	ActivationReloaded   = "reloaded"    // from a folder, under --dev
)

// message is what is said of an act.
type message struct {
	Message string `json:"message"`
}

const policySets = "v1/policies"

// PolicyActivations lists the activations of a set, the newest first.
func (c *Client) PolicyActivations(ctx context.Context, set string) iter.Seq2[PolicyActivated, error] {
	return list[PolicyActivated](ctx, c, nil, policySets, set, "activations")
}

// PolicySets lists the policy sets.
func (c *Client) PolicySets(ctx context.Context) iter.Seq2[PolicySet, error] {
	return list[PolicySet](ctx, c, nil, policySets)
}

// PolicySet tells which version of a set is in force, and what another has to pass to take its place.
func (c *Client) PolicySet(ctx context.Context, set string) (PolicySet, error) {
	return one[PolicySet](ctx, c, http.MethodGet, nil, policySets, set)
}

// SetPolicyGates says what versions of a set have to pass from now on. The key needs the scope admin.
func (c *Client) SetPolicyGates(ctx context.Context, set string, gates PolicyGates) (PolicySet, error) {
	return one[PolicySet](ctx, c, http.MethodPut, gates, policySets, set, "gates")
}

// ApprovePolicy says that the acting person is for a version. Its author cannot.
func (c *Client) ApprovePolicy(ctx context.Context, set, digest, why string) (PolicyVersion, error) {
	return one[PolicyVersion](ctx, c, http.MethodPost, message{why}, policySets, set, "versions", digest, "approve")
}

// ActivatePolicy puts a version in force. [ErrConflict] with the code "gates_open": it has not passed all of its gates, which
// [Problem.Gates] has; "word_in_use": it takes away a word that somebody uses; "already_active": it is in force or, of a
// [BreakGlass], will be again; "own_review" and "too_many_reviews": reviews of broken glass are to be closed first. With
// [Client.IfMatch] of the tag of a [PolicySet]: [ErrPreconditionFailed], where another was activated meanwhile.
func (c *Client) ActivatePolicy(ctx context.Context, set, digest string, activation PolicyActivation) (ActivePolicy, error) {
	return one[ActivePolicy](ctx, c, http.MethodPost, activation, policySets, set, "versions", digest, "activate")
}

// RollBackPolicy puts the version in force that was before. No gate holds it up.
func (c *Client) RollBackPolicy(ctx context.Context, set, why string) (ActivePolicy, error) {
	return one[ActivePolicy](ctx, c, http.MethodPost, message{why}, policySets, set, "rollback")
}

// ClosePolicyReview says that the acting person has looked at what was done when the glass was broken, and what they found.
// It cannot be who broke it.
func (c *Client) ClosePolicyReview(ctx context.Context, set, review, found string) error {
	_, err := c.do(ctx, call{method: http.MethodPost, path: segments(policySets, []string{set, "reviews", review, "close"}), body: message{found}}, nil)
	return err
}
