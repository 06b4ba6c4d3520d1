package client

import (
	"context"
	"iter"
	"net/http"
	"time"
)

// Scopes of a key.
const (
	ScopeDecide    = "decide"    // ask for decisions
	ScopeDirectory = "directory" // read and provision organizations, users and products
	ScopeAct       = "act"       // act for the user named in Cordon-Actor
	ScopeSupport   = "support"   // act as the agent named in Cordon-Agent
	ScopeAudit     = "audit"     // read the decision log
	ScopePolicy    = "policy"    // read and change policies
	ScopeAdmin     = "admin"     // make and revoke keys

	// Parts of ScopePolicy, each of which reads policies as well.
	ScopeDraft    = "policy:draft"    // push versions, and try them
	ScopeApprove  = "policy:approve"  // approve what another has pushed
	ScopeActivate = "policy:activate" // activate a version, and roll back
)

// Scopes are all scopes of a key.
func Scopes() []string {
	return []string{ScopeDecide, ScopeDirectory, ScopeAct, ScopeSupport, ScopeAudit, ScopePolicy, ScopeDraft, ScopeApprove,
		ScopeActivate, ScopeAdmin}
}

// Key is an API key as it is listed. Nobody is shown its secret again.
type Key struct {
	ID           string    `json:"id"`
	Name         string    `json:"name"`
	Scopes       []string  `json:"scopes"`
	Organization string    `json:"organization,omitempty"` // the only one it may ask about
	CreatedAt    time.Time `json:"created_at"`
	CreatedBy    string    `json:"created_by,omitempty"` // who made it: a key's id, an acting user, or the command line
	ExpiresAt    time.Time `json:"expires_at,omitzero"`
	// LastUsedAt may be a minute behind, and a minute more where a server was killed. Zero: not used yet.
	LastUsedAt time.Time `json:"last_used_at,omitzero"`
}

// KeyRequest asks for a new key.
type KeyRequest struct {
	Name         string    `json:"name"`
	Scopes       []string  `json:"scopes"`
	Organization string    `json:"organization,omitempty"`
	ExpiresAt    time.Time `json:"expires_at,omitzero"`
}

// NewKey is a key when it is made: the one time that it is shown.
type NewKey struct {
	ID  string `json:"id"`
	Key string `json:"key"`
}

// CreateKey makes an API key, with no scope that this key lacks and no later end than its own. It is shown once: where the answer was lost, a repeat gives
// [ErrConflict]; revoke the key by its name in the list and make another.
func (c *Client) CreateKey(ctx context.Context, request KeyRequest) (NewKey, error) {
	return one[NewKey](ctx, c, http.MethodPost, request, "v1/keys")
}

// Keys lists the keys that this key may see, in the order of their ids.
func (c *Client) Keys(ctx context.Context) iter.Seq2[Key, error] {
	return list[Key](ctx, c, nil, "v1/keys")
}

// RevokeKey makes a key worthless. The last key that may make keys for all organizations stays:
// [ErrConflict].
func (c *Client) RevokeKey(ctx context.Context, id string) error {
	_, err := c.do(ctx, call{method: http.MethodDelete, path: segments("v1/keys", []string{id})}, nil)
	return err
}
