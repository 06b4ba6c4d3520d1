package client

import "time"

// Scopes of a key.
const (
	ScopeDecide    = "decide"    // ask for decisions
	ScopeDirectory = "directory" // read and provision organizations, users and products
	ScopeAct       = "act"       // act for the user named in Cordon-Actor
	ScopeSupport   = "support"   // act as the agent named in Cordon-Agent
	ScopeAudit     = "audit"     // read the decision log
	ScopePolicy    = "policy"    // read and change policies
	ScopeAdmin     = "admin"     // make and revoke keys
)

// Scopes are all scopes of a key.
func Scopes() []string {
	return []string{ScopeDecide, ScopeDirectory, ScopeAct, ScopeSupport, ScopeAudit, ScopePolicy, ScopeAdmin}
}

// Key is an API key as it is listed. Nobody is shown its secret again.
type Key struct {
	ID           string    `json:"id"`
	Name         string    `json:"name"`
	Scopes       []string  `json:"scopes"`
	Organization string    `json:"organization,omitempty"` // the only one it may ask about
	CreatedAt    time.Time `json:"created_at"`
	ExpiresAt    time.Time `json:"expires_at,omitzero"`
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
