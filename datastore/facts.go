package datastore

import "time"

// Key names the entities that a question is about.
type Key struct {
	Organization string // empty: the product's
	User         string // the acting member
	Product      string
	Target       string // the member acted upon; asks for Admins too
	Set          string // the policy set whose activation is read as well; empty: none is
}

// Facts is what is known of a [Key] at one point in time.
type Facts struct {
	Organization Organization
	Member       *Member
	Product      *Product
	Target       *Member
	// TargetBlocks are the blocks of (organization, target), member or not (docs/domain.md: a block
	// survives that the user is removed and added again).
	TargetBlocks []Block
	// Admins are all administrators and legal representatives of the organization, with their
	// blocks (R4, R5). Only read where the key names a Target.
	Admins []Member
	// Activation is that of the set; the zero value where the key names none, or nothing of it is in force yet.
	Activation Activation
}

// Change says that an organization changed, or the activation of a policy set, or, without either, it is a
// beat: see [Store.Watch].
type Change struct {
	Organization string
	Set          string    // whose activation changed
	Revision     int64     // of the organization after the change; its deletion is one. Of a set: its activation's Number; 0: it is deleted
	Until        time.Time // of a beat: every change that was acknowledged before has been given
	Position     string    // where to go on from
}

// Due names a thing on which a block or a maintenance has ended by the clock.
type Due struct {
	Organization string
	Product      string // one of Product and User is set
	User         string
}

// InForce tells whether something with this end (zero: none) is in force at now. At the very
// instant of its end it is not.
func InForce(end, now time.Time) bool { return end.IsZero() || now.Before(end) }

// IsBeat tells whether nothing changed: the feed only says how far it has come.
func (c *Change) IsBeat() bool { return c.Organization == "" && c.Set == "" }
