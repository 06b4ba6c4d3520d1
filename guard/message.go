package guard

import (
	"context"
	"errors"
	"fmt"

	"cordon/datastore"
)

// Message is something that is delivered at least once.
type Message = datastore.Message

// Messages lists the messages that have what the given one sets ([datastore.Reader.List]), those of the newest
// events first: what waits, what was delivered, and what was given up (state "dead").
func (g *Guard) Messages(ctx context.Context, o *Origin, among Message, page Page) ([]Message, string, error) {
	if limit := o.Caller.Organization; limit != "" {
		if among.Organization != "" && among.Organization != limit {
			return nil, "", ErrOrganizationLimit
		}
		among.Organization = limit
	}
	page.Descending = true
	return collect(ctx, g.store, among, page, func(m Message) string { return m.ID }, nil)
}

// Deliveries lists the messages to a webhook. *NotFound: the organization has no such webhook.
func (g *Guard) Deliveries(ctx context.Context, o *Origin, organization, webhook string, page Page) ([]Message, string, error) {
	if _, err := g.read(ctx, o, datastore.Key{Organization: organization}, "organization"); err != nil {
		return nil, "", err
	}
	_, err := datastore.Get(ctx, g.store, Webhook{Organization: organization, ID: webhook})
	if errors.Is(err, datastore.ErrNotFound) {
		return nil, "", &NotFound{What: "webhook"}
	}
	if err != nil {
		return nil, "", fmt.Errorf("read webhook: %w", err)
	}
	return g.Messages(ctx, o, Message{Organization: organization, Kind: "webhook", Recipient: webhook}, page)
}

// RetryMessage has a message that was given up delivered again. *Conflict: it was not given up.
func (g *Guard) RetryMessage(ctx context.Context, o *Origin, id string) (Message, error) {
	var message Message
	var f faults
	f.text("/id", id, 1, longestReason)
	if err := f.err(); err != nil {
		return message, err
	}
	err := g.store.Update(ctx, func(ctx context.Context, tx datastore.Tx) (err error) {
		message, err = datastore.Get(ctx, tx, Message{ID: id})
		found := !errors.Is(err, datastore.ErrNotFound)
		if err != nil && found {
			return fmt.Errorf("read message: %w", err)
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
