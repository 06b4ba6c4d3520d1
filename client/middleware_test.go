package client_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"cordon.example/client"
)

func TestMiddlewareLetsNothingPassButAYes(t *testing.T) {
	yes := `{"decision":true,"context":{"reasons":[{"code":"granted","message":"m"}]}}`
	no := `{"decision":false,"context":{"reasons":[{"code":"product_blocked","message":"It is blocked."}]}}`
	for name, test := range map[string]struct {
		user, product string
		status        int
		body          string
		want          int
		problem       client.Problem
	}{
		"yes": {"ann", "web-1", 200, yes, 204, client.Problem{}},
		"no": {"ann", "web-1", 200, no, 403, client.Problem{
			Code: "denied", Detail: "It is blocked.", DecisionID: "d1",
			Reasons: []client.Reason{{Code: "product_blocked", Message: "It is blocked."}},
		}},
		"nobody":        {"", "web-1", 200, yes, 401, client.Problem{Code: "unauthenticated", Detail: "Sign in to do this."}},
		"nothing":       {"ann", "", 200, yes, 403, client.Problem{Code: "denied", Detail: "Nothing here may be done by anyone."}},
		"no answer":     {"ann", "web-1", 503, ``, 503, client.Problem{Code: "unavailable", Detail: "It cannot be decided now whether you may do this."}},
		"another's key": {"ann", "web-1", 401, yes, 503, client.Problem{Code: "unavailable", Detail: "It cannot be decided now whether you may do this."}},
		"half a yes":    {"ann", "web-1", 200, `{"decision":true`, 503, client.Problem{Code: "unavailable", Detail: "It cannot be decided now whether you may do this."}},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			ask := client.Middleware(client.MiddlewareConfig{
				Client: serve(t, func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Cordon-Decision-Id", "d1")
					answer(w, test.status, test.body)
				}),
				Subject: func(r *http.Request) client.Subject { return client.Subject{Type: client.TypeUser, ID: test.user} },
				Action:  func(r *http.Request) client.Action { return client.Action{Name: "manage"} },
				Resource: func(r *http.Request) client.Resource {
					return client.Resource{Type: client.TypeProduct, ID: test.product}
				},
				Log: slog.New(slog.NewTextHandler(&log, nil)),
			})
			ran := false
			handler := ask(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				ran = true
				if d, ok := client.DecisionFrom(r.Context()); !ok || d.ID != "d1" {
					t.Errorf("the handler finds decision %+v, %v", d, ok)
				}
				w.WriteHeader(http.StatusNoContent)
			}))
			res := httptest.NewRecorder()
			handler.ServeHTTP(res, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil))
			if res.Code != test.want || ran != (test.want == 204) {
				t.Errorf("status %d, handler ran: %v; want %d", res.Code, ran, test.want)
			}
			if failed := test.want == 503; failed != strings.Contains(log.String(), "could not be asked") {
				t.Errorf("log is %q", log.String())
			}
			if test.want == 204 {
				return
			}
			var problem client.Problem
			if err := json.NewDecoder(res.Body).Decode(&problem); err != nil && err != io.EOF {
				t.Fatal(err)
			}
			want := test.problem
			want.Type, want.Title, want.Status = "about:blank", http.StatusText(test.want), test.want
			if diff := diffOf(want, problem); diff != "" {
				t.Errorf("problem (-want +got):\n%s", diff)
			}
			if got := res.Header().Get("Content-Type"); got != client.ProblemType {
				t.Errorf("content type %q", got)
			}
		})
	}
}

func TestMiddlewareThatIsIncompletePanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	client.Middleware(client.MiddlewareConfig{})
}
