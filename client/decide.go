package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"strconv"
	"strings"
)

// Decision is the answer to a question, and where it stands in the record.
type Decision struct {
	Allowed bool
	// Reasons are all that hold, the decisive first; a yes has one, too. Their messages are in Language.
	Reasons  []Reason
	Language string
	// ReasonUser and ReasonAdmin tell the decision in sentences, where the client asks for an explanation.
	ReasonUser, ReasonAdmin Texts
	// Error is set on an item of a batch that could not be decided. It is not allowed then.
	Error *EvaluationError
	// ID is the id of the decision's record; of a batch, the records' Batch.
	ID string
	// Policy is the digest of the policy that decided, Revision the organization's that it was
	// decided at (0 where no organization is concerned, or several).
	Policy   string
	Revision int64
}

// Can tells whether a user may do something to a resource, such as OnProduct("web-1"). An error is never a yes, and
// false is a denial alone. See [Client.Decide] on [ErrUnknownAction].
func (c *Client) Can(ctx context.Context, user, action string, on Resource, details ...Detail) (bool, error) {
	d, err := c.Decide(ctx, Ask(user, action, on, details...))
	return d.Allowed && err == nil, err
}

// mostAtOnce is how many questions the server takes in a batch, mostBytes a little less than how long it may be.
const (
	mostAtOnce = 1000
	mostBytes  = 240 << 10
)

// batches cuts questions into batches that the server takes.
func batches(questions []EvaluationRequest) iter.Seq[[]EvaluationRequest] {
	return func(yield func([]EvaluationRequest) bool) {
		from, length := 0, 0
		for i := range questions {
			text, _ := json.Marshal(questions[i]) // what cannot be written is an error when it is sent
			if i > from && (i-from == mostAtOnce || length+len(text)+1 > mostBytes) {
				if !yield(questions[from:i]) {
					return
				}
				from, length = i, 0
			}
			length += len(text) + 1
		}
		if from < len(questions) {
			yield(questions[from:])
		}
	}
}

// CanAll tells of each question whether it is allowed, in their order. It asks a thousand at a time, or fewer where they are
// long, each batch within Config.Budget. Where one of them could not be decided, or is about an action that no rule knows, all are an error:
// false is a denial alone. [Client.DecideAll] tells them apart.
func (c *Client) CanAll(ctx context.Context, questions []EvaluationRequest) ([]bool, error) {
	can := make([]bool, 0, len(questions))
	for chunk := range batches(questions) {
		batch := EvaluationsRequest{Evaluations: make([]Evaluation, len(chunk))}
		for i := range chunk {
			q := &chunk[i]
			batch.Evaluations[i] = Evaluation{Subject: &q.Subject, Action: &q.Action, Resource: &q.Resource, Context: q.Context}
		}
		decisions, err := c.DecideAll(ctx, batch)
		if err != nil {
			return nil, err
		}
		for i := range decisions {
			if err := decisions[i].Err(); err != nil {
				return nil, fmt.Errorf("question %d: %w", len(can), err)
			}
			can = append(can, decisions[i].Allowed)
		}
	}
	return can, nil
}

// Decide asks one question. A denial is an answer and no error, but for one: an action that is unknown on that
// type of resource is [ErrUnknownAction], beside the decision with its record, since a slip of the pen would
// otherwise pass for a denial of everybody. A product or any other resource that is unknown, one of an unknown type
// too, is a plain denial (unknown_resource): things come and go while a program runs.
func (c *Client) Decide(ctx context.Context, question EvaluationRequest) (Decision, error) {
	var answer evaluationAnswer
	h, err := c.do(ctx, call{
		method: http.MethodPost,
		path:   c.access("evaluation"),
		body:   question,
		decide: true,
		about:  []string{organizationOf(&question.Resource)},
	}, &answer)
	if err != nil {
		return Decision{}, err
	}
	d := answer.decision(h, HeaderDecisionID)
	return d, d.Err()
}

