package interfaces_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"cordon.example/client"
	"cordon/tests/program"
)

// told is what an interface says of a denial: why, in the language that was asked for, and what an
// administrator is told in that language.
type told struct{ message, admin string }

// asking is one question and one act, asked in a language and explained to an administrator.
var asking = map[string]func(t *testing.T, s *program.Server, language string) (question, act told){
	"http": func(t *testing.T, s *program.Server, language string) (told, told) {
		ask := func(path, body, actor string) (a struct {
			Context     client.DecisionContext
			Reasons     []client.Reason
			ReasonAdmin client.Texts `json:"reason_admin"`
		}) {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+path, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Authorization", "Bearer "+s.Key)
			request.Header.Set("Content-Type", "application/json")
			request.Header.Set("Accept-Language", language)
			request.Header.Set("Cordon-Explain", "admin")
			if actor != "" {
				request.Header.Set("Cordon-Actor", actor)
			}
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if err := json.NewDecoder(response.Body).Decode(&a); err != nil {
				t.Fatal(err)
			}
			if response.Header.Get("Content-Language") != language {
				t.Errorf("%s: told in %q", path, response.Header.Get("Content-Language"))
			}
			return a
		}
		one := ask("/access/v1/evaluation", `{"subject":{"type":"user","id":"cleo"},"action":{"name":"manage"},"resource":{"type":"product","id":"words-shop"}}`, "")
		act := ask("/v1/organizations/words/products/words-shop/block", `{"reason":"test"}`, "cleo")
		return told{one.Context.Reasons[0].Message, one.Context.ReasonAdmin[language]}, told{act.Reasons[0].Message, act.ReasonAdmin[language]}
	},
	"sdk": func(t *testing.T, s *program.Server, language string) (told, told) {
		c := s.Client(nil).In(language).Explain(client.ExplainAdmin)
		one, err := c.Decide(t.Context(), client.EvaluationRequest{
			Subject: client.Subject{Type: client.TypeUser, ID: "cleo"}, Action: client.Action{Name: "manage"},
			Resource: client.Resource{Type: client.TypeProduct, ID: "words-shop"},
		})
		if err != nil || one.Language != language {
			t.Fatalf("%+v, %v", one, err)
		}
		_, err = c.As("cleo").BlockProduct(t.Context(), "words", "words-shop", client.BlockRequest{Reason: "test"})
		act, ok := errors.AsType[*client.Error](err)
		if !ok || act.Problem.Language != language {
			t.Fatal(err)
		}
		return told{one.Reasons[0].Message, one.ReasonAdmin[language]}, told{act.Problem.Reasons[0].Message, act.Problem.ReasonAdmin[language]}
	},
	"cli": func(t *testing.T, s *program.Server, language string) (told, told) {
		lines := func(text string) told {
			list := strings.Split(text, "\n")
			if len(list) < 2 {
				t.Fatalf("only %q", text)
			}
			_, message, _ := strings.Cut(list[0], " - ")
			return told{message, strings.TrimSpace(list[1])}
		}
		one, _, _ := s.CLI("check", "cleo", "manage", "words-shop", "--language", language, "--explain", "admin")
		_, act, _ := s.CLI("block", "words-shop", "--reason", "test", "--as", "cleo", "--language", language, "--explain", "admin")
		return lines(one), lines(act)
	},
}

func TestEveryDoorTellsTheSameInTheSameLanguage(t *testing.T) { // docs/design.md 11, Reasons
	program.EachPlace(t, func(t *testing.T, place program.Place) {
		s := program.Serve(t, place, program.FirstKey(t, place))
		report, err := s.Client(nil).Import(t.Context(), strings.NewReader(strings.ReplaceAll(directory, "ORG", "words")))
		if err != nil || len(report.Refused) > 0 {
			t.Fatalf("import: %+v %v", report, err)
		}
		catalogue, err := s.Client(nil).Reasons(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		texts := map[string]client.ReasonTexts{}
		for _, r := range catalogue.Items {
			texts[r.Code] = r
		}
		for _, language := range []string{"en", "fr", "de"} {
			for kind, ask := range asking {
				one, act := ask(t, s, language)
				for code, got := range map[string]told{client.ReasonNotGranted: one, client.ReasonRoleNotPermitted: act} {
					want := texts[code]
					if got.message != want.User[language] || !strings.HasPrefix(got.admin, want.Admin[language]+" [rules: "+code+"; policy: "+catalogue.Policy) {
						t.Errorf("%s in %s tells %s as %q and %q", kind, language, code, got.message, got.admin)
					}
				}
			}
		}
	})
}
