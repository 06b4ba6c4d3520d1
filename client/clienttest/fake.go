package clienttest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"cordon.example/client"
)

// ReasonNotTold is the reason of a denial that no test told the fake.
const ReasonNotTold = "not_told"

// Fake answers questions as it is told. The zero value denies everything. It is safe for concurrent use, and is a
// [client.Decider].
type Fake struct {
	// Answer answers every question in place of the table; nil: the table does. Many may call it at once.
	Answer func(ctx context.Context, question client.EvaluationRequest) (client.Decision, error)

	mu    sync.Mutex
	table []row // the last that fits counts
	asked []client.EvaluationRequest
	acts  []Act
	fails error
}

// row is what a test told of a question.
type row struct {
	question client.EvaluationRequest
	decision client.Decision
}

// Allow has a question answered with yes. Without details it is the question with any of them: by each channel, say.
func (f *Fake) Allow(user, action string, on client.Resource, details ...client.Detail) {
	f.Decides(client.Ask(user, action, on, details...), client.Decision{
		Allowed: true,
		Reasons: []client.Reason{{Code: client.ReasonGranted, Message: "The test allows it."}},
	})
}

// Deny has a question answered with no, for a reason such as [client.ReasonProductBlocked].
func (f *Fake) Deny(reason, user, action string, on client.Resource, details ...client.Detail) {
	f.Decides(client.Ask(user, action, on, details...), client.Decision{
		Reasons: []client.Reason{{Code: reason, Message: "The test denies it."}},
	})
}

// Decides has a question answered with a decision, from now on. The properties that it has must be the same, those that
// it lacks may be any.
func (f *Fake) Decides(question client.EvaluationRequest, decision client.Decision) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.table = append(f.table, row{asSent(question), decision})
}

// Fail has everything end in an error until it is told nil: in that of a [client.Error] as a server gives it, and in any
// other as a connection that breaks, such as [client.ErrUnavailable].
func (f *Fake) Fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fails = err
}

// Asked gives the questions that were asked, in their order and as they were sent; those of a batch one by one, and of a
// search one for each candidate.
func (f *Fake) Asked() []client.EvaluationRequest {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.asked)
}

// Forget forgets what was asked and done.
func (f *Fake) Forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked, f.acts = nil, nil
}

// answer decides a question and remembers it.
func (f *Fake) answer(ctx context.Context, q client.EvaluationRequest) (client.Decision, error) {
	f.mu.Lock()
	f.asked = append(f.asked, q)
	f.mu.Unlock()
	return f.decide(ctx, q)
}

func (f *Fake) decide(ctx context.Context, q client.EvaluationRequest) (client.Decision, error) {
	f.mu.Lock()
	fails, decision := f.fails, notTold(q)
	for _, told := range slices.Backward(f.table) {
		if fits(told.question, q) {
			decision = told.decision
			break
		}
	}
	f.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return client.Decision{}, ctx.Err()
	case fails != nil:
		return client.Decision{}, fails
	case f.Answer != nil:
		return f.Answer(ctx, q)
	}
	return decision, nil
}

func notTold(q client.EvaluationRequest) client.Decision {
	return client.Decision{Reasons: []client.Reason{{
		Code:    ReasonNotTold,
		Message: fmt.Sprintf("No test said that %q may %s %s %s.", q.Subject.ID, q.Action.Name, q.Resource.Type, q.Resource.ID),
	}}}
}

// asSent gives a question as it comes to a server: numbers are numbers of JSON.
func asSent(q client.EvaluationRequest) client.EvaluationRequest {
	text, err := json.Marshal(q)
	var sent client.EvaluationRequest
	if err != nil || json.Unmarshal(text, &sent) != nil {
		return q // nobody can ask it
	}
	return sent
}
