package client

import "time"

// Organization is a customer account. Its revision grows by one with each change of anything in it.
type Organization struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Revision  int64     `json:"revision"`
	CreatedAt time.Time `json:"created_at"`
	// ETag is the object's own, which [Client.IfMatch] takes; a list has none.
	ETag string `json:"-"`
}

// OrganizationBody is what an organization is put with.
type OrganizationBody struct {
	Name string `json:"name"`
	// LegalRepresentative is the first one: required when the organization is created and refused
	// when it exists.
	LegalRepresentative *LegalRepresentative `json:"legal_representative,omitempty"`
}

// LegalRepresentative is the person that an organization is born with.
type LegalRepresentative struct {
	ID       string `json:"id"`
	Email    string `json:"email"`
	Name     string `json:"name"`
	Language string `json:"language,omitempty"`
}
