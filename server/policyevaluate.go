package server

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"cordon.example/client"
	"cordon/guard"
	"cordon/library"
)

// trialBody is the body of a trial. What is asked about is read as the questions of evaluations are.
type trialBody struct {
	Digest   string         `json:"digest"`
	At       time.Time      `json:"at,omitzero"`
	Question jsontext.Value `json:"question"`
	Input    jsontext.Value `json:"input"`
	Facts    jsontext.Value `json:"facts"`
}

// evaluatePolicy answers what would come of a question on a version of a policy.
func evaluatePolicy(c *call) error {
	var body trialBody
	l, err := c.libraryFor(&body)
	if err != nil {
		return err
	}
	trial := library.Trial{Digest: body.Digest, At: body.At, Input: given(body.Input), Facts: given(body.Facts)}
	ofSet := c.param("set") != library.Set
	if trial.Question, err = questionIn(body.Question, ofSet); err != nil {
		return err
	}
	if ofSet {
		tried, err := l.EvaluateSet(c.context(), &c.origin, c.param("set"), trial)
		if err != nil {
			return err
		}
		return c.answer(http.StatusOK, showTriedSet(tried))
	}
	tried, err := l.Evaluate(c.context(), &c.origin, c.param("set"), trial)
	if err != nil {
		return err
	}
	shown, err := showTried(tried)
	if err != nil {
		return err
	}
	return c.answer(http.StatusOK, shown)
}

// given is a member of a body that may be null.
func given(value jsontext.Value) json.RawMessage {
	if len(value) == 0 || value.Kind() == jsontext.KindNull {
		return nil
	}
	return json.RawMessage(value)
}

// questionIn reads the question of a body; nil without one.
func questionIn(value jsontext.Value, whole bool) (*guard.Question, error) {
	text := given(value)
	if text == nil {
		return nil, nil
	}
	var q guard.Question
	asked, err := readQuestion(text, whole)
	if err == nil {
		err = asked.question(&q)
	}
	if err == nil && whole {
		q.Input = asked.appendInput(nil)
	}
	if wrong, is := errors.AsType[*guard.Invalid](err); is {
		fields := make([]guard.FieldError, len(wrong.Errors))
		for i, f := range wrong.Errors {
			fields[i] = field("/question"+f.Pointer, f.Detail)
		}
		return nil, invalid(fields...)
	}
	return &q, err
}

func showTried(t *library.Tried) (client.PolicyEvaluation, error) {
	input, err := json.Marshal(t.Input)
	shown := client.PolicyEvaluation{
		Digest: t.Digest, Undecided: t.Undecided, Input: input, Reasons: []client.Reason{}, Rules: showRules(t.Rules), Trace: listOf(t.Trace),
		Printed: listOf(t.Printed), TookUS: t.Took.Microseconds(), WhyNot: []client.PolicyTurn{},
	}
	if t.Decision != nil {
		shown.Decision, shown.ReasonUser, shown.ReasonAdmin = t.Allowed, t.User(), t.Admin()
		for _, r := range t.Reasons {
			shown.Reasons = append(shown.Reasons, client.Reason{Code: r.Code, Message: r.Message})
		}
	}
	for _, turn := range t.WhyNot {
		one := client.PolicyTurn{Text: turn.Text, Answer: turn.Answer, Reasons: listOf(turn.Reasons), Input: turn.Input}
		for _, change := range turn.Changes {
			one.Changes = append(one.Changes, client.PolicyChangedFact{Fact: change.Fact, From: change.From, To: change.To})
		}
		shown.WhyNot = append(shown.WhyNot, one)
	}
	return shown, err
}

// showTriedSet shows what came of a trial on a policy set beside the built-in one: it gives no reasons.
func showTriedSet(t *library.TriedSet) client.PolicyEvaluation {
	shown := client.PolicyEvaluation{
		Digest: t.Digest, Undecided: t.Undecided, Input: t.Input, Reasons: []client.Reason{}, Rules: showRules(nil), Trace: listOf(t.Trace),
		Printed: listOf(t.Printed), TookUS: t.Took.Microseconds(), WhyNot: []client.PolicyTurn{},
	}
	if d := t.Decision; d != nil {
		shown.Decision, shown.Context = d.Allowed, d.Context
	}
	return shown
}

// testBody is the body of a test to be made.
type testBody struct {
	From     string         `json:"from"`
	Question jsontext.Value `json:"question"`
	Input    jsontext.Value `json:"input"`
	Decision *bool          `json:"decision"`
	Message  string         `json:"message"`
}

// addPolicyTest makes a test of what was decided, or is to be.
func addPolicyTest(c *call) error {
	l, err := c.library()
	if err != nil {
		return err
	}
	preview, err := c.previewed()
	if err != nil {
		return err
	}
	var body testBody
	if err := c.decode(&body); err != nil {
		return err
	}
	if body.From != "" && !c.origin.Caller.May(guard.ScopeAudit) { // what people asked is for who may read the log
		return because(errScope, "a test of a decision on record needs the scope audit, too")
	}
	from := library.Life{Record: body.From, Input: given(body.Input), Decision: body.Decision, Message: body.Message, Preview: preview}
	if from.Question, err = questionIn(body.Question, false); err != nil {
		return err
	}
	grown, err := l.AddTest(c.context(), &c.origin, c.param("set"), c.param("digest"), from)
	if err != nil {
		return err
	}
	shown, status := client.PolicyTestMade{Path: grown.Path, Text: grown.Text}, http.StatusOK
	if grown.Pushed != nil {
		version := showWholeVersion(grown.Version)
		shown.Version, shown.Report = &version, version.Report // nil of one that is there and was not checked
		if grown.Created {
			status = http.StatusCreated
		}
	}
	return c.answer(status, shown)
}
