package client

import "time"

// Roles of a user in an organization.
const (
	RoleLegalRepresentative = "legal_representative"
	RoleAdministrator       = "administrator"
	RoleCollaborator        = "collaborator"
	RoleClient              = "client"
)

// Roles are all roles, the one with most rights first.
func Roles() []string {
	return []string{RoleLegalRepresentative, RoleAdministrator, RoleCollaborator, RoleClient}
}

// Whose block it is.
const (
	OriginAdministrator = "administrator" // of the organization
	OriginSupport       = "support"       // the host's support
	OriginHost          = "host"          // the host itself
)

// Origins are all of them.
func Origins() []string { return []string{OriginAdministrator, OriginSupport, OriginHost} }

// Service channels that a block of a user may close.
const (
	ChannelManager   = "manager"
	ChannelKdriveWeb = "kdrive_web"
	ChannelMailWeb   = "mail_web"
	ChannelIMAP      = "imap"
	ChannelSMTP      = "smtp"
	ChannelFTP       = "ftp"
	ChannelSSH       = "ssh"
	ChannelDatabase  = "database"
)

// Channels are all channels of Cordon's own rules; the first three are those that every block of a user closes.
func Channels() []string {
	return []string{ChannelManager, ChannelKdriveWeb, ChannelMailWeb, ChannelIMAP, ChannelSMTP, ChannelFTP, ChannelSSH, ChannelDatabase}
}

// User is a person's membership in one organization.
type User struct {
	ID           string      `json:"id"`
	Organization string      `json:"organization"`
	Name         string      `json:"name"`
	Email        string      `json:"email"`
	Language     string      `json:"language,omitempty"`
	Role         string      `json:"role"`
	Grants       []string    `json:"grants"` // product ids
	Notify       Notify      `json:"notify"`
	Blocked      bool        `json:"blocked"`
	Blocks       []UserBlock `json:"blocks"`
	Revision     int64       `json:"revision"` // of the organization
	// ETag is the user's own, which [Client.IfMatch] takes; a list and the answer of an act have none.
	ETag string `json:"-"`
}

// UserBody is what a user is put with. It replaces: what is absent becomes empty or the default.
type UserBody struct {
	Name     string      `json:"name"`
	Email    string      `json:"email"`
	Language string      `json:"language,omitempty"`
	Role     string      `json:"role"`
	Grants   []string    `json:"grants,omitempty"`
	Notify   *NotifyBody `json:"notify,omitempty"`
}

// Notify says what a user wants to be told.
type Notify struct {
	ProductEvents bool `json:"product_events"`
}

// NotifyBody is how contact preferences are put. What is absent is on.
type NotifyBody struct {
	ProductEvents *bool `json:"product_events,omitempty"`
}

// UserBlock is one block of a user in an organization.
type UserBlock struct {
	Origin    string    `json:"origin"`
	Channels  []string  `json:"channels"` // those named beside the critical three
	By        string    `json:"by"`
	Since     time.Time `json:"since"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
}

// BlockUserRequest asks to block or to unblock a user. It needs the requester's support code and a
// justification, which goes to the record and nowhere else.
type BlockUserRequest struct {
	Justification string    `json:"justification"`
	SupportCode   string    `json:"support_code,omitempty"`
	Channels      []string  `json:"channels,omitempty"` // to block beside the critical three
	Ticket        string    `json:"ticket,omitempty"`
	ExpiresAt     time.Time `json:"expires_at,omitzero"`
}

// SecureRequest asks to send a user the procedure to secure their account. An agent needs a code.
type SecureRequest struct {
	Justification string `json:"justification"`
	SupportCode   string `json:"support_code,omitempty"`
}

// UserAnswer is what an act on a user answers.
type UserAnswer struct {
	User       User   `json:"user"`
	DecisionID string `json:"decision_id"`
	Revision   int64  `json:"revision"`
}
