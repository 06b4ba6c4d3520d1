package client

import (
	"context"
	"net/http"
)

// mergePatch is the media type of a patch (RFC 7396).
const mergePatch = "application/merge-patch+json"

// NamePatch changes an organization or a product. A nil name stays.
type NamePatch struct {
	Name *string `json:"name,omitempty"`
}

// UserPatch changes a part of a membership: what is nil stays as it is. A pointer to "" empties a text, which for
// Language is the default. Grants are replaced as a whole, by none where the list is empty and not nil.
type UserPatch struct {
	Name     *string     `json:"name,omitempty"`
	Email    *string     `json:"email,omitempty"`
	Language *string     `json:"language,omitempty"`
	Role     *string     `json:"role,omitempty"`
	Grants   []string    `json:"grants,omitzero"`
	Notify   *NotifyBody `json:"notify,omitempty"`
}

// PatchOrganization renames an organization, and makes none ([ErrNotFound]).
func (c *Client) PatchOrganization(ctx context.Context, id string, patch NamePatch) (Organization, error) {
	return one[Organization](ctx, c, http.MethodPatch, patch, organizations, id)
}

// PatchUser changes what the patch names of a user, and leaves the rest as it is then: two who change different
// members at the same time do not undo each other's change.
func (c *Client) PatchUser(ctx context.Context, organization, id string, patch UserPatch) (User, error) {
	return one[User](ctx, c, http.MethodPatch, patch, organizations, organization, users, id)
}

// PatchProduct renames a product, and makes none ([ErrNotFound]).
func (c *Client) PatchProduct(ctx context.Context, organization, id string, patch NamePatch) (Product, error) {
	return one[Product](ctx, c, http.MethodPatch, patch, organizations, organization, products, id)
}
