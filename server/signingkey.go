package server

import (
	"strings"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
)

// leastModulus is how many bytes that of an RSA key has at least (RFC 7518, 3.3): a shorter one can be found out.
const leastModulus = 2048 / 8

// fit gives the keys of a set with which a token of this key id and algorithm may be signed. The
// algorithm is pinned by us and by the key, never chosen by the token.
func fit(set jwk.Set, id string, algorithm jwa.SignatureAlgorithm) []jwk.Key {
	var keys []jwk.Key
	for i := range set.Len() {
		key, _ := set.Key(i)
		keyID, _ := key.KeyID()
		use, used := key.KeyUsage()
		named, fixed := key.Algorithm()
		if id != "" && keyID != id || used && use != "sig" || fixed && named.String() != algorithm.String() {
			continue
		}
		if signs(key, algorithm.String()) {
			keys = append(keys, key)
		}
	}
	return keys
}

// signs tells whether a key is one of the algorithm's kind (RFC 7518, 3.1; RFC 8037): a key that does
// not say what it is for must not be tried with whatever a token asks for.
func signs(key jwk.Key, algorithm string) bool {
	switch public := key.(type) {
	case jwk.RSAPublicKey:
		modulus, _ := public.N()
		return len(modulus) >= leastModulus && (strings.HasPrefix(algorithm, "RS") || strings.HasPrefix(algorithm, "PS"))
	case jwk.ECDSAPublicKey:
		curve, _ := public.Crv()
		return algorithm == map[string]string{"P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "secp256k1": "ES256K"}[curve.String()]
	case jwk.OKPPublicKey:
		return algorithm == jwa.EdDSA().String()
	}
	return false
}
