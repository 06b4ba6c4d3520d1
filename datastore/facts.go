package datastore

import "time"

// Key names the entities that a question is about.
type Key struct {
	Organization string // empty: the product's
	User         string // the acting member
	Product      string
	Target       string // the member acted upon; asks for Admins too
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
}

// Change says that an organization changed, or, without an organization, it is a beat: see
// [Store.Watch].
type Change struct {
	Organization string
	Revision     int64     // of the organization after the change; its deletion is one
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
