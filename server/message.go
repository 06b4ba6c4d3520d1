package server

import (
	"net/http"
	"slices"

	"cordon/client"
	"cordon/guard"
)

var (
	messageQuery  = []string{"organization", "kind", "state"}
	messageKinds  = []string{"event", "mail", "webhook"}
	messageStates = []string{"pending", "leased", "done", "dead"}
)

func listMessages(c *call) error {
	query := c.req.URL.Query()
	filter := guard.MessageFilter{Organization: query.Get("organization"), Kind: query.Get("kind"), State: query.Get("state")}
	if filter.Kind != "" && !slices.Contains(messageKinds, filter.Kind) {
		return because(errQuery, "kind must be event, mail or webhook")
	}
	if filter.State != "" && !slices.Contains(messageStates, filter.State) {
		return because(errQuery, "state must be pending, leased, done or dead")
	}
	return c.messages(filter)
}

func listDeliveries(c *call) error {
	return c.messages(guard.MessageFilter{Organization: c.param("organization"), Kind: "webhook", Recipient: c.param("webhook")})
}

func (c *call) messages(filter guard.MessageFilter) error {
	page, err := c.page()
	if err != nil {
		return err
	}
	filter.Page = page
	items, next, err := c.server.config.Guard.Messages(c.context(), &c.origin, filter)
	if err != nil {
		return err
	}
	return listed(c, items, next, showMessage)
}

func retryMessage(c *call) error {
	var body struct {
		ID string `json:"id"`
	}
	if err := c.decode(&body); err != nil {
		return err
	}
	message, err := c.server.config.Guard.RetryMessage(c.context(), &c.origin, body.ID)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, showMessage(&message))
}

func showMessage(m *guard.Message) client.Message {
	shown := client.Message{
		ID: m.ID, Kind: m.Kind, Organization: m.Organization, Event: m.Event, Recipient: m.Recipient, State: m.State,
		Attempts: m.Attempts, CreatedAt: utc(m.CreatedAt), Log: make([]client.Attempt, len(m.Log)),
	}
	if m.State == "pending" || m.State == "leased" {
		shown.NextAt = utc(m.NextAt)
	}
	for i, a := range m.Log {
		shown.Log[i] = client.Attempt{At: utc(a.At), Result: a.Result}
	}
	return shown
}
