package server

import (
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"

	"cordon.example/client"
)

// wellKnown answers the AuthZEN metadata of a policy set (AuthZEN 1.0, 9). Its addresses come from the configuration, never
// from the Host header, which whoever asks may set.
func wellKnown(c *call) error {
	base, err := c.base()
	if err != nil {
		return err
	}
	if set := c.param("set"); set != "" {
		if err := c.server.config.Guard.KnowsSet(c.context(), set); err != nil {
			return err
		}
		base += "/p/" + set
	}
	document := client.Metadata{
		PolicyDecisionPoint:       base,
		AccessEvaluationEndpoint:  base + accessPath + "/evaluation",
		AccessEvaluationsEndpoint: base + accessPath + "/evaluations",
		SearchSubjectEndpoint:     base + accessPath + "/search/subject",
		SearchResourceEndpoint:    base + accessPath + "/search/resource",
		SearchActionEndpoint:      base + accessPath + "/search/action",
	}
	if document.SignedMetadata, err = c.server.signer.sign(document); err != nil {
		return err
	}
	c.header().Set("Cache-Control", "max-age=300")
	return c.answer(http.StatusOK, document)
}

// signer signs metadata. nil: it is not signed.
type signer struct {
	key       jwk.Key
	algorithm jwa.SignatureAlgorithm

	mu   sync.Mutex
	made map[string]string // by who decides: documents differ in nothing else
}

// newSigner reads the private key of metadata, in PEM; nil where there is none.
func newSigner(pem []byte) (*signer, error) {
	if len(pem) == 0 {
		return nil, nil
	}
	key, err := jwk.ParseKey(pem, jwk.WithPEM(true))
	if err != nil {
		return nil, fmt.Errorf("read the key of the metadata: it must be a private key in PEM: %w", err)
	}
	if private, err := jwk.IsPrivateKey(key); err != nil || !private {
		return nil, fmt.Errorf("read the key of the metadata: it must be a private key, RSA, EC or Ed25519 (a %s is none)", key.KeyType())
	}
	if err := jwk.AssignKeyID(key); err != nil {
		return nil, fmt.Errorf("name the key of the metadata: %w", err)
	}
	s := &signer{key: key, made: map[string]string{}}
	switch key := key.(type) {
	case jwk.RSAPrivateKey:
		s.algorithm = jwa.RS256()
	case jwk.ECDSAPrivateKey:
		curve, _ := key.Crv()
		s.algorithm = map[jwa.EllipticCurveAlgorithm]jwa.SignatureAlgorithm{
			jwa.P256(): jwa.ES256(), jwa.P384(): jwa.ES384(), jwa.P521(): jwa.ES512(),
		}[curve]
	default:
		s.algorithm = jwa.EdDSA()
	}
	if _, err := s.sign(client.Metadata{}); err != nil {
		return nil, fmt.Errorf("the key of the metadata is good for no signature: %w", err)
	}
	return s, nil
}

// sign returns the document as a signed token with the same members, and who decides as its issuer.
func (s *signer) sign(document client.Metadata) (string, error) {
	if s == nil {
		return "", nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if made, ok := s.made[document.PolicyDecisionPoint]; ok {
		return made, nil
	}
	claims, err := json.Marshal(struct {
		Issuer string `json:"iss"`
		client.Metadata
	}{document.PolicyDecisionPoint, document}, json.Deterministic(true))
	if err != nil {
		return "", fmt.Errorf("write metadata: %w", err)
	}
	headers := jws.NewHeaders()
	if err := headers.Set(jws.TypeKey, "JWT"); err != nil {
		return "", fmt.Errorf("sign metadata: %w", err)
	}
	signed, err := jws.Sign(claims, jws.WithKey(s.algorithm, s.key, jws.WithProtectedHeaders(headers)))
	if err != nil {
		return "", fmt.Errorf("sign metadata: %w", err)
	}
	s.made[document.PolicyDecisionPoint] = strings.TrimSpace(string(signed))
	return s.made[document.PolicyDecisionPoint], nil
}
