package server_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cordon.example/client"
	"cordon/guard"
	"cordon/policies"
)

// declaring compiles the built-in policy with words of its own.
func declaring(t *testing.T, words string) *policies.Engine {
	t.Helper()
	src := policies.Builtin()
	src.Files["cordon/words.json"] = `{"words":` + words + `}`
	engine, err := policies.Compile(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	return engine
}

func TestTheWordsOfThePolicyAreShownAndTaken(t *testing.T) { // docs/domain.md, Words beyond these
	declared := declaring(t, `{"roles":{"accountant":{"title":{"en":"Accountant"},"allows":{"product":["view"]}}},"kinds":{"vps":{}},
		"actions":{"archive":{"on":"product","asks":"admin"}},"retired":{"roles":{"bookkeeper":"accountant"}}}`)
	w := newWorld(t, options{guard: func(c *guard.Config) { c.Engine = declared }})
	w.acme(t)
	var words client.Words
	first := w.do(t, http.MethodGet, "/v1/words", nil).want(t, http.StatusOK)
	first.into(t, &words)
	if r := words.Roles; len(r) != 5 || r[0].Name != "legal_representative" || r[0].Declared || r[4].Name != "accountant" || !r[4].Declared ||
		r[4].Title["en"] != "Accountant" || !slices.Equal(r[4].Allows["product"], []string{"view"}) {
		t.Errorf("roles %+v", r)
	}
	if k := words.Kinds; len(k) != 2 || k[0].Name != "mail_service" || k[1].Name != "vps" || !k[1].Declared {
		t.Errorf("kinds %+v", k)
	}
	found := 0
	for _, a := range words.Actions {
		if cmp.Equal(a, client.ActionWord{Name: "archive", On: "product", Asks: "admin", Declared: true}) ||
			cmp.Equal(a, client.ActionWord{Name: "manage", On: "product", Asks: "access"}) {
			found++
		}
	}
	if found != 2 || len(words.Channels) != 8 || !words.Channels[0].Critical || words.Channels[7].Critical || words.Retired.Roles["bookkeeper"] != "accountant" ||
		words.Policy != declared.Digest() {
		t.Errorf("got %s", first.body)
	}
	w.do(t, http.MethodGet, "/v1/words", nil, set("If-None-Match", first.header.Get("ETag"))).want(t, http.StatusNotModified)

	w.do(t, http.MethodPut, acmePath+"/users/abe", client.UserBody{Role: "accountant"}).want(t, http.StatusCreated)
	w.do(t, http.MethodPut, acmePath+"/users/eve", client.UserBody{Role: "bookkeeper"}).pointer(t, "/role")
	ask := func(user, action string) bool {
		var d client.EvaluationResponse
		w.do(t, http.MethodPost, "/access/v1/evaluation", client.EvaluationRequest{
			Subject: client.Subject{Type: "user", ID: user}, Action: client.Action{Name: action}, Resource: client.Resource{Type: "product", ID: "shop"},
		}).want(t, http.StatusOK).into(t, &d)
		return d.Decision
	}
	if !ask("abe", "view") || ask("abe", "manage") || ask("abe", "archive") || !ask("anna", "archive") || ask("carl", "archive") {
		t.Error("the declared words are not decided as declared")
	}
}
