package client

import (
	"context"
	"encoding/json"
	"net/http"
)

// TakenEvents is what became of the events of an agent.
type TakenEvents struct {
	Events   int `json:"events"`   // that were put on record
	Repeated int `json:"repeated"` // that were on record before
}

// SendEvents puts decisions of an agent of Open Policy Agent on record, in the shape of its decision log. Each is on
// record once by its decision_id, within 24 hours, so sending the same events again is safe, and what cannot be sent is tried again.
func (c *Client) SendEvents(ctx context.Context, events []json.RawMessage) (TakenEvents, error) {
	return one[TakenEvents](ctx, c, http.MethodPost, events, "logs")
}
