package contract_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"cordon/tests/program"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jwt"
)

// issuer makes tokens, and shows the key that they are signed with.
type issuer struct {
	*httptest.Server
	key jwk.Key
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{key: newKey(t)}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		public, err := i.key.PublicKey()
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/jwk-set+json")
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": []jwk.Key{public}})
	}))
	t.Cleanup(i.Close)
	return i
}

func newKey(t *testing.T) jwk.Key {
	t.Helper()
	raw, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := jwk.Import(raw)
	if err != nil {
		t.Fatal(err)
	}
	if err := key.Set(jwk.KeyIDKey, "k1"); err != nil {
		t.Fatal(err)
	}
	return key
}

// token makes a token of a subject; change may spoil it.
func (i *issuer) token(t *testing.T, subject, scope string, change func(jwt.Token)) string {
	t.Helper()
	token := jwt.New()
	for name, value := range map[string]any{
		"iss": "https://issuer.example", "aud": "cordon", "sub": subject, "scope": scope, "organization": "acme",
		"iat": time.Now().Add(-time.Minute), "exp": time.Now().Add(time.Minute),
	} {
		if err := token.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	if change != nil {
		change(token)
	}
	signed, err := jwt.Sign(token, jwt.WithKey(jwa.ES256(), i.key))
	if err != nil {
		t.Fatal(err)
	}
	return string(signed)
}

func TestTokens(t *testing.T) { // docs/design.md 4, Callers
	i := newIssuer(t)
	where := program.Embedded(t)
	s := program.Serve(t, where, program.FirstKey(t, where), "--jwt-issuer", "https://issuer.example", "--jwt-audience", "cordon",
		"--jwt-keys-url", i.URL, "--jwt-organization-claim", "organization")
	p := settle(t, s, "acme")
	const block, unblock = "~/products/ORG-shop/block", "~/products/ORG-shop/unblock"

	// Who acts is the subject.
	adam := p.with(i.token(t, "adam", "decide act audit", nil))
	adam.ask(t, "POST", block, `{"reason":"x"}`).want(t, 200).has(t, "product.blocks.0.by", "adam").has(t, "product.blocks.0.origin", "administrator")
	adam.ask(t, "POST", unblock, `{}`, "Cordon-Actor: adam").want(t, 200)
	adam.ask(t, "POST", block, `{"reason":"x"}`, "Cordon-Actor: lena").want(t, 400)
	adam.ask(t, "POST", block, `{"reason":"x"}`, "Cordon-Agent: adam").want(t, 403, "insufficient_scope")
	if got := adam.check(t, "carl", "manage", "product", "ORG-shop"); got != "allowed: granted" {
		t.Error(got)
	}
	p.with(i.token(t, "carl", "act", nil)).ask(t, "POST", block, `{"reason":"x"}`).denied(t, "role_not_permitted")
	p.with(i.token(t, "mallory", "act", nil)).ask(t, "POST", block, `{"reason":"x"}`).denied(t, "not_a_member")
	sam := p.with(i.token(t, "sam", "support", nil))
	code := p.code(t, "lena")
	sam.ask(t, "POST", "~/users/carl/block", `{"justification":"long enough it is","support_code":"`+code+`"}`).want(t, 200).has(t, "user.blocks.0.by", "sam").has(t, "user.blocks.0.origin", "support")
	// A scope that it has not, and one that there is not.
	p.with(i.token(t, "adam", "decide", nil)).ask(t, "GET", "~/users", "").want(t, 403, "insufficient_scope")
	p.with(i.token(t, "adam", "root *", nil)).ask(t, "GET", "~/users", "").want(t, 403, "insufficient_scope")
	p.with(i.token(t, "adam", "", nil)).ask(t, "POST", "/access/v1/evaluation", question("carl", "view", "product", "ORG-shop")).want(t, 403, "insufficient_scope")
	// One of another organization.
	limited := p.with(i.token(t, "adam", "decide directory", func(token jwt.Token) { _ = token.Set("organization", "other") }))
	limited.ask(t, "POST", "/access/v1/evaluation", question("carl", "view", "product", "ORG-shop")).want(t, 403, "organization_limit")
	limited.ask(t, "GET", "~", "").want(t, 403, "organization_limit")

	// Tokens that are none.
	stranger := &issuer{key: newKey(t)}
	good := i.token(t, "adam", "decide", nil)
	encode := base64.RawURLEncoding.EncodeToString
	for name, token := range map[string]string{
		"of another key":       stranger.token(t, "adam", "decide", nil),
		"of another issuer":    i.token(t, "adam", "decide", func(token jwt.Token) { _ = token.Set("iss", "https://evil.example") }),
		"for another audience": i.token(t, "adam", "decide", func(token jwt.Token) { _ = token.Set("aud", "shop") }),
		"that has ended":       i.token(t, "adam", "decide", func(token jwt.Token) { _ = token.Set("exp", time.Now().Add(-time.Second)) }),
		"that has not begun":   i.token(t, "adam", "decide", func(token jwt.Token) { _ = token.Set("nbf", time.Now().Add(time.Minute)) }),
		"without an end":       i.token(t, "adam", "decide", func(token jwt.Token) { _ = token.Remove("exp") }),
		"of no organization":   i.token(t, "adam", "decide", func(token jwt.Token) { _ = token.Remove("organization") }),
		"of nobody":            i.token(t, "adam", "decide", func(token jwt.Token) { _ = token.Remove("sub") }),
		"that was changed":     good[:len(good)-4] + "AAAA",
		"without a signature":  encode([]byte(`{"alg":"none"}`)) + "." + encode([]byte(`{"iss":"https://issuer.example","aud":"cordon","sub":"adam","scope":"decide","exp":99999999999}`)) + ".",
		"of two parts":         "a.b",
	} {
		t.Run(name, func(t *testing.T) {
			a := p.with(token).ask(t, "POST", "/access/v1/evaluation", question("carl", "view", "product", "ORG-shop")).want(t, 401, "unauthenticated")
			if a.at("detail") == "" || !strings.Contains(a.header.Get("WWW-Authenticate"), `error="invalid_token", error_description="`+a.at("detail")+`"`) {
				t.Errorf("%s is not told why: %q, %s", name, a.header.Get("WWW-Authenticate"), a.body)
			}
		})
	}
}

// An issuer that does not answer stalls nobody but those whose tokens nobody can judge, and these are
// told so.
func TestAnIssuerThatHangs(t *testing.T) { // docs/design.md 11, Tokens
	i := newIssuer(t)
	released := make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-released
		i.Config.Handler.ServeHTTP(w, r)
	}))
	t.Cleanup(hanging.Close)
	release := sync.OnceFunc(func() { close(released) })
	t.Cleanup(release)
	where := program.Embedded(t)
	s := program.Serve(t, where, program.FirstKey(t, where), "--jwt-issuer", "https://issuer.example", "--jwt-audience", "cordon", "--jwt-keys-url", hanging.URL)
	p := settle(t, s, "acme")
	asked := question("carl", "view", "product", "ORG-shop")
	judged := p.with(i.token(t, "adam", "decide", nil))
	a := judged.ask(t, "POST", "/access/v1/evaluation", asked).want(t, 503, "unavailable")
	if a.header.Get("Retry-After") == "" || !strings.Contains(a.at("detail"), "issuer") {
		t.Errorf("got %v %s", a.header, a.body)
	}
	p.ask(t, "POST", "/access/v1/evaluation", asked).want(t, 200)
	p.with(i.token(t, "adam", "decide", func(token jwt.Token) { _ = token.Set("exp", time.Now().Add(-time.Second)) })).
		ask(t, "POST", "/access/v1/evaluation", asked).want(t, 401, "unauthenticated")
	release()
	for begun := time.Now(); judged.ask(t, "POST", "/access/v1/evaluation", asked).status != 200; {
		if time.Since(begun) > time.Minute {
			t.Fatal("the issuer answers, and its tokens are not taken")
		}
	}
}
