package server

import (
	"net/http"

	"cordon.example/client"
	"cordon/guard"
)

var (
	messageQuery  = []string{"organization", "kind", "state", "decision"}
	messageKinds  = []string{"event", "mail", "webhook"}
	messageStates = []string{"pending", "leased", "done", "dead"}
)

func listMessages(c *call) error {
	query := c.req.URL.Query()
	organization, err := single(query, "organization")
	if err != nil {
		return err
	}
	kind, err := oneOf(query, "kind", messageKinds...)
	if err != nil {
		return err
	}
	state, err := oneOf(query, "state", messageStates...)
	if err != nil {
		return err
	}
	decision, err := single(query, "decision")
	if err != nil {
		return err
	}
	page, err := c.page()
	if err != nil {
		return err
	}
	items, next, err := c.server.config.Guard.Messages(c.context(), &c.origin,
		guard.Message{Organization: organization, Kind: kind, State: state, Decision: decision}, page)
	if err != nil {
		return err
	}
	return listed(c, items, next, showMessage)
}

func listDeliveries(c *call) error {
	page, err := c.page()
	if err != nil {
		return err
	}
	items, next, err := c.server.config.Guard.Deliveries(c.context(), &c.origin, c.param("organization"), c.param("webhook"), page)
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
		ID: m.ID, Kind: m.Kind, Organization: m.Organization, Event: m.Event, Recipient: m.Recipient, Decision: m.Decision, State: m.State,
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
