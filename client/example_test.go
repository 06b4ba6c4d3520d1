package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"cordon.example/client"
)

// exampleServer answers as a server would of which the product web-1 is blocked.
func exampleServer() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/access/v1/evaluation":
			w.Header().Set(client.HeaderRevision, "7")
			io.WriteString(w, `{"decision":false,"context":{"reasons":[{"code":"product_blocked","message":"This product is blocked."}]}}`)
		case "/v1/organizations/acme/users/carl":
			w.Header().Set("ETag", `"a"`)
			if r.Method == http.MethodPatch { // somebody was faster
				w.Header().Set("Content-Type", client.ProblemType)
				w.WriteHeader(http.StatusPreconditionFailed)
			}
			io.WriteString(w, `{"id":"carl"}`)
		case "/v1/organizations/acme/products":
			io.WriteString(w, `{"items":[{"id":"mail-1","kind":"mail_service"},{"id":"web-1","kind":"web_hosting","blocked":true}],"next_cursor":""}`)
		default:
			w.Header().Set("Content-Type", client.ProblemType)
			w.WriteHeader(http.StatusConflict)
			io.WriteString(w, `{"status":409,"code":"already_blocked","detail":"The product is blocked already."}`)
		}
	}))
}

func ExampleClient_Can() {
	server := exampleServer()
	defer server.Close()
	cordon, err := client.New(client.Config{URL: server.URL, Key: "ck_..."})
	if err != nil {
		log.Fatal(err)
	}
	allowed, err := cordon.Can(context.Background(), "alice", client.ActionManage, client.OnProduct("web-1"))
	if err != nil {
		log.Fatal(err) // not known: do not let it pass
	}
	fmt.Println(allowed)
	// Output: false
}

func ExampleClient_Decide() {
	server := exampleServer()
	defer server.Close()
	cordon, err := client.New(client.Config{URL: server.URL, Key: "ck_..."})
	if err != nil {
		log.Fatal(err)
	}
	d, err := cordon.Decide(context.Background(), client.Ask("alice", client.ActionManage, client.OnProduct("web-1")))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(d.Allowed, d.Revision)
	for _, r := range d.Reasons {
		fmt.Println(r.Code, "-", r.Message)
	}
	// Output:
	// false 7
	// product_blocked - This product is blocked.
}

func ExampleClient_BlockProduct() {
	server := exampleServer()
	defer server.Close()
	cordon, err := client.New(client.Config{URL: server.URL, Key: "ck_..."})
	if err != nil {
		log.Fatal(err)
	}
	_, err = cordon.As("alice").BlockProduct(context.Background(), "acme", "web-1", client.BlockRequest{Reason: "unpaid"})
	switch {
	case errors.Is(err, client.ErrDenied):
		fmt.Println("alice may not block it:", err)
	case errors.Is(err, client.ErrConflict):
		e, _ := errors.AsType[*client.Error](err)
		fmt.Println(e.Problem.Code)
	case err != nil:
		log.Fatal(err)
	}
	// Output: already_blocked
}

func ExampleClient_Products() {
	server := exampleServer()
	defer server.Close()
	cordon, err := client.New(client.Config{URL: server.URL, Key: "ck_..."})
	if err != nil {
		log.Fatal(err)
	}
	for product, err := range cordon.Products(context.Background(), "acme") {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(product.ID, product.Kind, product.Blocked)
	}
	// Output:
	// mail-1 mail_service false
	// web-1 web_hosting true
}

func ExampleMiddleware() {
	server := exampleServer()
	defer server.Close()
	cordon, err := client.New(client.Config{URL: server.URL, Key: "ck_..."})
	if err != nil {
		log.Fatal(err)
	}
	mayManage := client.Middleware(client.MiddlewareConfig{
		Client: cordon,
		Subject: func(r *http.Request) client.Subject {
			user, _, _ := r.BasicAuth() // as your service authenticates its users
			return client.Subject{Type: client.TypeUser, ID: user}
		},
		Action: func(*http.Request) client.Action { return client.Action{Name: "manage"} },
		Resource: func(r *http.Request) client.Resource {
			return client.Resource{Type: client.TypeProduct, ID: r.PathValue("product")}
		},
	})
	mux := http.NewServeMux()
	mux.Handle("POST /products/{product}/restart", mayManage(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "restarted")
	})))

	request := httptest.NewRequest(http.MethodPost, "/products/web-1/restart", nil)
	request.SetBasicAuth("alice", "secret")
	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, request)
	fmt.Println(answer.Code)
	// Output: 403
}

