package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
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

// Can tells whether a user may do something to a product. An error is never a yes. See [Client.Decide] on
// [ErrUnknownAction].
func (c *Client) Can(ctx context.Context, user, action, product string) (bool, error) {
	d, err := c.Decide(ctx, EvaluationRequest{
		Subject:  Subject{Type: TypeUser, ID: user},
		Action:   Action{Name: action},
		Resource: Resource{Type: TypeProduct, ID: product},
	})
	return d.Allowed && err == nil, err
}

// Decide asks one question. A denial is an answer and no error, but for one: an action that is unknown on that
// type of resource is [ErrUnknownAction], beside the decision with its record, since a slip of the pen would
// otherwise pass for a denial of everybody. A product or any other resource that is unknown, one of an unknown type
// too, is a plain denial (unknown_resource): things come and go while a program runs.
func (c *Client) Decide(ctx context.Context, question EvaluationRequest) (Decision, error) {
	var answer evaluationAnswer
	h, err := c.do(ctx, call{
		method: http.MethodPost,
		path:   []string{"access", "v1", "evaluation"},
		body:   question,
		decide: true,
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
		path:   []string{"access", "v1", "evaluations"},
		body:   questions,
		decide: true,
	}, &answer)
	if err != nil {
		return nil, err
	}
	n, asked := len(answer.Evaluations), len(questions.Evaluations)
	stops := questions.Options != nil && questions.Options.EvaluationsSemantic != "" && questions.Options.EvaluationsSemantic != ExecuteAll
	// Callers find an answer by its place, so a list of another length would answer other questions.
	if n > asked || n == 0 || (n < asked && !stops) {
		return nil, fmt.Errorf("the server gave %d answers to %d questions", n, asked)
	}
	decisions := make([]Decision, n)
	for i, a := range answer.Evaluations {
		decisions[i] = a.decision(h, HeaderBatchID)
	}
	return decisions, nil
}

// evaluationAnswer is an EvaluationResponse that must say yes or no.
type evaluationAnswer struct{ EvaluationResponse }

// UnmarshalJSON refuses an object without a decision: absent is neither no nor, above all, yes.
func (a *evaluationAnswer) UnmarshalJSON(data []byte) error {
	var said struct {
		Decision *bool `json:"decision"`
	}
	if err := json.Unmarshal(data, &said); err != nil {
		return err
	}
	if said.Decision == nil {
		return errors.New("there is no decision in it")
	}
	return json.Unmarshal(data, &a.EvaluationResponse)
}

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
