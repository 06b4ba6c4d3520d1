package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"
)

// PolicyTrial is what is tried on a version of a policy: a question, or an input as the rules see it.
type PolicyTrial struct {
	Digest   string             `json:"digest,omitempty"` // of the version; empty: the one in force
	At       time.Time          `json:"at,omitzero"`      // as things were then; zero: as they are
	Question *EvaluationRequest `json:"question,omitempty"`
	Input    json.RawMessage    `json:"input,omitempty"`
	// Facts are members of an input that take the place of those that are so: {"subject": {"role": "administrator"}}.
	Facts json.RawMessage `json:"facts,omitempty"`
}

// PolicyEvaluation is what came of a trial. It is no decision.
type PolicyEvaluation struct {
	Digest      string   `json:"digest"`
	Decision    bool     `json:"decision"`
	Reasons     []Reason `json:"reasons"`
	ReasonUser  Texts    `json:"reason_user,omitempty"`
	ReasonAdmin Texts    `json:"reason_admin,omitempty"`
	// Context is what a policy set beside the built-in one gives with its decision.
	Context json.RawMessage `json:"context,omitempty"`
	// Undecided is why the rules gave nothing usable, which counts as a denial where it is asked.
	Undecided string          `json:"undecided,omitempty"`
	Input     json.RawMessage `json:"input"`   // that the rules were asked about
	Rules     []FiredRule     `json:"rules"`   // bodies of rules that held
	Trace     []string        `json:"trace"`   // of the evaluation, a line a step
	Printed   []string        `json:"printed"` // by the print statements of the rules
	TookUS    int64           `json:"took_us"`
	WhyNot    []PolicyTurn    `json:"why_not"` // the smallest changes of facts that would turn the answer
}

// PolicyTurn is a smallest change of facts that would turn an answer.
type PolicyTurn struct {
	Text    string              `json:"text"`
	Changes []PolicyChangedFact `json:"changes"`
	Answer  string              `json:"answer"` // EffectAllow or EffectDeny
	Reasons []string            `json:"reasons"`
	Input   json.RawMessage     `json:"input"` // with them
}

// PolicyChangedFact is one fact that would have to be otherwise.
type PolicyChangedFact struct {
	Fact string `json:"fact"`
	From string `json:"from"`
	To   string `json:"to"`
}

// EvaluatePolicy tries a question or an input on a version of a policy, and says what came of it. It is on record as a
// reading, and never a decision. [ErrInvalid] with the code "policy_invalid": the version was stopped, since it took more
// memory or time than a trial may.
func (c *Client) EvaluatePolicy(ctx context.Context, set string, trial PolicyTrial) (PolicyEvaluation, error) {
	return one[PolicyEvaluation](ctx, c, http.MethodPost, trial, policySets, set, "evaluate")
}

// PolicyTestOf is where a test of a policy comes from: one of a record, a question and an input.
type PolicyTestOf struct {
	From     string             `json:"from,omitempty"` // id of a decision on record; takes the scope audit, too
	Question *EvaluationRequest `json:"question,omitempty"`
	Input    json.RawMessage    `json:"input,omitempty"`
	// Decision is what the answer is to be; nil: what it was, or is by the version.
	Decision *bool  `json:"decision,omitempty"`
	Message  string `json:"message,omitempty"` // of the version that has the test
}

// PolicyTestMade is a test, and the version that has it.
type PolicyTestMade struct {
	Path    string         `json:"path"`
	Text    string         `json:"text"`
	Version *PolicyVersion `json:"version,omitempty"` // nil of a preview
	Report  *PolicyReport  `json:"report,omitempty"`
}

// AddPolicyTest makes a test of a decision on record or of a question, and keeps the version that has it beside the tests
// of another. [ErrConflict] with the code "not_reproduced": the policy that decided does not decide so any more.
func (c *Client) AddPolicyTest(ctx context.Context, set, digest string, of PolicyTestOf) (PolicyTestMade, error) {
	return one[PolicyTestMade](ctx, c, http.MethodPost, of, policySets, set, "versions", digest, "tests")
}

// PreviewPolicyTest makes a test as AddPolicyTest does, and keeps nothing.
func (c *Client) PreviewPolicyTest(ctx context.Context, set, digest string, of PolicyTestOf) (PolicyTestMade, error) {
	var made PolicyTestMade
	_, err := c.do(ctx, call{
		method: http.MethodPost, path: segments(policySets, []string{set, "versions", digest, "tests"}), query: url.Values{"preview": {"true"}}, body: of,
	}, &made)
	return made, err
}
