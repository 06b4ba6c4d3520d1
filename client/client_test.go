package client_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"cordon.example/client"
)

// serve starts a server for one test and gives a client of it that never repeats a call.
func serve(t *testing.T, handler http.HandlerFunc) *client.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	c, err := client.New(client.Config{URL: server.URL, Key: "ck_test_secret", Tries: 1})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func answer(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if status >= 400 {
		w.Header().Set("Content-Type", client.ProblemType)
	}
	w.WriteHeader(status)
	io.WriteString(w, body)
}

// diffOf shows two values that are not equal. The module takes no other one along, not for its tests either.
func diffOf(minus, plus any) string {
	if reflect.DeepEqual(minus, plus) {
		return ""
	}
	return fmt.Sprintf("-%+v\n+%+v", minus, plus)
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	for name, config := range map[string]client.Config{
		"no URL":          {Key: "k"},
		"no scheme":       {URL: "cordon.example.com", Key: "k"},
		"another scheme":  {URL: "ftp://cordon.example.com", Key: "k"},
		"a query":         {URL: "http://cordon.example.com?x=1", Key: "k"},
		"a password":      {URL: "http://me:secret@cordon.example.com", Key: "k"},
		"no key":          {URL: "http://cordon.example.com"},
		"key and token":   {URL: "http://cordon.example.com", Key: "k", Token: func(context.Context) (client.Token, error) { return client.Token{}, nil }},
		"actor and agent": {URL: "http://cordon.example.com", Key: "k", Actor: "a", Agent: "b"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := client.New(config); err == nil {
				t.Error("New gave no error")
			}
		})
	}
}

func TestNoKeyIsInWhatIsLogged(t *testing.T) {
	config := client.Config{URL: "https://cordon.example.com", Key: "ck_secret"}
	c, err := client.New(config)
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []any{config, &config, c, c.As("ann"), client.Token{Value: "ck_secret"}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			if text := fmt.Sprintf(verb, shown); strings.Contains(text, "secret") {
				t.Errorf("%s of %T is %s", verb, shown, text)
			}
		}
	}
}

func TestCanSaysYesOnlyToAYes(t *testing.T) {
	for name, test := range map[string]struct {
		status  int
		body    string
		want    bool
		wantErr bool
	}{
		"yes":                    {200, `{"decision":true,"context":{"reasons":[{"code":"granted","message":"m"}]}}`, true, false},
		"unknown members":        {200, `{"decision":true,"more":1,"context":{"other":[]}}`, true, false},
		"no":                     {200, `{"decision":false}`, false, false},
		"yes with an error":      {200, `{"decision":true,"context":{"error":{"status":400,"message":"m"}}}`, false, true},
		"no decision":            {200, `{}`, false, true},
		"null":                   {200, `null`, false, true},
		"no decision, a null":    {200, `{"decision":null}`, false, true},
		"in capitals":            {200, `{"DECISION":true}`, false, true},
		"both spellings":         {200, `{"decision":false,"Decision":true}`, false, true},
		"twice":                  {200, `{"decision":false,"decision":true}`, false, true},
		"a list":                 {200, `["decision",true]`, false, true},
		"two answers":            {200, `{"decision":true}{"decision":false}`, false, true},
		"in another":             {200, `{"answer":{"decision":true}}`, false, true},
		"a string":               {200, `{"decision":"true"}`, false, true},
		"broken":                 {200, `{"decision":true`, false, true},
		"empty":                  {200, ``, false, true},
		"redirect":               {302, `{"decision":true}`, false, true},
		"unauthorized":           {401, `{"decision":true}`, false, true},
		"unavailable":            {503, `{"decision":true}`, false, true},
		"problem that says true": {500, `{"decision":true,"status":200}`, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			c := serve(t, func(w http.ResponseWriter, r *http.Request) { answer(w, test.status, test.body) })
			got, err := c.Can(t.Context(), "u", "manage", client.OnProduct("p"))
			if got != test.want || (err != nil) != test.wantErr {
				t.Errorf("Can gave %v, %v; want %v, error %v", got, err, test.want, test.wantErr)
			}
		})
	}
}

func TestCanRefusesAPageThatIsNoAnswer(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, `{"decision":true}`)
	})
	if got, err := c.Can(t.Context(), "u", "manage", client.OnProduct("p")); got || err == nil {
		t.Errorf("Can gave %v, %v; want an error", got, err)
	}
}

