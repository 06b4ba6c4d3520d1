// Package datastore answers what is known, and what a store of it must promise.
//
// It holds the nouns (organization, member, product, block, key, batch ...), the errors that
// callers branch on, and the [Store] contract. The engines are in the packages below it; one
// suite, datastoretest, holds every sentence of the contract against each of them.
//
// Why one document-shaped contract and not one method a noun: every change of Cordon is the same
// act (read facts, ask the rules, write the effect and its record, commit), so engines need to know
// how to put and delete nouns together, not what blocking a product means.
package datastore

import (
	"context"
	"iter"
	"time"
)

// Reader gives what is known. A Reader of a [Store] reads at one point in time per call; a Reader
// of a [Tx] reads at the one point of the transaction and sees the transaction's own writes.
type Reader interface {
	// Facts gives everything that key names, read at one point in time, with the revision of the
	// organization at that point. Where key.Organization is empty, it is the one of key.Product.
	// ErrNotFound: the organization (or, without one, the product) does not exist; where key.Organization
	// names one that was deleted, the answer holds its id and its last revision all the same, and with
	// ErrNotFound it holds the activation that key names, too. A member,
	// target or product that does not exist, or is another organization's, is nil in the answer.
	Facts(ctx context.Context, key Key) (Facts, error)

	// Get returns the noun that has the type and the identity of the one given, whose other members do not
	// matter, and ErrNotFound without it; [Get] keeps the type. The identity is the id of an Organization, an
	// APIKey and a Message, the organization and the id of a Member and a Webhook, those and the user of a
	// Procedure, the organization and the user of UserBlocks, the key of a FirstAnswer, the name of a Note, the set of an Activation, and
	// the id of a Product, which is found where it is the organization's that is named or none is named. A
	// Member comes with its blocks. Support is an organization's: where nothing is known it is the zero value
	// with the organization set, and no error. A FirstAnswer may be older than its caller would have it: that
	// is decided by the caller's clock (FirstAnswer.At), not by cleaning.
	Get(ctx context.Context, identity Noun) (Noun, error)

	// List returns the nouns that have the type of the one given and are among those that it names, in the
	// order of their ids (of Notes: their names), byte by byte, cut by the page; [List] keeps the type. An
	// Organization, an APIKey and a Note name all of their kind; a Member, a Product and a Webhook those of the
	// organization that is set; a Membership those of the user that is set, in the order of their organizations; a
	// Procedure those of the organization and the user that are set; a Message all
	// that have the organization, kind, state, recipient and decision that are set, where an empty one selects
	// all. Other members do not matter. Members come with their blocks. Other nouns are not listed: an error.
	List(ctx context.Context, among Noun, page Page) iter.Seq2[Noun, error]

	// Due lists, in no order, up to limit subjects that carry a block or a maintenance whose
	// ExpiresAt is not after now.
	Due(ctx context.Context, now time.Time, limit int) ([]Due, error)

	// Ended names up to span.Limit nouns that have the type of the one given and that span selects, the longest
	// ended first: each by its identity and its organization. It is of Messages, Procedures, FirstAnswers and
	// Support; others have no end: an error. A store deletes none of them by itself.
	Ended(ctx context.Context, of Noun, span Ending) ([]Noun, error)
}

// Tx is a transaction: everything that is done through it is committed together or not at all.
type Tx interface {
	Reader

	// Bump adds one to the organization's revision and gives the new one. ErrNotFound without the
	// organization. Two transactions that bump the same organization are serialized.
	Bump(ctx context.Context, organization string) (int64, error)

	// Put inserts or replaces nouns. An Organization is put with the revision it carries: a new one with
	// the revision after the last that its id had (see Facts), which is 1 for a new id. A Member's grants are replaced; a Member's Blocks are not written (UserBlocks are put
	// of their own, so that they survive the membership). A Product whose id another organization
	// has is ErrTaken. A Member whose role is not of [RolePattern] is refused, and so is a Note over [NoteLimit].
	Put(ctx context.Context, nouns ...Noun) error

	// Delete removes the nouns named by their identity; what is not there is no error. Deleting a
	// Product deletes the grants to it; deleting an Organization deletes all of its members,
	// products, user blocks, support codes, procedures and webhooks (records stay). The deletion is the
	// organization's last change: its revision grows by one and is kept for ever.
	Delete(ctx context.Context, nouns ...Noun) error

	// Append writes an act of a stream within the transaction. The store gives encode its sequence: the next
	// one of the stream, with no gap (an aborted transaction uses none up). What encode returns is of that stream
	// and has that sequence; an error of encode comes back wrapped, and nothing is appended.
	Append(ctx context.Context, stream string, encode func(sequence int64) (Act, error)) error
}

