package client_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"cordon.example/client"
)

var question = client.EvaluationRequest{
	Subject:  client.Subject{Type: client.TypeUser, ID: "ann"},
	Action:   client.Action{Name: "manage"},
	Resource: client.Resource{Type: client.TypeProduct, ID: "web-1"},
}

func TestTheLanguageAndTheExplanationAreAskedFor(t *testing.T) {
	var asked http.Header
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = r.Header.Clone()
		w.Header().Set("Content-Language", "fr")
		if strings.HasSuffix(r.URL.Path, "/block") {
			answer(w, 403, `{"code":"denied","detail":"Non.","reasons":[{"code":"role_not_permitted","message":"Non."}],"reason_admin":{"en":"No!","fr":"Non !"}}`)
			return
		}
		answer(w, 200, `{"decision":false,"context":{"reasons":[{"code":"not_granted","message":"Non."}],"reason_user":{"en":"No.","fr":"Non."}}}`)
	})
	sent := func(what, language, explain string) {
		t.Helper()
		if asked.Get("Accept-Language") != language || asked.Get("Cordon-Explain") != explain {
			t.Errorf("%s: asked in %q, explained to %q", what, asked.Get("Accept-Language"), asked.Get("Cordon-Explain"))
		}
	}
	if _, err := c.Decide(t.Context(), question); err != nil {
		t.Fatal(err)
	}
	sent("by default", "", "")
	french := c.In("fr-CH, fr;q=0.9")
	got, err := french.Explain(client.ExplainUser).Decide(t.Context(), question)
	if err != nil || got.Language != "fr" || !reflect.DeepEqual(got.ReasonUser, client.Texts{"en": "No.", "fr": "Non."}) || got.ReasonAdmin != nil {
		t.Errorf("%+v, %v", got, err)
	}
	sent("a decision", "fr-CH, fr;q=0.9", "user")
	_, err = french.Explain(client.ExplainAdmin).BlockProduct(t.Context(), "acme", "web-1", client.BlockRequest{Reason: "r"})
	denied, ok := errors.AsType[*client.Error](err)
	if !ok || denied.Problem.Language != "fr" || !reflect.DeepEqual(denied.Problem.ReasonAdmin, client.Texts{"en": "No!", "fr": "Non !"}) {
		t.Errorf("%+v", err)
	}
	sent("an act", "fr-CH, fr;q=0.9", "admin")
	if _, err := french.Explain(client.ExplainAdmin).Product(t.Context(), "web-1"); err != nil {
		t.Fatal(err)
	}
	sent("what is only read", "fr-CH, fr;q=0.9", "")
}

func TestTheCatalogueIsRead(t *testing.T) {
	want := client.ReasonCatalogue{Policy: "p1", Items: []client.ReasonTexts{{
		Code: client.ReasonGranted, Effect: client.EffectAllow, User: client.Texts{"en": "You may."}, Admin: client.Texts{"en": "They may."},
	}}}
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := json.Marshal(want)
		if err != nil || r.Method+" "+r.URL.Path != "GET /v1/reasons" {
			t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
		}
		answer(w, 200, string(body))
	})
	if got, err := c.Reasons(t.Context()); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
}

// Who is denied by a program that asks Cordon reads why in their own language.
func TestTheMiddlewareAsksInTheLanguageOfItsCaller(t *testing.T) {
	var asked string
	ask := client.Middleware(client.MiddlewareConfig{
		Client: serve(t, func(w http.ResponseWriter, r *http.Request) {
			asked = r.Header.Get("Accept-Language")
			w.Header().Set("Content-Language", "de")
			answer(w, 200, `{"decision":false,"context":{"reasons":[{"code":"not_granted","message":"Nein."}]}}`)
		}),
		Subject:  func(*http.Request) client.Subject { return question.Subject },
		Action:   func(*http.Request) client.Action { return question.Action },
		Resource: func(*http.Request) client.Resource { return question.Resource },
	})
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	r.Header.Set("Accept-Language", "de-AT")
	w := httptest.NewRecorder()
	ask(http.NotFoundHandler()).ServeHTTP(w, r)
	if asked != "de-AT" || w.Code != 403 || w.Header().Get("Content-Language") != "de" || w.Header().Get("Vary") != "Accept-Language" ||
		!strings.Contains(w.Body.String(), "Nein.") {
		t.Errorf("asked in %q, answered %d %v %s", asked, w.Code, w.Header(), w.Body)
	}
}
