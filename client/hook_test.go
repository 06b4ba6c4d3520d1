package client_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"cordon.example/client"
	"cordon.example/client/clienttest"
)

// service is a handler behind a middleware that asks a fake.
func service(t *testing.T, fake *clienttest.Fake, change func(*client.MiddlewareConfig)) http.Handler {
	t.Helper()
	config := client.MiddlewareConfig{
		Client: fake,
		Subject: func(r *http.Request) client.Subject {
			return client.Subject{Type: client.TypeUser, ID: r.Header.Get("User")}
		},
		Action:   func(*http.Request) client.Action { return client.Action{Name: client.ActionManage} },
		Resource: func(r *http.Request) client.Resource { return client.OnProduct(r.PathValue("product")) },
	}
	change(&config)
	mux := http.NewServeMux()
	done := func(w http.ResponseWriter, r *http.Request) {
		_, asked := client.DecisionFrom(r.Context())
		fmt.Fprintf(w, "done, asked: %v", asked)
	}
	mux.HandleFunc("/products/{product}", done)
	mux.HandleFunc("/health", done)
	return client.Middleware(config)(mux)
}

func get(t *testing.T, h http.Handler, path, user string) string {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	r.Header.Set("User", user)
	r.Header.Set("Accept-Language", "de")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return fmt.Sprint(w.Code, " ", w.Body)
}

func TestAMiddlewareIsFittedIntoAService(t *testing.T) {
	fake := &clienttest.Fake{}
	fake.Allow("ann", client.ActionManage, client.OnProduct("web"))
	fake.Deny(client.ReasonProductBlocked, "ann", client.ActionManage, client.OnProduct("shut"))
	fake.Deny(client.ReasonUnknownAction, "ann", client.ActionManage, client.OnProduct("typo"))
	h := service(t, fake, func(config *client.MiddlewareConfig) {
		config.Skip = func(r *http.Request) bool { return r.Pattern == "/health" }
		config.OnDeny = func(w http.ResponseWriter, r *http.Request, d client.Decision) {
			http.Error(w, r.PathValue("product")+": "+d.Reasons[0].Code, http.StatusNotFound)
		}
		config.OnError = func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, fmt.Sprint(errors.Is(err, client.ErrUnavailable), errors.Is(err, client.ErrUnknownAction)), http.StatusTeapot)
		}
	})
	for path, want := range map[string]string{
		"/products/web": "200 done, asked: true", "/products/shut": "404 shut: product_blocked\n", "/products/typo": "418 false true\n",
		"/products/else": "404 else: not_told\n", "/health": "200 done, asked: false",
	} {
		if got := get(t, h, path, "ann"); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
	fake.Fail(client.ErrUnavailable)
	if got := get(t, h, "/products/web", "ann"); got != "418 true false\n" {
		t.Errorf("got %q", got)
	}
	if got := len(fake.Asked()); got != 5 {
		t.Errorf("it was asked %d questions, want 5: none that was skipped", got)
	}
}

func TestAHookThatDoesNotAnswerIsNoYes(t *testing.T) {
	fake := &clienttest.Fake{}
	fake.Deny(client.ReasonUnknownAction, "ann", client.ActionManage, client.OnProduct("typo"))
	for name, write := range map[string]func(http.ResponseWriter){
		"nothing":       func(http.ResponseWriter) {},
		"an early hint": func(w http.ResponseWriter) { w.WriteHeader(http.StatusEarlyHints) },
		"no status":     func(w http.ResponseWriter) { fmt.Fprint(w, "mine") },
		"a flush":       func(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() },
	} {
		h := service(t, fake, func(config *client.MiddlewareConfig) {
			config.OnDeny = func(w http.ResponseWriter, _ *http.Request, _ client.Decision) { write(w) }
			config.OnError = func(w http.ResponseWriter, _ *http.Request, _ error) { write(w) }
		})
		server := httptest.NewServer(h)
		defer server.Close()
		status := func(product string) int {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/products/"+product, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("User", "ann")
			res, err := server.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			return res.StatusCode
		}
		fake.Fail(nil)
		if denied, unknown := status("web"), status("typo"); denied != 403 || unknown != 500 {
			t.Errorf("%s: a denial is %d, an unknown action %d", name, denied, unknown)
		}
		fake.Fail(client.ErrUnavailable)
		if failed := status("web"); failed != 503 {
			t.Errorf("%s: no decision is %d", name, failed)
		}
	}
}

func TestTheServiceChoosesTheLanguage(t *testing.T) {
	var asked string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = r.Header.Get("Accept-Language")
		answer(w, 200, `{"decision":false}`)
	})
	h := service(t, nil, func(config *client.MiddlewareConfig) {
		config.Client = c
		config.Language = func(r *http.Request) string { return "fr-" + r.Header.Get("User") }
	})
	if get(t, h, "/products/web", "CH"); asked != "fr-CH" {
		t.Errorf("asked in %q", asked)
	}
}
