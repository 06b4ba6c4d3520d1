package clienttest

import (
	"context"
	"fmt"

	"cordon.example/client"
)

// Decide answers as it was told. As of a [client.Client], an action that is unknown is an error.
func (f *Fake) Decide(ctx context.Context, question client.EvaluationRequest) (client.Decision, error) {
	d, err := f.answer(ctx, question)
	if err != nil {
		return client.Decision{}, err
	}
	return d, d.Err()
}

// Can answers as it was told.
func (f *Fake) Can(ctx context.Context, user, action string, on client.Resource, details ...client.Detail) (bool, error) {
	d, err := f.Decide(ctx, client.Ask(user, action, on, details...))
	return d.Allowed && err == nil, err
}

// CanAll answers as it was told; one question that ends in an error is the error of all.
func (f *Fake) CanAll(ctx context.Context, questions []client.EvaluationRequest) ([]bool, error) {
	can := make([]bool, len(questions))
	for i, q := range questions {
		d, err := f.Decide(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("question %d: %w", i, err)
		}
		can[i] = d.Allowed
	}
	return can, nil
}

// DecideAll answers as it was told, and stops where the semantic says so.
func (f *Fake) DecideAll(ctx context.Context, questions client.EvaluationsRequest) ([]client.Decision, error) {
	var decisions []client.Decision
	for _, item := range questions.Evaluations {
		d, err := f.answer(ctx, whole(&questions, item))
		if err != nil {
			return nil, err
		}
		decisions = append(decisions, d)
		if o := questions.Options; o != nil && (o.EvaluationsSemantic == client.DenyOnFirstDeny && !d.Allowed ||
			o.EvaluationsSemantic == client.PermitOnFirstPermit && d.Allowed) {
			break
		}
	}
	return decisions, nil
}

// whole gives an item of a batch with what it takes from the batch.
func whole(batch *client.EvaluationsRequest, item client.Evaluation) client.EvaluationRequest {
	var q client.EvaluationRequest
	for _, e := range []client.Evaluation{{Subject: batch.Subject, Action: batch.Action, Resource: batch.Resource, Context: batch.Context}, item} {
		if e.Subject != nil {
			q.Subject = *e.Subject
		}
		if e.Action != nil {
			q.Action = *e.Action
		}
		if e.Resource != nil {
			q.Resource = *e.Resource
		}
		if e.Context != nil {
			q.Context = e.Context
		}
	}
	return q
}
