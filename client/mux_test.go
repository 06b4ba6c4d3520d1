package client_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"cordon.example/client"
)

// asking is a middleware's config whose Cordon allows what is not of the product "shut", and tells what it was asked.
func asking(t *testing.T, log io.Writer) (client.MiddlewareConfig, func() string) {
	t.Helper()
	var mu sync.Mutex
	var asked []string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		var q client.EvaluationRequest
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
			t.Error(err)
		}
		mu.Lock()
		asked = append(asked, q.Action.Name+" "+q.Resource.ID)
		mu.Unlock()
		if q.Action.Name == "PUT" {
			answer(w, 200, `{"decision":false,"context":{"reasons":[{"code":"unknown_action","message":"m"}]}}`)
			return
		}
		answer(w, 200, fmt.Sprintf(`{"decision":%v}`, q.Resource.ID != "shut"))
	})
	return client.MiddlewareConfig{
			Client:  c,
			Subject: func(*http.Request) client.Subject { return client.Subject{Type: client.TypeUser, ID: "ann"} },
			Action:  func(r *http.Request) client.Action { return client.Action{Name: r.Method} },
			Resource: func(r *http.Request) client.Resource {
				return client.Resource{Type: client.TypeProduct, ID: r.PathValue("product")}
			},
			Log: slog.New(slog.NewTextHandler(log, nil)),
		}, func() string {
			mu.Lock()
			defer mu.Unlock()
			all := strings.Join(asked, ", ")
			asked = nil
			return all
		}
}

func TestMiddlewareGoesAroundAWholeMux(t *testing.T) {
	config, asked := asking(t, io.Discard)
	mux, inner := http.NewServeMux(), http.NewServeMux()
	service := client.Middleware(config)(mux)
	say := func(w http.ResponseWriter, r *http.Request) {
		if _, ok := client.DecisionFrom(r.Context()); !ok {
			t.Errorf("%s: the handler finds no decision", r.URL)
		}
		fmt.Fprintf(w, "%s: %s %s", r.Pattern, r.PathValue("product"), r.PathValue("rest"))
	}
	for _, pattern := range []string{ // also after the middleware was made
		"GET /products/{product}", "/products/{product}/files/{rest...}", "PUT /products/{product}", "/of/{product}/", "api.example/v/{product}/{$}", "/health",
	} {
		mux.HandleFunc(pattern, say)
	}
	inner.HandleFunc("/in/{product}", say)
	mux.Handle("/in/", inner)
	for range 2 {
		for _, row := range []struct {
			method, url string
			status      int
			body, asked string
		}{
			{"GET", "/products/web", 200, "GET /products/{product}: web ", "GET web"},
			{"HEAD", "/products/web", 200, "GET /products/{product}: web ", "HEAD web"},
			{"GET", "/products/a%2Fb%20c", 200, "GET /products/{product}: a/b c ", "GET a/b c"},
			{"GET", "/products/shut", 403, "", "GET shut"},
			{"PUT", "/products/web", 500, "", "PUT web"},
			{"POST", "/products/web/files/x/y", 200, "/products/{product}/files/{rest...}: web x/y", "POST web"},
			{"POST", "/products/shut/files/", 403, "", "POST shut"},
			{"GET", "/of/web", 307, "", ""},
			{"GET", "/of/web/more", 200, "/of/{product}/: web ", "GET web"},
			{"GET", "http://api.example/v/web/", 200, "api.example/v/{product}/{$}: web ", "GET web"},
			{"GET", "/in/web", 200, "/in/{product}: web ", "GET web"},
			{"GET", "/in/shut", 403, "", "GET shut"},
			{"GET", "/health", 403, "", ""}, // it has no product, and nothing passes without a question
			// What the mux has no handler for.
			{"POST", "/products/web", 405, "", ""},
			{"GET", "/v/web/", 404, "", ""},
			{"GET", "/nowhere", 404, "", ""},
			{"GET", "/products//shut", 307, "", ""},
			{"GET", "/x/../products/shut", 307, "", ""},
		} {
			res := httptest.NewRecorder()
			service.ServeHTTP(res, httptest.NewRequestWithContext(t.Context(), row.method, row.url, nil))
			status := res.Code
			if status == http.StatusMovedPermanently {
				status = http.StatusTemporaryRedirect
			}
			if got := asked(); status != row.status || got != row.asked || row.body != "" && res.Body.String() != row.body {
				t.Errorf("%s %s: asked %q, answered %d %q; want %+v", row.method, row.url, got, res.Code, res.Body, row)
			}
		}
	}
}

func TestMiddlewareSaysWhyNothingCouldBeAsked(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/products/{product}", func(http.ResponseWriter, *http.Request) { t.Error("the handler ran") })
	for name, service := range map[string]http.Handler{"the mux is hidden": http.TimeoutHandler(mux, 0, ""), "it is there": mux} {
		var log bytes.Buffer
		config, asked := asking(t, &log)
		config.Action = func(*http.Request) client.Action { return client.Action{} }
		if name == "the mux is hidden" {
			config.Action = func(r *http.Request) client.Action { return client.Action{Name: r.Method} }
		}
		res := httptest.NewRecorder()
		client.Middleware(config)(service).ServeHTTP(res, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/products/web", nil))
		if res.Code != http.StatusForbidden || asked() != "" || !strings.Contains(log.String(), "says no action or no resource") ||
			strings.Contains(log.String(), "around the mux") != (name == "the mux is hidden") {
			t.Errorf("%s: %d, log %q", name, res.Code, log.String())
		}
	}
}

func TestASlipOfThePenIsNoDenial(t *testing.T) {
	for body, want := range map[string]error{
		`{"decision":false,"context":{"reasons":[{"code":"unknown_action","message":"m"}]}}`:   client.ErrUnknownAction,
		`{"decision":false,"context":{"reasons":[{"code":"unknown_resource","message":"m"}]}}`: nil,
		`{"decision":false}`: nil,
		`{"decision":true,"context":{"reasons":[{"code":"unknown_action","message":"m"}]}}`: nil,
	} {
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "s") {
				body = `{"evaluations":[` + body + `]}`
			}
			w.Header().Set(client.HeaderDecisionID, "d1")
			answer(w, 200, body)
		})
		can, err := c.Can(t.Context(), "ann", "mange", client.OnProduct("web"))
		if err != want || can != (strings.Contains(body, "true")) { //nolint:errorlint // the very error
			t.Errorf("%s: Can gives %v, %v", body, can, err)
		}
		d, err := c.Decide(t.Context(), client.EvaluationRequest{})
		if err != want || d.ID != "d1" { //nolint:errorlint // the very error
			t.Errorf("%s: Decide gives %+v, %v", body, d, err)
		}
		all, err := c.DecideAll(t.Context(), client.EvaluationsRequest{Evaluations: []client.Evaluation{{}}})
		if err != nil || len(all) != 1 || all[0].Err() != want { //nolint:errorlint // the very error
			t.Errorf("%s: DecideAll gives %+v, %v", body, all, err)
		}
	}
}
