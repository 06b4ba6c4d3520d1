package server_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/lestrrat-go/jwx/v3/jwa"

	"cordon/guard"
	"cordon/server"
)

// Issuers write scopes in four ways.
func TestScopesOfATokenAreAStringOrAList(t *testing.T) {
	w, i := newIssuerWorld(t)
	for name, test := range map[string]struct {
		change map[string]any
		status int
	}{
		"scope, a string":       {map[string]any{"scope": "openid directory"}, http.StatusOK},
		"scope, a list":         {map[string]any{"scope": []string{"openid", "directory"}}, http.StatusOK},
		"scp, a string":         {map[string]any{"scope": nil, "scp": "openid directory"}, http.StatusOK},
		"scp, a list":           {map[string]any{"scope": nil, "scp": []string{"directory"}}, http.StatusOK},
		"scope before scp":      {map[string]any{"scope": "decide", "scp": "directory"}, http.StatusForbidden},
		"a list of one, spaced": {map[string]any{"scope": []string{"openid directory"}}, http.StatusForbidden},
		"none":                  {map[string]any{"scope": nil}, http.StatusForbidden},
		"empty":                 {map[string]any{"scope": []string{}}, http.StatusForbidden},
		"part of a word":        {map[string]any{"scope": "directory2 xdirectory"}, http.StatusForbidden},
		"audience, a string":    {map[string]any{"scope": "directory", "aud": audience}, http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			w.do(t, http.MethodGet, acmePath, nil, i.token(t, "", test.change)).want(t, test.status)
		})
	}
}

func TestScopesOfATokenMayHaveAPrefix(t *testing.T) {
	w, i := newIssuerWorld(t, func(c *server.Issuer) { c.ScopePrefix = "cordon." })
	w.do(t, http.MethodGet, acmePath, nil, i.token(t, "cordon.directory", nil)).want(t, http.StatusOK)
	got := w.do(t, http.MethodGet, acmePath, nil, i.token(t, "directory admin cordon.decide", nil))
	got.refused(t, http.StatusForbidden, "insufficient_scope")
	if challenge := got.header.Get("WWW-Authenticate"); !strings.Contains(challenge, `scope="cordon.directory"`) {
		t.Errorf("got WWW-Authenticate %q, want the scope as the issuer knows it", challenge)
	}
	// A key has scopes as we name them.
	got = w.do(t, http.MethodGet, acmePath, nil, w.scoped(t, "decide"))
	got.refused(t, http.StatusForbidden, "insufficient_scope")
	if challenge := got.header.Get("WWW-Authenticate"); !strings.Contains(challenge, `scope="directory"`) {
		t.Errorf("got WWW-Authenticate %q", challenge)
	}
}

// With the profile a token is one of RFC 9068, with all that belongs to it.
func TestTokensMayHaveToBeOfTheProfile(t *testing.T) {
	w, i := newIssuerWorld(t, func(c *server.Issuer) { c.Profile = true })
	token := func(kind string, change map[string]any) edit {
		all := map[string]any{"client_id": "shop", "jti": rand.Text()}
		for name, value := range change {
			all[name] = value
		}
		header := map[string]any{}
		if kind != "" {
			header["typ"] = kind
		}
		return i.sign(t, i.claims(t, "directory", all), jwa.ES256(), i.key, header)
	}
	for _, kind := range []string{"at+jwt", "AT+JWT", "application/at+jwt"} {
		w.do(t, http.MethodGet, acmePath, nil, token(kind, nil)).want(t, http.StatusOK)
	}
	for name, test := range map[string]struct {
		token edit
		why   string
	}{
		"typ JWT":           {token("JWT", nil), "another purpose"},
		"no typ":            {bearer(i.forge(t, `{"alg":"ES256","kid":"one"}`, "{}")), "another purpose"},
		"no client_id":      {token("at+jwt", map[string]any{"client_id": nil}), "lacks client_id"},
		"client_id empty":   {token("at+jwt", map[string]any{"client_id": ""}), "names no client"},
		"client_id a list":  {token("at+jwt", map[string]any{"client_id": []string{"shop"}}), "names no client"},
		"no iat":            {token("at+jwt", map[string]any{"iat": nil}), "lacks iat"},
		"no jti":            {token("at+jwt", map[string]any{"jti": nil}), "lacks jti"},
		"made for a logout": {token("logout+jwt", nil), "another purpose"},
	} {
		t.Run(name, func(t *testing.T) {
			if p := w.do(t, http.MethodGet, acmePath, nil, test.token).refused(t, http.StatusUnauthorized, "unauthenticated"); !strings.Contains(p.Detail, test.why) {
				t.Errorf("got detail %q, want %q in it", p.Detail, test.why)
			}
		})
	}
}

