package server_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jws"

	"cordon.example/client"
	"cordon/server"
)

const metadataPath = "/.well-known/authzen-configuration"

func TestTheMetadataNamesWhatThereIs(t *testing.T) {
	w := newWorld(t)
	got := w.do(t, http.MethodGet, metadataPath, nil, noKey, func(r *http.Request) { r.Host = "evil.example" }).want(t, http.StatusOK)
	want := map[string]string{
		"policy_decision_point":       "https://cordon.example",
		"access_evaluation_endpoint":  "https://cordon.example/access/v1/evaluation",
		"access_evaluations_endpoint": "https://cordon.example/access/v1/evaluations",
		"search_subject_endpoint":     "https://cordon.example/access/v1/search/subject",
		"search_resource_endpoint":    "https://cordon.example/access/v1/search/resource",
		"search_action_endpoint":      "https://cordon.example/access/v1/search/action",
	}
	var metadata map[string]string
	if err := json.Unmarshal([]byte(got.body), &metadata); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(metadata, want); diff != "" {
		t.Errorf("got, want:\n%s", diff)
	}
	if !strings.HasPrefix(got.header.Get("Cache-Control"), "max-age=") || got.header.Get("Content-Type") != "application/json" {
		t.Errorf("got %v", got.header)
	}
}

// Every address of the document is one that is served.
func TestTheMetadataIsTrue(t *testing.T) {
	w := newWorld(t)
	var metadata map[string]string
	w.do(t, http.MethodGet, metadataPath, nil, noKey).want(t, http.StatusOK).into(t, &metadata)
	for name, url := range metadata {
		if name == "policy_decision_point" {
			continue
		}
		if got := w.do(t, http.MethodPost, strings.TrimPrefix(url, "https://cordon.example"), "{}"); got.status != http.StatusBadRequest {
			t.Errorf("%s: %s answers %d", name, url, got.status)
		}
	}
}

// Without a public URL it says where it listens on the loopback, and elsewhere nothing: least of all what a request says.
func TestWithoutAnAddressThereAreNoMetadata(t *testing.T) {
	w := newWorld(t, options{server: func(c *server.Config) { c.PublicURL = "" }})
	got := w.do(t, http.MethodGet, metadataPath, nil, noKey, func(r *http.Request) { r.Host = "evil.example" })
	if p := got.refused(t, http.StatusServiceUnavailable, "unavailable"); !strings.Contains(p.Detail, "--public-url") || strings.Contains(got.body, "evil") {
		t.Errorf("got %s", got.body)
	}
	url, _ := w.running(t, func(c *server.Config) { c.PublicURL = "" })
	answer, err := w.get(url + metadataPath)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	var metadata client.Metadata
	if err := json.NewDecoder(answer.Body).Decode(&metadata); err != nil || metadata.PolicyDecisionPoint != url {
		t.Errorf("got %+v, %v", metadata, err)
	}
}

func TestTheMetadataCanBeSigned(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	inPEM := func(kind string, der []byte, err error) []byte {
		if err != nil {
			t.Fatal(err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	}
	pkcs8 := func(key any) []byte {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		return inPEM("PRIVATE KEY", der, err)
	}
	for _, test := range []struct {
		algorithm       jwa.SignatureAlgorithm
		private, public any
	}{{jwa.RS256(), rsaKey, &rsaKey.PublicKey}, {jwa.ES256(), ecKey, &ecKey.PublicKey}, {jwa.EdDSA(), edKey, public}} {
		w := newWorld(t, options{server: func(c *server.Config) { c.MetadataKey = pkcs8(test.private) }})
		var plain, signed map[string]string
		answer := w.do(t, http.MethodGet, metadataPath, nil, noKey).want(t, http.StatusOK)
		answer.into(t, &plain)
		text, err := jws.Verify([]byte(plain["signed_metadata"]), jws.WithKey(test.algorithm, test.public))
		if err != nil {
			t.Fatalf("%s: %v", test.algorithm, err)
		}
		if err := json.Unmarshal(text, &signed); err != nil {
			t.Fatal(err)
		}
		delete(plain, "signed_metadata")
		plain["iss"] = plain["policy_decision_point"]
		if diff := cmp.Diff(signed, plain); diff != "" {
			t.Errorf("%s: signed, plain:\n%s", test.algorithm, diff)
		}
		if again := w.do(t, http.MethodGet, metadataPath, nil, noKey); again.body != answer.body {
			t.Error("the document differs from one call to the next")
		}
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	for name, key := range map[string][]byte{"nonsense": []byte("nonsense"), "a public key": inPEM("PUBLIC KEY", der, err)} {
		if _, err := server.New(server.Config{Guard: newWorld(t).guard, MetadataKey: key}); err == nil || !strings.Contains(err.Error(), "private key") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// A request id comes back as it was sent, whatever becomes of the request.
func TestRequestIDsComeBackWithEveryAnswerOfAuthZEN(t *testing.T) {
	w := newWorld(t)
	const id = "a thing/of mine; \"x\" = 1"
	with := set("X-Request-ID", id)
	for _, path := range []string{single, many, searchSubject, searchResource, searchAction} {
		for status, got := range map[int]answer{
			http.StatusBadRequest:       w.do(t, http.MethodPost, path, "{", with),
			http.StatusUnauthorized:     w.do(t, http.MethodPost, path, "{}", with, noKey),
			http.StatusMethodNotAllowed: w.do(t, http.MethodGet, path, nil, with),
		} {
			if got.want(t, status).header.Get("X-Request-ID") != id {
				t.Errorf("%s, %d: got %q", path, status, got.header.Get("X-Request-ID"))
			}
		}
	}
	for status, method := range map[int]string{http.StatusOK: http.MethodGet, http.StatusMethodNotAllowed: http.MethodPost} {
		if got := w.do(t, method, metadataPath, nil, with).want(t, status); got.header.Get("X-Request-ID") != id {
			t.Errorf("metadata, %d: got %q", status, got.header.Get("X-Request-ID"))
		}
	}
}
