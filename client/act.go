package client

import (
	"context"
	"net/http"
)

// BlockProduct suspends the management of a product for its whole organization. Blocked already is
// [ErrConflict].
func (c *Client) BlockProduct(ctx context.Context, organization, product string, request BlockRequest) (ProductAnswer, error) {
	return c.actOnProduct(ctx, organization, product, "block", request)
}

// UnblockProduct lifts the block that was made by the same origin. Not blocked is [ErrConflict].
func (c *Client) UnblockProduct(ctx context.Context, organization, product string, request BlockRequest) (ProductAnswer, error) {
	return c.actOnProduct(ctx, organization, product, "unblock", request)
}

// StartMaintenance suspends the use of a mail service: mail is received and nobody can read it.
func (c *Client) StartMaintenance(ctx context.Context, organization, product string, request BlockRequest) (ProductAnswer, error) {
	return c.actOnProduct(ctx, organization, product, "start-maintenance", request)
}

// EndMaintenance ends the maintenance of a mail service.
func (c *Client) EndMaintenance(ctx context.Context, organization, product string, request BlockRequest) (ProductAnswer, error) {
	return c.actOnProduct(ctx, organization, product, "end-maintenance", request)
}

// BlockUser blocks a user in one organization; nothing of theirs is deleted.
func (c *Client) BlockUser(ctx context.Context, organization, user string, request BlockUserRequest) (UserAnswer, error) {
	return c.actOnUser(ctx, organization, user, "block", request)
}

// UnblockUser lifts the block that was made by the same origin.
func (c *Client) UnblockUser(ctx context.Context, organization, user string, request BlockUserRequest) (UserAnswer, error) {
	return c.actOnUser(ctx, organization, user, "unblock", request)
}

// SecureUser sends a user the procedure to secure their account, instead of a block.
func (c *Client) SecureUser(ctx context.Context, organization, user string, request SecureRequest) (UserAnswer, error) {
	return c.actOnUser(ctx, organization, user, "secure", request)
}

// CreateSupportCode makes a support code for the acting user; it replaces their old one. The code is
// shown once: where the answer was lost, a repeat gives [ErrConflict] and a new call a new code.
func (c *Client) CreateSupportCode(ctx context.Context, organization string) (SupportCode, error) {
	return one[SupportCode](ctx, c, http.MethodPost, struct{}{}, organizations, organization, "support-codes")
}

// UnlockSupportCodes lifts the lock that wrong tries of support codes have set on an organization. It is
// the host's: it needs the scope directory, and nobody acts in it. Where there is no lock it has no effect.
func (c *Client) UnlockSupportCodes(ctx context.Context, organization string) (Revision, error) {
	return one[Revision](ctx, c, http.MethodDelete, nil, organizations, organization, "support-codes")
}

func (c *Client) actOnProduct(ctx context.Context, organization, product, act string, request BlockRequest) (ProductAnswer, error) {
	return one[ProductAnswer](ctx, c, http.MethodPost, request, organizations, organization, products, product, act)
}

func (c *Client) actOnUser(ctx context.Context, organization, user, act string, request any) (UserAnswer, error) {
	return one[UserAnswer](ctx, c, http.MethodPost, request, organizations, organization, users, user, act)
}
