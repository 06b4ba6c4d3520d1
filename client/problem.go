package client

import "time"

// ProblemType is the media type of an error.
const ProblemType = "application/problem+json"

// Problem is an error as the server tells it (RFC 9457). Code is what programs branch on.
type Problem struct {
	Type       string       `json:"type"`
	Title      string       `json:"title"`
	Status     int          `json:"status"`
	Detail     string       `json:"detail,omitempty"`
	Code       string       `json:"code"`
	RequestID  string       `json:"request_id,omitempty"`
	Errors     []FieldError `json:"errors,omitempty"`      // of a 400: what is wrong where
	Reasons    []Reason     `json:"reasons,omitempty"`     // of a denied act
	DecisionID string       `json:"decision_id,omitempty"` // of a denied act
	// LockedUntil is when support codes are taken and made again, after too many wrong tries: of a 403 for
	// a code, and of the 409 "support_codes_locked".
	LockedUntil time.Time `json:"locked_until,omitzero"`
	// KnownFrom is, of the 404 "not_on_record", from when on the records tell what was asked; zero: that is not known.
	KnownFrom time.Time `json:"known_from,omitzero"`
	// Problems are, of the 422 "policy_invalid", what is wrong with a policy and where.
	Problems []PolicyProblem `json:"problems,omitempty"`
	// Gates are, of the 409 "gates_open", those that stand open.
	Gates []PolicyGate `json:"gates,omitempty"`
	// ReasonUser tells a denied act in sentences to the person who acts, ReasonAdmin to an administrator;
	// each only where Cordon-Explain asks for it.
	ReasonUser  Texts `json:"reason_user,omitempty"`
	ReasonAdmin Texts `json:"reason_admin,omitempty"`
	// Language is that of the reasons' messages; of a denied act, as its Content-Language says.
	Language string `json:"-"`
}

// FieldError is one thing that is wrong in a body.
type FieldError struct {
	Pointer string `json:"pointer"` // JSON pointer (RFC 6901)
	Detail  string `json:"detail"`
}

// PolicyProblem is one thing that is wrong with a policy. Row and Col count from 1, and are 0 where it has no place.
type PolicyProblem struct {
	Path    string `json:"path"`
	Row     int    `json:"row"`
	Col     int    `json:"col"`
	Code    string `json:"code"`
	Message string `json:"message"`
}
