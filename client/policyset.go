package client

import (
	"context"
	"net/http"
)

// PolicySetNew is a policy set as it is added beside the built-in one.
type PolicySetNew struct {
	Set     string            `json:"set"`
	Message string            `json:"message,omitempty"`
	Files   map[string]string `json:"files"` // text by path
}

// PolicySetAdded is a policy set that was added, with its first version, which is in force.
type PolicySetAdded struct {
	Set        string        `json:"set"`
	Version    PolicyVersion `json:"version"`
	Report     PolicyReport  `json:"report"`
	Activation int64         `json:"activation"`
}

// AddPolicySet makes a policy set beside the built-in one and puts its first version in force. It answers at /p/NAME. A policy
// that is none has its [Problem.Problems]. [ErrConflict] with the code "set_exists": there is one of that name;
// "gates_open": its tests, its form or its budget are not as they must be.
func (c *Client) AddPolicySet(ctx context.Context, set PolicySetNew) (PolicySetAdded, error) {
	return one[PolicySetAdded](ctx, c, http.MethodPost, set, policySets)
}

// RemovePolicySet ends a policy set: nobody is answered by it any more. Its versions stay, for the log names them.
func (c *Client) RemovePolicySet(ctx context.Context, set string) error {
	_, err := c.do(ctx, call{method: http.MethodDelete, path: segments(policySets, []string{set})}, nil)
	return err
}
