package client

import (
	"context"
	"iter"
)

// Decider answers questions: a [Client] in a program, and in its tests a fake ([cordon.example/client/clienttest]).
// Take this where a decision is all that is needed.
type Decider interface {
	Can(ctx context.Context, user, action string, on Resource, details ...Detail) (bool, error)
	CanAll(ctx context.Context, questions []EvaluationRequest) ([]bool, error)
	Decide(ctx context.Context, question EvaluationRequest) (Decision, error)
	DecideAll(ctx context.Context, questions EvaluationsRequest) ([]Decision, error)
	SearchSubjects(ctx context.Context, search SearchRequest) iter.Seq2[Subject, error]
	SearchResources(ctx context.Context, search SearchRequest) iter.Seq2[Resource, error]
	SearchActions(ctx context.Context, search SearchRequest) iter.Seq2[Action, error]
}

var _ Decider = (*Client)(nil)

// Filter keeps the items that a user may do something to, in their order; what tells the resource of an item. It asks
// with [Decider.CanAll], and where one of them could not be decided it gives none and an error.
//
//	visible, err := client.Filter(ctx, cordon, "alice", client.ActionView, ids, client.OnProduct)
func Filter[T any](ctx context.Context, decider Decider, user, action string, items []T, what func(T) Resource, details ...Detail) ([]T, error) {
	questions := make([]EvaluationRequest, len(items))
	for i, item := range items {
		questions[i] = Ask(user, action, what(item), details...)
	}
	can, err := decider.CanAll(ctx, questions)
	if err != nil {
		return nil, err
	}
	kept := make([]T, 0, len(items))
	for i, yes := range can {
		if yes {
			kept = append(kept, items[i])
		}
	}
	return kept, nil
}
