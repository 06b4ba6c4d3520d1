package server_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/lestrrat-go/jwx/v3/jwt"

	"cordon.example/client"
	"cordon/server"
)

// issuer is an issuer of tokens with an address for its keys.
type issuer struct {
	web     *httptest.Server
	key     jwk.Key // the one it signs with now
	mu      sync.Mutex
	public  jwk.Set
	fetched atomic.Int64
	down    atomic.Bool
	held    atomic.Pointer[hold]   // see hang
	body    atomic.Pointer[string] // instead of the keys
	now     atomic.Int64           // nanoseconds past the epoch
}

const (
	issuerName = "https://login.example"
	audience   = "cordon"
)

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{public: jwk.NewSet()}
	i.now.Store(time.Now().UnixNano())
	i.web = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		i.fetched.Add(1)
		if held := i.held.Load(); held != nil {
			held.asked <- struct{}{}
			<-held.released
		}
		if i.down.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		if body := i.body.Load(); body != nil {
			_, _ = io.WriteString(w, *body)
			return
		}
		i.mu.Lock()
		defer i.mu.Unlock()
		_ = json.NewEncoder(w).Encode(i.public)
	}))
	t.Cleanup(i.web.Close)
	i.rotate(t, "one")
	return i
}

// rotate makes a new key, which is published and signed with.
func (i *issuer) rotate(t *testing.T, id string) {
	t.Helper()
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	i.key = i.publish(t, secret, id)
}

func (i *issuer) publish(t *testing.T, secret any, id string) jwk.Key {
	t.Helper()
	key, err := jwk.Import(secret)
	if err != nil {
		t.Fatal(err)
	}
	if err := key.Set(jwk.KeyIDKey, id); err != nil {
		t.Fatal(err)
	}
	public, err := key.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if err := i.public.AddKey(public); err != nil {
		t.Fatal(err)
	}
	return key
}

// document is the keys as they are shown.
func (i *issuer) document(t *testing.T) string {
	t.Helper()
	i.mu.Lock()
	defer i.mu.Unlock()
	text, err := json.Marshal(i.public)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// withdraw shows none of the keys any more.
func (i *issuer) withdraw() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.public = jwk.NewSet()
}

func (i *issuer) time() time.Time { return time.Unix(0, i.now.Load()) }

func (i *issuer) pass(d time.Duration) { i.now.Add(int64(d)) }

