package guard

import (
	"errors"
	"fmt"
	"time"

	"cordon/datastore"
	"cordon/ledger/journal"
	"cordon/policies"
)

// What callers branch on. Errors of the rooms behind the guard have a name here, so that whoever asks
// the guard needs to know none of them.
var (
	// ErrUnavailable: the store cannot be reached.
	ErrUnavailable = datastore.ErrUnavailable
	// ErrPolicyTimeout: the rules took too long.
	ErrPolicyTimeout = policies.ErrTimeout
	// ErrJournalFull: as many decisions wait for the store as may.
	ErrJournalFull = journal.ErrFull
	// ErrJournalFailed: the journal cannot be written, so nothing can be put on record.
	ErrJournalFailed = journal.ErrFailed
	// ErrJournalClosed: the server has stopped.
	ErrJournalClosed = journal.ErrClosed

	// ErrUnauthenticated: the key is unknown, wrong, revoked or has expired.
	ErrUnauthenticated = errors.New("the key is not valid")
	// ErrKeyEnded: the key is right and has expired. It is an ErrUnauthenticated.
	ErrKeyEnded = fmt.Errorf("%w: it has expired", ErrUnauthenticated)
	// ErrOrganizationLimit: the caller is limited to another organization.
	ErrOrganizationLimit = errors.New("the caller is limited to another organization")
	// ErrTextLimit: the caller is limited to one organization, and looks for words in what was said.
	ErrTextLimit = errors.New("what was said is not for a caller that is limited to one organization")
	// ErrCursor: the cursor of who follows the log is none, or of another log.
	ErrCursor = errors.New("the cursor is none of this log")
	// ErrTooManyFollowers: the caller follows the log as often as may be at a time.
	ErrTooManyFollowers = errors.New("the caller follows the log too often at a time")
	// ErrTooStale: the asked-for revision has not been reached here.
	ErrTooStale = errors.New("the asked-for revision has not been reached")
	// ErrAlreadyShown: the first answer showed a secret, which is not shown twice.
	ErrAlreadyShown = errors.New("the answer to this idempotency key was already shown")
	// ErrOtherBody: the idempotency key was used with another body.
	ErrOtherBody = errors.New("the idempotency key was used with another body")
)

// NotFound: what the call is about does not exist.
type NotFound struct{ What string } // "organization", "user", "product", "key", "decision"

func (e *NotFound) Error() string { return "no such " + e.What }

// Denied is a mutation that the rules refused; it is on record and changed nothing.
type Denied struct {
	Answer Answer
	// LockedUntil is when support codes are taken again, where too many wrong tries are why not now.
	LockedUntil time.Time
}

func (e *Denied) Error() string {
	if len(e.Answer.Reasons) == 0 {
		return "denied"
	}
	return "denied: " + e.Answer.Reasons[0].Code
}

// Conflict is a mutation that contradicts what stands; it changed nothing.
type Conflict struct {
	Code   string // e.g. "already_blocked"
	Detail string
	Answer Answer // the decision that permitted it, where one was made
	// LockedUntil is when support codes are made again (of "support_codes_locked").
	LockedUntil time.Time
	Tag         string // that the object has (of "precondition_failed"); empty: there is none
	Shown       any    // what is shown beside it; nil: nothing is
}

func (e *Conflict) Error() string { return fmt.Sprintf("%s: %s", e.Code, e.Detail) }

// FieldError says what is wrong with one member of a body.
type FieldError struct {
	Pointer string // RFC 6901
	Detail  string
}

// Invalid is a call whose body cannot be meant.
type Invalid struct{ Errors []FieldError }

func (e *Invalid) Error() string {
	if len(e.Errors) == 0 {
		return "invalid"
	}
	return e.Errors[0].Pointer + ": " + e.Errors[0].Detail
}

// Repeated carries the first answer to an idempotency key; nothing was done.
type Repeated struct {
	Status int
	Answer []byte
}

func (e *Repeated) Error() string { return "answered before" }
