package interfaces_test

import (
	"errors"
	"strings"
	"testing"

	"cordon.example/client"
	"cordon/tests/program"
)

// overSDK calls the Go client.
type overSDK struct {
	s   *program.Server
	org string
}

func openSDK(s *program.Server, org string) door { return overSDK{s, org} }

func (d overSDK) as(by who) *client.Client {
	if agent, ok := by.agent(); ok {
		return d.s.Client(nil).AsAgent(agent)
	}
	if by != "" {
		return d.s.Client(nil).As(string(by))
	}
	return d.s.Client(nil)
}

func reasonsOf(reasons []client.Reason) string {
	var codes []string
	for _, r := range reasons {
		codes = append(codes, r.Code)
	}
	return strings.Join(codes, ", ")
}

func outcomeOf(err error) string {
	var problem *client.Error
	switch {
	case err == nil:
		return "done"
	case !errors.As(err, &problem):
		return err.Error()
	case errors.Is(err, client.ErrDenied):
		return "denied: " + reasonsOf(problem.Problem.Reasons)
	case errors.Is(err, client.ErrConflict):
		return "conflict: " + problem.Problem.Code
	}
	return problem.Problem.Code
}

func (d overSDK) check(t *testing.T, q question) string {
	t.Helper()
	request := client.EvaluationRequest{
		Subject:  client.Subject{Type: client.TypeUser, ID: q.user},
		Action:   client.Action{Name: q.action, Properties: map[string]any{}},
		Resource: client.Resource{Type: client.TypeProduct, ID: q.resource},
	}
	if q.kind != "" {
		request.Resource.Type, request.Resource.Properties = q.kind, map[string]any{"organization": d.org}
	}
	if q.channel != "" {
		request.Action.Properties["channel"] = q.channel
	}
	if q.role != "" {
		request.Action.Properties["role"] = q.role
	}
	decision, err := d.as("").Decide(t.Context(), request)
	switch {
	case errors.Is(err, client.ErrUnknownAction) != (decision.Err() != nil):
		return "another error than the decision's: " + outcomeOf(err)
	case err != nil && !errors.Is(err, client.ErrUnknownAction):
		return outcomeOf(err)
	case decision.Allowed:
		return "allowed: " + reasonsOf(decision.Reasons)
	}
	return "denied: " + reasonsOf(decision.Reasons)
}

func (d overSDK) act(t *testing.T, by who, verb, product string) string {
	t.Helper()
	c := d.as(by)
	act := map[string]func() (client.ProductAnswer, error){
		"block": func() (client.ProductAnswer, error) {
			return c.BlockProduct(t.Context(), d.org, product, client.BlockRequest{Reason: "test"})
		},
		"unblock": func() (client.ProductAnswer, error) {
			return c.UnblockProduct(t.Context(), d.org, product, client.BlockRequest{})
		},
		"start": func() (client.ProductAnswer, error) {
			return c.StartMaintenance(t.Context(), d.org, product, client.BlockRequest{})
		},
		"end": func() (client.ProductAnswer, error) {
			return c.EndMaintenance(t.Context(), d.org, product, client.BlockRequest{})
		},
	}[verb]
	_, err := act()
	return outcomeOf(err)
}

func (d overSDK) code(t *testing.T, by who) string {
	t.Helper()
	return overHTTP(d).code(t, by)
}

func (d overSDK) user(t *testing.T, by who, verb, user string, a userAct) string {
	t.Helper()
	c := d.as(by)
	request := client.BlockUserRequest{Justification: a.justification, SupportCode: presented(t, d, a), Channels: a.channels}
	var err error
	switch verb {
	case "block":
		_, err = c.BlockUser(t.Context(), d.org, user, request)
	case "unblock":
		_, err = c.UnblockUser(t.Context(), d.org, user, request)
	case "secure":
		_, err = c.SecureUser(t.Context(), d.org, user, client.SecureRequest{Justification: a.justification, SupportCode: request.SupportCode})
	}
	return outcomeOf(err)
}
