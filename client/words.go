package client

import (
	"context"
	"net/http"
)

// Words are the roles, kinds of products, actions and channels that the policy in force knows: Cordon's own, and those that
// the policy declares (docs/domain.md, Words beyond these).
type Words struct {
	Policy   string        `json:"policy"` // digest
	Roles    []RoleWord    `json:"roles"`
	Kinds    []KindWord    `json:"kinds"` // products may have others
	Actions  []ActionWord  `json:"actions"`
	Channels []ChannelWord `json:"channels"`
	Retired  RetiredWords  `json:"retired"`
}

// RoleWord is a role. Allows and Granted are of a declared one: what it may do without a grant, by type of resource, and what
// a grant gives it (nil: all that asks for access).
type RoleWord struct {
	Name     string              `json:"name"`
	Declared bool                `json:"declared"`
	Title    Texts               `json:"title,omitempty"`
	Allows   map[string][]string `json:"allows,omitempty"`
	Granted  []string            `json:"granted,omitempty"`
}

// KindWord is a kind of products.
type KindWord struct {
	Name     string `json:"name"`
	Declared bool   `json:"declared"`
	Title    Texts  `json:"title,omitempty"`
}

// ActionWord is an action on a type of resource, and what it asks: access, reception, admin, admin_or_oneself or member.
type ActionWord struct {
	Name         string `json:"name"`
	On           string `json:"on"`
	Asks         string `json:"asks"`
	Declared     bool   `json:"declared"`
	WhileBlocked string `json:"while_blocked,omitempty"` // of a declared action on products: denied or allowed
	Title        Texts  `json:"title,omitempty"`
}

// ChannelWord is a service channel; a critical one is closed by every block of a user.
type ChannelWord struct {
	Name     string `json:"name"`
	Critical bool   `json:"critical"`
}

// RetiredWords are words that there were, with those that stand for them now.
type RetiredWords struct {
	Roles   map[string]string `json:"roles,omitempty"`
	Kinds   map[string]string `json:"kinds,omitempty"`
	Actions map[string]string `json:"actions,omitempty"`
}

// Words reads the words of the policy in force.
func (c *Client) Words(ctx context.Context) (Words, error) {
	var words Words
	_, err := c.do(ctx, call{method: http.MethodGet, path: []string{"v1", "words"}}, &words)
	return words, err
}
