package sdk_test

import (
	"encoding/json"

	"cordon.example/client"
)

// args are the arguments of all calls; each has some of them.
type args struct {
	question
	Set       string     `json:"set"`
	Explain   string     `json:"explain"`
	Language  string     `json:"language"`
	Questions []question `json:"questions"`

	Request json.RawMessage `json:"request"` // as AuthZEN has it
	Limit   int             `json:"limit"`

	Type string   `json:"type"`
	IDs  []string `json:"ids"`

	As            string   `json:"as"`
	Agent         string   `json:"agent"`
	Organization  string   `json:"organization"`
	Product       string   `json:"product"`
	Reason        string   `json:"reason"`
	Ticket        string   `json:"ticket"`
	Justification string   `json:"justification"`
	Channels      []string `json:"channels"`
}

// question is one as the cases write it. Of "block_user" and its like User is who is acted upon.
type question struct {
	User     string   `json:"user"`
	Action   string   `json:"action"`
	Resource resource `json:"resource"`
}

type resource struct {
	Type         string `json:"type"`
	ID           string `json:"id"`
	Organization string `json:"organization"`
	Channel      string `json:"channel"`
}

// wire gives the question as AuthZEN has it.
func (q question) wire() client.EvaluationRequest {
	asked := client.EvaluationRequest{
		Subject:  client.Subject{Type: client.TypeUser, ID: q.User},
		Action:   client.Action{Name: q.Action},
		Resource: client.Resource{Type: q.Resource.Type, ID: q.Resource.ID},
	}
	if q.Resource.Organization != "" {
		asked.Resource.Properties = map[string]any{"organization": q.Resource.Organization}
	}
	if q.Resource.Channel != "" {
		asked.Action.Properties = map[string]any{"channel": q.Resource.Channel}
	}
	return asked
}

// each gives the questions of "filter".
func (a *args) each() []question {
	questions := make([]question, len(a.IDs))
	for i, id := range a.IDs {
		questions[i].User, questions[i].Action = a.User, a.Action
		questions[i].Resource.Type, questions[i].Resource.ID, questions[i].Resource.Organization = a.Type, id, a.Organization
	}
	return questions
}

// line is what a runner prints of one case.
type line struct {
	Name   string   `json:"name"`
	Answer any      `json:"answer,omitempty"`
	Error  *failure `json:"error,omitempty"`
}

// decision is the answer of "decide".
type decision struct {
	Decision    bool         `json:"decision"`
	Reasons     []string     `json:"reasons"`
	ReasonUser  client.Texts `json:"reason_user,omitempty"`
	ReasonAdmin client.Texts `json:"reason_admin,omitempty"`
	Language    string       `json:"language,omitempty"`
}

// state is the answer of the acts on products.
type state struct {
	Blocked     bool `json:"blocked"`
	Maintenance bool `json:"maintenance"`
}

func codes(reasons []client.Reason) []string {
	list := []string{}
	for _, r := range reasons {
		list = append(list, r.Code)
	}
	return list
}
