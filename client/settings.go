package client

import (
	"context"
	"net/http"
)

// The settings that a policy may leave to organizations (docs/domain.md, Settings).
const (
	SettingAdministratorsManage = "administrators_manage_blocked_products"
	SettingBlocksMustEnd        = "blocks_must_end"
	SettingProductEventsTo      = "product_events_to"
)

// Who is told of blocks and maintenance of products, of those who want to hear of them; legal representatives always.
const (
	ToMembers              = "members"
	ToAdmins               = "admins"
	ToLegalRepresentatives = "legal_representatives"
)

// OrganizationSettings are what an organization chose. What is nil or empty it did not choose: the policy's holds.
type OrganizationSettings struct {
	AdministratorsManageBlockedProducts *bool  `json:"administrators_manage_blocked_products,omitempty"`
	BlocksMustEnd                       *bool  `json:"blocks_must_end,omitempty"`
	ProductEventsTo                     string `json:"product_events_to,omitempty"`
}

// Settings are the settings of an organization by the policy in force.
type Settings struct {
	OrganizationSettings
	InForce  OrganizationSettings `json:"in_force"` // what holds: each of them
	Left     []string             `json:"left"`     // the names of what the policy leaves to organizations
	Revision int64                `json:"revision"` // of the organization
	// ETag is the settings' own, which [Client.IfMatch] takes.
	ETag string `json:"-"`
}

func (s *Settings) tag(etag string) { s.ETag = etag }

// Settings gives the settings of an organization.
func (c *Client) Settings(ctx context.Context, organization string) (Settings, error) {
	return one[Settings](ctx, c, http.MethodGet, nil, organizations, organization, "settings")
}

// PutSettings has an organization choose, all at once: what is left out is as the policy has it again. A setting that the
// policy does not leave to organizations is refused ([ErrInvalid]).
func (c *Client) PutSettings(ctx context.Context, organization string, settings OrganizationSettings) (Settings, error) {
	return one[Settings](ctx, c, http.MethodPut, settings, organizations, organization, "settings")
}
