package gateways_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jwt"
)

// issuer makes tokens of users, and shows the key that they are signed with.
type issuer struct {
	*httptest.Server
	key jwk.Key
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{}
	if i.key, err = jwk.Import(secret); err != nil {
		t.Fatal(err)
	}
	public, err := i.key.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": []jwk.Key{public}})
	}))
	t.Cleanup(i.Close)
	return i
}

// token is a header with one of a user's, made for the panel.
func (i *issuer) token(t *testing.T, user, audience string) string {
	t.Helper()
	token := jwt.New()
	for name, value := range map[string]any{
		"iss": "https://issuer.example", "aud": audience, "sub": user, "iat": time.Now().Add(-time.Minute), "exp": time.Now().Add(time.Hour),
	} {
		if err := token.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	signed, err := jwt.Sign(token, jwt.WithKey(jwa.ES256(), i.key))
	if err != nil {
		t.Fatal(err)
	}
	return "Authorization: Bearer " + string(signed)
}