// Store is a state store: a directory, an outbox and a log. All of it is safe for concurrent use. After Close
// everything but Close gives ErrClosed. A store that cannot be reached gives an error that wraps ErrUnavailable.
// When the ctx of a call is done, the call ends with its error, also in the midst of a search or of a
// statement; only a commit that has begun comes to its end.
type Store interface {
	Directory
	Outbox
	Log

	// Sizes returns how many bytes the store takes on disk, by its parts, which the engine names.
	Sizes(ctx context.Context) (map[string]int64, error)

	// Ready tells whether the store can serve now.
	Ready(ctx context.Context) error
	Close() error
}

// Directory is the part of a store that keeps what is known.
type Directory interface {
	Reader

	// Update runs fn in a transaction that is serializable for each organization that it bumps and
	// for each noun that it both reads and puts, one that is not there yet included. fn may run again after a conflict, so it does
	// nothing that a transaction does not undo. An error of fn rolls back and comes back as it is.
	Update(ctx context.Context, fn func(ctx context.Context, tx Tx) error) error

	// View runs fn with a reader of one point in time: all that fn reads is as it was together. It writes nothing,
	// waits for nobody who writes and holds nobody up. fn may run again, and reads by that reader alone: it may hold
	// what other readers wait for. An error of fn comes back as it is.
	View(ctx context.Context, fn func(ctx context.Context, r Reader) error) error

	// Watch gives every committed change (Bump; Put and Delete of an Organization or an Activation), none lost,
	// those of one organization or set in commit order: from the position of a Change that was given before, or from now
	// on where from is empty. The sequence ends with an error, or when ctx is done. ErrHistoryLost: from
	// is too old; start anew with an empty position and keep nothing that was cached.
	//
	// A Change without an organization and a set is a beat. Its Until is an instant of this process's clock, with
	// its monotonic reading, and the store guarantees that every change whose commit was acknowledged to
	// anybody before that instant has been given before the beat. Only a beat says how far the feed has
	// come: a change does not, and after a resumption what was missed is given first. While the store
	// takes writes and the feed has nothing more to give, it beats at least twice a second; while that is
	// not shown (a primary that is cut off from its majority, a feed that lags), it does not.
	//
	// A watch from an empty position begins with a beat when the feed stands. Changes before it are not
	// given; every read that begins after it sees them, and what such a read does not see is given.
	Watch(ctx context.Context, from string) iter.Seq2[Change, error]
}

// Outbox is the part of a store that has messages delivered.
type Outbox interface {
	// Claim leases messages of a kind that are due (pending, or leased with the lease run out) until
	// Now+Lease, each under a lease id that no other claim has, counts the attempt and returns them.
	// Lanes take turns: of all that have something due and room for it each gets one message before
	// any gets a second, and of one lane the longest due come first. It may return
	// fewer messages than it could; it returns none only where there is none to take. No two claims
	// return the same message while its lease runs.
	// A store that serves one process ends every lease when it is opened, since whoever had it has
	// ended: what was leased is due at once. In one that serves several, leases run on.
	Claim(ctx context.Context, claim Claim) ([]Message, error)

	// Outbox returns what is pending, leased or dead, by kind and state; what is done is left out. Its cost
	// grows with what waits, and with nothing else.
	Outbox(ctx context.Context) ([]Waiting, error)
}

// Page cuts a list: at most Limit items (0: all) with an id after After. Descending, the list is in the
// opposite order, and After, where it is set, is the last id that was seen: those before it follow. Where IDs is not
// nil, only items with one of these ids are on it; each costs as much as a Get, however long the list is without them.
type Page struct {
	After      string
	Limit      int
	Descending bool
	IDs        []string
}
