package client

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
)

// MiddlewareConfig says what a request of your service asks of Cordon. Everything but Log is needed.
type MiddlewareConfig struct {
	Client *Client
	// Subject says who sent the request, as your service has authenticated them. One without an id
	// is nobody: the request is answered with 401 and Cordon is not asked.
	Subject func(*http.Request) Subject
	// Action and Resource say what the request does, and to what. A request for which they give no
	// name or no id is answered with 403 and Cordon is not asked.
	Action   func(*http.Request) Action
	Resource func(*http.Request) Resource
	// Log is told when Cordon could not be asked; nil: nobody is.
	Log *slog.Logger
}

// Middleware asks Cordon before a handler runs. The handler runs on a yes alone, and finds it by
// [DecisionFrom]; a no is answered with 403 and the reasons as application/problem+json; and where
// there is no answer, for whatever reason, the request is answered with 503. It panics when the
// config is incomplete, as that cannot be right in any run of the program.
func Middleware(config MiddlewareConfig) func(http.Handler) http.Handler {
	if config.Client == nil || config.Subject == nil || config.Action == nil || config.Resource == nil {
		panic("client.Middleware: Client, Subject, Action and Resource are needed")
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if ok, ctx := config.allow(w, r); ok {
				next.ServeHTTP(w, r.WithContext(ctx))
			}
		})
	}
}

// allow asks, and answers the request unless it is allowed.
func (m *MiddlewareConfig) allow(w http.ResponseWriter, r *http.Request) (bool, context.Context) {
	q := EvaluationRequest{Subject: m.Subject(r), Action: m.Action(r), Resource: m.Resource(r)}
	if q.Subject.ID == "" {
		answerProblem(w, Problem{Status: http.StatusUnauthorized, Code: "unauthenticated", Detail: "Sign in to do this."})
		return false, nil
	}
	if q.Action.Name == "" || q.Resource.ID == "" {
		answerProblem(w, Problem{Status: http.StatusForbidden, Code: "denied", Detail: "Nothing here may be done by anyone."})
		return false, nil
	}
	asked := m.Client
	if language := r.Header.Get("Accept-Language"); language != "" {
		asked = asked.In(language) // who is denied reads it
	}
	d, err := asked.Decide(r.Context(), q)
	switch {
	case err != nil:
		// A client that went away is not Cordon's failure.
		if m.Log != nil && !errors.Is(err, context.Canceled) {
			m.Log.ErrorContext(r.Context(), "cordon could not be asked", "action", q.Action.Name, "error", err)
		}
		w.Header().Set("Retry-After", "1")
		answerProblem(w, Problem{Status: http.StatusServiceUnavailable, Code: "unavailable", Detail: "It cannot be decided now whether you may do this."})
		return false, nil
	case !d.Allowed:
		w.Header().Set("Vary", "Accept-Language")
		if d.Language != "" {
			w.Header().Set("Content-Language", d.Language)
		}
		answerProblem(w, Problem{Status: http.StatusForbidden, Code: "denied", Detail: denial(d), Reasons: d.Reasons, DecisionID: d.ID})
		return false, nil
	}
	return true, context.WithValue(r.Context(), decisionKey{}, d)
}

// denial is the sentence of the decisive reason.
func denial(d Decision) string {
	if len(d.Reasons) > 0 && d.Reasons[0].Message != "" {
		return d.Reasons[0].Message
	}
	return "You may not do this."
}

type decisionKey struct{}

// DecisionFrom gives the decision by which [Middleware] let a request pass.
func DecisionFrom(ctx context.Context) (Decision, bool) {
	d, ok := ctx.Value(decisionKey{}).(Decision)
	return d, ok
}

func answerProblem(w http.ResponseWriter, p Problem) {
	p.Type, p.Title = "about:blank", http.StatusText(p.Status)
	w.Header().Set("Content-Type", ProblemType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	// Who does not read the answer has it denied all the same.
	_ = json.NewEncoder(w).Encode(p)
}