func ExampleMiddleware_mux() {
	server := exampleServer()
	defer server.Close()
	cordon, err := client.New(client.Config{URL: server.URL, Key: "ck_..."})
	if err != nil {
		log.Fatal(err)
	}
	actions := map[string]string{http.MethodGet: "view", http.MethodPost: "manage"}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /products/{product}", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /products/{product}/restart", func(http.ResponseWriter, *http.Request) {})
	service := client.Middleware(client.MiddlewareConfig{
		Client: cordon,
		Subject: func(r *http.Request) client.Subject {
			user, _, _ := r.BasicAuth() // as your service authenticates its users
			return client.Subject{Type: client.TypeUser, ID: user}
		},
		Action: func(r *http.Request) client.Action { return client.Action{Name: actions[r.Method]} },
		Resource: func(r *http.Request) client.Resource {
			return client.Resource{Type: client.TypeProduct, ID: r.PathValue("product")}
		},
	})(mux)

	for _, path := range []string{"/products/web-1/restart", "/elsewhere"} {
		request := httptest.NewRequest(http.MethodPost, path, nil)
		request.SetBasicAuth("alice", "secret")
		answer := httptest.NewRecorder()
		service.ServeHTTP(answer, request)
		fmt.Println(answer.Code)
	}
	// Output:
	// 403
	// 404
}

// A service answers in its own way, and lets some requests pass without a question.
func ExampleMiddlewareConfig() {
	server := exampleServer()
	defer server.Close()
	cordon, err := client.New(client.Config{URL: server.URL, Key: "ck_..."})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })
	mux.HandleFunc("POST /products/{product}/restart", func(http.ResponseWriter, *http.Request) {})
	service := client.Middleware(client.MiddlewareConfig{
		Client:   cordon,
		Subject:  func(r *http.Request) client.Subject { return client.Subject{Type: client.TypeUser, ID: "alice"} },
		Action:   func(*http.Request) client.Action { return client.Action{Name: client.ActionManage} },
		Resource: func(r *http.Request) client.Resource { return client.OnProduct(r.PathValue("product")) },
		Skip:     func(r *http.Request) bool { return r.Pattern == "GET /healthz" },
		Language: func(r *http.Request) string { return "fr" }, // as this user has chosen
		OnDeny: func(w http.ResponseWriter, r *http.Request, d client.Decision) {
			http.Error(w, "no: "+d.Reasons[0].Code, http.StatusForbidden)
		},
		OnError: func(w http.ResponseWriter, r *http.Request, err error) {
			http.Error(w, "try again", http.StatusServiceUnavailable) // never the handler
		},
	})(mux)
	for _, request := range []*http.Request{
		httptest.NewRequest(http.MethodGet, "/healthz", nil), httptest.NewRequest(http.MethodPost, "/products/web-1/restart", nil),
	} {
		answer := httptest.NewRecorder()
		service.ServeHTTP(answer, request)
		fmt.Println(answer.Code, strings.TrimSpace(answer.Body.String()))
	}
	// Output:
	// 200 ok
	// 403 no: product_blocked
}

func ExampleClient_PatchUser() {
	server := exampleServer()
	defer server.Close()
	cordon, err := client.New(client.Config{URL: server.URL, Key: "ck_..."})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	carl, err := cordon.User(ctx, "acme", "carl")
	if err != nil {
		log.Fatal(err)
	}
	// Only the role and the grants change, and only where nobody has changed Carl meanwhile.
	patch := client.UserPatch{Role: new(client.RoleClient), Grants: []string{}}
	_, err = cordon.IfMatch(carl.ETag).PatchUser(ctx, "acme", "carl", patch)
	fmt.Println(errors.Is(err, client.ErrPreconditionFailed))
	// Output: true
}
