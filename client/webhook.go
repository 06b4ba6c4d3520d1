package client

import (
	"context"
	"iter"
	"net/http"
	"time"
)

// Webhook is a URL that an organization's events are sent to, signed as Standard Webhooks says.
type Webhook struct {
	ID        string    `json:"id"`
	URL       string    `json:"url"`
	Events    []string  `json:"events"` // empty: all
	CreatedAt time.Time `json:"created_at"`
	// Secret signs the events (whsec_...). It is shown when it is made, and never again.
	Secret string `json:"secret,omitempty"`
}

// WebhookRequest asks to have events sent.
type WebhookRequest struct {
	URL    string   `json:"url"`
	Events []string `json:"events,omitempty"`
}

// Events that a webhook may ask for.
const (
	EventProductBlocked     = "product.blocked"
	EventProductUnblocked   = "product.unblocked"
	EventMaintenanceStarted = "maintenance.started"
	EventMaintenanceEnded   = "maintenance.ended"
	EventUserBlocked        = "user.blocked"
	EventUserUnblocked      = "user.unblocked"
	EventUserSecure         = "user.secure"
	EventUserRoleChanged    = "user.role_changed"
)

// WebhookEvents are all of them.
func WebhookEvents() []string {
	return []string{
		EventProductBlocked, EventProductUnblocked, EventMaintenanceStarted, EventMaintenanceEnded,
		EventUserBlocked, EventUserUnblocked, EventUserSecure, EventUserRoleChanged,
	}
}

const webhooks = "webhooks"

// CreateWebhook has an organization's events sent to a URL. The secret is in the answer alone.
func (c *Client) CreateWebhook(ctx context.Context, organization string, request WebhookRequest) (Webhook, error) {
	return one[Webhook](ctx, c, http.MethodPost, request, organizations, organization, webhooks)
}

// Webhooks are those of an organization, without their secrets.
func (c *Client) Webhooks(ctx context.Context, organization string) iter.Seq2[Webhook, error] {
	return list[Webhook](ctx, c, nil, organizations, organization, webhooks)
}

// RotateWebhook makes a new secret; the old one goes on signing beside it for a day.
func (c *Client) RotateWebhook(ctx context.Context, organization, id string) (Webhook, error) {
	return one[Webhook](ctx, c, http.MethodPost, struct{}{}, organizations, organization, webhooks, id, "rotate")
}

// DeleteWebhook ends one.
func (c *Client) DeleteWebhook(ctx context.Context, organization, id string) (Revision, error) {
	return one[Revision](ctx, c, http.MethodDelete, nil, organizations, organization, webhooks, id)
}

// Deliveries are the messages to one webhook, with their attempts.
func (c *Client) Deliveries(ctx context.Context, organization, id string) iter.Seq2[Message, error] {
	return list[Message](ctx, c, nil, organizations, organization, webhooks, id, "deliveries")
}
