package client

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// Directory is an organization as it was at a time, worked out of the changes on record.
type Directory struct {
	Time         time.Time             `json:"time"`
	Organization DirectoryOrganization `json:"organization"`
	Revision     int64                 `json:"revision"`
	Policy       *PolicyInForce        `json:"policy,omitempty"` // nil where none was on record
	Users        []DirectoryUser       `json:"users"`
	Products     []DirectoryProduct    `json:"products"`
}

// Setter is the record that set something, and who acted. It is nil where that is older than the log.
type Setter struct {
	Record string    `json:"record"`
	Time   time.Time `json:"time"`
	By     string    `json:"by"`
}

// PolicyInForce is the policy that was in force.
type PolicyInForce struct {
	Digest string  `json:"digest"`
	SetBy  *Setter `json:"set_by,omitempty"`
}

// DirectoryOrganization is the organization itself.
type DirectoryOrganization struct {
	ID    string  `json:"id"`
	Name  string  `json:"name"`
	SetBy *Setter `json:"set_by,omitempty"`
	// Settings are what it had chosen; nil: nothing.
	Settings *DirectorySettings `json:"settings,omitempty"`
}

// DirectorySettings are what an organization had chosen.
type DirectorySettings struct {
	OrganizationSettings
	SetBy *Setter `json:"set_by,omitempty"`
}

// DirectoryUser is a user with what was theirs. SetBy set the role.
type DirectoryUser struct {
	ID      string           `json:"id"`
	Name    string           `json:"name,omitempty"`
	Role    string           `json:"role"`
	SetBy   *Setter          `json:"set_by,omitempty"`
	Grants  []DirectoryGrant `json:"grants"`
	Blocked bool             `json:"blocked"`
	Blocks  []DirectoryBlock `json:"blocks"`
}

// DirectoryGrant is a user's grant to a product.
type DirectoryGrant struct {
	Product string  `json:"product"`
	SetBy   *Setter `json:"set_by,omitempty"`
}

// DirectoryProduct is a product. SetBy made it.
type DirectoryProduct struct {
	ID          string           `json:"id"`
	Name        string           `json:"name"`
	Kind        string           `json:"kind"`
	SetBy       *Setter          `json:"set_by,omitempty"`
	Blocked     bool             `json:"blocked"`
	Blocks      []DirectoryBlock `json:"blocks"`
	Maintenance *DirectoryBlock  `json:"maintenance,omitempty"`
}

// DirectoryBlock is a block that was in force, or a maintenance, which has no origin.
type DirectoryBlock struct {
	ID        string    `json:"id"`
	Origin    string    `json:"origin,omitempty"`
	Channels  []string  `json:"channels,omitempty"`
	Reason    string    `json:"reason,omitempty"`
	Ticket    string    `json:"ticket,omitempty"`
	By        string    `json:"by"`
	Since     time.Time `json:"since"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	SetBy     *Setter   `json:"set_by,omitempty"`
}

// PastDecision is what would have been answered at a time.
type PastDecision struct {
	Time         time.Time         `json:"time"`
	Decision     bool              `json:"decision"`
	Reasons      []ExplainedReason `json:"reasons"`
	Rules        []FiredRule       `json:"rules"`
	Organization string            `json:"organization,omitempty"`
	Revision     int64             `json:"revision"`
	Policy       PolicyInForce     `json:"policy"`
	// Facts are what was known that the question is about, each with the record that set it.
	Facts []PastFact `json:"facts"`
}

// Facts of a [PastFact].
const (
	FactRole        = "role"
	FactGrant       = "grant"
	FactKind        = "kind"
	FactBlock       = "block"
	FactMaintenance = "maintenance"
	FactSetting     = "setting"
)

// PastFact is something that was known.
type PastFact struct {
	Type  string  `json:"type"` // of what it is known: TypeUser, TypeProduct or TypeOrganization
	ID    string  `json:"id"`
	Fact  string  `json:"fact"`
	Value string  `json:"value,omitempty"` // the role, the product, the kind, the origin of the block, the name of the setting
	Block string  `json:"block,omitempty"` // id of the block or the maintenance
	SetBy *Setter `json:"set_by,omitempty"`
}

// DirectoryAt gives an organization as it was at a time. What the records do not tell is [ErrNotFound] with
// Problem.KnownFrom.
func (c *Client) DirectoryAt(ctx context.Context, organization string, at time.Time) (Directory, error) {
	var d Directory
	_, err := c.do(ctx, call{
		method: http.MethodGet, path: []string{"v1", "organizations", organization, "at"}, query: timeQuery(at),
	}, &d)
	return d, err
}

// DecideAt answers a question as it would have been answered at a time, by the policy that was in force then. What the
// records do not tell is [ErrNotFound] with Problem.KnownFrom; it is never a guess.
func (c *Client) DecideAt(ctx context.Context, question EvaluationRequest, at time.Time) (PastDecision, error) {
	var d PastDecision
	_, err := c.do(ctx, call{
		method: http.MethodPost, path: []string{"v1", "decisions", "at"}, query: timeQuery(at), body: question,
	}, &d)
	return d, err
}

func timeQuery(at time.Time) url.Values {
	return url.Values{"time": {at.UTC().Format(time.RFC3339Nano)}}
}
