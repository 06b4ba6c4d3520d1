package datastore

import (
	"slices"
	"time"
)

// Noun is a thing that a store keeps. The set is closed: the nouns of this package.
type Noun interface{ noun() }

// Roles of a member (docs/domain.md, Words).
const (
	LegalRepresentative = "legal_representative"
	Administrator       = "administrator"
	Collaborator        = "collaborator"
	Client              = "client"
)

// Roles returns Cordon's own roles, the most powerful first. A policy may bring others (docs/domain.md, Words beyond these).
func Roles() []string { return []string{LegalRepresentative, Administrator, Collaborator, Client} }

// RolePattern is what a role looks like. A store refuses a member with a role that does not; which roles there are is the
// policy's to say.
const RolePattern = `^[a-z][a-z0-9_]{0,39}$`

// IsAdmin tells whether a role is one of the two with all rights (docs/domain.md R2).
func IsAdmin(role string) bool { return role == LegalRepresentative || role == Administrator }

// MailService is the one product kind with rules of its own (docs/domain.md M1-M3).
const MailService = "mail_service"

// Origins of a block (docs/domain.md, Whose block it is).
const (
	OriginAdministrator = "administrator"
	OriginSupport       = "support"
	OriginHost          = "host"
)

// Organization is a customer account. Its revision grows by one with each committed change. It never goes
// back: an organization that is made again under the id of a deleted one goes on where that one ended.
type Organization struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Revision  int64     `json:"revision"`
	CreatedAt time.Time `json:"created_at"`
	// Settings are what the organization chose of what the policy leaves to it; nil: nothing.
	Settings *OrganizationSettings `json:"settings,omitempty"`
}

// OrganizationSettings are what an organization chose (docs/domain.md, Settings). What is nil or empty it did not choose.
type OrganizationSettings struct {
	AdministratorsManageBlockedProducts *bool  `json:"administrators_manage_blocked_products,omitempty"`
	BlocksMustEnd                       *bool  `json:"blocks_must_end,omitempty"`
	ProductEventsTo                     string `json:"product_events_to,omitempty"` // one of the To constants
}

// Who is told of blocks and maintenance of products, of those who want to hear of them (docs/domain.md B4).
const (
	ToMembers              = "members"
	ToAdmins               = "admins"
	ToLegalRepresentatives = "legal_representatives"
)

// Member is a user in one organization. A person is only an id: everything here is the
// membership's, so that one organization never changes another.
type Member struct {
	Organization  string   `json:"organization"`
	ID            string   `json:"id"`
	Name          string   `json:"name"`
	Email         string   `json:"email"`
	Language      string   `json:"language,omitempty"`
	Role          string   `json:"role"`
	Grants        []string `json:"grants"`         // product ids, sorted, unique
	ProductEvents bool     `json:"product_events"` // contact preference (docs/domain.md B4)
	Blocks        []Block  `json:"-"`              // read only: those of (organization, id)
}

// Membership names a [Member] by its identity: it is listed by the user, and never put.
type Membership struct{ Organization, User string }

// BlockedAt reports whether a block of the member's is in force at a moment (docs/domain.md U1).
func (m *Member) BlockedAt(now time.Time) bool {
	return slices.ContainsFunc(m.Blocks, func(b Block) bool { return b.InForce(now) })
}

// Block suspends a product's management, or a user in one organization. Several stand side by side,
// one for each origin.
type Block struct {
	ID        string    `json:"id"`
	Origin    string    `json:"origin"`
	Reason    string    `json:"reason,omitempty"` // of a product block
	Ticket    string    `json:"ticket,omitempty"`
	By        string    `json:"by"` // user id, agent id or key id
	Since     time.Time `json:"since"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	Channels  []string  `json:"channels,omitempty"` // of a user block: those named beside the critical ones, sorted
}

// InForce reports whether the block has not ended by the clock at a moment.
func (b *Block) InForce(now time.Time) bool { return InForce(b.ExpiresAt, now) }

// UserBlocks are the blocks of a user in an organization; put with none, they are deleted.
type UserBlocks struct {
	Organization string  `json:"organization"`
	User         string  `json:"user"`
	Blocks       []Block `json:"blocks"`
}

// Maintenance suspends the use of a mail service (docs/domain.md M3).
type Maintenance struct {
	ID        string    `json:"id"`
	Reason    string    `json:"reason"`
	Ticket    string    `json:"ticket,omitempty"`
	By        string    `json:"by"`
	Since     time.Time `json:"since"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
}

// Product is a service that an organization bought. Its id is unique over all organizations and
// its kind never changes.
type Product struct {
	Organization string       `json:"organization"`
	ID           string       `json:"id"`
	Name         string       `json:"name"`
	Kind         string       `json:"kind"`
	Blocks       []Block      `json:"blocks,omitempty"`
	Maintenance  *Maintenance `json:"maintenance,omitempty"`
}

