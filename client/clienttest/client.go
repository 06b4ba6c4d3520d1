package clienttest

import (
	"context"
	"iter"
	"net/http"

	"cordon.example/client"
)

var _ client.Decider = (*Fake)(nil)

// Client gives a client that asks this fake in place of a server, and acts on it: see [Fake.Acts]. What a fake has not,
// such as a directory, is answered with 501.
func (f *Fake) Client() *client.Client {
	c, err := client.New(client.Config{URL: "http://cordon.test", Key: "fake", Tries: 1, HTTPClient: &http.Client{Transport: (*server)(f)}})
	if err != nil {
		panic(err) // the config is right
	}
	return c
}

// Can answers as it was told. See [client.Client.Can].
func (f *Fake) Can(ctx context.Context, user, action string, on client.Resource, details ...client.Detail) (bool, error) {
	return f.Client().Can(ctx, user, action, on, details...)
}

// CanAll answers as it was told. See [client.Client.CanAll].
func (f *Fake) CanAll(ctx context.Context, questions []client.EvaluationRequest) ([]bool, error) {
	return f.Client().CanAll(ctx, questions)
}

// Decide answers as it was told. See [client.Client.Decide].
func (f *Fake) Decide(ctx context.Context, question client.EvaluationRequest) (client.Decision, error) {
	return f.Client().Decide(ctx, question)
}

// DecideAll answers as it was told. See [client.Client.DecideAll].
func (f *Fake) DecideAll(ctx context.Context, questions client.EvaluationsRequest) ([]client.Decision, error) {
	return f.Client().DecideAll(ctx, questions)
}

// SearchSubjects finds those that the table names and for which it is allowed, in the order in which they were told.
func (f *Fake) SearchSubjects(ctx context.Context, search client.SearchRequest) iter.Seq2[client.Subject, error] {
	return f.Client().SearchSubjects(ctx, search)
}

// SearchResources finds those that the table names and for which it is allowed, in the order in which they were told.
func (f *Fake) SearchResources(ctx context.Context, search client.SearchRequest) iter.Seq2[client.Resource, error] {
	return f.Client().SearchResources(ctx, search)
}

// SearchActions finds those that the table names and that are allowed, in the order in which they were told.
func (f *Fake) SearchActions(ctx context.Context, search client.SearchRequest) iter.Seq2[client.Action, error] {
	return f.Client().SearchActions(ctx, search)
}
