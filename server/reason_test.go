package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cordon.example/client"
	"cordon/guard"
	"cordon/server"
)

func inLanguage(value string) edit { return set("Accept-Language", value) }
func explainTo(value string) edit  { return set(client.HeaderExplain, value) }

// texts are those of a reason of the built-in policy.
func texts(t *testing.T, code string) (user, admin map[string]string) {
	t.Helper()
	rules, err := engine()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules.Rules() {
		if r.Code == code {
			return r.Person, r.Administrator
		}
	}
	t.Fatalf("no reason %s", code)
	return nil, nil
}

func TestTheLanguageIsChosenByItsWeight(t *testing.T) {
	spoken := []string{"en", "fr", "de"}
	for header, want := range map[string]string{
		"":                                "en",
		"fr":                              "fr",
		"FR":                              "fr",
		"fr-CH":                           "fr",
		"de-CH, fr;q=0.9, en;q=0.8":       "de",
		"en;q=0.5, fr;q=0.6, de;q=0.4":    "fr",
		"it, de;q=0.1":                    "de",
		"it":                              "en",
		"it, *;q=0.5":                     "en",
		"fr, en":                          "fr",
		"en, fr":                          "en",
		"de;q=0, *":                       "en",
		"en;q=0, *":                       "fr",
		"en;q=0, fr;q=0, *;q=0.1":         "de",
		"en;q=0, fr;q=0, de;q=0":          "en",
		"*;q=0":                           "en",
		"fr;q=0, fr-CH":                   "en",
		"fr;q=0.2, fr-CH;q=0.9, de;q=0.5": "de",
		" de ; q = 0.9 , fr ; q = 0.8":    "de",
		"fr;q=2, de;q=0.1":                "de",
		"fr;q=x":                          "en",
		"fr;level=1, de;q=0.1":            "de",
		"french, de;q=0.1":                "de",
		"d, f, ;;,,=;q=1,*;q":             "en",
		"zh-Hant-TW, de-Latn-DE;q=0.3":    "de",
	} {
		if got := server.ChooseLanguage([]string{header}, spoken); got != want {
			t.Errorf("%q: got %s, want %s", header, got, want)
		}
	}
	if got := server.ChooseLanguage([]string{"it", "de;q=0.5, fr"}, spoken); got != "fr" {
		t.Errorf("over two lines: got %s", got)
	}
	asked := []string{"it, de-CH;q=0.5, *;q=0.1"}
	if n := testing.AllocsPerRun(100, func() { server.ChooseLanguage(asked, spoken) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestReasonsAreToldInTheCallersLanguage(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	for _, test := range []struct{ user, code, accept, language string }{
		{"anna", "administrator", "", "en"}, {"anna", "administrator", "de-CH, fr;q=0.5", "de"},
		{"clio", "not_granted", "fr", "fr"}, {"clio", "not_granted", "it", "en"},
	} {
		user, _ := texts(t, test.code)
		want := []client.Reason{{Code: test.code, Message: user[test.language]}}
		edits := []edit{}
		if test.accept != "" {
			edits = append(edits, inLanguage(test.accept))
		}
		said := func(what string, reasons []client.Reason, got answer) {
			t.Helper()
			if diff := cmp.Diff(reasons, want); diff != "" {
				t.Errorf("%s, %+v: got, want:\n%s", what, test, diff)
			}
			if got.header.Get("Content-Language") != test.language || got.header.Get("Vary") != "Accept-Language, Cordon-Explain" {
				t.Errorf("%s, %+v: got %v", what, test, got.header)
			}
		}
		one, got := w.ask(t, test.user, "manage", "product", "shop", edits...)
		said("one", one.Context.Reasons, got)
		var both client.EvaluationsResponse
		body := fmt.Sprintf(`{"subject":{"type":"user","id":%q},"action":{"name":"manage"},"evaluations":[{},{"resource":{"type":"product","id":"shop"}}]}`, test.user)
		got = w.do(t, http.MethodPost, many, body, edits...).want(t, http.StatusOK)
		got.into(t, &both)
		said("batch", both.Evaluations[1].Context.Reasons, got)
	}
	// The language of an answer is not kept in the log, which speaks one.
	_, got := w.ask(t, "clio", "manage", "product", "shop", inLanguage("fr"))
	var record client.Record
	w.record(t, got.header.Get(client.HeaderDecisionID)).into(t, &record)
	if user, _ := texts(t, "not_granted"); len(record.Reasons) != 1 || record.Reasons[0].Message != user["en"] {
		t.Errorf("on record: %+v", record.Reasons)
	}
}

func TestADecisionIsExplainedToWhoAsksForIt(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	w.do(t, http.MethodPost, shopPath+"/block", client.BlockRequest{Reason: "leak"}, as("anna")).want(t, http.StatusOK)
	batch := func(edits ...edit) client.DecisionContext {
		var r client.EvaluationsResponse
		w.do(t, http.MethodPost, many, `{"evaluations":[`+strings.ReplaceAll(plainQuestion, "anna", "carl")+`]}`, edits...).want(t, http.StatusOK).into(t, &r)
		return *r.Evaluations[0].Context
	}
	one := func(user, action string, edits ...edit) client.DecisionContext {
		r, _ := w.ask(t, user, action, "product", "shop", edits...)
		return *r.Context
	}
	user, admin := texts(t, "product_blocked")
	for what, c := range map[string]client.DecisionContext{"one": one("carl", "manage"), "batch": batch()} {
		if c.ReasonUser != nil || c.ReasonAdmin != nil {
			t.Errorf("%s: explained without being asked: %+v", what, c)
		}
	}
	for what, c := range map[string]client.DecisionContext{"one": one("carl", "manage", explainTo("user")), "batch": batch(explainTo("user"))} {
		if diff := cmp.Diff(map[string]string(c.ReasonUser), user); diff != "" || c.ReasonAdmin != nil {
			t.Errorf("%s: %+v", what, c)
		}
	}
	for what, c := range map[string]client.DecisionContext{"one": one("carl", "manage", explainTo("admin")), "batch": batch(explainTo("admin"))} {
		if len(c.ReasonAdmin) != 3 || c.ReasonUser != nil {
			t.Errorf("%s: %+v", what, c)
		}
		for language, text := range c.ReasonAdmin {
			if !strings.HasPrefix(text, admin[language]+" [rules: product_blocked; blocks: blk-") || !strings.Contains(text, "; policy: sha256:") {
				t.Errorf("%s, %s: %q", what, language, text)
			}
		}
	}
	// An allow is explained, too.
	if c := one("carl", "view", explainTo("admin")); !strings.Contains(c.ReasonAdmin["de"], "[rules: granted; policy: sha256:") {
		t.Errorf("got %+v", c)
	}
	// Who may not read the log is not told what stands in it.
	decider := w.scoped(t, guard.ScopeDecide)
	w.do(t, http.MethodPost, single, plainQuestion, decider, explainTo("user")).want(t, http.StatusOK)
	w.do(t, http.MethodPost, single, plainQuestion, decider, explainTo("admin")).refused(t, http.StatusForbidden, "insufficient_scope")
	w.do(t, http.MethodPost, many, plainQuestion, decider, explainTo("admin")).refused(t, http.StatusForbidden, "insufficient_scope")
	for _, value := range []string{"", "everyone", "User", "user, admin", "user,user"} {
		w.do(t, http.MethodPost, single, plainQuestion, explainTo(value)).refused(t, http.StatusBadRequest, "invalid_header")
	}
	w.do(t, http.MethodPost, single, plainQuestion, explainTo("user"), add(client.HeaderExplain, "admin")).refused(t, http.StatusBadRequest, "invalid_header")
}

func TestADeniedActIsToldLikeADecision(t *testing.T) {
	w := newWorld(t)
	w.acme(t)
	user, admin := texts(t, "role_not_permitted")
	block := func(edits ...edit) (client.Problem, answer) {
		got := w.do(t, http.MethodPost, shopPath+"/block", client.BlockRequest{Reason: "leak"}, append(edits, as("carl"))...)
		var p client.Problem
		got.want(t, http.StatusForbidden).into(t, &p)
		return p, got
	}
	p, got := block(inLanguage("fr"))
	want := []client.Reason{{Code: "role_not_permitted", Message: user["fr"]}}
	if diff := cmp.Diff(p.Reasons, want); diff != "" || p.Detail != user["fr"] || p.ReasonUser != nil || p.ReasonAdmin != nil || p.DecisionID == "" {
		t.Errorf("got %+v", p)
	}
	if got.header.Get("Content-Language") != "fr" || got.header.Get("Vary") != "Accept-Language, Cordon-Explain" {
		t.Errorf("got %v", got.header)
	}
	if p, _ := block(explainTo("user")); p.Detail != user["en"] || !cmp.Equal(map[string]string(p.ReasonUser), user) || p.ReasonAdmin != nil {
		t.Errorf("got %+v", p)
	}
	if p, _ := block(explainTo("admin")); p.ReasonUser != nil || !strings.HasPrefix(p.ReasonAdmin["de"], admin["de"]+" [rules: role_not_permitted; policy: ") {
		t.Errorf("got %+v", p)
	}
	// A repeat is the first answer again, in its language.
	first, got := block(inLanguage("de"), set(client.HeaderIdempotencyKey, "one"))
	again, repeat := block(inLanguage("fr"), set(client.HeaderIdempotencyKey, "one"))
	if first.Detail != user["de"] || again.Detail != first.Detail || got.body != repeat.body || repeat.header.Get("Content-Language") != "de" {
		t.Errorf("got %s, then %s in %q", got.body, repeat.body, repeat.header.Get("Content-Language"))
	}
}

func TestTheCatalogueOfReasons(t *testing.T) {
	w := newWorld(t)
	const path = "/v1/reasons"
	got := w.do(t, http.MethodGet, path, nil, w.scoped(t, guard.ScopeDecide)).want(t, http.StatusOK)
	var catalogue client.ReasonCatalogue
	got.into(t, &catalogue)
	rules, err := engine()
	if err != nil {
		t.Fatal(err)
	}
	want := client.ReasonCatalogue{Policy: rules.Digest()}
	for _, r := range rules.Rules() {
		effect := client.EffectAllow
		if r.Denies {
			effect = client.EffectDeny
		}
		want.Items = append(want.Items, client.ReasonTexts{Code: r.Code, Effect: effect, User: r.Person, Admin: r.Administrator})
	}
	if diff := cmp.Diff(catalogue, want); diff != "" || len(want.Items) < 20 {
		t.Errorf("got, want:\n%s", diff)
	}
	tag := got.header.Get("ETag")
	if tag != `"`+rules.Digest()+`"` || got.header.Get(client.HeaderPolicy) != rules.Digest() {
		t.Errorf("got %v", got.header)
	}
	for value, status := range map[string]int{
		tag: 304, "W/" + tag: 304, `"other", ` + tag: 304, "*": 304, `"other"`: 200, "": 200, strings.Trim(tag, `"`): 200,
	} {
		got := w.do(t, http.MethodGet, path, nil, set("If-None-Match", value)).want(t, status)
		if got.header.Get("ETag") != tag || status == 304 && got.body != "" {
			t.Errorf("%s: got %v, %q", value, got.header, got.body)
		}
	}
	w.do(t, http.MethodGet, path, nil, noKey).refused(t, http.StatusUnauthorized, "unauthenticated")
	w.do(t, http.MethodGet, path+"?code=x", nil).refused(t, http.StatusBadRequest, "invalid_query")
}
