// Package record answers what one entry of the log says: its members, its line as everybody reads it, and what it is
// looked for by.
//
// It knows nothing of how records are kept, so every way of keeping them can import it.
package record

import (
	"bytes"
	"encoding/json"
	"time"
)

// Kinds of a record.
const (
	KindDecision = "decision" // a question answered, or a mutation refused
	KindChange   = "change"   // a committed mutation
	KindRead     = "read"     // somebody read the log, or searched for what is allowed
	// KindGap stands for sequences whose records are lost: a store was restored that is older than
	// what its replica had shipped and forgotten. It has the last of those sequences; Details says
	// {"from", "to"}, both lost, and Time when that was noticed.
	KindGap = "gap"
)

// Decides reports whether the record tells a decision. That of a search tells what was searched for and how much was found:
// much was decided, and nothing of it is one answer to the question.
func (r *Record) Decides() bool {
	return r.Kind != KindRead || len(bytes.TrimSpace(r.Reasons)) > len("[]")
}

// MaxBytes bounds one record's JSON.
const MaxBytes = 1 << 20

// Record is one entry of the decision log (docs/design.md 7 and 11). Its JSON is what auditors see.
type Record struct {
	ID       string    `json:"id"`   // UUIDv7 of Time's millisecond: NewID(Time)
	Time     time.Time `json:"time"` // kept with microseconds
	Replica  string    `json:"replica"`
	Sequence int64     `json:"sequence"` // from 1 for each replica, with no gap
	Caller   string    `json:"caller"`   // id of the API key, or the token's subject
	Actor    string    `json:"actor,omitempty"`
	Agent    string    `json:"agent,omitempty"`
	Kind     string    `json:"kind"`
	Question Question  `json:"question"`
	// Input is what was decided on, as policies/schemas/input.jsonschema says; absent where no
	// rule was asked.
	Input        json.RawMessage `json:"input,omitempty"`
	Decision     bool            `json:"decision"`
	Reasons      json.RawMessage `json:"reasons"` // array of {code, message}
	Policy       string          `json:"policy,omitempty"`
	Organization string          `json:"organization,omitempty"`
	Revision     int64           `json:"revision"`
	DurationUS   int64           `json:"duration_us"`
	RequestID    string          `json:"request_id,omitempty"`
	TraceID      string          `json:"trace_id,omitempty"`
	Batch        string          `json:"batch,omitempty"`   // Cordon-Batch-Id of evaluations
	Details      json.RawMessage `json:"details,omitempty"` // of a change: an object, what it did and why

	// Compact promises that Input, Reasons and Details are valid JSON without white space, so that they
	// need not be looked at when the record is written.
	Compact bool `json:"-"`
}

// Question is the question that a record answers.
type Question struct {
	Subject  Entity `json:"subject"`
	Action   Action `json:"action"`
	Resource Entity `json:"resource"`
}

// Entity is a subject or a resource. Organization is the one that the question named, if any.
type Entity struct {
	Type         string `json:"type"`
	ID           string `json:"id"`
	Organization string `json:"organization,omitempty"`
}

// Action is what was asked to be done.
type Action struct {
	Name    string `json:"name"`
	Channel string `json:"channel,omitempty"`
	Role    string `json:"role,omitempty"`
}

// Filter selects records; an empty member selects all. Subject, Action and Resource are the
// question's ids and name. An ID or After that is no record's id ([IDTime]) selects nothing.
type Filter struct {
	ID, Replica, Caller, Actor, Agent, Kind string
	Subject, Action, Resource               string
	Reason                                  string // a code among the reasons
	Origin                                  string // of a block that the record is about: see [Record.AppendKeys]
	Text                                    string // words, all of which are in what was said: see [Words]
	Policy, Organization                    string
	RequestID, TraceID, Batch               string
	Decision                                *bool
	Sequence, Revision                      *int64
	From, To                                time.Time // From <= time < To; zero: open
	// After is a cursor: only records beyond this id in the order asked for.
	After       string
	OldestFirst bool
	Limit       int // 0: all
}
