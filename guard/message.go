package guard

import (
	"context"
	"fmt"

	"cordon/datastore"
)

// Message is something that is delivered at least once.
type Message = datastore.Message

// MessageFilter selects messages.
type MessageFilter = datastore.MessageFilter

// Messages lists messages, those of the newest events first: what waits, what was delivered, and what was given
// up (state "dead").
func (g *Guard) Messages(ctx context.Context, o *Origin, f datastore.MessageFilter) ([]Message, string, error) {
	if limit := o.Caller.Organization; limit != "" {
		if f.Organization != "" && f.Organization != limit {
			return nil, "", ErrOrganizationLimit
		}
		f.Organization = limit
	}
	f.NewestFirst = true
	page := f.Page
	return collect(page, func(p Page) seq[Message] { f.Page = ahead(p, page); return g.store.Messages(ctx, f) },
		func(m Message) (string, bool) { return m.ID, true })
}

// Deliveries lists the messages to a webhook. *NotFound: the organization has no such webhook.
func (g *Guard) Deliveries(ctx context.Context, o *Origin, organization, webhook string, page Page) ([]Message, string, error) {
	if _, err := g.read(ctx, o, datastore.Key{Organization: organization}, "organization"); err != nil {
		return nil, "", err
	}
	found := false
	for w, err := range g.store.Webhooks(ctx, organization, Page{}) {
		if err != nil {
			return nil, "", fmt.Errorf("read webhooks: %w", err)
		}
		if found = w.ID == webhook; found {
			break
		}
	}
	if !found {
		return nil, "", &NotFound{What: "webhook"}
	}
	return g.Messages(ctx, o, MessageFilter{Organization: organization, Kind: "webhook", Recipient: webhook, Page: page})
}

// RetryMessage has a message that was given up delivered again. *Conflict: it was not given up.
func (g *Guard) RetryMessage(ctx context.Context, o *Origin, id string) (Message, error) {
	var message Message
	var f faults
	f.text("/id", id, 1, longestReason) // an empty one would select all
	if err := f.err(); err != nil {
		return message, err
	}
	err := g.store.Update(ctx, func(ctx context.Context, tx datastore.Tx) error {
		found := false
		for m, err := range tx.Messages(ctx, datastore.MessageFilter{ID: id}) {
			if err != nil {
				return fmt.Errorf("read message: %w", err)
			}
			message, found = m, true
		}
		if limit := o.Caller.Organization; !found || limit != "" && message.Organization != limit {
			return &NotFound{What: "message"}
		}
		if message.State != datastore.MessageDead {
			return &Conflict{Code: "not_dead", Detail: "only a message that was given up can be sent again"}
		}
		message.State, message.NextAt, message.Attempts, message.Lease = datastore.MessagePending, g.now(), 0, ""
		return tx.Put(ctx, message)
	})
	return message, err
}
