package client

import (
	"context"
	"net/http"
	"net/url"
)

// Preview says what a block or the start of maintenance would do, and is found by the same rules as the block.
type Preview struct {
	// Losses are what users may do now and could not do any more.
	Losses []Loss `json:"losses"`
	// Mailed are the ids of the users who would be sent a mail.
	Mailed []string `json:"mailed"`
	// Unblockers are the ids of the users who could lift the block, or end the maintenance; of a block
	// that support holds, of those who could have support lift it, with a code of theirs.
	Unblockers []string `json:"unblockers"`
	DecisionID string   `json:"decision_id"` // of the question whether the block is allowed
}

// Loss is what one user would lose on things of one type: the same actions on each of them.
type Loss struct {
	User      string   `json:"user"`
	Type      string   `json:"type"` // product, user, organization or channel
	Resources []string `json:"resources"`
	Actions   []string `json:"actions"`
}

// PreviewBlockProduct tells what blocking a product would do; it changes nothing and needs no reason.
func (c *Client) PreviewBlockProduct(ctx context.Context, organization, product string, request BlockRequest) (Preview, error) {
	return c.preview(ctx, request, organization, products, product, "block")
}

// PreviewStartMaintenance tells what the maintenance of a mail service would do; it changes nothing.
func (c *Client) PreviewStartMaintenance(ctx context.Context, organization, product string, request BlockRequest) (Preview, error) {
	return c.preview(ctx, request, organization, products, product, "start-maintenance")
}

// PreviewBlockUser tells what blocking a user would do; it changes nothing, uses up no
// code and needs no justification.
func (c *Client) PreviewBlockUser(ctx context.Context, organization, user string, request BlockUserRequest) (Preview, error) {
	return c.preview(ctx, request, organization, users, user, "block")
}

func (c *Client) preview(ctx context.Context, request any, organization, kind, id, act string) (Preview, error) {
	var p Preview
	_, err := c.do(ctx, call{
		method: http.MethodPost, path: segments(organizations, []string{organization, kind, id, act}),
		query: url.Values{"preview": {"true"}}, body: request,
	}, &p)
	return p, err
}
