package policies

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Decision is an answer. It is immutable and shared between callers: nobody changes one, nor what it points to.
type Decision struct {
	Allowed bool
	// Reasons are all that hold, the decisive first; of an allow, the one that allowed it. There is always one.
	Reasons []Reason
	// InputJSON is the input in JSON: members in the order of the type, nothing escaped that need not be.
	InputJSON []byte
	// ReasonsJSON is the JSON array of Reasons.
	ReasonsJSON []byte
}

// Reason is why: a stable code and an English sentence for the person concerned.
type Reason struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// renderInput gives the canonical JSON of an input.
func renderInput(in *Input) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(in); err != nil {
		return nil, fmt.Errorf("render policy input: %w", err)
	}
	return bytes.TrimRight(buf.Bytes(), "\n"), nil
}

// renderReasons gives the JSON of a list of reasons.
func renderReasons(reasons []Reason) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(reasons); err != nil {
		return nil, fmt.Errorf("render reasons: %w", err)
	}
	return bytes.TrimRight(buf.Bytes(), "\n"), nil
}
