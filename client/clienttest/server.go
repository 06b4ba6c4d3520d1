package clienttest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"cordon.example/client"
)

// server answers what a client of a fake sends.
type server Fake

// RoundTrip answers a request in memory.
func (s *server) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		defer r.Body.Close()
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	f, header := (*Fake)(s), http.Header{}
	answer, err := f.serve(r, body, header)
	status := http.StatusOK
	header.Set("Content-Type", "application/json")
	if e, ok := errors.AsType[*client.Error](err); ok && e.Problem.Status >= 400 {
		answer, err, status = e.Problem, nil, e.Problem.Status
		header.Set("Content-Type", client.ProblemType)
	}
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(answer)
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(bytes.NewReader(text)), Request: r}, nil
}

// serve finds what is asked for. The sets of an operator are the same fake.
func (f *Fake) serve(r *http.Request, body []byte, header http.Header) (any, error) {
	path := strings.Split(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if len(path) > 2 && path[0] == "p" {
		path = path[2:]
	}
	switch strings.Join(path, " ") {
	case "access v1 evaluation":
		var q client.EvaluationRequest
		if err := json.Unmarshal(body, &q); err != nil {
			return nil, err
		}
		return f.evaluation(r.Context(), q, header)
	case "access v1 evaluations":
		var batch client.EvaluationsRequest
		if err := json.Unmarshal(body, &batch); err != nil {
			return nil, err
		}
		return f.evaluations(r.Context(), batch, header)
	case "access v1 search subject", "access v1 search resource", "access v1 search action":
		var search client.SearchRequest
		if err := json.Unmarshal(body, &search); err != nil {
			return nil, err
		}
		return f.search(r.Context(), path[3], search)
	}
	if r.Method == http.MethodPost && len(path) > 3 && path[0] == "v1" && path[1] == "organizations" {
		return f.act(r, path[2], path[3:], body)
	}
	return nil, problem(http.StatusNotImplemented, "not_implemented", "A fake has no "+r.Method+" "+r.URL.Path+".")
}

func problem(status int, code, detail string) error {
	return &client.Error{Problem: client.Problem{Status: status, Code: code, Detail: detail, Title: http.StatusText(status)}}
}

// evaluation answers a question, with what stands in the headers of a server's answer.
func (f *Fake) evaluation(ctx context.Context, q client.EvaluationRequest, header http.Header) (any, error) {
	d, err := f.answer(ctx, q)
	if err != nil {
		return nil, err
	}
	for name, value := range map[string]string{client.HeaderDecisionID: d.ID, client.HeaderBatchID: d.ID, client.HeaderPolicy: d.Policy, "Content-Language": d.Language} {
		if value != "" {
			header.Set(name, value)
		}
	}
	if d.Revision > 0 {
		header.Set(client.HeaderRevision, strconv.FormatInt(d.Revision, 10))
	}
	return client.EvaluationResponse{Decision: d.Allowed && d.Error == nil, Context: &client.DecisionContext{
		Reasons: d.Reasons, Error: d.Error, ReasonUser: d.ReasonUser, ReasonAdmin: d.ReasonAdmin,
	}}, nil
}

// evaluations answers a batch, and stops where the semantic says so.
func (f *Fake) evaluations(ctx context.Context, batch client.EvaluationsRequest, header http.Header) (any, error) {
	var semantic string
	if batch.Options != nil {
		semantic = batch.Options.EvaluationsSemantic
	}
	var answers client.EvaluationsResponse
	for _, item := range batch.Evaluations {
		answer, err := f.evaluation(ctx, whole(&batch, item), header)
		if err != nil {
			return nil, err
		}
		said, _ := answer.(client.EvaluationResponse)
		answers.Evaluations = append(answers.Evaluations, said)
		if semantic == client.DenyOnFirstDeny && !said.Decision || semantic == client.PermitOnFirstPermit && said.Decision {
			break
		}
	}
	return answers, nil
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

// search puts each candidate of the table into the question once, and keeps those for which it is allowed.
func (f *Fake) search(ctx context.Context, what string, search client.SearchRequest) (any, error) {
	f.mu.Lock()
	table := f.table[:len(f.table):len(f.table)]
	f.mu.Unlock()
	results, seen := []any{}, map[string]bool{}
	for _, told := range table {
		q := whole(&client.EvaluationsRequest{Subject: search.Subject, Action: search.Action, Resource: search.Resource, Context: search.Context}, client.Evaluation{})
		var found any
		var name string
		switch t := told.question; {
		case what == "subject" && t.Subject.Type == q.Subject.Type:
			q.Subject.ID, name, found = t.Subject.ID, t.Subject.ID, client.Subject{Type: t.Subject.Type, ID: t.Subject.ID}
		case what == "resource" && t.Resource.Type == q.Resource.Type:
			q.Resource.ID, name, found = t.Resource.ID, t.Resource.ID, client.Resource{Type: t.Resource.Type, ID: t.Resource.ID}
		case what == "action" && t.Resource.Type == q.Resource.Type:
			q.Action.Name, name, found = t.Action.Name, t.Action.Name, client.Action{Name: t.Action.Name}
		}
		if found == nil || seen[name] {
			continue
		}
		seen[name] = true
		d, err := f.answer(ctx, q)
		if err != nil {
			return nil, err
		}
		if d.Allowed && d.Err() == nil {
			results = append(results, found)
		}
	}
	return client.SearchResponse[any]{Page: &client.SearchNext{Count: len(results)}, Results: results}, nil
}
