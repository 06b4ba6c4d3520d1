package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"time"
)

// States of a message.
const (
	MessagePending = "pending"
	MessageLeased  = "leased" // somebody is at it
	MessageDone    = "done"
	MessageDead    = "dead" // given up
)

// MessageStates are all states of a message.
func MessageStates() []string {
	return []string{MessagePending, MessageLeased, MessageDone, MessageDead}
}

// Message is something that is delivered at least once: an event that is still to be fanned out, a
// mail, or a call of a webhook.
type Message struct {
	ID           string    `json:"id"`
	Kind         string    `json:"kind"` // event, mail or webhook
	Organization string    `json:"organization"`
	Event        string    `json:"event"`
	Recipient    string    `json:"recipient,omitempty"` // id of the user or webhook
	Decision     string    `json:"decision,omitempty"`  // id of the record of what it tells
	State        string    `json:"state"`               // pending, leased, done or dead (given up)
	Attempts     int       `json:"attempts"`
	NextAt       time.Time `json:"next_at,omitzero"`
	CreatedAt    time.Time `json:"created_at"`
	Log          []Attempt `json:"log"`
}

// Attempt is one try to deliver a message.
type Attempt struct {
	At     time.Time `json:"at"`
	Result string    `json:"result"`
}

// MessageFilter selects messages; what is empty selects all.
type MessageFilter struct {
	Organization, Kind, State string
	Decision                  string // id of a record: what it had sent to whom
}

// Messages are, those of the newest events first, the ones that wait, were delivered, or were given up (state dead).
func (c *Client) Messages(ctx context.Context, filter MessageFilter) iter.Seq2[Message, error] {
	query := url.Values{}
	for name, value := range map[string]string{"organization": filter.Organization, "kind": filter.Kind, "state": filter.State,
		"decision": filter.Decision} {
		if value != "" {
			query.Set(name, value)
		}
	}
	return list[Message](ctx, c, query, "v1/messages")
}

// RetryMessage has a message that was given up delivered again.
func (c *Client) RetryMessage(ctx context.Context, id string) (Message, error) {
	return one[Message](ctx, c, http.MethodPost, struct {
		ID string `json:"id"`
	}{id}, "v1/messages/retry")
}