// APIKey is a caller's key. Only the hash of its secret is kept.
type APIKey struct {
	ID           string    `json:"id"`
	Name         string    `json:"name"`
	Hash         []byte    `json:"hash"` // SHA-256 of the secret
	Scopes       []string  `json:"scopes"`
	Organization string    `json:"organization,omitempty"` // the only one it may ask about
	CreatedAt    time.Time `json:"created_at"`
	ExpiresAt    time.Time `json:"expires_at,omitzero"`
	CreatedBy    string    `json:"created_by,omitempty"`
	LastUsedAt   time.Time `json:"last_used_at,omitzero"` // as far as it is known; zero: never
}

// SupportCode is a live code of one admin. Only its hash is kept.
type SupportCode struct {
	User      string    `json:"user"`
	Hash      []byte    `json:"hash"`
	ExpiresAt time.Time `json:"expires_at"`
}

// Support holds an organization's live support codes (one a maker) and its wrong tries of the last
// hour, oldest first.
type Support struct {
	Organization string        `json:"organization"`
	Codes        []SupportCode `json:"codes,omitempty"`
	WrongTries   []time.Time   `json:"wrong_tries,omitempty"`
}

// FirstAnswer is what the first call with an idempotency key was answered.
type FirstAnswer struct {
	Key      string    `json:"key"`
	BodyHash []byte    `json:"body_hash"`
	At       time.Time `json:"at"`
	Status   int       `json:"status"`
	Answer   []byte    `json:"answer"` // opaque; empty where it showed a secret
}

// Step is one step of the procedure to secure an account.
type Step struct {
	Name   string    `json:"name"`
	DoneAt time.Time `json:"done_at,omitzero"`
}

// Procedure is the checklist that a user is sent to secure their account (docs/domain.md U5).
type Procedure struct {
	Organization string    `json:"organization"`
	User         string    `json:"user"`
	ID           string    `json:"id"` // UUIDv7
	By           string    `json:"by"`
	At           time.Time `json:"at"`
	Steps        []Step    `json:"steps"`
}

// Webhook is an endpoint that an organization wants its events sent to.
type Webhook struct {
	Organization string    `json:"organization"`
	ID           string    `json:"id"`
	URL          string    `json:"url"`
	Events       []string  `json:"events,omitempty"` // empty: all
	Secrets      []Secret  `json:"secrets"`          // newest first; an older one is still signed with until it ends
	CreatedAt    time.Time `json:"created_at"`
}

// Secret signs webhooks.
type Secret struct {
	Key       []byte    `json:"key"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
}

// NoteLimit is how many bytes the body of a [Note] may have.
const NoteLimit = 1 << 20

// Note is a small document by its name, of whoever named it: what it says is not known to a store. As it
// is read and put in one transaction, a note is a compare-and-set (see [Store.Update]).
type Note struct {
	Name string `json:"name"`
	Body []byte `json:"body"`
}

// States of a message.
const (
	MessagePending = "pending"
	MessageLeased  = "leased"
	MessageDone    = "done"
	MessageDead    = "dead"
)

// Attempt is one try to deliver a message.
type Attempt struct {
	At     time.Time `json:"at"`
	Result string    `json:"result"` // "delivered", or what went wrong; never an address or a body
}

// Message is something to be delivered at least once: an event that is still to be fanned out, a
// mail to one recipient, or a call of one webhook.
type Message struct {
	ID           string    `json:"id"` // the receiver's idempotency key
	Kind         string    `json:"kind"`
	Organization string    `json:"organization"`
	Lane         string    `json:"lane,omitempty"` // of the organization's: those of one lane wait for each other
	Event        string    `json:"event"`
	Recipient    string    `json:"recipient,omitempty"` // user id or webhook id
	Decision     string    `json:"decision,omitempty"`  // id of the record of what it tells
	Payload      []byte    `json:"payload"`
	State        string    `json:"state"`
	NextAt       time.Time `json:"next_at"` // when it is due; while leased, when the lease ends
	Lease        string    `json:"lease,omitempty"`
	Attempts     int       `json:"attempts"`
	Log          []Attempt `json:"log,omitempty"`
	CreatedAt    time.Time `json:"created_at"`

	// Reached is how far an event is fanned out: the last member who was considered.
	Reached string `json:"reached,omitempty"`
}

func (Organization) noun() {}
func (Member) noun()       {}
func (Membership) noun()   {}
func (UserBlocks) noun()   {}
func (Product) noun()      {}
func (APIKey) noun()       {}
func (Support) noun()      {}
func (FirstAnswer) noun()  {}
func (Procedure) noun()    {}
func (Webhook) noun()      {}
func (Message) noun()      {}
func (Note) noun()         {}
