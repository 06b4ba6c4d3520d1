package client

import (
	"context"
	"net/http"
)

// PolicyShadowing asks for a version to be asked beside the one in force.
type PolicyShadowing struct {
	Digest string  `json:"digest"`
	Sample float64 `json:"sample"` // of which share of the questions: more than 0, up to 1
}

// PolicyShadow is what came of asking a version beside the one in force, on the server that was called, since both were in
// place.
type PolicyShadow struct {
	Shadow string  `json:"shadow"` // digest of the version that is asked; empty: none is
	Policy string  `json:"policy"` // and of the one that answers
	Sample float64 `json:"sample"`

	Asked       int64              `json:"asked"`
	Same        int64              `json:"same"`
	Failed      int64              `json:"failed"`  // it gave no answer in time
	Dropped     int64              `json:"dropped"` // since too many waited
	Seconds     float64            `json:"seconds"` // that asking it took
	Differences []ShadowDifference `json:"differences"`
}

// ShadowDifference is how a shadow answered some questions otherwise.
type ShadowDifference struct {
	Change  string   `json:"change"` // allow_to_deny, deny_to_allow or reasons
	From    string   `json:"from"`   // the first reason of the answer
	To      string   `json:"to"`     // and of the shadow's
	Count   int64    `json:"count"`
	Records []string `json:"records"` // ids of the newest, at most 20
}

// PolicyShadow tells what came of the version that is asked beside the one in force.
func (c *Client) PolicyShadow(ctx context.Context, set string) (PolicyShadow, error) {
	return one[PolicyShadow](ctx, c, http.MethodGet, nil, policySets, set, "shadow")
}

// ShadowPolicy has a version asked beside the one in force, for a share of the questions. It changes no answer.
func (c *Client) ShadowPolicy(ctx context.Context, set, digest string, sample float64) (PolicyShadow, error) {
	return one[PolicyShadow](ctx, c, http.MethodPut, PolicyShadowing{digest, sample}, policySets, set, "shadow")
}

// EndPolicyShadow has no version asked beside the one in force any more.
func (c *Client) EndPolicyShadow(ctx context.Context, set string) error {
	_, err := c.do(ctx, call{method: http.MethodDelete, path: segments(policySets, []string{set, "shadow"})}, nil)
	return err
}
