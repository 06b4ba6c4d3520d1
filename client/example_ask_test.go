package client_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"cordon.example/client"
)

// exampleDecisions answers as a server would of which alice may do anything to web-1 and mail-1, in two pages.
func exampleDecisions() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.HasSuffix(r.URL.Path, "/evaluations"):
			var batch client.EvaluationsRequest
			_ = json.Unmarshal(body, &batch)
			var answer client.EvaluationsResponse
			for _, e := range batch.Evaluations {
				answer.Evaluations = append(answer.Evaluations, client.EvaluationResponse{Decision: e.Resource.ID != "web-2"})
			}
			_ = json.NewEncoder(w).Encode(answer)
		case !strings.HasSuffix(r.URL.Path, "/search/resource"):
			io.WriteString(w, `{"decision":true}`)
		case strings.Contains(string(body), `"token":"more"`):
			io.WriteString(w, `{"page":{"next_token":"","count":1},"results":[{"type":"product","id":"web-1"}]}`)
		default:
			io.WriteString(w, `{"page":{"next_token":"more","count":1},"results":[{"type":"product","id":"mail-1"}]}`)
		}
	}))
}

// A question may say more than user, action and resource.
func ExampleClient_Can_details() {
	server := exampleDecisions()
	defer server.Close()
	cordon, err := client.New(client.Config{URL: server.URL, Key: "ck_..."})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	read, err := cordon.Can(ctx, "alice", client.ActionReadMail, client.OnProduct("mail-1"), client.Through(client.ChannelIMAP))
	if err != nil {
		log.Fatal(err)
	}
	promote, err := cordon.Can(ctx, "alice", client.ActionChangeRole, client.OnUser("acme", "carl"), client.ToRole(client.RoleAdministrator))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(read, promote)
	// Output: true true
}

func ExampleClient_CanAll() {
	server := exampleDecisions()
	defer server.Close()
	cordon, err := client.New(client.Config{URL: server.URL, Key: "ck_..."})
	if err != nil {
		log.Fatal(err)
	}
	can, err := cordon.CanAll(context.Background(), []client.EvaluationRequest{
		client.Ask("alice", client.ActionManage, client.OnProduct("web-1")),
		client.Ask("alice", client.ActionManage, client.OnProduct("web-2")),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(can)
	// Output: [true false]
}

func ExampleFilter() {
	server := exampleDecisions()
	defer server.Close()
	cordon, err := client.New(client.Config{URL: server.URL, Key: "ck_..."})
	if err != nil {
		log.Fatal(err)
	}
	// Of the products on a page, those that she may see.
	ids := []string{"web-1", "web-2", "mail-1"}
	visible, err := client.Filter(context.Background(), cordon, "alice", client.ActionView, ids, client.OnProduct)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(visible)
	// Output: [web-1 mail-1]
}

// Which products may she manage? All of them, however many pages that is.
func ExampleClient_SearchResources() {
	server := exampleDecisions()
	defer server.Close()
	cordon, err := client.New(client.Config{URL: server.URL, Key: "ck_..."})
	if err != nil {
		log.Fatal(err)
	}
	search := client.WhichMay("alice", client.ActionManage, client.TypeProduct)
	for product, err := range cordon.SearchResources(context.Background(), search) {
		if err != nil {
			log.Fatal(err) // what came before is not all there is
		}
		fmt.Println(product.ID)
	}
	// Output:
	// mail-1
	// web-1
}

// Tokens come from an issuer that the server trusts, each until it ends.
func ExampleConfig_token() {
	server := exampleDecisions()
	defer server.Close()
	cordon, err := client.New(client.Config{
		URL: server.URL,
		Token: func(context.Context) (client.Token, error) {
			// Ask your issuer, such as with the client credentials of golang.org/x/oauth2/clientcredentials.
			return client.Token{Value: "eyJ...", Expires: time.Now().Add(time.Hour)}, nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	allowed, err := cordon.Can(context.Background(), "alice", client.ActionView, client.OnOrganization("acme"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(allowed)
	// Output: true
}

func ExampleVerifyWebhook() {
	secret := "whsec_..." // as CreateWebhook or `cordon webhooks add` showed it
	http.HandleFunc("POST /hooks/cordon", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			http.Error(w, "too long", http.StatusRequestEntityTooLarge)
			return
		}
		event, err := client.VerifyWebhook(r.Header, body, secret)
		if err != nil {
			http.Error(w, "not signed by Cordon", http.StatusUnauthorized)
			return
		}
		switch event.Type { // event.ID is the same when it is delivered again
		case client.EventUserBlocked:
			log.Printf("end the sessions of %s in %s", event.Data.User, event.Data.Organization)
		case client.EventProductBlocked:
			log.Printf("%s is blocked", event.Data.Product)
		}
	})
}
