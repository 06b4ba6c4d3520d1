package client

import (
	"encoding/json"
	"time"
)

// Kinds of a record.
const (
	RecordDecision = "decision" // a question answered, or an act refused
	RecordChange   = "change"   // a committed act
	RecordRead     = "read"     // somebody read the log, or searched for what is allowed
	RecordGap      = "gap"      // records that were lost with the store; Details says from and to which sequence
)

// RecordKinds are all kinds of a record.
func RecordKinds() []string { return []string{RecordDecision, RecordChange, RecordRead, RecordGap} }

// Record is one entry of the decision log.
type Record struct {
	ID           string          `json:"id"` // UUIDv7
	Time         time.Time       `json:"time"`
	Replica      string          `json:"replica"`
	Sequence     int64           `json:"sequence"` // of the replica, from 1, with no gap that no record of kind RecordGap tells
	Caller       string          `json:"caller"`
	Actor        string          `json:"actor,omitempty"`
	Agent        string          `json:"agent,omitempty"`
	Kind         string          `json:"kind"`
	Question     RecordQuestion  `json:"question"`
	Input        json.RawMessage `json:"input,omitempty"` // the facts it was decided on
	Decision     bool            `json:"decision"`
	Reasons      []Reason        `json:"reasons"`
	Policy       string          `json:"policy,omitempty"`
	Organization string          `json:"organization,omitempty"`
	Revision     int64           `json:"revision"`
	DurationUS   int64           `json:"duration_us"`
	RequestID    string          `json:"request_id,omitempty"`
	TraceID      string          `json:"trace_id,omitempty"`
	Batch        string          `json:"batch,omitempty"`
	Details      json.RawMessage `json:"details,omitempty"` // of a change

	// ReasonAdmin is what the record tells an administrator: the rules, the ids of the blocks and the policy too. It
	// comes with a record that is read alone ([Client.Record]).
	ReasonAdmin Texts `json:"reason_admin,omitempty"`
	// Names are those that it is about, as they were; they come with a record that is read alone, too.
	Names *RecordNames `json:"names,omitempty"`
}

// RecordNames are the names that a record is about, as they were when it was decided; empty where there was none, or
// where it is not known any more.
type RecordNames struct {
	Subject      string `json:"subject,omitempty"`
	Resource     string `json:"resource,omitempty"`
	Organization string `json:"organization,omitempty"`
}

// RecordQuestion is the question that a record answers.
type RecordQuestion struct {
	Subject  RecordEntity `json:"subject"`
	Action   RecordAction `json:"action"`
	Resource RecordEntity `json:"resource"`
}

// RecordEntity is a subject or a resource of a recorded question.
type RecordEntity struct {
	Type         string `json:"type"`
	ID           string `json:"id"`
	Organization string `json:"organization,omitempty"`
}

// RecordAction is the action of a recorded question.
type RecordAction struct {
	Name    string `json:"name"`
	Channel string `json:"channel,omitempty"`
	Role    string `json:"role,omitempty"`
}
