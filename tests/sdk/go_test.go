package sdk_test

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"strings"
	"testing"

	"cordon.example/client"
	"cordon/tests/program"
)

// overGo is the runner of the Go SDK.
func overGo(t *testing.T, server *program.Server, path string) string {
	t.Helper()
	cordon := server.Client(nil)
	return here(t, path, func(c shownCase) (any, *failure) {
		answer, err := askGo(t.Context(), cordon, c)
		if err != nil {
			return nil, failureOf(t, err)
		}
		return answer, nil
	})
}

// failureOf tells an error as runners do.
func failureOf(t *testing.T, err error) *failure {
	t.Helper()
	if errors.Is(err, client.ErrUnknownAction) {
		return &failure{200, client.ReasonUnknownAction}
	}
	e, ok := errors.AsType[*client.Error](err)
	if !ok {
		t.Fatal(err)
	}
	return &failure{e.Problem.Status, e.Problem.Code}
}

func askGo(ctx context.Context, cordon *client.Client, c shownCase) (any, error) {
	var a args
	if err := json.Unmarshal(c.Args, &a); err != nil {
		return nil, err
	}
	if a.Set != "" {
		cordon = cordon.InSet(a.Set)
	}
	switch c.Call {
	case "can":
		if a.Resource.Channel != "" {
			return cordon.Can(ctx, a.User, a.Action, a.on(a.Resource.ID), client.Through(a.Resource.Channel))
		}
		return cordon.Can(ctx, a.User, a.Action, a.on(a.Resource.ID))
	case "decide":
		if a.Language != "" {
			cordon = cordon.In(a.Language)
		}
		d, err := cordon.Explain(a.Explain).Decide(ctx, a.ask())
		if err != nil && !errors.Is(err, client.ErrUnknownAction) {
			return nil, err
		}
		answer := decision{d.Allowed, codes(d.Reasons), d.ReasonUser, d.ReasonAdmin, ""}
		if a.Language != "" {
			answer.Language = d.Language
		}
		return answer, nil
	case "can_all":
		questions := make([]client.EvaluationRequest, len(a.Questions))
		for i, q := range a.Questions {
			questions[i] = q.ask()
		}
		return cordon.CanAll(ctx, questions)
	case "filter":
		return client.Filter(ctx, cordon, a.User, a.Action, a.IDs, question{Resource: resource{Type: a.Type, Organization: a.Organization}}.on)
	case "evaluations":
		var batch client.EvaluationsRequest
		if err := json.Unmarshal(a.Request, &batch); err != nil {
			return nil, err
		}
		decisions, err := cordon.DecideAll(ctx, batch)
		can := make([]bool, len(decisions))
		for i, d := range decisions {
			can[i] = d.Allowed
		}
		return can, err
	}
	if strings.HasPrefix(c.Call, "search_") {
		return searchInGo(ctx, cordon, c.Call, a)
	}
	if a.As != "" {
		cordon = cordon.As(a.As)
	}
	if strings.HasSuffix(c.Call, "_user") {
		return struct{}{}, actOnUserInGo(ctx, cordon, c.Call, a)
	}
	request := client.BlockRequest{Reason: a.Reason, Ticket: a.Ticket}
	act := map[string]func(context.Context, string, string, client.BlockRequest) (client.ProductAnswer, error){
		"block_product": cordon.BlockProduct, "unblock_product": cordon.UnblockProduct,
		"start_maintenance": cordon.StartMaintenance, "end_maintenance": cordon.EndMaintenance,
	}[c.Call]
	done, err := act(ctx, a.Organization, a.Product, request)
	return state{done.Product.Blocked, done.Product.Maintenance}, err
}

func searchInGo(ctx context.Context, cordon *client.Client, call string, a args) (any, error) {
	var search client.SearchRequest
	if err := json.Unmarshal(a.Request, &search); err != nil {
		return nil, err
	}
	if a.Limit > 0 {
		search.Page = &client.SearchPage{Limit: &a.Limit}
	}
	switch call {
	case "search_subjects":
		return collect(cordon.SearchSubjects(ctx, search), func(s client.Subject) string { return s.ID })
	case "search_resources":
		return collect(cordon.SearchResources(ctx, search), func(r client.Resource) string { return r.ID })
	}
	return collect(cordon.SearchActions(ctx, search), func(a client.Action) string { return a.Name })
}

func collect[T any](found iter.Seq2[T, error], name func(T) string) ([]string, error) {
	names := []string{}
	for one, err := range found {
		if err != nil {
			return nil, err
		}
		names = append(names, name(one))
	}
	return names, nil
}

func actOnUserInGo(ctx context.Context, cordon *client.Client, call string, a args) error {
	code, err := cordon.CreateSupportCode(ctx, a.Organization)
	if err != nil {
		return err
	}
	if a.Agent != "" {
		cordon = cordon.AsAgent(a.Agent)
	}
	request := client.BlockUserRequest{Justification: a.Justification, SupportCode: code.Code, Channels: a.Channels}
	switch call {
	case "block_user":
		_, err = cordon.BlockUser(ctx, a.Organization, a.User, request)
	case "unblock_user":
		_, err = cordon.UnblockUser(ctx, a.Organization, a.User, request)
	default:
		_, err = cordon.SecureUser(ctx, a.Organization, a.User, client.SecureRequest{Justification: a.Justification, SupportCode: code.Code})
	}
	return err
}

// on gives the resource of a question, with an id.
func (q question) on(id string) client.Resource {
	switch q.Resource.Type {
	case client.TypeProduct:
		return client.OnProduct(id)
	case client.TypeUser:
		return client.OnUser(q.Resource.Organization, id)
	case client.TypeOrganization:
		return client.OnOrganization(id)
	case client.TypeChannel:
		return client.OnChannel(q.Resource.Organization, id)
	}
	return client.Resource{Type: q.Resource.Type, ID: id} // of an operator's set
}

func (q question) ask() client.EvaluationRequest {
	if q.Resource.Channel != "" {
		return client.Ask(q.User, q.Action, q.on(q.Resource.ID), client.Through(q.Resource.Channel))
	}
	return client.Ask(q.User, q.Action, q.on(q.Resource.ID))
}
