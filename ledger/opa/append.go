package opa

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"cordon/ledger/record"
)

// Path is the document that decisions of ours are of, as OPA names one.
const Path = "cordon/decision"

// AppendEvent appends a record as an event of OPA's decision log, without the newline. One that an agent reported is
// the agent's event again, with whatever it says. Of ours, decision_id is the record's id, the result {decision, reasons}
// as AuthZEN has it, the bundle's revision the policy's digest, the label id the replica and req_id the sequence; and
// custom has what OPA has no member for.
func AppendEvent(dst []byte, r *record.Record) []byte {
	if own, ok := reported(r); ok {
		dst = append(dst, own[:len(own)-1]...)
		if len(r.Input) > 0 {
			dst = append(append(dst, `,"input":`...), r.Input...)
		}
		return append(dst, '}')
	}
	e := event{
		Labels: map[string]string{"app": "cordon", "id": r.Replica}, DecisionID: r.ID, BatchDecisionID: r.Batch, TraceID: r.TraceID,
		Path: Path, Input: r.Input, RequestedBy: r.Caller, Timestamp: r.Time.UTC(), Metrics: map[string]int64{handlerTimer: r.DurationUS * 1000},
		RequestID: r.Sequence,
		Result:    &result{r.Decision, slices.Concat(r.Reasons)},
		Custom: custom{
			Kind: r.Kind, Actor: r.Actor, Agent: r.Agent, Question: r.Question, Organization: r.Organization, Revision: r.Revision,
			RequestID: r.RequestID, Details: r.Details,
		},
	}
	switch {
	case !r.Decides():
		e.Result = nil // as of what is undefined
	case len(r.Reasons) == 0:
		e.Result.Reasons = json.RawMessage("[]")
	}
	if r.Policy != "" {
		e.Bundles = map[string]bundle{"cordon": {r.Policy}}
	}
	text, err := json.Marshal(e)
	if err != nil { // a part of the record is no JSON, which none of the log has
		return append(append(append(dst, `{"decision_id":`...), strconv.Quote(r.ID)...), '}')
	}
	return append(dst, text...)
}

const handlerTimer = "timer_server_handler_ns"

// event has the members of an event that we have something to say in, in OPA's order.
type event struct {
	Labels          map[string]string `json:"labels"`
	DecisionID      string            `json:"decision_id"`
	BatchDecisionID string            `json:"batch_decision_id,omitempty"`
	TraceID         string            `json:"trace_id,omitempty"`
	Bundles         map[string]bundle `json:"bundles,omitempty"`
	Path            string            `json:"path"`
	Input           json.RawMessage   `json:"input,omitempty"`
	Result          *result           `json:"result,omitempty"`
	RequestedBy     string            `json:"requested_by,omitempty"`
	Timestamp       time.Time         `json:"timestamp"`
	Metrics         map[string]int64  `json:"metrics"`
	RequestID       int64             `json:"req_id,omitempty"`
	Custom          custom            `json:"custom"`
}

type bundle struct {
	Revision string `json:"revision"`
}

type result struct {
	Decision bool            `json:"decision"`
	Reasons  json.RawMessage `json:"reasons"`
}

// custom is what OPA's event has no member for.
type custom struct {
	Kind         string          `json:"kind"`
	Actor        string          `json:"actor,omitempty"`
	Agent        string          `json:"agent,omitempty"`
	Question     record.Question `json:"question"`
	Organization string          `json:"organization,omitempty"`
	Revision     int64           `json:"revision,omitempty"`
	RequestID    string          `json:"request_id,omitempty"`
	Details      json.RawMessage `json:"details,omitempty"`
}

// reported returns the event of a record that an agent reported, without its input.
func reported(r *record.Record) (text json.RawMessage, ok bool) {
	if r.Question.Action.Name != Evaluate || r.Question.Subject.Type != "opa" {
		return nil, false
	}
	var details struct{ OPA json.RawMessage }
	if err := json.Unmarshal(r.Details, &details); err != nil || len(details.OPA) < 3 || details.OPA[0] != '{' {
		return nil, false
	}
	return details.OPA, true
}
