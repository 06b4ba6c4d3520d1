package client

import "time"

// Kinds of products. Any other word is a kind, too; [KindMailService] is the one with rules of its own: it goes into
// maintenance and cannot be blocked.
const (
	KindMailService = "mail_service"
	KindWebHosting  = "web_hosting"
	KindCloudServer = "cloud_server"
	KindDomain      = "domain"
	KindKDrive      = "kdrive"
)

// Product is a service that an organization bought.
type Product struct {
	ID           string  `json:"id"`
	Organization string  `json:"organization"`
	Name         string  `json:"name"`
	Kind         string  `json:"kind"`
	Blocked      bool    `json:"blocked"`
	Maintenance  bool    `json:"maintenance"`
	Blocks       []Block `json:"blocks"`
	Revision     int64   `json:"revision"` // of the organization
	// ETag is the product's own, which [Client.IfMatch] takes; a list and the answer of an act have none.
	ETag string `json:"-"`
}

// ProductBody is what a product is put with. Its kind never changes.
type ProductBody struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
}

// Block is one block of a product. Blocks of different origins stand side by side.
type Block struct {
	Origin    string    `json:"origin"` // administrator, support or host
	Reason    string    `json:"reason"`
	Ticket    string    `json:"ticket,omitempty"`
	By        string    `json:"by"`
	Since     time.Time `json:"since"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
}

// BlockRequest asks to block or unblock a product, or to start or end the maintenance of a mail
// service.
type BlockRequest struct {
	Reason    string    `json:"reason,omitempty"`
	Ticket    string    `json:"ticket,omitempty"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
}

// ProductAnswer is what an act on a product answers.
type ProductAnswer struct {
	Product    Product `json:"product"`
	DecisionID string  `json:"decision_id"`
	Revision   int64   `json:"revision"`
}
