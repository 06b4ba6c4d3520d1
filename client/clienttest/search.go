package clienttest

import (
	"context"
	"iter"

	"cordon.example/client"
)

// SearchSubjects finds those whom the table names and for whom the question is allowed, in the order in which they were told.
func (f *Fake) SearchSubjects(ctx context.Context, search client.SearchRequest) iter.Seq2[client.Subject, error] {
	return find(ctx, f, search, func(q client.EvaluationRequest) (client.Subject, string, bool) {
		return client.Subject{Type: q.Subject.Type, ID: q.Subject.ID}, q.Subject.ID, search.Subject != nil && q.Subject.Type == search.Subject.Type
	}, func(q *client.EvaluationRequest, s client.Subject) { q.Subject = s })
}

// SearchResources finds those that the table names and for which the question is allowed, in the order in which they were told.
func (f *Fake) SearchResources(ctx context.Context, search client.SearchRequest) iter.Seq2[client.Resource, error] {
	return find(ctx, f, search, func(q client.EvaluationRequest) (client.Resource, string, bool) {
		return client.Resource{Type: q.Resource.Type, ID: q.Resource.ID}, q.Resource.ID, search.Resource != nil && q.Resource.Type == search.Resource.Type
	}, func(q *client.EvaluationRequest, r client.Resource) { q.Resource.Type, q.Resource.ID = r.Type, r.ID })
}

// SearchActions finds those that the table names and that are allowed, in the order in which they were told.
func (f *Fake) SearchActions(ctx context.Context, search client.SearchRequest) iter.Seq2[client.Action, error] {
	return find(ctx, f, search, func(q client.EvaluationRequest) (client.Action, string, bool) {
		return client.Action{Name: q.Action.Name}, q.Action.Name, search.Resource != nil && q.Resource.Type == search.Resource.Type
	}, func(q *client.EvaluationRequest, a client.Action) { q.Action = a })
}

// find puts each candidate of the table into the question once, and keeps those for which it is allowed.
func find[T any](ctx context.Context, f *Fake, search client.SearchRequest, candidate func(client.EvaluationRequest) (T, string, bool),
	put func(*client.EvaluationRequest, T),
) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		f.mu.Lock()
		table := f.table[:len(f.table):len(f.table)]
		f.mu.Unlock()
		seen := map[string]bool{}
		for _, told := range table {
			found, name, fitting := candidate(told.question)
			if !fitting || seen[name] {
				continue
			}
			seen[name] = true
			q := whole(&client.EvaluationsRequest{Subject: search.Subject, Action: search.Action, Resource: search.Resource, Context: search.Context}, client.Evaluation{})
			put(&q, found)
			d, err := f.answer(ctx, q)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			if d.Allowed && d.Err() == nil && !yield(found, nil) {
				return
			}
		}
	}
}
