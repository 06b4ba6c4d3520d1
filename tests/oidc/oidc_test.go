// Package oidc_test has Cordon trust a real issuer of tokens: oidc-provider, a certified one, of npm.
package oidc_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"cordon/tests/program"
)

func TestMain(m *testing.M) { program.Main(m) }

// issuer starts the issuer and gives its name, under which it is found.
func issuer(t *testing.T) string {
	t.Helper()
	node := program.Node(t, "issuer.mjs")
	var logged strings.Builder
	node.Stderr = &logged
	stdin, err := node.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := node.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = node.Wait()
		if t.Failed() {
			t.Logf("the issuer said:\n%s", logged.String())
		}
	})
	name, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("the issuer does not say where it is: %v", err)
	}
	return strings.TrimSpace(name)
}

// token has the issuer make one, by the grant that programs use.
func token(t *testing.T, issuer, resource, scope string) string {
	t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {scope}}
	if resource != "" {
		form.Set("resource", resource)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, issuer+"/token", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth("panel", "secret")
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	var made struct {
		Token string `json:"access_token"`
	}
	if status, _, body := do(t, request); status != http.StatusOK || json.Unmarshal(body, &made) != nil || made.Token == "" {
		t.Fatalf("the issuer makes no token: %d %s", status, body)
	}
	return made.Token
}

func do(t *testing.T, request *http.Request) (int, http.Header, []byte) {
	t.Helper()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header, body
}

// All that Cordon is told is the issuer's name; the rest it finds out.
func TestARealIssuer(t *testing.T) {
	name := issuer(t)
	where := program.Embedded(t)
	s := program.Serve(t, where, program.FirstKey(t, where), "--jwt-issuer", name, "--jwt-audience", "https://cordon.example",
		"--jwt-profile", "rfc9068", "--jwt-scope-prefix", "cordon.")
	ask := func(method, path, token, body string) (int, http.Header, []byte) {
		request, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+token)
		request.Header.Set("Content-Type", "application/json")
		return do(t, request)
	}
	const (
		resource = "https://cordon.example/ES256"
		question = `{"subject":{"type":"user","id":"anna"},"action":{"name":"manage"},"resource":{"type":"product","id":"shop"}}`
	)
	for _, algorithm := range []string{"RS256", "PS256", "ES256", "ES384", "EdDSA"} {
		made := token(t, name, "https://cordon.example/"+algorithm, "cordon.decide")
		if status, _, body := ask(http.MethodPost, "/access/v1/evaluation", made, question); status != http.StatusOK || !strings.Contains(string(body), `"decision":false`) {
			t.Errorf("%s: got %d %s", algorithm, status, body)
		}
	}
	for what, test := range map[string]struct {
		token     string
		status    int
		challenge string
	}{
		"both scopes":           {token(t, name, resource, "cordon.decide cordon.directory"), http.StatusOK, ""},
		"one of two":            {token(t, name, resource, "cordon.decide"), http.StatusForbidden, `error="insufficient_scope", scope="cordon.directory"`},
		"another API's admin":   {token(t, name, resource, "admin"), http.StatusForbidden, `error="insufficient_scope"`},
		"for another audience":  {token(t, name, "https://shop.example/ES256", "cordon.directory"), http.StatusUnauthorized, `error="invalid_token", error_description="the token was made for another audience`},
		"opaque, for userinfo":  {token(t, name, "", ""), http.StatusUnauthorized, `error="invalid_token", error_description="the token is no JWT`},
		"changed on its way":    {token(t, name, resource, "cordon.directory") + "A", http.StatusUnauthorized, `error="invalid_token"`},
		"of nobody (a literal)": {"undefined", http.StatusUnauthorized, `error="invalid_token"`},
	} {
		t.Run(what, func(t *testing.T) {
			status, header, body := ask(http.MethodGet, "/v1/organizations", test.token, "")
			if status != test.status || !strings.Contains(header.Get("WWW-Authenticate"), test.challenge) {
				t.Errorf("got %d %q %s, want %d %q", status, header.Get("WWW-Authenticate"), body, test.status, test.challenge)
			}
		})
	}
	// Who is refused is led back to the issuer.
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/.well-known/oauth-protected-resource", nil)
	if err != nil {
		t.Fatal(err)
	}
	if status, _, body := do(t, request); status != http.StatusOK || !strings.Contains(string(body), `"authorization_servers":["`+name+`"]`) {
		t.Errorf("got %d %s", status, body)
	}
}
