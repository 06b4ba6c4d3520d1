package sdk_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"cordon.example/client"
	"cordon/tests/program"
)

// overGo is the runner of the Go SDK.
func overGo(t *testing.T, server *program.Server, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all shared
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	cordon := server.Client(nil)
	var printed strings.Builder
	for _, c := range all.Cases {
		said := line{Name: c.Name}
		if said.Answer, err = askGo(t.Context(), cordon, c); err != nil {
			said.Answer, said.Error = nil, failureOf(t, err)
		}
		if err := json.NewEncoder(&printed).Encode(said); err != nil {
			t.Fatal(err)
		}
	}
	return printed.String()
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
	switch c.Call {
	case "can":
		d, err := cordon.Decide(ctx, a.wire())
		return d.Allowed, err
	case "decide":
		if a.Language != "" {
			cordon = cordon.In(a.Language)
		}
		d, err := cordon.Explain(a.Explain).Decide(ctx, a.wire())
		if err != nil && !errors.Is(err, client.ErrUnknownAction) {
			return nil, err
		}
		answer := decision{d.Allowed, codes(d.Reasons), d.ReasonUser, d.ReasonAdmin, ""}
		if a.Language != "" {
			answer.Language = d.Language
		}
		return answer, nil
	case "can_all":
		return canAll(ctx, cordon, a.Questions)
	case "filter":
		can, err := canAll(ctx, cordon, a.each())
		left := []string{}
		for i, yes := range can {
			if yes {
				left = append(left, a.IDs[i])
			}
		}
		return left, err
	case "evaluations":
		var batch client.EvaluationsRequest
		if err := json.Unmarshal(a.Request, &batch); err != nil {
			return nil, err
		}
		decisions, err := cordon.DecideAll(ctx, batch)
		return allowed(decisions), err
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

func canAll(ctx context.Context, cordon *client.Client, questions []question) ([]bool, error) {
	can := []bool{}
	for len(questions) > 0 {
		n := min(len(questions), 1000)
		var batch client.EvaluationsRequest
		for _, q := range questions[:n] {
			asked := q.wire()
			batch.Evaluations = append(batch.Evaluations, client.Evaluation{Subject: &asked.Subject, Action: &asked.Action, Resource: &asked.Resource})
		}
		decisions, err := cordon.DecideAll(ctx, batch)
		if err != nil {
			return nil, err
		}
		can, questions = append(can, allowed(decisions)...), questions[n:]
	}
	return can, nil
}

func allowed(decisions []client.Decision) []bool {
	can := make([]bool, len(decisions))
	for i, d := range decisions {
		can[i] = d.Allowed
	}
	return can
}