// Err gives why a denial is none that a person should be told: [ErrUnknownAction] where nobody could ever be
// allowed what was asked, or the [EvaluationError] of an item that was not decided. It is nil for an answer.
func (d *Decision) Err() error {
	switch {
	case d.Error != nil:
		return d.Error
	case !d.Allowed && len(d.Reasons) > 0 && d.Reasons[0].Code == ReasonUnknownAction:
		return ErrUnknownAction
	}
	return nil
}

// DecideAll asks many questions at once. The answers come in the order of the questions; there are
// fewer of them only where the semantic says to stop early. Without items nothing is asked. What is wrong with one
// item is no error of the batch: [Decision.Err] has it.
func (c *Client) DecideAll(ctx context.Context, questions EvaluationsRequest) ([]Decision, error) {
	if len(questions.Evaluations) == 0 {
		return nil, nil
	}
	var answer struct {
		Evaluations []evaluationAnswer `json:"evaluations"`
	}
	h, err := c.do(ctx, call{
		method: http.MethodPost,
		path:   c.access("evaluations"),
		body:   questions,
		decide: true,
		about:  questions.organizations(),
	}, &answer)
	if err != nil {
		return nil, err
	}
	n, asked := len(answer.Evaluations), len(questions.Evaluations)
	decisions := make([]Decision, n)
	for i, a := range answer.Evaluations {
		decisions[i] = a.decision(h, HeaderBatchID)
	}
	// Callers find an answer by its place, so a list of another length would answer other questions; and of a list that
	// was cut they would take the first few for all.
	if n > asked || n == 0 || (n < asked && !questions.stopsAt(&decisions[n-1])) {
		return nil, fmt.Errorf("the server gave %d answers to %d questions", n, asked)
	}
	return decisions, nil
}

// stopsAt tells whether the semantic of a batch leaves unanswered what comes behind a decision.
func (r *EvaluationsRequest) stopsAt(d *Decision) bool {
	switch {
	case r.Options == nil:
		return false
	case r.Options.EvaluationsSemantic == DenyOnFirstDeny:
		return !d.Allowed
	}
	return r.Options.EvaluationsSemantic == PermitOnFirstPermit && d.Allowed
}

// evaluationAnswer is an EvaluationResponse that must say yes or no.
type evaluationAnswer struct{ EvaluationResponse }

// UnmarshalJSON refuses an object without a decision, or with more than one: absent is neither no nor, above all, yes.
// Nor is a member that is spelt in another way a decision, though Go would read it as one.
func (a *evaluationAnswer) UnmarshalJSON(data []byte) error {
	members := json.NewDecoder(bytes.NewReader(data))
	if _, err := members.Token(); err != nil { // the brace, if it is an object
		return err
	}
	decided := false
	for members.More() {
		name, err := members.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := members.Decode(&value); err != nil {
			return err
		}
		if name, _ := name.(string); strings.EqualFold(name, "decision") {
			if name != "decision" || decided {
				return errors.New("there is more or other than one decision in it")
			}
			if decided = true; string(value) == "null" {
				return errNoDecision
			}
		}
	}
	if !decided {
		return errNoDecision
	}
	return json.Unmarshal(data, &a.EvaluationResponse)
}

var errNoDecision = errors.New("there is no decision in it")

// decision puts an answer together with what its headers say.
func (a evaluationAnswer) decision(h http.Header, idHeader string) Decision {
	d := Decision{Allowed: a.Decision, ID: h.Get(idHeader), Policy: h.Get(HeaderPolicy), Language: h.Get("Content-Language")}
	d.Revision, _ = strconv.ParseInt(h.Get(HeaderRevision), 10, 64)
	if a.Context != nil {
		d.Reasons, d.Error = a.Context.Reasons, a.Context.Error
		d.ReasonUser, d.ReasonAdmin = a.Context.ReasonUser, a.Context.ReasonAdmin
		d.Allowed = d.Allowed && d.Error == nil
	}
	return d
}