func TestARedirectIsNoAnswerWhoeverSendsTheRequest(t *testing.T) {
	asked := 0
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		answer(w, 200, `{"decision":true}`)
	}))
	defer elsewhere.Close()
	server := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer server.Close()
	own := &http.Client{}
	for _, h := range []*http.Client{nil, own} {
		c, err := client.New(client.Config{URL: server.URL, Key: "ck_test", HTTPClient: h})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := c.Can(t.Context(), "u", "manage", client.OnProduct("p")); got || err == nil {
			t.Errorf("Can gave %v, %v; want an error", got, err)
		}
	}
	if asked != 0 || own.CheckRedirect != nil {
		t.Errorf("the key was shown elsewhere %d times, or the program's own client was changed", asked)
	}
}

func TestAnAnswerWithoutEndIsAnError(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		chunk := []byte(strings.Repeat(" ", 1<<20))
		for {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	if got, err := c.Can(t.Context(), "u", "manage", client.OnProduct("p")); got || err == nil {
		t.Errorf("Can gave %v, %v; want an error", got, err)
	}
}

func TestDecideSendsTheQuestionAndReadsTheHeaders(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got := map[string]string{
			"request": r.Method + " " + r.URL.Path,
			"type":    r.Header.Get("Content-Type"),
			"auth":    r.Header.Get("Authorization"),
			"atleast": r.Header.Get("Cordon-At-Least"),
			"once":    r.Header.Get("Idempotency-Key"),
			"body":    string(body),
		}
		want := map[string]string{
			"request": "POST /access/v1/evaluation",
			"type":    "application/json",
			"auth":    "Bearer ck_test_secret",
			"atleast": "acme=7, other=2",
			"once":    "",
			"body": `{"subject":{"type":"user","id":"alice"},"action":{"name":"read_mail","properties":{"channel":"imap"}},` +
				`"resource":{"type":"product","id":"mail-1"}}`,
		}
		if diff := diffOf(want, got); diff != "" {
			t.Errorf("request (-want +got):\n%s", diff)
		}
		w.Header().Set("Cordon-Decision-Id", "d1")
		w.Header().Set("Cordon-Policy", "p1")
		w.Header().Set("Cordon-Revision", "9")
		answer(w, 200, `{"decision":false,"context":{"reasons":[{"code":"user_blocked","message":"m"},{"code":"not_granted","message":"n"}]}}`)
	})
	got, err := c.AtLeast("other", 2).AtLeast("acme", 7).AtLeast("acme", 5).Decide(t.Context(), client.EvaluationRequest{
		Subject:  client.Subject{Type: client.TypeUser, ID: "alice"},
		Action:   client.Action{Name: "read_mail", Properties: map[string]any{"channel": "imap"}},
		Resource: client.Resource{Type: client.TypeProduct, ID: "mail-1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := client.Decision{
		Reasons:  []client.Reason{{Code: client.ReasonUserBlocked, Message: "m"}, {Code: client.ReasonNotGranted, Message: "n"}},
		ID:       "d1",
		Policy:   "p1",
		Revision: 9,
	}
	if diff := diffOf(want, got); diff != "" {
		t.Errorf("decision (-want +got):\n%s", diff)
	}
}

func TestDecideAllGivesAnAnswerToEachQuestion(t *testing.T) {
	two := []client.Evaluation{{}, {}}
	for name, test := range map[string]struct {
		semantic string
		body     string
		want     []bool
		wantErr  bool
	}{
		"all":               {"", `{"evaluations":[{"decision":true},{"decision":false}]}`, []bool{true, false}, false},
		"stopped":           {client.DenyOnFirstDeny, `{"evaluations":[{"decision":false}]}`, []bool{false}, false},
		"cut before a no":   {client.DenyOnFirstDeny, `{"evaluations":[{"decision":true}]}`, nil, true},
		"cut before a yes":  {client.PermitOnFirstPermit, `{"evaluations":[{"decision":false}]}`, nil, true},
		"one is missing":    {"", `{"evaluations":[{"decision":true}]}`, nil, true},
		"one too many":      {"", `{"evaluations":[{"decision":true},{"decision":true},{"decision":true}]}`, nil, true},
		"a single answer":   {"", `{"decision":true}`, nil, true},
		"an item with none": {"", `{"evaluations":[{"decision":true},{}]}`, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			c := serve(t, func(w http.ResponseWriter, r *http.Request) { answer(w, 200, test.body) })
			decisions, err := c.DecideAll(t.Context(), client.EvaluationsRequest{
				Evaluations: two,
				Options:     &client.Options{EvaluationsSemantic: test.semantic},
			})
			var got []bool
			for _, d := range decisions {
				got = append(got, d.Allowed)
			}
			if diff := diffOf(test.want, got); diff != "" || (err != nil) != test.wantErr {
				t.Errorf("DecideAll gave %v, %v; want %v, error %v", got, err, test.want, test.wantErr)
			}
		})
	}
}

