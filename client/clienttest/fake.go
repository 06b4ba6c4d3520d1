package clienttest

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"cordon.example/client"
)

// ReasonNotTold is the reason of a denial that no test told the fake.
const ReasonNotTold = "not_told"

// Fake answers questions as it is told. The zero value denies everything. It is safe for concurrent use.
type Fake struct {
	// Answer answers every question in place of the table; nil: the table does. It is called by many goroutines where
	// the program asks from many.
	Answer func(ctx context.Context, question client.EvaluationRequest) (client.Decision, error)

	mu    sync.Mutex
	table []row // the last that fits counts
	asked []client.EvaluationRequest
	fails error
}

var _ client.Decider = (*Fake)(nil)

// row is what a test told of a question.
type row struct {
	question client.EvaluationRequest
	decision client.Decision
}

// Allow has a question answered with yes. Without details it is the question with any: by each channel, say.
func (f *Fake) Allow(user, action string, on client.Resource, details ...client.Detail) {
	f.Decides(client.Ask(user, action, on, details...), client.Decision{Allowed: true, Reasons: []client.Reason{{Code: client.ReasonGranted, Message: "the test allows it"}}})
}

// Deny has a question answered with no, for a reason such as [client.ReasonProductBlocked].
func (f *Fake) Deny(reason, user, action string, on client.Resource, details ...client.Detail) {
	f.Decides(client.Ask(user, action, on, details...), client.Decision{Reasons: []client.Reason{{Code: reason, Message: "the test denies it"}}})
}

// Decides has a question answered with a decision, from now on. The properties that it has must be the same, those that
// it lacks may be any.
func (f *Fake) Decides(question client.EvaluationRequest, decision client.Decision) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.table = append(f.table, row{question, decision})
}

// Fail has every question end in an error, such as [client.ErrUnavailable], until it is told nil.
func (f *Fake) Fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fails = err
}

// Asked gives the questions that were asked, in their order; those of a batch one by one. Searches ask about each of
// their candidates.
func (f *Fake) Asked() []client.EvaluationRequest {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.asked)
}

// Forget forgets what was asked.
func (f *Fake) Forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = nil
}

// answer records a question and decides it.
func (f *Fake) answer(ctx context.Context, q client.EvaluationRequest) (client.Decision, error) {
	f.mu.Lock()
	f.asked = append(f.asked, q)
	fails := f.fails
	decision := notTold(q)
	for _, told := range slices.Backward(f.table) {
		if fits(told.question, q) {
			decision = told.decision
			break
		}
	}
	f.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return client.Decision{}, fmt.Errorf("%w: %w", client.ErrUnavailable, err)
	}
	if fails != nil {
		return client.Decision{}, fails
	}
	if f.Answer != nil {
		return f.Answer(ctx, q)
	}
	return decision, nil
}

func notTold(q client.EvaluationRequest) client.Decision {
	return client.Decision{Reasons: []client.Reason{{
		Code:    ReasonNotTold,
		Message: fmt.Sprintf("no test said that %s may %s %s %s", q.Subject.ID, q.Action.Name, q.Resource.Type, q.Resource.ID),
	}}}
}