// claims are those of a good token of anna's, changed as change says.
func (i *issuer) claims(t *testing.T, scope string, change map[string]any) jwt.Token {
	t.Helper()
	token := jwt.New()
	for name, value := range map[string]any{
		"iss": issuerName, "aud": []string{audience, "other"}, "sub": "anna", "iat": i.time(), "nbf": i.time(),
		"exp": i.time().Add(time.Hour), "scope": scope,
	} {
		if _, changed := change[name]; changed {
			continue
		}
		if err := token.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	for name, value := range change {
		if value == nil {
			continue
		}
		if err := token.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	return token
}

func (i *issuer) sign(t *testing.T, token jwt.Token, algorithm jwa.SignatureAlgorithm, key any, header map[string]any) edit {
	t.Helper()
	headers := jws.NewHeaders()
	for name, value := range header {
		if err := headers.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	signed, err := jwt.Sign(token, jwt.WithKey(algorithm, key, jws.WithProtectedHeaders(headers)))
	if err != nil {
		t.Fatal(err)
	}
	return bearer(string(signed))
}

func (i *issuer) token(t *testing.T, scope string, change map[string]any) edit {
	t.Helper()
	return i.sign(t, i.claims(t, scope, change), jwa.ES256(), i.key, nil)
}

func newIssuerWorld(t *testing.T, with ...func(*server.Issuer)) (*world, *issuer) {
	t.Helper()
	i := newIssuer(t)
	trusted := &server.Issuer{Name: issuerName, Audience: audience, KeysURL: i.web.URL}
	for _, change := range with {
		change(trusted)
	}
	w := newWorld(t, options{server: func(c *server.Config) { c.Issuer, c.Now = trusted, i.time }})
	w.acme(t)
	return w, i
}

func TestATokenActsForItsSubject(t *testing.T) {
	w, i := newIssuerWorld(t)
	body := client.BlockRequest{Reason: "x"}
	acting := i.token(t, "openid act profile", nil)
	var answer client.ProductAnswer
	w.do(t, http.MethodPost, shopPath+"/block", body, acting).want(t, http.StatusOK).into(t, &answer)
	if got := answer.Product.Blocks[0]; got.By != "anna" || got.Origin != "administrator" {
		t.Errorf("got %+v", got)
	}
	w.do(t, http.MethodPost, shopPath+"/unblock", body, acting, as("anna")).want(t, http.StatusOK)
	w.do(t, http.MethodPost, shopPath+"/block", body, acting, as("rita")).refused(t, http.StatusBadRequest, "invalid_header")
	w.do(t, http.MethodPost, shopPath+"/block", body, acting, agent("sam")).refused(t, http.StatusBadRequest, "invalid_header")
	w.do(t, http.MethodPost, shopPath+"/block", body, i.token(t, "act", map[string]any{"sub": "carl"})).denied(t, "role_not_permitted")
	w.do(t, http.MethodPost, shopPath+"/block", body, i.token(t, "act", map[string]any{"sub": "auth0|5"})).denied(t, "not_a_member")
	w.do(t, http.MethodPost, shopPath+"/block", body, i.token(t, "support", map[string]any{"sub": "sam"})).denied(t, "role_not_permitted")
	// Without act it is provisioning, with directory.
	w.do(t, http.MethodPost, shopPath+"/block", body, i.token(t, "directory", nil)).want(t, http.StatusOK).into(t, &answer)
	if got := answer.Product.Blocks[0]; got.By != "anna" || got.Origin != "host" {
		t.Errorf("got %+v", got)
	}
	w.do(t, http.MethodPost, shopPath+"/block", body, i.token(t, "decide", nil)).refused(t, http.StatusForbidden, "insufficient_scope")
	w.do(t, http.MethodPost, shopPath+"/block", body, i.token(t, "", nil)).refused(t, http.StatusForbidden, "insufficient_scope")
	w.ask(t, "anna", "view", "product", "shop", i.token(t, "decide", nil))
}

func TestATokenMayBeLimitedToAnOrganization(t *testing.T) {
	w, i := newIssuerWorld(t, func(c *server.Issuer) { c.OrganizationClaim = "organization" })
	limited := i.token(t, "directory", map[string]any{"organization": "umbra"})
	w.do(t, http.MethodGet, "/v1/organizations/umbra", nil, limited).want(t, http.StatusOK)
	w.do(t, http.MethodGet, acmePath, nil, limited).refused(t, http.StatusForbidden, "organization_limit")
	for _, claim := range []any{nil, "", "a b", 5, []string{"acme"}, map[string]any{}} {
		p := w.do(t, http.MethodGet, acmePath, nil, i.token(t, "directory", map[string]any{"organization": claim})).
			refused(t, http.StatusUnauthorized, "unauthenticated")
		if !strings.Contains(p.Detail, "claim organization") {
			t.Errorf("%v: got detail %q", claim, p.Detail)
		}
	}
}

func TestTokensThatAreNotTrusted(t *testing.T) {
	w, i := newIssuerWorld(t)
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := jwk.Import(other)
	if err != nil {
		t.Fatal(err)
	}
	if err := stranger.Set(jwk.KeyIDKey, "one"); err != nil {
		t.Fatal(err)
	}
	public, err := i.key.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	pem, err := jwk.Pem(public)
	if err != nil {
		t.Fatal(err)
	}
	good := i.claims(t, "directory", nil)
	unsigned, err := jwt.Sign(good, jwt.WithInsecureNoSignature())
	if err != nil {
		t.Fatal(err)
	}
	cut := func(r *http.Request) {
		i.token(t, "directory", nil)(r)
		whole := r.Header.Get("Authorization")
		r.Header.Set("Authorization", whole[:strings.LastIndex(whole, ".")+1])
	}
	unknown, err := jwk.Import(other)
	if err != nil {
		t.Fatal(err)
	}
	if err := unknown.Set(jwk.KeyIDKey, "seven"); err != nil {
		t.Fatal(err)
	}
	signed := func(change map[string]any) edit { return i.token(t, "directory", change) }
	for name, test := range map[string]struct {
		token edit
		why   string
	}{
		"another issuer":        {signed(map[string]any{"iss": "https://evil.example"}), "of another issuer"},
		"no issuer":             {signed(map[string]any{"iss": nil}), "of another issuer"},
		"another audience":      {signed(map[string]any{"aud": []string{"shop"}}), "another audience"},
		"no audience":           {signed(map[string]any{"aud": nil}), "another audience"},
		"expired":               {signed(map[string]any{"exp": i.time().Add(-time.Second)}), "has expired"},
		"no expiry":             {signed(map[string]any{"exp": nil}), "when it ends"},
		"not yet":               {signed(map[string]any{"nbf": i.time().Add(time.Minute)}), "not valid yet"},
		"of tomorrow":           {signed(map[string]any{"iat": i.time().Add(time.Minute)}), "not valid yet"},
		"no subject":            {signed(map[string]any{"sub": nil}), "names nobody"},
		"empty subject":         {signed(map[string]any{"sub": ""}), "names nobody"},
		"scope of no strings":   {signed(map[string]any{"scope": []any{"directory", 5}}), "has a scope that is neither"},
		"another's key":         {i.sign(t, good, jwa.ES256(), stranger, nil), "a signature that is not its issuer's"},
		"a key nobody knows":    {i.sign(t, good, jwa.ES256(), unknown, nil), "a key that its issuer does not publish"},
		"the public key as MAC": {i.sign(t, good, jwa.HS256(), pem, map[string]any{"kid": "one"}), "an algorithm that is accepted"},
		"unsigned":              {bearer(string(unsigned)), "is not signed"},
		"signature cut off":     {cut, "is not signed"},
		"an ID token for logs":  {i.sign(t, good, jwa.ES256(), i.key, map[string]any{"typ": "logout+jwt"}), "another purpose"},
		"critical":              {i.sign(t, good, jwa.ES256(), i.key, map[string]any{"crit": []string{"exp"}, "exp": 1}), "extensions"},
		"garbage":               {bearer("a.b.c"), "is no JWT"},
		"a word":                {bearer("undefined"), "is no JWT"},
		"an algorithm of none":  {bearer("eyJhbGciOiJub25lIn0.e30.AAAA"), "an algorithm that is accepted"},
		"huge":                  {bearer(strings.Repeat("a", 9000) + ".b.c"), "longer than 8 KiB"},
	} {
		t.Run(name, func(t *testing.T) {
			got := w.do(t, http.MethodGet, acmePath, nil, test.token)
			p := got.refused(t, http.StatusUnauthorized, "unauthenticated")
			if !strings.Contains(p.Detail, test.why) {
				t.Errorf("got detail %q, want %q in it", p.Detail, test.why)
			}
			want := `Bearer realm="cordon", resource_metadata="https://cordon.example/.well-known/oauth-protected-resource", error="invalid_token", error_description="` + p.Detail + `"`
			if challenge := got.header.Get("WWW-Authenticate"); challenge != want {
				t.Errorf("got WWW-Authenticate %q, want %q", challenge, want)
			}
			if log := w.logged(); !strings.Contains(log, `"level":"INFO","msg":"request"`) ||
				!strings.Contains(log, `"cause":"`+p.Detail+`"`) || !strings.Contains(log, `"peer":"127.0.0.1"`) {
				t.Errorf("the log does not say why and to whom: %s", log)
			}
		})
	}
	if log := w.logged(); strings.Contains(log, "eyJ") {
		t.Errorf("a token is in the log: %s", log)
	}
	w.do(t, http.MethodGet, acmePath, nil, signed(nil)).want(t, http.StatusOK)
	w.do(t, http.MethodGet, acmePath, nil, i.sign(t, good, jwa.ES256(), i.key, map[string]any{"typ": "at+jwt"})).want(t, http.StatusOK)
	w.do(t, http.MethodGet, acmePath, nil, i.sign(t, good, jwa.ES256(), i.key, map[string]any{"typ": "dpop+jwt"})).want(t, http.StatusUnauthorized)
}

func TestAlgorithmsArePinned(t *testing.T) {
	i := newIssuer(t)
	secret, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	key := i.publish(t, secret, "rsa")
	w := newWorld(t, options{server: func(c *server.Config) {
		c.Issuer = &server.Issuer{Name: issuerName, Audience: audience, KeysURL: i.web.URL, Algorithms: []string{"RS256"}}
	}})
	good := i.claims(t, "directory", nil)
	w.do(t, http.MethodGet, "/v1/organizations", nil, i.sign(t, good, jwa.RS256(), key, nil)).want(t, http.StatusOK)
	w.do(t, http.MethodGet, "/v1/organizations", nil, i.sign(t, good, jwa.PS256(), key, nil)).want(t, http.StatusUnauthorized)
	w.do(t, http.MethodGet, "/v1/organizations", nil, i.sign(t, good, jwa.ES256(), i.key, nil)).want(t, http.StatusUnauthorized)
	for _, algorithm := range []string{"HS256", "none", "RS1"} {
		_, err := server.New(server.Config{Guard: w.guard, Issuer: &server.Issuer{
			Name: issuerName, Audience: audience, KeysURL: i.web.URL, Algorithms: []string{algorithm},
		}})
		if err == nil {
			t.Errorf("%s is accepted as an algorithm", algorithm)
		}
	}
	if _, err := server.New(server.Config{Guard: w.guard, Issuer: &server.Issuer{Name: issuerName, KeysURL: i.web.URL}}); err == nil {
		t.Error("an issuer without an audience is accepted")
	}
}

func TestATokenEndsWhenItSaysSo(t *testing.T) {
	w, i := newIssuerWorld(t)
	token := i.token(t, "directory", map[string]any{"exp": i.time().Add(30 * time.Second)})
	w.do(t, http.MethodGet, acmePath, nil, token).want(t, http.StatusOK)
	i.pass(31 * time.Second)
	w.do(t, http.MethodGet, acmePath, nil, token).refused(t, http.StatusUnauthorized, "unauthenticated")
}

func TestTheIssuersKeysAreFetchedAgain(t *testing.T) {
	w, i := newIssuerWorld(t)
	old := i.token(t, "directory", map[string]any{"exp": i.time().Add(100 * time.Hour)})
	for range 5 {
		w.do(t, http.MethodGet, acmePath, nil, i.token(t, "directory", map[string]any{"jti": rand.Text()})).want(t, http.StatusOK)
	}
	if got := i.fetched.Load(); got != 1 {
		t.Errorf("the keys were fetched %d times, want once", got)
	}
	// A new key is looked for, but not for everybody who invents one.
	i.rotate(t, "two")
	i.pass(time.Minute)
	w.do(t, http.MethodGet, acmePath, nil, i.token(t, "directory", nil)).want(t, http.StatusOK)
	i.rotate(t, "three")
	for range 5 {
		w.do(t, http.MethodGet, acmePath, nil, i.token(t, "directory", map[string]any{"jti": rand.Text()})).want(t, http.StatusUnauthorized)
	}
	if got := i.fetched.Load(); got != 2 {
		t.Errorf("the keys were fetched %d times, want twice", got)
	}
	// A key that is withdrawn is not trusted once the keys are fetched again.
	i.withdraw()
	i.rotate(t, "four")
	i.pass(16 * time.Minute)
	w.do(t, http.MethodGet, acmePath, nil, i.token(t, "directory", nil)).want(t, http.StatusOK)
	w.do(t, http.MethodGet, acmePath, nil, old).want(t, http.StatusUnauthorized)
	// Keys that cannot be fetched again are trusted for a while, not for ever.
	i.down.Store(true)
	i.pass(time.Hour)
	w.do(t, http.MethodGet, acmePath, nil, i.token(t, "directory", nil)).want(t, http.StatusOK)
	i.pass(25 * time.Hour)
	w.do(t, http.MethodGet, acmePath, nil, i.token(t, "directory", nil)).refused(t, http.StatusServiceUnavailable, "unavailable")
}