func TestAClockMayBeWrongByTheLeeway(t *testing.T) {
	w, i := newIssuerWorld(t, func(c *server.Issuer) { c.Leeway = 30 * time.Second })
	for by, status := range map[time.Duration]int{29 * time.Second: http.StatusOK, 31 * time.Second: http.StatusUnauthorized} {
		w.do(t, http.MethodGet, acmePath, nil, i.token(t, "directory", map[string]any{"exp": i.time().Add(-by)})).want(t, status)
		w.do(t, http.MethodGet, acmePath, nil, i.token(t, "directory", map[string]any{"nbf": i.time().Add(by), "iat": i.time().Add(by)})).want(t, status)
	}
}

// A token that is bound to a certificate is good for whoever shows that one (RFC 8705, 3).
func TestATokenMayBeBoundToACertificate(t *testing.T) {
	w, i := newIssuerWorld(t)
	web := httptest.NewUnstartedServer(w.server.Handler())
	web.TLS = &tls.Config{ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12}
	web.StartTLS()
	defer web.Close()
	mine, other := certificate(t), certificate(t)
	sum := sha256.Sum256(mine.Certificate[0])
	token := i.token(t, "directory", map[string]any{"cnf": map[string]any{"x5t#S256": base64.RawURLEncoding.EncodeToString(sum[:])}})
	for range 2 { // the second time it is known
		for name, test := range map[string]struct {
			shown  []tls.Certificate
			status int
		}{
			"mine": {[]tls.Certificate{mine}, http.StatusOK}, "another": {[]tls.Certificate{other}, http.StatusUnauthorized}, "none": {nil, http.StatusUnauthorized},
		} {
			transport := web.Client().Transport.(*http.Transport).Clone() //nolint:forcetypeassert // it is one
			transport.TLSClientConfig.Certificates = test.shown
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, web.URL+acmePath, nil)
			if err != nil {
				t.Fatal(err)
			}
			token(req)
			res, err := (&http.Client{Transport: transport}).Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			transport.CloseIdleConnections()
			if res.StatusCode != test.status {
				t.Errorf("%s: got %d, want %d", name, res.StatusCode, test.status)
			}
		}
	}
}

func certificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// What a key signed that is withdrawn ends with the next fetch of the keys, also where it was seen a moment before.
func TestATokenEndsWithItsKey(t *testing.T) {
	w, i := newIssuerWorld(t)
	token := i.token(t, "directory", map[string]any{"exp": i.time().Add(time.Hour)})
	w.do(t, http.MethodGet, acmePath, nil, token).want(t, http.StatusOK)
	i.withdraw()
	i.rotate(t, "two")
	i.pass(11 * time.Second)
	w.do(t, http.MethodGet, acmePath, nil, token).want(t, http.StatusOK) // nobody has looked
	w.do(t, http.MethodGet, acmePath, nil, i.token(t, "directory", nil)).want(t, http.StatusOK)
	w.do(t, http.MethodGet, acmePath, nil, token).refused(t, http.StatusUnauthorized, "unauthenticated")
}

func TestWhoIsRefusedFindsOutWhomToAsk(t *testing.T) {
	w, i := newIssuerWorld(t, func(c *server.Issuer) { c.ScopePrefix = "cordon." })
	var got map[string]any
	if err := json.Unmarshal([]byte(w.do(t, http.MethodGet, "/.well-known/oauth-protected-resource", nil, noKey, set("Host", "evil.example")).want(t, http.StatusOK).body), &got); err != nil {
		t.Fatal(err)
	}
	var scopes []any
	for _, scope := range guard.Scopes() {
		scopes = append(scopes, "cordon."+scope)
	}
	want := map[string]any{
		"resource": "https://cordon.example", "authorization_servers": []any{issuerName}, "scopes_supported": scopes,
		"bearer_methods_supported": []any{"header"}, "resource_name": "Cordon",
	}
	if diff := cmp.Diff(got, want); diff != "" {
		t.Error(diff)
	}
	challenge := w.do(t, http.MethodGet, acmePath, nil, noKey).want(t, http.StatusUnauthorized).header.Get("WWW-Authenticate")
	if challenge != `Bearer realm="cordon", resource_metadata="https://cordon.example/.well-known/oauth-protected-resource"` {
		t.Errorf("got WWW-Authenticate %q", challenge)
	}
	// Behind a path it is found between host and path; without an address nobody makes one up.
	for public, where := range map[string]string{"https://x.example/base/": "https://x.example/.well-known/oauth-protected-resource/base", "": ""} {
		w := newWorld(t, options{server: func(c *server.Config) {
			c.PublicURL, c.Issuer = public, &server.Issuer{Name: issuerName, Audience: audience, KeysURL: i.web.URL}
		}})
		challenge := w.do(t, http.MethodGet, acmePath, nil, noKey).want(t, http.StatusUnauthorized).header.Get("WWW-Authenticate")
		if where == "" {
			if strings.Contains(challenge, "resource_metadata") {
				t.Errorf("got WWW-Authenticate %q", challenge)
			}
			w.do(t, http.MethodGet, "/.well-known/oauth-protected-resource", nil, noKey).refused(t, http.StatusServiceUnavailable, "unavailable")
		} else if !strings.Contains(challenge, `resource_metadata="`+where+`"`) {
			t.Errorf("got WWW-Authenticate %q, want %s in it", challenge, where)
		}
	}
}
