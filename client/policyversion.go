package client

import (
	"context"
	"fmt"
	"io"
	"iter"
	"net/http"
	"time"
)

// States of a version.
const (
	PolicyDraft      = "draft"      // not everything that is checked holds
	PolicyChecked    = "checked"    // it does
	PolicyActive     = "active"     // it is in force
	PolicySuperseded = "superseded" // it was
)

// PolicyVersion is one content of a policy set, and what is known of it. Its content never changes.
type PolicyVersion struct {
	Digest    string           `json:"digest"`
	Parent    string           `json:"parent"` // the version that it was made of; empty: none
	Author    string           `json:"author"`
	Caller    string           `json:"caller"` // the key, or the subject of the token, that pushed it
	Message   string           `json:"message"`
	CreatedAt time.Time        `json:"created_at"`
	State     string           `json:"state"`
	Report    *PolicyReport    `json:"report"` // nil: it was not checked yet, or is in a list
	Approvals []PolicyApproval `json:"approvals"`
	Gates     []PolicyGate     `json:"gates,omitzero"` // those that stand open; a list leaves them out
}

// PolicyApproval is somebody's word for a version.
type PolicyApproval struct {
	By      string    `json:"by"`
	Caller  string    `json:"caller"`
	At      time.Time `json:"at"`
	Message string    `json:"message"`
	Against string    `json:"against"` // the version in force for good then: what was approved is the step from it
}

// PolicyGate is one that stands open between a version and its being in force.
type PolicyGate struct {
	Name    string    `json:"name"`
	Detail  string    `json:"detail"`            // what is missing, and what to do
	Missing []string  `json:"missing,omitempty"` // invariants that do not hold, or ids that are not acknowledged
	Scope   string    `json:"scope"`             // whoever has it may close the gate
	Keys    []KeyName `json:"keys,omitempty"`    // those of them that are known, where only some may
}

// KeyName is an API key as others see it.
type KeyName struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// PolicyPush is a version to be kept.
type PolicyPush struct {
	Parent  string            `json:"parent,omitempty"` // the version that it was made of
	Message string            `json:"message"`
	Files   map[string]string `json:"files"` // texts by path
}

// PolicyPushed is what became of it.
type PolicyPushed struct {
	Version PolicyVersion `json:"version"`
	Report  PolicyReport  `json:"report"`
}

// PolicyVersions lists the versions of a set, the newest first.
func (c *Client) PolicyVersions(ctx context.Context, set string) iter.Seq2[PolicyVersion, error] {
	return list[PolicyVersion](ctx, c, nil, policySets, set, "versions")
}

// PolicyVersion tells all that is known of a version: its report, its approvals and which gates stand open.
func (c *Client) PolicyVersion(ctx context.Context, set, digest string) (PolicyVersion, error) {
	return one[PolicyVersion](ctx, c, http.MethodGet, nil, policySets, set, "versions", digest)
}

// PolicyFiles gives the texts of a version by their paths.
func (c *Client) PolicyFiles(ctx context.Context, set, digest string) (map[string]string, error) {
	return one[map[string]string](ctx, c, http.MethodGet, nil, policySets, set, "versions", digest, "files")
}

// PushPolicy keeps a version as a draft. The same content once more makes no second one. [ErrInvalid] with the code
// "policy_invalid": it is no policy, for the reasons in [Problem.Problems], and nothing was kept. With [Client.IfMatch] of
// the tag of a [PolicySet]: [ErrPreconditionFailed], where another version was activated since.
func (c *Client) PushPolicy(ctx context.Context, set string, push PolicyPush) (PolicyPushed, error) {
	return one[PolicyPushed](ctx, c, http.MethodPost, push, policySets, set, "versions")
}

// CheckPolicy makes the report of a version again.
func (c *Client) CheckPolicy(ctx context.Context, set, digest string) (PolicyReport, error) {
	return one[PolicyReport](ctx, c, http.MethodPost, nil, policySets, set, "versions", digest, "check")
}

// PolicyBundle gives a version as any OPA takes it: a bundle, whose revision is the digest. The caller closes it.
func (c *Client) PolicyBundle(ctx context.Context, set, digest string) (io.ReadCloser, error) {
	res, err := c.open(ctx, call{method: http.MethodGet, path: segments(policySets, []string{set, "versions", digest, "bundle"})}) //nolint:bodyclose // the caller closes it
	if err != nil {
		return nil, fmt.Errorf("get bundle: %w", err)
	}
	return res.Body, nil
}