func TestErrorsAreToldApart(t *testing.T) {
	sentinels := map[string]error{
		"invalid": client.ErrInvalid, "unauthorized": client.ErrUnauthorized, "forbidden": client.ErrForbidden,
		"denied": client.ErrDenied, "not found": client.ErrNotFound, "conflict": client.ErrConflict,
		"unavailable": client.ErrUnavailable, "too stale": client.ErrTooStale,
	}
	for name, test := range map[string]struct {
		status int
		code   string
		want   []string
	}{
		"bad body":   {400, "invalid", []string{"invalid"}},
		"too large":  {413, "too_large", []string{"invalid"}},
		"media type": {415, "media_type", []string{"invalid"}},
		"method":     {405, "method_not_allowed", []string{"invalid"}},
		"other body": {422, "idempotency_key_reused", []string{"invalid"}},
		"no key":     {401, "unauthorized", []string{"unauthorized"}},
		"scope":      {403, "scope_missing", []string{"forbidden"}},
		"rules":      {403, "denied", []string{"denied"}},
		"unknown":    {404, "not_found", []string{"not found"}},
		"blocked":    {409, "already_blocked", []string{"conflict"}},
		"stale":      {503, "too_stale", []string{"unavailable", "too stale"}},
		"down":       {503, "unavailable", []string{"unavailable"}},
		"rate":       {429, "rate_limited", []string{"unavailable"}},
		"internal":   {500, "internal", nil},
	} {
		t.Run(name, func(t *testing.T) {
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := json.Marshal(client.Problem{Status: test.status, Code: test.code, DecisionID: "d"})
				answer(w, test.status, string(body))
			})
			_, err := c.BlockProduct(t.Context(), "acme", "web-1", client.BlockRequest{Reason: "r"})
			if err == nil {
				t.Fatal("no error")
			}
			is := map[string]bool{}
			for name, sentinel := range sentinels {
				if errors.Is(err, sentinel) {
					is[name] = true
				}
			}
			want := map[string]bool{}
			for _, name := range test.want {
				want[name] = true
			}
			if diff := diffOf(want, is); diff != "" {
				t.Errorf("errors.Is (-want +got):\n%s", diff)
			}
			e, ok := errors.AsType[*client.Error](err)
			if !ok || e.Problem.Code != test.code || e.Problem.DecisionID != "d" {
				t.Errorf("errors.AsType gave %+v, %v", e, ok)
			}
		})
	}
}

func TestAServerThatIsNotThereIsUnavailable(t *testing.T) {
	server := httptest.NewServer(nil)
	server.Close()
	c, err := client.New(client.Config{URL: server.URL, Key: "k", Tries: 1})
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Can(t.Context(), "u", "manage", client.OnProduct("p"))
	if got || !errors.Is(err, client.ErrUnavailable) {
		t.Errorf("Can gave %v, %v; want ErrUnavailable", got, err)
	}
}

func TestACancelledCallSaysSo(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) { answer(w, 200, `{"decision":true}`) })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got, err := c.Can(ctx, "u", "manage", client.OnProduct("p"))
	if got || !errors.Is(err, context.Canceled) {
		t.Errorf("Can gave %v, %v; want context.Canceled", got, err)
	}
}

func TestAnErrorSaysWhatTheServerSaid(t *testing.T) {
	for want, problem := range map[string]client.Problem{
		"the server answered 503 Service Unavailable": {Status: 503},
		"No such product (not_found)":                 {Status: 404, Title: "Not found", Detail: "No such product", Code: "not_found"},
		"Not found":                                   {Status: 404, Title: "Not found"},
		"/reason is too long; the end (invalid_body)": {Status: 400, Detail: "/reason is too long", Code: "invalid_body", Errors: []client.FieldError{
			{Pointer: "/reason", Detail: "is too long"}, {Detail: "the end"},
		}},
		"a: A.; b: B. (denied)": {Status: 403, Detail: "A.", Code: "denied", Reasons: []client.Reason{{Code: "a", Message: "A."}, {Code: "b", Message: "B."}}},
	} {
		if got := (&client.Error{Problem: problem}).Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestAClientTrustsWhomItIsToldTo(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"decision":true,"context":{"reasons":[]}}`)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it would say that it is not trusted
	server.StartTLS()
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	for name, test := range map[string]struct {
		trust *tls.Config
		works bool
	}{
		"as this machine does": {nil, false},
		"its authority":        {&tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, true},
		"nobody":               {&tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}, false},
	} {
		c, err := client.New(client.Config{URL: server.URL, Key: "k", Tries: 1, TLS: test.trust})
		if err != nil {
			t.Fatal(err)
		}
		d, err := c.Decide(t.Context(), client.EvaluationRequest{})
		if d.Allowed != test.works || test.works != (err == nil) || !test.works && !errors.Is(err, client.ErrUnavailable) {
			t.Errorf("%s: got %v, %v", name, d.Allowed, err)
		}
	}
}
