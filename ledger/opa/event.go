package opa

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"cordon/ledger/record"
)

// Evaluate is the action of a record that an agent reported.
const Evaluate = "evaluate"

// Event is one decision of an agent, as its decision log tells it.
type Event struct {
	known
	rest []byte // the event as an object without its input
}

// known are the members that are looked at. OPA adds members, so others are no mistake: they are kept as they came.
type known struct {
	DecisionID      string                    `json:"decision_id"`
	BatchDecisionID string                    `json:"batch_decision_id"`
	TraceID         string                    `json:"trace_id"`
	Timestamp       time.Time                 `json:"timestamp"`
	Path            string                    `json:"path"`
	Labels          map[string]string         `json:"labels"`
	Input           jsontext.Value            `json:"input"`
	Result          jsontext.Value            `json:"result"`
	Metrics         map[string]jsontext.Value `json:"metrics"`
}

// fill makes the event a record, but for what only its taker knows: id, time, caller and organization.
//
// A record's time is when the event came, by our clock, since ids are in the order of time and agents report minutes
// later, by clocks of their own. The event's timestamp is among the details, with everything else that it says. The
// decision's id stands where the id of a request does: it is what whoever asked the agent was told, and the log is
// searched by it.
func (e *Event) fill(r *record.Record) {
	r.Kind = record.KindDecision
	r.Question.Subject = record.Entity{Type: "opa", ID: short(e.Labels["id"])}
	r.Question.Action.Name = Evaluate
	r.Question.Resource = record.Entity{Type: "document", ID: short(e.Path)}
	r.Input = []byte(e.Input)
	r.Decision = allows(e.Result)
	r.RequestID, r.TraceID, r.Batch = e.DecisionID, short(e.TraceID), short(e.BatchDecisionID)
	var nanoseconds float64
	if json.Unmarshal(e.Metrics[handlerTimer], &nanoseconds) == nil && nanoseconds > 0 && nanoseconds < 1e18 {
		r.DurationUS = int64(nanoseconds / 1000)
	}
	r.Details = append(append([]byte(`{"opa":`), e.rest...), '}')
}

// longest is how many bytes a text may have that is looked for. Longer ones stand in the details alone.
const longest = 512

func short(text string) string {
	if len(text) > longest {
		return ""
	}
	return text
}

// allows reads a result, whose shape is the policy's own: true, or an object with true for decision (as AuthZEN has
// it), allow or allowed, says yes. Everything else, and no result at all, does not.
func allows(result jsontext.Value) bool {
	var answer struct {
		Decision jsontext.Value `json:"decision"`
		Allow    jsontext.Value `json:"allow"`
		Allowed  jsontext.Value `json:"allowed"`
	}
	if result.Kind() != jsontext.KindBeginObject {
		return result.Kind() == jsontext.KindTrue
	}
	return json.Unmarshal(result, &answer) == nil &&
		(answer.Decision.Kind() == 't' || answer.Allow.Kind() == 't' || answer.Allowed.Kind() == 't')
}

// check reports what an event lacks.
func (e *Event) check() error {
	switch {
	case e.DecisionID == "":
		return &MalformedError{"/decision_id", "is needed"}
	case len(e.DecisionID) > longest:
		return &MalformedError{"/decision_id", fmt.Sprintf("has more than %d bytes", longest)}
	case e.Timestamp.IsZero():
		return &MalformedError{"/timestamp", "is needed"}
	}
	return nil
}
