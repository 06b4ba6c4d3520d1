package client

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
)

// MiddlewareConfig says what a request of your service asks of Cordon. Client, Subject, Action and Resource are needed.
type MiddlewareConfig struct {
	// Client is who is asked: a [Client], or a fake in tests.
	Client Decider
	// Subject says who sent the request, as your service has authenticated them. One without an id
	// is nobody: the request is answered with 401 and Cordon is not asked.
	Subject func(*http.Request) Subject
	// Action and Resource say what the request does, and to what. A request for which they give no
	// name or no id is answered with 403 and Cordon is not asked.
	Action   func(*http.Request) Action
	Resource func(*http.Request) Resource
	// Skip lets a request pass without a question, such as one for the state of your service; nil: none.
	Skip func(*http.Request) bool
	// Language says in which language the caller reads why they are denied; nil: as its Accept-Language says.
	Language func(*http.Request) string
	// OnDeny answers a request that is denied, in place of the 403 with the reasons; nil: that. What it writes without a
	// status is a 403, and what it leaves unanswered is answered as without it.
	OnDeny func(http.ResponseWriter, *http.Request, Decision)
	// OnError answers a request about which there is no decision, in place of a 503, or of a 500 where it is
	// [ErrUnknownAction]; nil: those. What it leaves out is as of OnDeny. The handler does not run, whatever they do.
	OnError func(http.ResponseWriter, *http.Request, error)
	// Log is told when Cordon could not be asked, and when there was nothing to ask; nil: nobody is.
	Log *slog.Logger
}

// Middleware asks Cordon before a handler runs. The handler runs on a yes alone, and finds it by
// [DecisionFrom]; a no is answered with 403 and the reasons as application/problem+json; and where
// there is no answer, for whatever reason, the request is answered with 503, and with 500 where the action is
// one that no rule knows ([ErrUnknownAction]). It panics when the config is incomplete, as that cannot be right in
// any run of the program.
//
// It goes around one handler or around a whole [http.ServeMux], which routes a request before the question is made
// of it: [http.Request.PathValue] and Pattern are there in both. Where a mux is hidden in another handler, or a
// router is not net/http's, they are not there yet. Put it inside of such handlers, or let Resource read the path:
// a question without an id lets nothing pass, and Log is told why.
func Middleware(config MiddlewareConfig) func(http.Handler) http.Handler {
	if config.Client == nil || config.Subject == nil || config.Action == nil || config.Resource == nil {
		panic("client.Middleware: Client, Subject, Action and Resource are needed")
	}
	return func(next http.Handler) http.Handler {
		return config.around(next)
	}
}

// around asks before a handler runs, or before each of those of a mux.
func (m *MiddlewareConfig) around(next http.Handler) http.Handler {
	if mux, ok := next.(*http.ServeMux); ok {
		return newRouted(m, mux)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ok, ctx := m.allow(w, r); ok {
			next.ServeHTTP(w, r.WithContext(ctx))
		}
	})
}

// allow asks, and answers the request unless it is allowed.
func (m *MiddlewareConfig) allow(w http.ResponseWriter, r *http.Request) (bool, context.Context) {
	if m.Skip != nil && m.Skip(r) {
		return true, r.Context()
	}
	q := EvaluationRequest{Subject: m.Subject(r), Action: m.Action(r), Resource: m.Resource(r)}
	if q.Subject.ID == "" {
		answerProblem(w, Problem{Status: http.StatusUnauthorized, Code: "unauthenticated", Detail: "Sign in to do this."})
		return false, nil
	}
	if q.Action.Name == "" || q.Resource.ID == "" {
		if m.Log != nil {
			attributes := []any{"method", r.Method, "pattern", r.Pattern, "action", q.Action.Name}
			if r.Pattern == "" {
				attributes = append(attributes, "hint", "no http.ServeMux has routed the request yet, so PathValue is empty: "+
					"put Middleware directly around the mux, or around its handlers")
			}
			m.Log.WarnContext(r.Context(), "a request says no action or no resource, and is refused", attributes...)
		}
		answerProblem(w, Problem{Status: http.StatusForbidden, Code: "denied", Detail: "Nothing here may be done by anyone."})
		return false, nil
	}
	d, err := m.asked(r).Decide(r.Context(), q)
	switch {
	case err != nil:
		m.fail(w, r, q, d, err)
		return false, nil
	case !d.Allowed:
		m.deny(w, r, d)
		return false, nil
	}
	return true, context.WithValue(r.Context(), decisionKey{}, d)
}

// asked gives who is asked, in the language of who is denied.
func (m *MiddlewareConfig) asked(r *http.Request) Decider {
	language := r.Header.Get("Accept-Language")
	if m.Language != nil {
		language = m.Language(r)
	}
	if c, ok := m.Client.(*Client); ok && language != "" {
		return c.In(language)
	}
	return m.Client
}

// fail answers a request about which there is no decision.
func (m *MiddlewareConfig) fail(w http.ResponseWriter, r *http.Request, q EvaluationRequest, d Decision, err error) {
	unknown := errors.Is(err, ErrUnknownAction)
	switch {
	case m.Log == nil:
	case unknown:
		m.Log.ErrorContext(r.Context(), "cordon knows no such action on this type of resource", "action", q.Action.Name,
			"type", q.Resource.Type, "decision", d.ID)
	case !errors.Is(err, context.Canceled): // a client that went away is not Cordon's failure
		m.Log.ErrorContext(r.Context(), "cordon could not be asked", "action", q.Action.Name, "error", err)
	}
	problem := Problem{Status: http.StatusServiceUnavailable, Code: "unavailable", Detail: "It cannot be decided now whether you may do this."}
	if unknown {
		problem = Problem{Status: http.StatusInternalServerError, Code: "internal", Detail: "This service asked for a permission that does not exist."}
	}
	if m.OnError != nil {
		hook := &refusal{ResponseWriter: w, status: problem.Status}
		if m.OnError(hook, r, err); hook.answered {
			return
		}
	}
	if !unknown {
		w.Header().Set("Retry-After", "1")
	}
	answerProblem(w, problem)
}

// deny answers a request that is denied.
func (m *MiddlewareConfig) deny(w http.ResponseWriter, r *http.Request, d Decision) {
	if m.OnDeny != nil {
		hook := &refusal{ResponseWriter: w, status: http.StatusForbidden}
		if m.OnDeny(hook, r, d); hook.answered {
			return
		}
	}
	if m.Language == nil {
		w.Header().Set("Vary", "Accept-Language")
	}
	if d.Language != "" {
		w.Header().Set("Content-Language", d.Language)
	}
	answerProblem(w, Problem{Status: http.StatusForbidden, Code: "denied", Detail: denial(d), Reasons: d.Reasons, DecisionID: d.ID})
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
