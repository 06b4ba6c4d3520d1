package client

import (
	"context"
	"net/http"
	"time"
)

// Procedure is the checklist that a user is sent to secure their account.
type Procedure struct {
	ID    string    `json:"id"`
	User  string    `json:"user"`
	By    string    `json:"by"` // who had it sent
	At    time.Time `json:"at"`
	Done  bool      `json:"done"` // all steps are
	Steps []Step    `json:"steps"`
}

// ProcedureSteps are the names of the steps of a procedure, in their order.
func ProcedureSteps() []string {
	return []string{"password", "devices", "application_passwords", "tokens", "security_settings"}
}

// Step is one step of a procedure. Its name is one of [ProcedureSteps].
type Step struct {
	Name   string    `json:"name"`
	Done   bool      `json:"done"`
	DoneAt time.Time `json:"done_at,omitzero"`
}

// Procedures are those that a user was sent, newest first.
func (c *Client) Procedures(ctx context.Context, organization, user string) ([]Procedure, error) {
	page, err := one[List[Procedure]](ctx, c, http.MethodGet, nil, organizations, organization, users, user, "procedures")
	return page.Items, err
}

// CompleteStep marks a step as done; an administrator may, and the user.
func (c *Client) CompleteStep(ctx context.Context, organization, user, procedure, step string) (Procedure, error) {
	return one[Procedure](ctx, c, http.MethodPost, struct{}{}, organizations, organization, users, user, "procedures", procedure, "steps", step)
}
